// THREATS 6a: what would end or restart an Opened protocol, forged by one who knows addresses and Call ID.
import { describe, expect, test } from "vitest";
import { ppp } from "../../src/limits.js";
import { CcpCode } from "../../src/wire/ppp/ccp.js";
import { LcpCode, LcpOption } from "../../src/wire/ppp/lcp.js";
import { octetsOfUint32, optionUint32 } from "../../src/wire/ppp/options.js";
import { encodePacket } from "../../src/wire/ppp/packet.js";
import { Protocol } from "../../src/wire/ppp/protocols.js";
import { Pair, random } from "./pair.js";
import { PEERS_MAGIC, Scripted } from "./scripted.js";

const { lcp, ccp, ipcp } = Protocol;
const MPPE = Uint8Array.of(18, 6, 1, 0, 0, 0x40);
const ADDRESS = Uint8Array.of(3, 6, 0, 0, 0, 0);
const MAGIC = Uint8Array.of(5, 6, 1, 2, 3, 4);
const reject = (protocol: number) => Uint8Array.of(protocol >>> 8, protocol & 255, 1, 1, 0, 4);

/** What it is, and which signs show that it is forged. */
const forgeries: [string, number, number, Uint8Array, ("link" | "data")[]][] = [
  ["LCP Configure-Request", lcp, LcpCode.configureRequest, MAGIC, ["link", "data"]],
  ["LCP Terminate-Request", lcp, LcpCode.terminateRequest, new Uint8Array(), ["link", "data"]],
  ["LCP Terminate-Ack", lcp, LcpCode.terminateAck, new Uint8Array(), ["link", "data"]],
  [
    "Code-Reject of Configure-Ack",
    lcp,
    LcpCode.codeReject,
    Uint8Array.of(2, 1, 0, 4),
    ["link", "data"],
  ],
  ["Protocol-Reject of LCP", lcp, LcpCode.protocolReject, reject(lcp), ["link", "data"]],
  ["Protocol-Reject of CCP", lcp, LcpCode.protocolReject, reject(ccp), ["link", "data"]],
  ["Protocol-Reject of IPCP", lcp, LcpCode.protocolReject, reject(ipcp), ["link", "data"]],
  ["CCP Configure-Request", ccp, LcpCode.configureRequest, MPPE, ["data"]],
  ["CCP Terminate-Request", ccp, LcpCode.terminateRequest, new Uint8Array(), ["link", "data"]],
  ["CCP Terminate-Ack", ccp, LcpCode.terminateAck, new Uint8Array(), ["link", "data"]],
  ["IPCP Configure-Request", ipcp, LcpCode.configureRequest, ADDRESS, ["data"]],
  ["IPCP Terminate-Request", ipcp, LcpCode.terminateRequest, new Uint8Array(), ["link", "data"]],
];

const questions = (peer: Scripted) =>
  peer.sent(lcp).filter(({ code }) => code === LcpCode.echoRequest);

/** As the peer itself answers: its own magic, the data as it came. */
function answer(peer: Scripted, question = questions(peer).at(-1)!): Scripted {
  const data = Uint8Array.of(...octetsOfUint32(PEERS_MAGIC), ...question.data.slice(4));
  return peer.packet(lcp, LcpCode.echoReply, question.identifier, data);
}

function untouched(peer: Scripted): void {
  expect([peer.end.encrypted, peer.end.ipv4, peer.end.ended]).toEqual([true, true, undefined]);
  const { phase, lcp: link, ccp: keys, ipcp: address } = peer.end.session.snapshot();
  expect([phase, link, keys, address]).toEqual(["network", "Opened", "Opened", "Opened"]);
}

describe("forged into a session that is up", () => {
  test.each(forgeries)(
    "%s: waits, and the peer's own sign drops it",
    (_what, protocol, code, data, signs) => {
      for (const sign of signs) {
        const peer = new Scripted("authenticator").openAll().packet(protocol, code, 0xee, data);
        untouched(peer);
        if (sign === "link") answer(peer);
        else peer.act((session) => session.proven("data"));
        untouched(peer.wait(60_000));
        expect([peer.count("request-doubted"), peer.count("request-forged")]).toEqual([1, 1]);
        // Nothing of it was answered, and nothing of it is left.
        expect(peer.sent(protocol).filter(({ identifier }) => identifier === 0xee)).toEqual([]);
        expect(peer.end.session.pollTimeout()).toBeUndefined();
      }
    },
  );

  test.each(forgeries)(
    "%s, and no sign of the peer: it counts, after ppp.doubtMs",
    (_what, protocol, code, data) => {
      const peer = new Scripted("authenticator").openAll().packet(protocol, code, 0xee, data);
      untouched(peer.wait(ppp.doubtMs - 1));
      peer.wait(1);
      const { phase, lcp: link, ccp: keys, ipcp: address } = peer.end.session.snapshot();
      expect([phase, link, keys, address]).not.toEqual(["network", "Opened", "Opened", "Opened"]);
      expect(peer.count("request-forged")).toBe(0);
    },
  );

  test("a restart of CCP or IPCP: the echo alone is no sign, a Reset-Ack is", () => {
    for (const [protocol, data] of [
      [ccp, MPPE],
      [ipcp, ADDRESS],
    ] as const) {
      const peer = new Scripted("authenticator").openAll();
      answer(peer.packet(protocol, LcpCode.configureRequest, 0xee, data));
      expect(peer.count("request-forged")).toBe(0);
      const { identifier } = peer.last(ccp, CcpCode.resetRequest);
      peer.packet(ccp, CcpCode.resetAck, identifier);
      untouched(peer.wait(60_000));
      expect(peer.count("request-forged")).toBe(1);
    }
  });

  test("asked twice with the same octets: either answer will do, a wrong one does not", () => {
    const peer = new Scripted("authenticator").openAll().packet(lcp, LcpCode.terminateRequest, 1);
    const [first] = questions(peer);
    peer.wait(ppp.doubtMs - 1);
    expect(questions(peer)).toEqual([first, first]);
    expect(peer.end.all("ResyncExpected").length).toBe(2);
    const wrong = Uint8Array.of(...octetsOfUint32(PEERS_MAGIC), ...new Uint8Array(8));
    peer.packet(lcp, LcpCode.echoReply, first!.identifier, wrong);
    expect(peer.count("request-forged")).toBe(0);
    const next = new Scripted("authenticator").openAll().packet(lcp, LcpCode.terminateRequest, 1);
    next.wait(ppp.doubtMs - 1);
    untouched(answer(next).wait(60_000));
  });

  test("one of LCP takes the place of another protocol's; beyond two a second they are lost", () => {
    const peer = new Scripted("authenticator").openAll();
    peer.packet(ccp, LcpCode.terminateRequest, 1).packet(lcp, LcpCode.terminateRequest, 2);
    expect(questions(peer).length).toBe(2);
    for (let i = 0; i < 100; i++) peer.packet(ipcp, LcpCode.terminateRequest, i);
    expect([questions(peer).length, peer.count("request-doubted")]).toEqual([2, 102]);
    answer(peer);
    for (let i = 0; i < 100; i++) peer.packet(lcp, LcpCode.terminateRequest, i);
    expect(questions(peer).length).toBe(2);
    untouched(peer.wait(60_000));
  });

  test("ppp.doubtMs 0: nothing waits", () => {
    const held = ppp.doubtMs;
    Object.assign(ppp, { doubtMs: 0 });
    try {
      const peer = new Scripted("authenticator").openAll().packet(lcp, LcpCode.terminateRequest, 8);
      expect(peer.last(lcp)).toMatchObject({ code: LcpCode.terminateAck, identifier: 8 });
    } finally {
      Object.assign(ppp, { doubtMs: held });
    }
  });

  test("a flood of all of them beside an honest peer: the session does not so much as blink", () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const chance = random(seed);
    const pair = new Pair().start().run(1_000);
    const before = pair.server.outputs.length;
    for (let i = 0; i < 2_000; i++) {
      const [, protocol, code, data] = forgeries[Math.floor(chance() * forgeries.length)]!;
      const packet = encodePacket(code, Math.floor(chance() * 256), data);
      pair.act(({ server, now }) => server.session.handleFrame(protocol, packet, now));
      pair.run(5);
    }
    pair.run(10_000);
    const { server } = pair;
    const moved = server.outputs.slice(before).filter(({ kind }) => kind !== "ResyncExpected");
    expect([moved, server.ended], `seed ${seed}`).toEqual([[], undefined]);
    expect(server.notes.filter((note) => note === "request-forged").length).toBeGreaterThan(5);
  });
});

describe("the peer's own", () => {
  test("hang-up: it ends as peer-terminated, at once when the call is cleared", () => {
    const peer = new Scripted("authenticator").openAll().packet(lcp, LcpCode.terminateRequest, 1);
    expect(peer.act((session) => session.abort("call-cleared")).end.ended).toBe("peer-terminated");
  });

  test("our client's hang-up does not wait for our server's doubt", () => {
    const pair = new Pair().start().run(1_000);
    pair
      .act(({ client, now }) => client.session.terminate("administrator", now))
      .run(ppp.farewellMs);
    expect([pair.client.ended, pair.server.ended]).toEqual(["administrator", undefined]);
    expect(pair.run(ppp.doubtMs + ppp.restartMs).server.ended).toBe("peer-terminated");
  });

  test("keys lost at the client: it restarts CCP, which is up again after the doubt", () => {
    const pair = new Pair().start().run(1_000);
    pair.act(({ client, now }) => client.session.handleKeysLost(now)).run(ppp.doubtMs + 100);
    expect([pair.server.encrypted, pair.client.encrypted]).toEqual([true, true]);
    expect(pair.server.all("EncryptionUp").length).toBe(2);
    expect(pair.server.notes).not.toContain("request-forged");
  });

  test("before the network phase nothing is doubted", () => {
    const peer = new Scripted("authenticator").openLcp();
    peer.request(lcp, [optionUint32(LcpOption.magicNumber, 9)]);
    expect(peer.count("request-doubted")).toBe(0);
    expect(peer.end.session.snapshot().lcp).toBe("Ack-Sent");
  });
});
