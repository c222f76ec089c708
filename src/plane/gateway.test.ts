import { describe, expect, test } from "vitest";
import { dhcpInform } from "../../test/plane/dhcp.js";
import {
  Bench,
  CLIENT,
  echo,
  FLOW,
  GATEWAY,
  installClient,
  installServer,
  LEASED,
  OUTSIDE,
  packet6,
  SERVER,
  type Setting,
  udp,
} from "../../test/plane/pair.js";
import { parseIpv4 } from "../base/ip.js";
import { plane as limits } from "../limits.js";
import { write16 } from "../wire/ip-octets.js";
import { ICMP, TCP, writeIpv4Checksum } from "../wire/ipv4.js";
import { ALL_NODES, ICMPV6, upperChecksum6 } from "../wire/ipv6.js";
import type { DropReason } from "./drop-reason.js";

const ip = (text: string) => parseIpv4(text)!;
const OTHER = ip("10.99.0.3");
const BEHIND = ip("192.168.7.20");

/** A server with two sessions, the first with a network behind it, and the first one's client. */
function gateway(terms: Setting["terms"] = {}) {
  const server = new Bench();
  const client = new Bench();
  installServer(server, { terms: { dns: [GATEWAY], domain: "corp.example", ...terms } });
  installClient(client);
  const routes = [{ address: ip("192.168.7.0"), length: 24 }];
  for (const bench of [server, client]) {
    bench.command({ kind: "Network4", flow: FLOW, network: { address: LEASED, routes } });
  }
  const second = { slot: 1, generation: 1 };
  server.command({
    kind: "Install",
    flow: second,
    localAddress: SERVER,
    peerAddress: ip("198.18.1.3"),
    callId: 9,
    peersCallId: 9,
    peersWindow: 64,
    peersProcessingDelay: 0,
    end: "gateway",
    encryptionRequired: false,
  });
  server.command({ kind: "Network4", flow: second, network: { address: OTHER, routes: [] } });
  server.events.length = 0;
  return {
    server,
    client,
    /** What the client's host sends, and what came of it: the reason it was dropped, `tun` or `answered`. */
    send(packet: Uint8Array): DropReason | "tun" | "answered" {
      client.packet(packet);
      const before = { tun: server.tun.length, gre: server.gre.length };
      for (const datagram of client.gre.splice(0)) server.datagram(datagram);
      if (server.tun.length > before.tun) return "tun";
      if (server.gre.length > before.gre) return "answered";
      server.pass(1_000);
      const drops = server.of("Counters").at(-1)?.drops ?? {};
      server.events.length = 0;
      return Object.keys(drops)[0] as DropReason;
    },
    /** What the client's host gets. */
    received(): Uint8Array[] {
      for (const datagram of server.gre.splice(0)) client.datagram(datagram);
      return client.tun.splice(0);
    },
  };
}

function changed(packet: Uint8Array, at: number, value: number): Uint8Array {
  packet[at] = value;
  writeIpv4Checksum(packet, 0);
  return packet;
}

describe("an IPv4 packet of a session", () => {
  const cases: [string, Uint8Array, DropReason | "tun" | "answered", Setting["terms"]?][] = [
    ["from the leased address to the outside", udp(LEASED, OUTSIDE), "tun"],
    ["from a network behind it", udp(BEHIND, OUTSIDE), "tun"],
    ["from another session's address", udp(OTHER, OUTSIDE), "source-refused"],
    ["from the gateway's address", udp(GATEWAY, OUTSIDE), "source-refused"],
    ["from anywhere else", udp(OUTSIDE, LEASED), "source-refused"],
    ["to the server's end of the tunnel", udp(LEASED, SERVER), "tunnel-endpoint"],
    ["to its own end of the tunnel", udp(LEASED, CLIENT), "tunnel-endpoint"],
    [
      "to the server's end of the tunnel, hosts reachable",
      udp(LEASED, SERVER),
      "tunnel-endpoint",
      { reachHost: true },
    ],
    ["to the broadcast address", udp(LEASED, 0xffffffff), "broadcast"],
    ["to a multicast group", udp(LEASED, ip("224.0.0.251")), "broadcast"],
    ["to class E", udp(LEASED, ip("240.0.0.1")), "broadcast"],
    ["to loopback", udp(LEASED, ip("127.0.0.1")), "destination-refused"],
    ["to 0.0.0.0", udp(LEASED, 0), "destination-refused"],
    ["to itself", udp(LEASED, LEASED), "destination-refused"],
    ["to another session", udp(LEASED, OTHER), "client-to-client"],
    ["to another session, allowed", udp(LEASED, OTHER), "tun", { clientToClient: true }],
    ["DNS to the gateway", udp(LEASED, GATEWAY, 0, 60, 53), "tun"],
    ["DNS over TCP to the gateway", changed(udp(LEASED, GATEWAY, 0, 60, 53), 9, TCP), "tun"],
    ["SSH to the gateway", changed(udp(LEASED, GATEWAY, 0, 60, 22), 9, TCP), "host-refused"],
    ["a later fragment to the gateway", changed(udp(LEASED, GATEWAY), 7, 9), "host-refused"],
    ["anything to the gateway, allowed", udp(LEASED, GATEWAY), "tun", { reachHost: true }],
    [
      "DNS to another address of this host",
      udp(LEASED, ip("192.0.2.1"), 0, 60, 53),
      "host-refused",
      { hostAddresses: [ip("192.0.2.1")] },
    ],
    ["an Echo to the gateway", echo(LEASED, GATEWAY), "answered"],
    ["an Echo-Reply to the gateway", changed(echo(LEASED, GATEWAY), 20, 0), "tun"],
    ["a Timestamp to the gateway", changed(echo(LEASED, GATEWAY), 20, 13), "host-refused"],
  ];
  for (const [name, packet, expected, terms] of cases) {
    test(`${name}: ${expected}`, () => expect(gateway(terms).send(packet)).toBe(expected));
  }

  test("a wrong header checksum inside", () => {
    const packet = udp(LEASED, OUTSIDE);
    packet[10]! ^= 1;
    expect(gateway().send(packet)).toBe("ip-checksum");
  });

  test("padding after it stays behind", () => {
    const { send, server, client } = gateway();
    const packet = udp(LEASED, OUTSIDE, 0, 60);
    const frame = new Uint8Array(1 + 70);
    frame[0] = 0x21;
    frame.set(packet, 1);
    client.command({ kind: "Send", flow: FLOW, frame });
    expect(send(udp(LEASED, OUTSIDE, 1, 60))).toBe("tun");
    expect(server.tun.map((written) => written.length)).toEqual([60, 60]);
  });
});

describe("what our end answers", () => {
  test("an Echo to the gateway, with its Echo-Reply", () => {
    const { send, received } = gateway();
    send(echo(LEASED, GATEWAY));
    const [reply] = received();
    expect(reply![20]).toBe(0);
    expect([...reply!.subarray(12, 20)]).toEqual([10, 99, 0, 1, 10, 99, 0, 2]);
  });

  test("a DHCPINFORM to everyone or to the gateway, with a DHCPACK", () => {
    for (const destination of [0xffffffff, GATEWAY]) {
      const { send, received } = gateway();
      expect(send(dhcpInform(LEASED, { destination }))).toBe("answered");
      const [ack] = received();
      expect(new TextDecoder("latin1").decode(ack)).toContain("corp.example");
    }
  });

  test("no other DHCP message, and none from an address behind the client", () => {
    expect(gateway().send(dhcpInform(LEASED, { type: 3 }))).toBe("dhcp-not-inform");
    expect(gateway().send(dhcpInform(BEHIND))).toBe("source-refused");
  });

  test("at most ten a second for a session", () => {
    const { client, server } = gateway();
    for (let i = 0; i < 100; i++) client.packet(echo(LEASED, GATEWAY));
    for (const datagram of client.gre.splice(0)) server.datagram(datagram);
    expect(server.gre).toHaveLength(limits.answersPerSecondMax);
    expect(server.engine.dropped("answer-rate")).toBe(100 - limits.answersPerSecondMax);
  });
});

const local = (n: number) => Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, n);
const global = (net: number, host: number) =>
  Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, net, 0, 0, 0, 0, 0, 0, 0, host);
const ALL_ROUTERS = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);
const UNSPECIFIED = new Uint8Array(16);

/** An ICMPv6 message of `type` with a right checksum. */
function icmp6(type: number, source: Uint8Array, destination: Uint8Array, target?: Uint8Array) {
  const packet = packet6(source, destination, ICMPV6, target === undefined ? 8 : 24, 255);
  packet[40] = type;
  if (target !== undefined) packet.set(target, 48);
  write16(packet, 42, upperChecksum6(packet, 0, 40, packet.length, ICMPV6));
  return packet;
}

function gateway6(terms: Setting["terms"] = {}) {
  const both = gateway({ dns6: [global(0xff, 0x53)], ...terms });
  const network = { linkLocal: local(2), ourLinkLocal: local(1), prefix: global(1, 0) };
  both.server.command({ kind: "Network6", flow: FLOW, network });
  both.server.command({
    kind: "Network6",
    flow: { slot: 1, generation: 1 },
    network: { linkLocal: local(3), ourLinkLocal: local(1), prefix: global(2, 0) },
  });
  both.client.command({ kind: "Network6", flow: FLOW, network });
  return both;
}

describe("an IPv6 packet of a session", () => {
  const cases: [string, Uint8Array, DropReason | "tun" | "answered", Setting["terms"]?][] = [
    ["from the leased /64 to the outside", packet6(global(1, 9), global(9, 9)), "tun"],
    ["from another /64", packet6(global(2, 9), global(9, 9)), "source-refused"],
    [
      "from the link-local address to the outside",
      packet6(local(2), global(9, 9)),
      "source-refused",
    ],
    ["from another link-local address", packet6(local(7), global(9, 9)), "source-refused"],
    ["to another session", packet6(global(1, 9), global(2, 9)), "client-to-client"],
    [
      "to another session, allowed",
      packet6(global(1, 9), global(2, 9)),
      "tun",
      { clientToClient: true },
    ],
    ["to another session's link-local address", packet6(local(2), local(3)), "client-to-client"],
    ["to our link-local address", packet6(local(2), local(1)), "host-refused"],
    [
      "to another address of this host",
      packet6(global(1, 9), global(9, 9)),
      "host-refused",
      { hostAddresses6: [global(9, 9)] },
    ],
    [
      "to this host's name server",
      packet6(global(1, 9), global(0xff, 0x53)),
      "tun",
      { hostAddresses6: [global(0xff, 0x53)] },
    ],
    ["to its own /64", packet6(global(1, 9), global(1, 8)), "destination-refused"],
    ["to loopback", packet6(global(1, 9), UNSPECIFIED), "destination-refused"],
    ["to all nodes", packet6(local(2), ALL_NODES), "broadcast"],
    ["duplicate address detection", packet6(UNSPECIFIED, ALL_NODES), "broadcast"],
    ["a Router Advertisement of its own", icmp6(134, local(2), ALL_NODES), "broadcast"],
    ["a Router Solicitation", icmp6(133, local(2), ALL_ROUTERS), "answered"],
    ["a Router Solicitation from nowhere", icmp6(133, UNSPECIFIED, ALL_ROUTERS), "answered"],
    ["a Router Solicitation of another's", icmp6(133, local(3), ALL_ROUTERS), "source-refused"],
    ["a Neighbor Solicitation for us", icmp6(135, local(2), local(1), local(1)), "answered"],
    [
      "a Neighbor Solicitation for another",
      icmp6(135, local(2), local(3), local(3)),
      "client-to-client",
    ],
  ];
  for (const [name, packet, expected, terms] of cases) {
    test(`${name}: ${expected}`, () => {
      const both = gateway6(terms);
      both.server.gre.length = 0;
      expect(both.send(packet)).toBe(expected);
    });
  }

  test("a Router Solicitation that was forwarded (hop limit 254): not answered", () => {
    const both = gateway6();
    both.server.gre.length = 0;
    const packet = icmp6(133, local(2), ALL_ROUTERS);
    packet[7] = 254;
    expect(both.send(packet)).toBe("broadcast");
  });

  test("opening tells the prefix and the name server at once, and again every ten minutes", () => {
    const { received, server } = gateway6();
    const [told] = received();
    expect(told![40]).toBe(134);
    expect(told!.subarray(72, 80)).toEqual(global(1, 0).subarray(0, 8));
    expect(told!.slice(-16)).toEqual(global(0xff, 0x53));
    expect(upperChecksum6(told!, 0, 40, told!.length, ICMPV6)).toBe(0);
    server.pass(limits.advertiseEveryMs);
    const [, repeated] = [0, ...received()];
    expect(repeated).toEqual(told);
  });

  test("closed: nothing passes, nothing is advertised any more", () => {
    const { send, server } = gateway6();
    server.command({ kind: "Network6", flow: FLOW, network: undefined });
    server.gre.length = 0;
    expect(send(packet6(global(1, 9), global(9, 9)))).toBe("network-closed");
    server.pass(3 * limits.advertiseEveryMs);
    const advertised = server.gre.filter((datagram) => datagram[25] !== 0 && datagram.length > 80);
    expect(advertised.every((datagram) => datagram[27] === 9)).toBe(true);
  });
});

describe("a client's end", () => {
  test("takes what is for its address or its network, and nothing that claims to be itself", () => {
    const client = new Bench();
    installClient(client);
    const server = new Bench();
    installServer(server);
    server.command({
      kind: "Network4",
      flow: FLOW,
      network: { address: LEASED, routes: [{ address: 0, length: 0 }] },
    });
    for (const packet of [
      udp(OUTSIDE, LEASED),
      udp(OUTSIDE, OTHER),
      udp(LEASED, LEASED),
      changed(echo(GATEWAY, LEASED), 9, ICMP),
    ]) {
      server.packet(packet);
    }
    for (const datagram of server.gre) client.datagram(datagram);
    expect(client.tun).toHaveLength(2);
    expect(client.engine.dropped("destination-refused")).toBe(1);
    expect(client.engine.dropped("source-refused")).toBe(1);
  });

  test("a second session on the same TUN is refused", () => {
    const client = new Bench();
    installClient(client);
    client.command({
      kind: "Install",
      flow: { slot: 1, generation: 1 },
      localAddress: CLIENT,
      peerAddress: SERVER,
      callId: 5,
      peersCallId: 5,
      peersWindow: 64,
      peersProcessingDelay: 0,
      end: "host",
      encryptionRequired: false,
    });
    expect(client.of("InstallRefused")[0]?.why).toBe("this TUN has its session");
  });
});
