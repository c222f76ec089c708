import { describe, expect, test } from "vitest";
import { parseIpv4 } from "../../src/base/ip.js";
import { findDhcpInform, writeDhcpAck } from "../../src/wire/ip-dhcp.js";
import {
  writeEchoReply,
  writeFragmentationNeeded,
  writePacketTooBig,
} from "../../src/wire/ip-icmp.js";
import { finishChecksum, sum16, write16, write32 } from "../../src/wire/ip-octets.js";
import {
  writeNeighborAdvertisement,
  writeRouterAdvertisement,
} from "../../src/wire/ip-router-advertisement.js";
import {
  fragmentIpv4,
  ICMP,
  Ipv4Header,
  readIpv4,
  TCP,
  UDP,
  writeIpv4,
} from "../../src/wire/ipv4.js";
import { encodeFrame } from "../../src/wire/ppp/frame.js";
import { Protocol } from "../../src/wire/ppp/protocols.js";
import { needPeer } from "../peers.js";
import { complaints, inGre, TSHARK, tsharkFields } from "./foreign.js";

const PEER = parseIpv4("10.99.0.2")!;
const GATEWAY = parseIpv4("10.99.0.1")!;
const address6 = (...tail: number[]) =>
  Uint8Array.of(0xfe, 0x80, ...new Uint8Array(14 - tail.length), ...tail);
const PEER6 = address6(2);
const GATEWAY6 = address6(1);

/** A packet of the peer's: `payload` behind an IPv4 header. */
function fromPeer(
  protocol: number,
  payload: Uint8Array,
): { octets: Uint8Array; header: Ipv4Header } {
  const octets = new Uint8Array(20 + payload.length);
  octets.set(payload, 20);
  writeIpv4(octets, 0, octets.length, protocol, PEER, GATEWAY);
  const header = new Ipv4Header();
  expect(readIpv4(octets, 0, octets.length, header)).toBeUndefined();
  return { octets, header };
}

function built(write: (into: Uint8Array) => number): Uint8Array {
  // What was in a reused buffer before must not show.
  const into = new Uint8Array(2_048).fill(0xee);
  return into.slice(0, write(into));
}

function echo(): Uint8Array {
  const payload = Uint8Array.from({ length: 64 }, (_, i) => i);
  payload.set([8, 0, 0, 0, 0x12, 0x34, 0, 7]);
  write16(payload, 2, finishChecksum(sum16(payload, 0, payload.length)));
  return payload;
}

function dhcpInform(): Uint8Array {
  const message = new Uint8Array(8 + 240 + 4);
  write16(message, 0, 68);
  write16(message, 2, 67);
  write16(message, 4, message.length);
  message.set([1, 1, 6, 0, 0xde, 0xad, 0xbe, 0xef], 8);
  write32(message, 8 + 12, PEER);
  write32(message, 8 + 236, 0x63825363);
  message.set([53, 1, 8, 255], 8 + 240);
  return message;
}

function dhcpAck(into: Uint8Array): number {
  const { octets, header } = fromPeer(UDP, dhcpInform());
  return writeDhcpAck(into, octets, findDhcpInform(octets, header)!, PEER, {
    server: GATEWAY,
    subnetMask: 0xffffffff,
    dns: [GATEWAY, parseIpv4("10.99.0.9")!],
    nbns: [parseIpv4("10.99.0.8")!],
    domain: "example.org",
    routes: [{ prefix: { address: parseIpv4("192.168.7.0")!, length: 24 }, via: GATEWAY }],
  });
}

function advertisement(into: Uint8Array): number {
  return writeRouterAdvertisement(into, {
    source: GATEWAY6,
    destination: PEER6,
    prefix: Uint8Array.of(0x20, 1, 0xd, 0xb8, ...new Uint8Array(12)),
    routerLifetimeS: 1_800,
    prefixLifetimeS: 3_600,
    mtu: 1_400,
    dns: [Uint8Array.of(0x20, 1, 0xd, 0xb8, ...new Uint8Array(11), 0x53)],
  });
}

type Sample = {
  readonly name: string;
  readonly protocol: number;
  readonly packet: Uint8Array;
  readonly shown: Readonly<Record<string, string>>;
};

/** A TCP segment without options: 0x50 is its data offset, ACK its only flag. */
const segment = fromPeer(TCP, new Uint8Array(1_400).fill(1).fill(0x50, 12, 13).fill(0x10, 13, 14));
const packet6 = new Uint8Array(1_500).fill(0x11);
packet6.set([0x60, 0, 0, 0, 0x05, 0xb4, 17, 64]);
packet6.set(PEER6, 8);
packet6.set(GATEWAY6, 24);

const samples: Sample[] = [
  {
    name: "Echo Reply",
    protocol: Protocol.ipv4,
    packet: built((into) => {
      const { octets, header } = fromPeer(ICMP, echo());
      return writeEchoReply(into, octets, header);
    }),
    shown: { "icmp.type": "0", "icmp.checksum.status": "1", "icmp.ident": "4660" },
  },
  {
    name: "fragmentation needed",
    protocol: Protocol.ipv4,
    packet: built((into) =>
      writeFragmentationNeeded(into, segment.octets, segment.header, GATEWAY, 1_280),
    ),
    shown: {
      "icmp.type": "3",
      "icmp.code": "4",
      "icmp.mtu": "1280",
      "icmp.checksum.status": "1",
    },
  },
  {
    name: "Packet Too Big",
    protocol: Protocol.ipv6,
    packet: built((into) => writePacketTooBig(into, packet6, 0, packet6.length, GATEWAY6, 1_280)),
    shown: { "icmpv6.type": "2", "icmpv6.mtu": "1280", "icmpv6.checksum.status": "1" },
  },
  {
    name: "Router Advertisement",
    protocol: Protocol.ipv6,
    packet: built(advertisement),
    shown: {
      "icmpv6.type": "134",
      "icmpv6.checksum.status": "1",
      "ipv6.hlim": "255",
      "icmpv6.nd.ra.router_lifetime": "1800",
      "icmpv6.opt.prefix": "2001:db8::",
      "icmpv6.opt.prefix.length": "64",
      "icmpv6.opt.mtu": "1400",
      "icmpv6.opt.rdnss": "2001:db8::53",
    },
  },
  {
    name: "Neighbor Advertisement",
    protocol: Protocol.ipv6,
    packet: built((into) => writeNeighborAdvertisement(into, GATEWAY6, PEER6)),
    shown: {
      "icmpv6.type": "136",
      "icmpv6.checksum.status": "1",
      "ipv6.hlim": "255",
      "icmpv6.nd.na.target_address": "fe80::1",
    },
  },
  {
    name: "DHCPACK to a DHCPINFORM",
    protocol: Protocol.ipv4,
    packet: built(dhcpAck),
    shown: {
      "udp.checksum.status": "1",
      "dhcp.id": "0xdeadbeef",
      "dhcp.option.dhcp": "5",
      "dhcp.option.dhcp_server_id": "10.99.0.1",
      "dhcp.option.domain_name": "example.org",
      "dhcp.option.domain_name_server": "10.99.0.1,10.99.0.9",
      "dhcp.option.netbios_over_tcpip_name_server": "10.99.0.8",
    },
  },
];

const fragments: Uint8Array[] = [];
const scratch = new Uint8Array(2_048);
fragmentIpv4(segment.octets, segment.header, 600, scratch, (length) => {
  fragments.push(scratch.slice(0, length));
});

function carried(protocol: number, packet: Uint8Array, sequence: number): Uint8Array {
  return inGre(encodeFrame(protocol, packet), { callId: 7, sequence, acknowledgment: undefined });
}
const packets = samples.map(({ protocol, packet }, at) => carried(protocol, packet, at));

describe.runIf(needPeer(TSHARK.commands, TSHARK.aptPackages))(
  "tshark reads what the gateway answers inside a session",
  () => {
    test("without a complaint", () => {
      const named = complaints(packets).map(({ packet, what }) => [samples[packet]!.name, what]);
      expect(named).toEqual([]);
    });

    test("with right checksums and the fields we meant", () => {
      const names = [...new Set(samples.flatMap(({ shown }) => Object.keys(shown)))];
      const theirs = tsharkFields(packets, names);
      samples.forEach(({ name, shown }, at) => {
        const fields = Object.keys(shown).map((field) => [field, theirs[at]![field]]);
        expect([name, Object.fromEntries(fields)]).toEqual([name, shown]);
      });
    });

    test("fragments: in order, each header right, together the whole", () => {
      const inner = fragments.map((packet, at) => carried(Protocol.ipv4, packet, at));
      const names = [
        "ip.frag_offset",
        "ip.flags.mf",
        "ip.checksum.status",
        "ip.reassembled.length",
      ];
      const theirs = tsharkFields(inner, names).map((fields) => {
        return names.map((name) => fields[name]!.split(",").at(-1));
      });
      expect(theirs).toEqual([
        ["0", "1", "1", ""],
        ["72", "1", "1", ""],
        ["144", "0", "1", "1400"],
      ]);
    });

    test("caught: a wrong checksum", () => {
      const wrong = packets[0]!.slice();
      wrong[wrong.length - 1]! ^= 1;
      expect(tsharkFields([wrong], ["icmp.checksum.status"])).toEqual([
        { "icmp.checksum.status": "0" },
      ]);
    });
  },
);
