// LCP over a session's life: echo, bounds, renegotiation and the end.
import { describe, expect, test } from "vitest";
import { toHex } from "../../src/base/hex.js";
import { ppp } from "../../src/limits.js";
import { encodeAuthenticationProtocol, LcpCode, LcpOption } from "../../src/wire/ppp/lcp.js";
import { octetsOfUint32, optionUint32 } from "../../src/wire/ppp/options.js";
import { encodePacket } from "../../src/wire/ppp/packet.js";
import { Protocol } from "../../src/wire/ppp/protocols.js";
import { PEERS_MAGIC, Scripted } from "./scripted.js";

const { lcp } = Protocol;
const MAGIC = optionUint32(LcpOption.magicNumber, PEERS_MAGIC);

describe("echo of our own", () => {
  const policy = { echoIntervalMs: 30_000, echoFailuresMax: 4 };
  const requests = (peer: Scripted) =>
    peer.sent(lcp).filter(({ code }) => code === LcpCode.echoRequest);
  const replyTo = (peer: Scripted, identifier: number, magic = PEERS_MAGIC) =>
    peer.packet(lcp, LcpCode.echoReply, identifier, octetsOfUint32(magic));

  test("four without an answer: ended within 150 s, told once, not waited for", () => {
    const peer = new Scripted("authenticator", policy).openAll().wait(129_999);
    expect(requests(peer).length).toBe(4);
    expect(peer.end.ended).toBeUndefined();
    peer.wait(1);
    expect(peer.end.ended).toBe("echo-timeout");
    expect(peer.last(lcp).code).toBe(LcpCode.terminateRequest);
    expect(peer.end.session.pollTimeout()).toBeUndefined();
  });

  test("the one after an unanswered one carries data nobody can guess, and its answer is the place", () => {
    const peer = new Scripted("authenticator", policy).openAll().wait(30_000);
    expect(requests(peer).at(-1)!.data).toHaveLength(4);
    expect(peer.end.all("ResyncExpected")).toEqual([]);
    peer.wait(30_000);
    const { data, identifier } = requests(peer).at(-1)!;
    expect(data).toHaveLength(12);
    const { echoReply } = peer.end.last("ResyncExpected")!;
    const answer = [...octetsOfUint32(PEERS_MAGIC), ...data.subarray(4)];
    expect([...echoReply]).toEqual([LcpCode.echoReply, identifier, 0, 16, ...answer]);
    peer.packet(lcp, LcpCode.echoReply, identifier, Uint8Array.from(answer));
    expect(peer.count("echo-unasked")).toBe(0);
    peer.wait(129_999);
    expect(peer.end.ended).toBeUndefined();
  });

  test("answered: goes on for ever; an unasked answer counts for nothing", () => {
    const peer = new Scripted("authenticator", policy).openAll();
    for (let i = 0; i < 20; i++) {
      peer.wait(30_000);
      replyTo(peer, requests(peer).at(-1)!.identifier);
    }
    expect(peer.end.ended).toBeUndefined();
    replyTo(peer, 200);
    expect(peer.count("echo-unasked")).toBe(1);
    peer.wait(160_000);
    expect(peer.end.ended).toBe("echo-timeout");
  });

  test("a peer that asks is not asked, and is dead as long after it fell silent", () => {
    const peer = new Scripted("authenticator", policy).openAll();
    for (let i = 0; i < 20; i++) {
      peer.wait(29_900).packet(lcp, LcpCode.echoRequest, i, octetsOfUint32(PEERS_MAGIC));
    }
    expect(requests(peer)).toEqual([]);
    peer.wait(129_999);
    expect(requests(peer).length).toBe(4);
    expect(peer.end.ended).toBeUndefined();
    peer.wait(1);
    expect(peer.end.ended).toBe("echo-timeout");
  });

  test("a peer that asks but never answers is dead all the same", () => {
    const peer = new Scripted("authenticator", policy).openAll().wait(30_000);
    for (let i = 0; i < 9; i++) {
      peer.packet(lcp, LcpCode.echoRequest, i, octetsOfUint32(PEERS_MAGIC)).wait(10_000);
    }
    expect(peer.end.ended).toBeUndefined();
    peer.wait(10_000);
    expect(peer.end.ended).toBe("echo-timeout");
  });

  test("a server's are due in steps, up to one earlier; a client's to the millisecond", () => {
    const proven = [MAGIC, encodeAuthenticationProtocol("ms-chap-v2")];
    const server = new Scripted("authenticator", policy).wait(45).openLcp();
    const client = new Scripted("peer", policy).wait(45).openLcp(proven);
    const due = ({ end }: Scripted) => end.session.timers.at("echo");
    expect([due(server), due(client)]).toEqual([30_000, 30_045]);
  });

  test("0 turns it off", () => {
    const peer = new Scripted("authenticator", { echoIntervalMs: 0 }).openAll().wait(3_600_000);
    expect(requests(peer)).toEqual([]);
    expect(peer.end.ended).toBeUndefined();
  });

  test("probe: alive within two seconds, silent after them", () => {
    const peer = new Scripted("authenticator")
      .openAll()
      .act((session) => session.probe(0 as never));
    replyTo(peer, requests(peer).at(-1)!.identifier);
    expect(peer.end.last("ProbeAnswered")).toEqual({ kind: "ProbeAnswered", alive: true });
    peer.act((session) => session.probe(peer.now)).wait(1_999);
    expect(peer.end.all("ProbeAnswered").length).toBe(1);
    peer.wait(1);
    expect(peer.end.last("ProbeAnswered")).toEqual({ kind: "ProbeAnswered", alive: false });
    expect(peer.end.ended).toBeUndefined();
  });

  test("probe before LCP is Opened: not alive", () => {
    const peer = new Scripted("authenticator").act((session) => session.probe(0 as never));
    expect(peer.end.last("ProbeAnswered")).toMatchObject({ alive: false });
  });

  test("resynchronisation: eight octets only the peer can know, at most once a second", () => {
    const peer = new Scripted("authenticator").openAll();
    peer.act((session) => session.handleResyncNeeded(peer.now));
    const { identifier, data } = requests(peer).at(-1)!;
    const expected = peer.end.last("ResyncExpected")!.echoReply;
    const secret = data.slice(4);
    expect(secret.length).toBe(8);
    expect(toHex(expected)).toBe(
      toHex(
        encodePacket(
          LcpCode.echoReply,
          identifier,
          Uint8Array.of(...octetsOfUint32(PEERS_MAGIC), ...secret),
        ),
      ),
    );
    // Expected before it is asked.
    const order = peer.end.order;
    expect(order.lastIndexOf("ResyncExpected")).toBeLessThan(order.lastIndexOf("send c021 9"));
    peer.act((session) => session.handleResyncNeeded(peer.now));
    expect(peer.end.all("ResyncExpected").length).toBe(1);
    peer.wait(1_000).act((session) => session.handleResyncNeeded(peer.now));
    expect(peer.end.all("ResyncExpected").length).toBe(2);
    expect(toHex(peer.end.last("ResyncExpected")!.echoReply)).not.toBe(toHex(expected));
  });
});

describe("bounds", () => {
  test("a peer that always naks: closed after the packets of one phase", () => {
    const peer = new Scripted("authenticator");
    for (let i = 0; i < 200; i++) {
      if (peer.end.session.snapshot().phase !== "establish") break;
      peer.answer(lcp, LcpCode.configureNak, [optionUint32(LcpOption.magicNumber, i)]);
    }
    expect(peer.end.notes).toContain("packets-per-phase");
    expect(peer.wait(10_000).end.ended).toBe("negotiation-limit");
    expect(peer.sent(lcp).length).toBeLessThanOrEqual(ppp.packetsPerPhaseMax + 5);
  });

  test("a peer that never finishes: closed after the phase's time", () => {
    const peer = new Scripted("authenticator");
    for (let i = 0; i < 16; i++) {
      peer.wait(2_000).answer(lcp, LcpCode.configureNak, [optionUint32(5, i)]);
    }
    expect(peer.end.notes).toContain("phase-timeout");
    expect(peer.wait(10_000).end.ended).toBe("phase-timeout");
  });

  test("LCP anew after Opened: three times an hour, from the beginning each time", () => {
    const peer = new Scripted("authenticator").openAll();
    for (let i = 0; i < 3; i++) {
      peer
        .wait(10_000)
        .request(lcp, [optionUint32(LcpOption.magicNumber, 1_000 + i)])
        .doubted();
      expect(peer.end.session.snapshot().phase).toBe("establish");
      expect([peer.end.ipv4, peer.end.encrypted]).toEqual([false, false]);
      peer.ack(lcp);
      expect(peer.end.session.snapshot().phase).toBe("authenticate");
      peer.respond().verdict().openCcp().addresses().openIpcp();
      expect([peer.end.ipv4, peer.end.encrypted]).toEqual([true, true]);
    }
    expect(peer.end.all("Authenticated").length).toBe(4);
    peer
      .wait(10_000)
      .request(lcp, [optionUint32(LcpOption.magicNumber, 2_000)])
      .doubted();
    expect(peer.count("renegotiation-refused")).toBe(1);
    expect([peer.end.ipv4, peer.end.encrypted]).toEqual([true, true]);
    peer
      .wait(3_600_000)
      .request(lcp, [optionUint32(LcpOption.magicNumber, 2_001)])
      .doubted();
    expect(peer.end.session.snapshot().phase).toBe("establish");
  });

  test("LCP anew never asks for weaker authentication than before", () => {
    const peer = new Scripted("authenticator", { authentication: ["ms-chap-v2", "pap"] }).openAll();
    peer
      .wait(1_000)
      .request(lcp, [optionUint32(LcpOption.magicNumber, 5)])
      .doubted();
    peer.answer(lcp, LcpCode.configureNak, [encodeAuthenticationProtocol("pap")]);
    expect(peer.end.notes).toContain("authentication-none-left");
    expect(peer.wait(10_000).end.ended).toBe("lcp-failed");
  });

  test("a request that comes again after our Ack was lost is acknowledged again, no more", () => {
    const peer = new Scripted("authenticator");
    peer.request(lcp, [MAGIC], 5).ack(lcp);
    const before = peer.end.outputs.length;
    peer.request(lcp, [MAGIC], 5);
    expect(peer.last(lcp).code).toBe(LcpCode.configureAck);
    expect(peer.end.session.snapshot().lcp).toBe("Opened");
    expect(peer.end.outputs.length).toBe(before);
    peer.request(lcp, [MAGIC], 6);
    expect(peer.end.session.snapshot().lcp).toBe("Ack-Sent");
  });
});

describe("ending", () => {
  test("the peer's Terminate-Request: Terminate-Ack, both times, then Ended", () => {
    const peer = new Scripted("authenticator").openAll();
    peer.packet(lcp, LcpCode.terminateRequest, 8).doubted();
    peer.packet(lcp, LcpCode.terminateRequest, 9);
    const acks = peer.sent(lcp).filter(({ code }) => code === LcpCode.terminateAck);
    expect(acks.map(({ identifier }) => identifier)).toEqual([8, 9]);
    expect([peer.end.ipv4, peer.end.encrypted]).toEqual([false, false]);
    expect(peer.wait(ppp.restartMs).end.ended).toBe("peer-terminated");
  });

  test("ours is repeated once, then given up; the first cause stays", () => {
    const peer = new Scripted("authenticator").openAll();
    peer.act((session) => session.terminate("idle-limit", peer.now));
    peer.act((session) => session.terminate("time-limit", peer.now));
    peer.wait(5_999);
    const requests = peer.sent(lcp).filter(({ code }) => code === LcpCode.terminateRequest);
    expect(requests.length).toBe(2);
    expect(peer.end.ended).toBeUndefined();
    expect(peer.wait(1).end.ended).toBe("idle-limit");
  });

  test("a Terminate-Ack with another Identifier is none", () => {
    const peer = new Scripted("authenticator").openAll();
    peer.act((session) => session.terminate("idle-limit", peer.now));
    const { identifier } = peer.last(lcp, LcpCode.terminateRequest);
    peer.packet(lcp, LcpCode.terminateAck, identifier + 1);
    expect(peer.end.ended).toBeUndefined();
    peer.packet(lcp, LcpCode.terminateAck, identifier);
    expect(peer.end.ended).toBe("idle-limit");
  });

  test("before the start, after the end, twice: one Ended and nothing more", () => {
    const peer = new Scripted("authenticator");
    peer.act((session) => session.abort("call-cleared"));
    peer.act((session) => session.abort("shutdown"));
    peer.act((session) => session.terminate("shutdown", peer.now));
    peer.act((session) => session.start(peer.now));
    peer.act((session) => session.probe(peer.now));
    peer.act((session) => session.handleResyncNeeded(peer.now));
    peer.openLcp();
    expect(peer.end.all("Ended")).toEqual([{ kind: "Ended", cause: "call-cleared" }]);
    expect(peer.end.outputsAfterEnd).toBe(0);
    expect(peer.end.session.pollTimeout()).toBeUndefined();
  });
});
