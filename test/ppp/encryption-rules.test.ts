// CCP and MPPE: what is agreed on, what comes before what, and how its absence ends a session.
import { describe, expect, test } from "vitest";
import { toHex } from "../../src/base/hex.js";
import type { MppeBits, PppPolicy } from "../../src/core/ppp/ports.js";
import { ppp } from "../../src/limits.js";
import { CcpCode, CcpOption } from "../../src/wire/ppp/ccp.js";
import { IpcpOption } from "../../src/wire/ppp/ipcp.js";
import { LcpCode } from "../../src/wire/ppp/lcp.js";
import { type ConfigurationOption, optionUint32 } from "../../src/wire/ppp/options.js";
import { Protocol } from "../../src/wire/ppp/protocols.js";
import { ADDRESSES } from "./pair.js";
import { Scripted } from "./scripted.js";

const { ccp, ipcp, lcp } = Protocol;
const mppe = (bits: number) => optionUint32(CcpOption.microsoft, bits);
const H = 0x01000000;
const encryption = (
  bits: readonly MppeBits[],
  more: Partial<PppPolicy["encryption"]> = {},
): Partial<PppPolicy> => ({ encryption: { require: true, bits, stateful: false, ...more } });
const said = (peer: Scripted, protocol: number) => {
  const { code, data } = peer.last(protocol);
  return `${code} ${toHex(data)}`;
};
const address = (value: number) => optionUint32(IpcpOption.ipAddress, value);

describe("CCP: what we say to the peer's option", () => {
  const cases: [string, Partial<PppPolicy>, ConfigurationOption[], string][] = [
    ["exactly what is allowed", encryption([128]), [mppe(H | 0x40)], "2 120601000040"],
    ["Windows offers all, with MPPC", encryption([128]), [mppe(H | 0xe1)], "3 120601000040"],
    ["MPPC alone", encryption([128]), [mppe(0x01)], "3 120601000040"],
    ["D, obsolete, never", encryption([128]), [mppe(H | 0x50)], "3 120601000040"],
    ["a bit without a meaning", encryption([128]), [mppe(H | 0x40 | 0x02)], "3 120601000040"],
    ["stateful where it is not allowed", encryption([128]), [mppe(0x40)], "3 120601000040"],
    ["two strengths", encryption([40, 56, 128]), [mppe(H | 0x60)], "3 120601000040"],
    [
      "the weaker one where that is all it has",
      encryption([40, 128]),
      [mppe(H | 0x20)],
      "2 120601000020",
    ],
    ["56 where 128 is not allowed", encryption([40, 56]), [mppe(H | 0xe0)], "3 120601000080"],
    ["nothing in common", encryption([128]), [mppe(H | 0x20)], "3 120601000040"],
    ["no strength at all", encryption([128]), [mppe(H)], "3 120601000040"],
    ["no option at all", encryption([128]), [], "3 120601000040"],
    [
      "a wrong length",
      encryption([128]),
      [{ type: CcpOption.microsoft, data: new Uint8Array(3) }],
      "3 120601000040",
    ],
    [
      "Deflate, BSD and an old Deflate beside it",
      encryption([128]),
      [
        { type: 26, data: Uint8Array.of(0x78, 0) },
        { type: 24, data: Uint8Array.of(0x78, 0) },
        { type: 21, data: Uint8Array.of(0x2f) },
        mppe(H | 0x40),
      ],
      "4 1a047800180478001503" + "2f",
    ],
    ["twice", encryption([128]), [mppe(H | 0x40), mppe(H | 0x20)], "4 120601000020"],
  ];

  test.each(cases)("%s", (_what, policy, options, expected) => {
    const peer = new Scripted("authenticator", policy).authenticate().request(ccp, options);
    expect(said(peer, ccp)).toBe(expected);
  });

  test("our own request: stateless, all that is allowed", () => {
    const of = (bits: readonly MppeBits[]) =>
      said(new Scripted("authenticator", encryption(bits)).authenticate(), ccp);
    expect(of([128])).toBe("1 120601000040");
    expect(of([40, 56, 128])).toBe("1 1206010000e0");
    expect(of([56, 40])).toBe("1 1206010000a0");
  });

  test("nak'ed to one: asked for; to none of ours: encryption-refused", () => {
    const peer = new Scripted("authenticator", encryption([40, 128])).authenticate();
    peer.answer(ccp, LcpCode.configureNak, [mppe(H | 0x20)]);
    expect(said(peer, ccp)).toBe("1 120601000020");
    peer.answer(ccp, LcpCode.configureNak, [mppe(H | 0x80)]);
    expect(peer.wait(10_000).end.ended).toBe("encryption-refused");
  });

  test("an Ack of several strengths settles nothing: asked again for one", () => {
    const peer = new Scripted("authenticator", encryption([40, 128])).authenticate().ack(ccp);
    expect(said(peer, ccp)).toBe("1 120601000040");
    peer.request(ccp, [mppe(H | 0x40)]).ack(ccp);
    expect(peer.end.last("EncryptionUp")!.keys.bits).toBe(128);
  });

  test("once ours is acknowledged the peer's must be the same", () => {
    const peer = new Scripted("authenticator", encryption([40, 128])).authenticate();
    peer.answer(ccp, LcpCode.configureNak, [mppe(H | 0x40)]).ack(ccp);
    peer.request(ccp, [mppe(H | 0x20)]);
    expect(said(peer, ccp)).toBe("3 120601000040");
    expect(peer.end.encrypted).toBe(false);
  });

  test("stateful: nak'ed once, taken when the peer insists", () => {
    const peer = new Scripted(
      "authenticator",
      encryption([128], { stateful: true }),
    ).authenticate();
    peer.request(ccp, [mppe(0x40)]);
    expect(said(peer, ccp)).toBe("3 120601000040");
    peer.answer(ccp, LcpCode.configureNak, [mppe(0x40)]);
    expect(said(peer, ccp)).toBe("1 120600000040");
    peer.request(ccp, [mppe(0x40)]).ack(ccp);
    expect(peer.end.last("EncryptionUp")!.keys).toMatchObject({ bits: 128, stateful: true });
  });

  test("EncryptionUp comes before the Ack that lets the peer encrypt", () => {
    const peer = new Scripted("authenticator").authenticate().ack(ccp);
    const from = peer.end.order.length;
    peer.request(ccp, [mppe(H | 0x40)]);
    expect(peer.end.order.slice(from, from + 2)).toEqual(["EncryptionUp", "send 80fd 2"]);
  });
});

describe("encryption is required and does not come about", () => {
  const ends: [string, (peer: Scripted) => Scripted][] = [
    [
      "Protocol-Reject of CCP",
      (peer) => peer.packet(lcp, 8, 1, Uint8Array.of(0x80, 0xfd, 1, 1, 0, 4)),
    ],
    ["Reject of our option", (peer) => peer.answer(ccp, 4, peer.options(peer.last(ccp)))],
    ["silence", (peer) => peer.wait(31_000)],
    [
      "a peer that insists on MPPC",
      (peer) => {
        for (let i = 0; i < 8; i++) peer.request(ccp, [mppe(1)]);
        return peer.request(ccp, []);
      },
    ],
    [
      "CCP terminated before it opened, then silence",
      (peer) => peer.packet(ccp, 5, 1).wait(31_000),
    ],
  ];
  test.each(ends)("%s: an orderly end, nothing in the clear", (_what, does) => {
    const peer = does(new Scripted("authenticator").authenticate());
    expect(peer.sent(lcp).some(({ code }) => code === LcpCode.terminateRequest)).toBe(true);
    expect(peer.wait(10_000).end.ended).toBe("encryption-refused");
    expect(peer.end.all("AddressesAsked")).toEqual([]);
    expect(peer.sent(ipcp)).toEqual([]);
  });

  test("CCP terminated in the middle of a session: the same", () => {
    const peer = new Scripted("authenticator").openAll().packet(ccp, LcpCode.terminateRequest, 3);
    peer.doubted();
    expect(peer.last(ccp)).toMatchObject({ code: LcpCode.terminateAck, identifier: 3 });
    expect([peer.end.encrypted, peer.end.ipv4]).toEqual([false, false]);
    expect(peer.wait(10_000).end.ended).toBe("encryption-refused");
  });

  test("optional, agreed on, then taken away: that is not a session any more (T-29)", () => {
    const peer = new Scripted(
      "authenticator",
      encryption([128], { require: false }),
    ).authenticate();
    peer.openCcp().addresses().openIpcp();
    peer.packet(lcp, LcpCode.protocolReject, 1, Uint8Array.of(0x80, 0xfd, 1, 1, 0, 4)).doubted();
    expect(peer.wait(10_000).end.ended).toBe("encryption-refused");
  });

  test("optional and rejected: the network goes on without", () => {
    const peer = new Scripted(
      "authenticator",
      encryption([128], { require: false }),
    ).authenticate();
    peer.packet(lcp, LcpCode.protocolReject, 1, Uint8Array.of(0x80, 0xfd, 1, 1, 0, 4));
    peer.addresses().openIpcp().wait(60_000);
    expect([peer.end.ended, peer.end.ipv4, peer.end.encrypted]).toEqual([undefined, true, false]);
  });
});

describe("IPCP before CCP (MikroTik)", () => {
  test("the peer's request is held, acted on when CCP is Opened, and never before", () => {
    const peer = new Scripted("authenticator").authenticate();
    peer.request(ipcp, [address(0)], 1).request(ipcp, [address(0)], 2);
    expect(peer.sent(ipcp)).toEqual([]);
    expect(peer.count("network-held")).toBe(2);
    peer.openCcp();
    expect(peer.sent(ipcp)).toEqual([]);
    peer.addresses();
    expect(peer.sent(ipcp).map(({ code, identifier }) => [code, identifier])).toEqual([
      [LcpCode.configureRequest, 1],
      [LcpCode.configureNak, 2],
    ]);
  });

  test("as client: a server that sends IPCP first is held back in the same way", () => {
    const policy = { authentication: ["ms-chap-v2" as const] };
    const peer = new Scripted("peer", policy).openLcp();
    peer.request(ipcp, [address(ADDRESSES.ipv4!.ours)]);
    expect(peer.count("before-network-phase")).toBe(1);
    expect(peer.sent(ipcp)).toEqual([]);
  });

  test("CCP anew in a session: IPCP waits, encryption goes down and up again", () => {
    const peer = new Scripted("authenticator").openAll();
    peer.request(ccp, [mppe(H | 0x40)]).doubted();
    expect([peer.end.encrypted, peer.end.ipv4]).toEqual([false, true]);
    const before = peer.sent(ipcp).length;
    peer.request(ipcp, [address(0)]).wait(2_000);
    expect(peer.sent(ipcp).length).toBe(before);
    peer.ack(ccp);
    expect(peer.end.encrypted).toBe(true);
    expect(peer.end.session.pollTimeout()).toBeUndefined();
  });

  test("CCP anew while the addresses are asked for: they wait for it", () => {
    const peer = new Scripted("authenticator").authenticate().openCcp();
    peer.request(ccp, [mppe(H | 0x40)]);
    expect(peer.end.encrypted).toBe(false);
    peer.addresses();
    expect(peer.sent(ipcp)).toEqual([]);
    peer.ack(ccp);
    expect(peer.end.encrypted).toBe(true);
    expect(peer.last(ipcp).code).toBe(LcpCode.configureRequest);
    expect(peer.openIpcp().end.ipv4).toBe(true);
  });

  test("CCP anew four times an hour is once too often", () => {
    const peer = new Scripted("authenticator").openAll();
    for (let i = 0; i < 3; i++) {
      peer
        .request(ccp, [mppe(H | 0x40)])
        .doubted()
        .ack(ccp);
      expect(peer.end.encrypted).toBe(true);
    }
    peer.request(ccp, [mppe(H | 0x40)]).doubted();
    expect(peer.end.all("EncryptionDown").length).toBe(3);
    expect(peer.count("renegotiation-refused")).toBe(1);
  });

  test("CCP anew and never finished: the session ends", () => {
    const peer = new Scripted("authenticator")
      .openAll()
      .request(ccp, [mppe(H | 0x40)])
      .doubted();
    expect(peer.wait(60_000).end.ended).toBe("encryption-refused");
  });
});

describe("keys and resets", () => {
  const stateful = encryption([128], { stateful: true, askStateful: true });
  const open = () => {
    const peer = new Scripted("authenticator", stateful).authenticate();
    return peer
      .request(ccp, [mppe(0x40)])
      .ack(ccp)
      .addresses()
      .openIpcp();
  };
  const resets = (peer: Scripted, code: number) =>
    peer.sent(ccp).filter((packet) => packet.code === code);

  test("keys lost: CCP anew with the keys of the first authentication", () => {
    const peer = new Scripted("authenticator").openAll();
    const before = peer.end.last("EncryptionUp")!.keys;
    peer.act((session) => session.handleKeysLost(peer.now));
    expect(peer.end.encrypted).toBe(false);
    expect(said(peer, ccp)).toBe("1 120601000040");
    peer.request(ccp, [mppe(H | 0x40)]).ack(ccp);
    const again = peer.end.last("EncryptionUp")!.keys;
    expect(toHex(again.sendStart)).toBe(toHex(before.sendStart));
    expect(again.sendStart).not.toBe(before.sendStart);
  });

  test("keys lost without end: the session ends", () => {
    const peer = new Scripted("authenticator").openAll();
    for (let i = 0; i <= ppp.keyLossesPerHourMax; i++) {
      peer.act((session) => session.handleKeysLost(peer.now));
      if (peer.end.session.snapshot().phase !== "network") break;
      peer.request(ccp, [mppe(H | 0x40)]).ack(ccp);
    }
    expect(peer.wait(10_000).end.ended).toBe("negotiation-limit");
  });

  test("Reset-Request, stateless: one Reset-Ack a second, nothing flushed", () => {
    const peer = new Scripted("authenticator").openAll();
    for (let i = 0; i < 100; i++) peer.packet(ccp, CcpCode.resetRequest, 7);
    expect(resets(peer, CcpCode.resetAck).map(({ identifier }) => identifier)).toEqual([7]);
    expect(peer.end.all("FlushNeeded")).toEqual([]);
    peer.wait(1_000).packet(ccp, CcpCode.resetRequest, 8);
    expect(resets(peer, CcpCode.resetAck).length).toBe(2);
  });

  test("Reset-Request, stateful: flushed first, then acknowledged", () => {
    const peer = open().packet(ccp, CcpCode.resetRequest, 7);
    expect(peer.end.last("FlushNeeded")).toEqual({ kind: "FlushNeeded", side: "send" });
    expect(peer.end.order.slice(-2)).toEqual(["FlushNeeded", "send 80fd 15"]);
  });

  test("Reset-Request before CCP is Opened: nothing", () => {
    const peer = new Scripted("authenticator").authenticate().packet(ccp, CcpCode.resetRequest, 7);
    expect(resets(peer, CcpCode.resetAck)).toEqual([]);
    expect(peer.count("reset-unasked")).toBe(1);
  });

  test("reset needed: one Reset-Request, again after 1, 2 and 4 s, then no more", () => {
    const peer = open().act((session) => session.handleResetNeeded(0 as never));
    peer.act((session) => session.handleResetNeeded(peer.now));
    const count = () => resets(peer, CcpCode.resetRequest).length;
    const counts = [
      count(),
      ...[1_000, 2_000, 4_000, 8_000, 100_000].map((ms) => {
        peer.wait(ms);
        return count();
      }),
    ];
    expect(counts).toEqual([1, 2, 3, 4, 4, 4]);
    const identifiers = resets(peer, CcpCode.resetRequest).map(({ identifier }) => identifier);
    expect(new Set(identifiers).size).toBe(1);
    peer.act((session) => session.handleResetNeeded(peer.now));
    expect(count()).toBe(5);
    peer.packet(ccp, CcpCode.resetAck, resets(peer, CcpCode.resetRequest).at(-1)!.identifier);
    expect(peer.end.last("FlushNeeded")).toEqual({ kind: "FlushNeeded", side: "receive" });
    expect(peer.end.session.pollTimeout()).toBeUndefined();
    peer.packet(ccp, CcpCode.resetAck, 1);
    expect(peer.end.all("FlushNeeded").length).toBe(1);
  });

  test("reset needed, stateless: nothing to reset", () => {
    const peer = new Scripted("authenticator").openAll();
    peer.act((session) => session.handleResetNeeded(peer.now));
    expect(resets(peer, CcpCode.resetRequest)).toEqual([]);
  });

  test("keys given out are the receiver's own: the session's end does not reach them", () => {
    const peer = new Scripted("authenticator").openAll();
    const { sendStart, receiveStart } = peer.end.last("EncryptionUp")!.keys;
    const before = [toHex(sendStart), toHex(receiveStart)];
    peer.act((session) => session.abort("shutdown"));
    expect([toHex(sendStart), toHex(receiveStart)]).toEqual(before);
    expect(before).not.toContain("00".repeat(16));
  });
});
