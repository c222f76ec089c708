// IPCP and IPV6CP in both roles, against a peer written packet by packet.
import { describe, expect, test } from "vitest";
import { toHex } from "../../src/base/hex.js";
import type { MppeBits, PppPolicy } from "../../src/core/ppp/ports.js";
import { CcpOption } from "../../src/wire/ppp/ccp.js";
import { IpcpOption } from "../../src/wire/ppp/ipcp.js";
import { encodeAuthenticationProtocol, LcpCode } from "../../src/wire/ppp/lcp.js";
import { type ConfigurationOption, optionUint32 } from "../../src/wire/ppp/options.js";
import { Protocol } from "../../src/wire/ppp/protocols.js";
import { Scripted } from "./scripted.js";

const { ccp, ipcp, ipv6cp, lcp } = Protocol;
const _mppe = (bits: number) => optionUint32(CcpOption.microsoft, bits);
const _H = 0x01000000;
const _encryption = (
  bits: readonly MppeBits[],
  more: Partial<PppPolicy["encryption"]> = {},
): Partial<PppPolicy> => ({ encryption: { require: true, bits, stateful: false, ...more } });
const said = (peer: Scripted, protocol: number) => {
  const { code, data } = peer.last(protocol);
  return `${code} ${toHex(data)}`;
};
const address = (value: number) => optionUint32(IpcpOption.ipAddress, value);

describe("IPCP, the end that gives", () => {
  const given = {
    ipv4: {
      ours: 0x0a000001,
      peers: 0x0a000005,
      dns: [0x08080808, 0x09090909],
      nbns: [0x0a0a0a0a],
    },
    ipv6: undefined,
  };
  const open = () => new Scripted("authenticator").authenticate().openCcp().addresses(given);
  const zero = (type: number) => optionUint32(type, 0);
  const cases: [string, ConfigurationOption[], string][] = [
    ["0.0.0.0", [address(0)], "3 03060a000005"],
    ["another address", [address(0x0a000006)], "3 03060a000005"],
    ["our own address", [address(0x0a000001)], "3 03060a000005"],
    ["the leased one", [address(0x0a000005)], "2 03060a000005"],
    ["none", [], "3 03060a000005"],
    ["a wrong length", [{ type: 3, data: new Uint8Array(3) }], "3 03060a000005"],
    [
      "VJ compression (Android, pppd)",
      [{ type: 2, data: Uint8Array.of(0, 0x2d, 0x0f, 1) }, address(0)],
      "4 0206002d0f01",
    ],
    ["IP-Addresses, deprecated", [{ type: 1, data: new Uint8Array(8) }], "4 010a0000000000000000"],
    [
      "Windows: address and four servers",
      [address(0), zero(129), zero(130), zero(131), zero(132)],
      "4 840600000000",
    ],
    [
      "then without the one there is none of",
      [address(0), zero(129), zero(130), zero(131)],
      "3 03060a000005810608080808" + "82060a0a0a0a" + "830609090909",
    ],
    [
      "a server of the peer's own choice",
      [address(0x0a000005), optionUint32(129, 1)],
      "3 810608080808",
    ],
    [
      "the servers given",
      [address(0x0a000005), optionUint32(129, 0x08080808)],
      "2 03060a000005810608080808",
    ],
    ["the address twice", [address(0x0a000005), address(0x0a000006)], "4 03060a000006"],
    ["an unknown option", [{ type: 144, data: new Uint8Array(4) }, address(0)], "4 900600000000"],
  ];
  test.each(cases)("%s", (_what, options, expected) => {
    expect(said(open().request(ipcp, options), ipcp)).toBe(expected);
  });

  test("only the leased address ever comes up, whatever is nak'ed to us", () => {
    const peer = open();
    peer.answer(ipcp, LcpCode.configureNak, [address(0x01020304)]);
    expect(said(peer, ipcp)).toBe("1 03060a000001");
    peer.ack(ipcp).request(ipcp, [address(0x0a000005)]);
    expect(peer.end.last("Ipv4Up")).toMatchObject({ ours: 0x0a000001, peers: 0x0a000005 });
  });

  test("a peer that insists on its own address gets none: network-refused", () => {
    const peer = open();
    for (let i = 0; i < 6; i++) peer.request(ipcp, [address(1)]);
    expect(peer.last(ipcp).code).toBe(LcpCode.configureReject);
    peer.request(ipcp, []);
    expect(peer.wait(60_000).end.ended).toBe("network-refused");
    expect(peer.end.all("Ipv4Up")).toEqual([]);
  });

  test("our address rejected: it goes without telling it", () => {
    const peer = open();
    peer.answer(ipcp, LcpCode.configureReject, peer.options(peer.last(ipcp)));
    expect(said(peer, ipcp)).toBe("1 ");
    peer.ack(ipcp).request(ipcp, [address(0x0a000005)]);
    expect(peer.end.ipv4).toBe(true);
  });

  test("an answer about addresses that comes late, or twice, is dropped", () => {
    const peer = new Scripted("authenticator").authenticate().openCcp();
    const { generation } = peer.end.last("AddressesAsked")!;
    peer.act((session) => session.handleAddresses(generation - 1, given, peer.now));
    expect(peer.sent(ipcp)).toEqual([]);
    peer.addresses(given).addresses(given);
    expect(peer.count("stale-addresses")).toBe(2);
  });

  test("no answer about addresses in time: address-unavailable", () => {
    const peer = new Scripted("authenticator").authenticate().openCcp().wait(30_000);
    expect(peer.wait(10_000).end.ended).toBe("address-unavailable");
  });

  test("IPCP terminated by the peer, and nothing else there: network-refused", () => {
    const peer = new Scripted("authenticator").openAll().packet(ipcp, LcpCode.terminateRequest, 1);
    peer.doubted();
    expect(peer.end.ipv4).toBe(false);
    expect(peer.wait(20_000).end.ended).toBe("network-refused");
  });

  test("the timer of the phase is gone once everything is up", () => {
    expect(new Scripted("authenticator").openAll().end.session.pollTimeout()).toBeUndefined();
  });

  test("IPV6CP without a prefix for it: Protocol-Reject", () => {
    const peer = open().request(ipv6cp, [{ type: 1, data: new Uint8Array(8).fill(2) }]);
    expect(peer.last(lcp).code).toBe(LcpCode.protocolReject);
    expect(toHex(peer.last(lcp).data.subarray(0, 2))).toBe("8057");
  });
});

describe("IPCP, the end that takes", () => {
  const open = () => {
    const policy = {
      authentication: ["pap" as const],
      encryption: { require: false, bits: [], stateful: false },
    };
    const peer = new Scripted("peer", policy);
    peer.openLcp([encodeAuthenticationProtocol("pap")]);
    return peer.packet(Protocol.pap, 2, peer.last(Protocol.pap).identifier, Uint8Array.of(0));
  };
  const nak = (...options: ConfigurationOption[]) => open().answer(ipcp, 3, options);

  test("asks for an address and four servers, takes what it is given", () => {
    const peer = open();
    expect(said(peer, ipcp)).toBe(
      "1 " + "030600000000810600000000820600000000830600000000840600000000",
    );
    peer.answer(ipcp, LcpCode.configureReject, [optionUint32(130, 0), optionUint32(132, 0)]);
    peer.answer(ipcp, LcpCode.configureNak, [
      address(0x0a000005),
      optionUint32(129, 0x08080808),
      optionUint32(131, 0x09090909),
    ]);
    expect(said(peer, ipcp)).toBe("1 03060a000005" + "810608080808" + "830609090909");
    peer.ack(ipcp).request(ipcp, [address(0x0a000001)]);
    expect(peer.end.last("Ipv4Up")).toEqual({
      kind: "Ipv4Up",
      ours: 0x0a000005,
      peers: 0x0a000001,
      dns: [0x08080808, 0x09090909],
      nbns: [],
    });
  });

  test.each([
    ["0.0.0.0", 0],
    ["loopback", 0x7f000001],
    ["multicast", 0xe0000001],
    ["broadcast", 0xffffffff],
  ])("%s is no address to take", (_what, value) => {
    const peer = nak(address(value));
    expect(said(peer, ipcp).slice(0, 14)).toBe("1 030600000000");
    peer.ack(ipcp).request(ipcp, [address(0x0a000001)]);
    expect(peer.end.ipv4).toBe(false);
  });

  test("refused an address: network-refused", () => {
    const peer = open();
    peer.answer(ipcp, LcpCode.configureReject, [address(0)]);
    expect(peer.wait(60_000).end.ended).toBe("network-refused");
  });

  test("a server that asks for an address of us, or name servers: rejected", () => {
    const peer = open().request(ipcp, [address(0), optionUint32(129, 0)]);
    expect(said(peer, ipcp)).toBe("4 030600000000810600000000");
  });
});

describe("IPV6CP", () => {
  const id = (octets: Uint8Array): ConfigurationOption => ({ type: 1, data: octets });
  const open = () =>
    new Scripted("authenticator", { ipv6: true }).authenticate().openCcp().addresses();
  const ours = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1);
  const suggested = "010a0000000000000002";
  const cases: [string, ConfigurationOption[], string][] = [
    ["one of its own", [id(new Uint8Array(8).fill(9))], "2 010a0909090909090909"],
    ["zero", [id(new Uint8Array(8))], `3 ${suggested}`],
    ["the same as ours", [id(ours)], `3 ${suggested}`],
    ["none", [], `3 ${suggested}`],
    ["seven octets", [id(new Uint8Array(7))], `3 ${suggested}`],
    [
      "two",
      [id(new Uint8Array(8).fill(9)), id(new Uint8Array(8).fill(8))],
      "4 010a0808080808080808",
    ],
    ["compression", [{ type: 2, data: Uint8Array.of(0, 0x4f) }], "4 0204004f"],
  ];
  test.each(cases)("%s", (_what, options, expected) => {
    expect(said(open().request(ipv6cp, options), ipv6cp)).toBe(expected);
  });

  test("ours nak'ed: the hint if it is one, otherwise a fresh one with its u-bit 0", () => {
    const peer = open();
    peer.answer(ipv6cp, 3, [id(new Uint8Array(8).fill(4))]);
    expect(said(peer, ipv6cp)).toBe("1 010a0404040404040404");
    peer.answer(ipv6cp, 3, [id(new Uint8Array(8))]);
    const fresh = peer.last(ipv6cp).data.slice(2);
    expect(fresh.some((octet) => octet !== 0)).toBe(true);
    expect(fresh[0]! & 2).toBe(0);
  });

  test("IPv4 refused, IPv6 up: a session", () => {
    const peer = open();
    peer.packet(lcp, LcpCode.protocolReject, 1, Uint8Array.of(0x80, 0x21, 1, 1, 0, 4));
    peer
      .request(ipv6cp, [id(new Uint8Array(8).fill(9))])
      .ack(ipv6cp)
      .wait(60_000);
    expect([peer.end.ended, peer.end.ipv6, peer.end.ipv4]).toEqual([undefined, true, false]);
  });
});

describe("in a session that is up, nothing forged ends it", () => {
  test("junk of every protocol and code, a thousand of each", () => {
    const peer = new Scripted("authenticator", { ipv6: true }).openAll();
    peer.request(ipv6cp, [{ type: 1, data: new Uint8Array(8).fill(9) }]).ack(ipv6cp);
    const before = peer.end.outputs.length;
    const codes = [0, 2, 3, 4, 6, 9, 10, 11, 12, 13, 14, 15, 16, 255];
    for (let i = 0; i < 1_000; i++) {
      for (const protocol of [Protocol.chap, ipcp, ipv6cp, ccp, 0x0021, 0x00fd, 0x8029, 0x4001]) {
        const code = codes[i % codes.length]!;
        // Terminate-Ack without a question is the RFC's way to say "I am not there": see below.
        if (code === LcpCode.terminateAck) continue;
        peer.packet(protocol, code, i & 255, new Uint8Array(i % 40));
      }
    }
    const kinds = peer.end.outputs.slice(before).map(({ kind }) => kind);
    expect(kinds).toEqual([]);
    expect(peer.end.session.snapshot()).toMatchObject({ phase: "network", lcp: "Opened" });
    expect(peer.end.session.pollTimeout()).toBeUndefined();
    // One Code-Reject or Protocol-Reject a second at most, all protocols together; no time passed.
    const rejects = peer.end.sent.filter(({ information }) => [7, 8].includes(information[0]!));
    expect(rejects.length).toBeLessThanOrEqual(1);
  });
});
