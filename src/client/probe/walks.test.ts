// The two walks against our own authenticator: what they find out is what its policy says.
import { describe, expect, test } from "vitest";
import { CREDENTIALS, POLICY, seededRng, verdictOf } from "../../../test/ppp/pair.js";
import { instant } from "../../base/instant.js";
import type { AuthenticationMethod } from "../../core/access/ports.js";
import type { EncryptionPolicy } from "../../core/ppp/ports.js";
import { PppSession } from "../../core/ppp/session.js";
import { decodeFrame } from "../../wire/ppp/frame.js";
import { decodePacket, encodePacket, type PppPacket } from "../../wire/ppp/packet.js";
import { Protocol } from "../../wire/ppp/protocols.js";
import { MethodWalk } from "./method-walk.js";
import { StrengthWalk } from "./strength-walk.js";

const now = instant(0);

function server(authentication: readonly AuthenticationMethod[], encryption?: EncryptionPolicy) {
  const policy = { ...POLICY, authentication, ...(encryption && { encryption }) };
  const session = new PppSession({ role: "authenticator", policy, rng: seededRng(1), now });
  session.start(now);
  return session;
}

/** What it sends of a protocol until it has nothing more to say, and whether it is over. */
function said(session: PppSession, protocol: number): { packets: PppPacket[]; over: boolean } {
  const packets: PppPacket[] = [];
  let over = false;
  for (let output = session.pollOutput(); output !== undefined; output = session.pollOutput()) {
    if (output.kind === "Ended") over = true;
    if (output.kind !== "Send") continue;
    const frame = decodeFrame(output.frame);
    if (!frame.ok || frame.value.protocol !== protocol) continue;
    const packet = decodePacket(frame.value.information);
    if (packet.ok) packets.push(packet.value);
  }
  return { packets, over };
}

/** Calls until all is known, at most `callsMax`. */
function walked(authentication: readonly AuthenticationMethod[], callsMax = 6) {
  const walk = new MethodWalk();
  let calls = 0;
  while (!walk.done && calls < callsMax) {
    calls++;
    walk.nextCall();
    const session = server(authentication);
    for (let turns = 0; turns < 20 && !walk.callOver; turns++) {
      for (const packet of said(session, Protocol.lcp).packets) {
        const reply = walk.handle(packet);
        if (reply !== undefined) session.handleFrame(Protocol.lcp, reply, now);
      }
    }
    walk.callEnded();
  }
  return { ...walk.result, calls };
}

describe("authentication methods, by Configure-Nak", () => {
  const all = ["pap", "chap-md5", "ms-chap-v1", "ms-chap-v2"] as const;
  test.each([
    [["ms-chap-v2"]],
    [["pap"]],
    [["ms-chap-v2", "ms-chap-v1"]],
    [["ms-chap-v2", "chap-md5", "pap"]],
    [["pap", "ms-chap-v2"]],
    [all],
  ] as [AuthenticationMethod[]][])("%j: found, and no other", (policy) => {
    const { offered, refused, unknown, none } = walked(policy);
    expect(offered).toEqual(all.filter((one) => policy.includes(one)));
    expect(refused).toEqual([...all, "eap"].filter((one) => !policy.includes(one as never)));
    expect(unknown).toEqual([]);
    expect(none).toBe(false);
  });

  test("one call is not enough: what was not asked about stays unknown", () => {
    expect(walked(["ms-chap-v2"], 1)).toMatchObject({
      offered: ["ms-chap-v2"],
      refused: ["pap"],
      unknown: ["chap-md5", "ms-chap-v1", "eap"],
    });
  });

  test("a first request without the option: no log-in wanted", () => {
    const walk = new MethodWalk();
    const packet = { code: 1, identifier: 1, data: Uint8Array.of(1, 4, 5, 0x78) };
    expect(walk.handle(packet)).toBeUndefined();
    expect(walk.done).toBe(true);
    expect(walk.result.none).toBe(true);
    expect(walk.mru).toBe(1_400);
  });

  test("a repetition gets the same answer, and settles nothing", () => {
    const walk = new MethodWalk();
    const packet = { code: 1, identifier: 7, data: Uint8Array.of(3, 5, 0xc2, 0x23, 0x81) };
    const reply = walk.handle(packet);
    expect(reply).toBeDefined();
    expect(walk.handle(packet)).toEqual(reply);
    expect(walk.result.refused).toEqual([]);
  });

  test("ill-formed options, other codes: nothing is said", () => {
    const walk = new MethodWalk();
    expect(walk.handle({ code: 1, identifier: 1, data: Uint8Array.of(3, 0) })).toBeUndefined();
    expect(walk.handle({ code: 200, identifier: 1, data: new Uint8Array() })).toBeUndefined();
    expect(walk.result.unknown).toHaveLength(5);
  });
});

describe("encryption strengths, by Configure-Request", () => {
  /** Of a server's session, which a client of ours logs in to. */
  function answers(encryption: EncryptionPolicy) {
    const authenticator = server(["ms-chap-v2"], encryption);
    const policy = { ...POLICY, encryption: { ...encryption, require: true } };
    const credentials = { ...CREDENTIALS };
    const rng = seededRng(2);
    const peer = new PppSession({ role: "peer", policy, rng, credentials, now });
    peer.start(now);
    const walk = new StrengthWalk();
    for (let turns = 0; turns < 50; turns++) {
      for (let out = peer.pollOutput(); out !== undefined; out = peer.pollOutput()) {
        if (out.kind === "Authenticated") {
          authenticator.handleFrame(Protocol.ccp, walk.request()!, now);
        }
        if (out.kind !== "Send") continue;
        const frame = decodeFrame(out.frame);
        if (!frame.ok || frame.value.protocol < 0xc000) continue;
        authenticator.handleFrame(frame.value.protocol, frame.value.information, now);
      }
      for (let out = authenticator.pollOutput(); out; out = authenticator.pollOutput()) {
        if (out.kind === "AuthenticationAsked") {
          const verdict = verdictOf(out.name, out.proof, CREDENTIALS);
          authenticator.handleVerdict(out.generation, verdict, now);
        }
        if (out.kind !== "Send") continue;
        const frame = decodeFrame(out.frame);
        if (!frame.ok) continue;
        const { protocol, information } = frame.value;
        if (protocol !== Protocol.ccp) peer.handleFrame(protocol, information, now);
        else {
          const packet = decodePacket(information);
          if (!packet.ok || !walk.handle(packet.value)) continue;
          const next = walk.request();
          if (next !== undefined) authenticator.handleFrame(Protocol.ccp, next, now);
        }
      }
    }
    return walk.result.map(({ bits, stateless, answer }) => [bits, stateless, answer]);
  }

  test.each([
    [[128], false],
    [[128, 56, 40], false],
    [[40], false],
    [[128], true],
  ] as [(40 | 56 | 128)[], boolean][])("%j, stateful %j: as the policy says", (bits, stateful) => {
    expect(answers({ require: true, bits, stateful })).toEqual([
      [128, true, bits.includes(128) ? "accepted" : "refused"],
      [56, true, bits.includes(56) ? "accepted" : "refused"],
      [40, true, bits.includes(40) ? "accepted" : "refused"],
      [128, false, stateful ? "accepted" : "refused"],
    ]);
  });

  test("no answer: unanswered; an answer to another request: none", () => {
    const walk = new StrengthWalk();
    expect(walk.handle({ code: 2, identifier: 9, data: new Uint8Array() })).toBe(false);
    expect(walk.result.every(({ answer }) => answer === "unanswered")).toBe(true);
    expect(walk.request()).toEqual(encodePacket(1, 1, Uint8Array.of(18, 6, 1, 0, 0, 0x40)));
  });
});
