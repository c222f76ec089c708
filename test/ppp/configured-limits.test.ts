// The bounds of a session are those of its policy, as the configuration gives them, not the defaults.
import { describe, expect, test } from "vitest";
import { type Bounds, ppp } from "../../src/limits.js";
import { ChapCode } from "../../src/wire/ppp/chap.js";
import { LcpCode } from "../../src/wire/ppp/lcp.js";
import { octetsOfUint32, optionUint32 } from "../../src/wire/ppp/options.js";
import { Protocol } from "../../src/wire/ppp/protocols.js";
import { PEERS_MAGIC, Scripted } from "./scripted.js";

const { lcp, chap, ccp, ipcp } = Protocol;
/** RFC 1962 §5.5, §5.6. */
const [RESET_REQUEST, RESET_ACK] = [14, 15];
const server = (limits: Partial<Bounds<typeof ppp>>) =>
  new Scripted("authenticator", { limits: { ...ppp, ...limits } });
const requests = (peer: Scripted) =>
  peer.sent(lcp).filter(({ code }) => code === LcpCode.configureRequest).length;

describe("limits.ppp of the configuration", () => {
  test("restartMs: a Configure-Request and a Challenge are said again that often", () => {
    const peer = server({ restartMs: 500 });
    expect(requests(peer.wait(499))).toBe(1);
    expect(requests(peer.wait(1))).toBe(2);
    const challenges = () =>
      peer.sent(chap).filter(({ code }) => code === ChapCode.challenge).length;
    peer.openLcp();
    expect(challenges()).toBe(1);
    peer.wait(500);
    expect(challenges()).toBe(2);
  });

  test("configureMax: no more of either without an answer", () => {
    expect(requests(server({ configureMax: 2 }).wait(ppp.phaseDeadlineMs - 1))).toBe(2);
    const peer = server({ configureMax: 2 })
      .openLcp()
      .wait(ppp.phaseDeadlineMs - 1);
    expect(peer.sent(chap)).toHaveLength(2);
  });

  test("terminateMax: no more Terminate-Requests than that", () => {
    const peer = server({ terminateMax: 1 }).openAll();
    peer.act((session) => session.terminate("shutdown", peer.now)).wait(60_000);
    const said = peer.sent(lcp).filter(({ code }) => code === LcpCode.terminateRequest);
    expect([said.length, peer.end.ended]).toEqual([1, "shutdown"]);
  });

  test("failureMax: so many Naks, then a Reject", () => {
    const peer = server({ failureMax: 1 }).authenticate().openCcp().addresses();
    const codes = () => peer.sent(ipcp).map(({ code }) => code);
    for (let n = 0; n < 2; n++) peer.request(ipcp, [optionUint32(3, 0x01010101)]);
    expect(codes().filter((code) => code === LcpCode.configureNak)).toHaveLength(1);
    expect(codes().filter((code) => code === LcpCode.configureReject)).toHaveLength(1);
  });

  test("echoRepliesPerSecond: so many Echo-Requests are answered", () => {
    const peer = server({ echoRepliesPerSecond: 3 }).openLcp();
    const request = Uint8Array.of(0, 0, 0, 1);
    for (let n = 0; n < 20; n++) peer.packet(lcp, LcpCode.echoRequest, n, request);
    const replies = peer.sent(lcp).filter(({ code }) => code === LcpCode.echoReply);
    expect(replies).toHaveLength(3);
  });

  test("rejectsPerSecond, resetAcksPerSecond, resyncsPerSecond: so many are said", () => {
    const rates = { rejectsPerSecond: 3, resetAcksPerSecond: 4, resyncsPerSecond: 2 };
    const peer = server(rates).openAll();
    const said = (protocol: number, code: number) =>
      peer.sent(protocol).filter((packet) => packet.code === code).length;
    const [rejects, questions] = [said(lcp, LcpCode.codeReject), said(lcp, LcpCode.echoRequest)];
    for (let n = 0; n < 20; n++) {
      peer.packet(lcp, 77, n);
      peer.packet(ccp, RESET_REQUEST, n);
      peer.act((session) => session.handleResyncNeeded(peer.now));
    }
    expect(said(lcp, LcpCode.codeReject) - rejects).toBe(3);
    expect(said(ccp, RESET_ACK)).toBe(4);
    expect(said(lcp, LcpCode.echoRequest) - questions).toBe(2);
  });

  test("doubtsPerSecond: so many packets that would end it are asked about", () => {
    const asked = (doubtsPerSecond: number) => {
      const peer = server({ doubtMs: 20, doubtsPerSecond }).openAll();
      const before = peer.sent(lcp).filter(({ code }) => code === LcpCode.echoRequest).length;
      for (let n = 0; n < 10; n++) {
        peer.packet(lcp, LcpCode.terminateRequest, n);
        const question = peer.sent(lcp).findLast(({ code }) => code === LcpCode.echoRequest);
        // The peer itself is as it was: what came was forged.
        if (question !== undefined) {
          const data = Uint8Array.of(...octetsOfUint32(PEERS_MAGIC), ...question.data.slice(4));
          peer.packet(lcp, LcpCode.echoReply, question.identifier, data);
        }
      }
      const after = peer.sent(lcp).filter(({ code }) => code === LcpCode.echoRequest).length;
      return after - before;
    };
    expect([asked(1), asked(5)]).toEqual([1, 5]);
  });

  test("phaseDeadlineMs: a phase takes no longer", () => {
    const peer = server({ phaseDeadlineMs: 5_000 }).openLcp();
    expect(peer.wait(4_999).count("phase-timeout")).toBe(0);
    expect(peer.wait(1).count("phase-timeout")).toBe(1);
  });

  test("packetsPerPhaseMax: nor more packets", () => {
    const peer = server({ packetsPerPhaseMax: 20 });
    for (let n = 0; n < 20; n++) peer.request(lcp, peer.peersLcp());
    expect(peer.count("packets-per-phase")).toBe(0);
    expect(peer.request(lcp, peer.peersLcp()).count("packets-per-phase")).toBe(1);
  });

  test("renegotiationsPerHourMax: 0 has an Opened protocol stay as it is", () => {
    const peer = server({ renegotiationsPerHourMax: 0, doubtMs: 0 }).openAll();
    peer.request(ipcp, [optionUint32(3, 0x01010101)]);
    expect(peer.count("renegotiation-refused")).toBe(1);
    expect(peer.end.session.snapshot().ipcp).toBe("Opened");
  });

  test("probeMs: the peer that is asked has no longer to answer", () => {
    const peer = server({ probeMs: 100 }).openAll();
    peer.act((session) => session.probe(peer.now)).wait(99);
    expect(peer.end.last("ProbeAnswered")).toBeUndefined();
    expect(peer.wait(1).end.last("ProbeAnswered")).toMatchObject({ alive: false });
  });

  test("doubtMs: what would end it waits no longer", () => {
    const peer = server({ doubtMs: 20 }).openAll();
    peer.packet(lcp, LcpCode.terminateRequest, 0xee).wait(19);
    expect(peer.end.encrypted).toBe(true);
    expect(peer.wait(1).end.encrypted).toBe(false);
  });
});
