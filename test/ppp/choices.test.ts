// A stream of choices against one session in either role: any frame, any answer, any time. Whatever
// comes: no exception, outputs in order, bounded work, and after the end nothing at all.
import fc from "fast-check";
import { expect, test } from "vitest";
import { encodePacket } from "../../src/wire/ppp/packet.js";
import { Protocol } from "../../src/wire/ppp/protocols.js";
import { ADDRESSES } from "./pair.js";
import { Scripted } from "./scripted.js";

const protocols = fc.constantFrom(...Object.values(Protocol), 0x4001, 0x8029, 0x0003);
const code = fc.oneof(fc.integer({ min: 0, max: 16 }), fc.integer({ min: 0, max: 255 }));
const data = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.constantFrom(
    Uint8Array.of(1, 4, 5, 0x78),
    Uint8Array.of(0x12, 6, 1, 0, 0, 0x40),
    Uint8Array.of(3, 6, 10, 0x63, 0, 2),
    Uint8Array.of(0xc2, 0x23, 1, 1, 0, 4),
    Uint8Array.of(0x80, 0xfd, 1, 1, 0, 4),
    Uint8Array.of(0, 0, 0, 0),
  ),
);
const choice = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant("packet"), protocol: protocols, code, data }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("octets"), protocol: protocols, data }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("ack"),
      protocol: fc.constantFrom(0xc021, 0x80fd, 0x8021),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("wait"), ms: fc.integer({ min: 0, max: 9_000 }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom(
        "lcp",
        "respond",
        "verdict",
        "ccp",
        "addresses",
        "no-addresses",
        "ipcp",
        "resync",
        "keys-lost",
        "reset",
        "probe",
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("terminate", "abort") }) },
);
type Choice = { do: string; protocol?: number; code?: number; data?: Uint8Array; ms?: number };

function doIt(peer: Scripted, choice: Choice, identifier: number): void {
  const { protocol = 0, code = 0, data = new Uint8Array(), ms = 0 } = choice;
  const { session } = peer.end;
  const { now } = peer;
  const generation = Math.max(
    peer.end.last("AddressesAsked")?.generation ?? 0,
    peer.end.last("AuthenticationAsked")?.generation ?? 0,
  );
  const asked = peer.end.sent.some(
    (frame) => frame.protocol === protocol && frame.information[0] === 1,
  );
  switch (choice.do) {
    case "packet":
      return void peer.raw(protocol, encodePacket(code, identifier & 255, data));
    case "octets":
      return void peer.raw(protocol, data);
    case "ack":
      return void (asked && peer.ack(protocol));
    case "wait":
      return void peer.wait(ms);
    case "lcp":
      return void peer.openLcp();
    case "respond":
      if (peer.end.role === "peer" || peer.sent(Protocol.chap).every(({ code }) => code !== 1))
        return;
      return void peer.respond();
    case "verdict":
      return void (peer.end.last("AuthenticationAsked") && peer.verdict());
    case "ccp":
      return void (peer.sent(Protocol.ccp).length > 0 && peer.openCcp());
    case "addresses":
      return session.handleAddresses(generation, ADDRESSES, now);
    case "no-addresses":
      return session.handleAddresses(generation, undefined, now);
    case "ipcp":
      return void (peer.sent(Protocol.ipcp).length > 0 && peer.openIpcp());
    case "resync":
      return session.handleResyncNeeded(now);
    case "keys-lost":
      return session.handleKeysLost(now);
    case "reset":
      return session.handleResetNeeded(now);
    case "probe":
      return session.probe(now);
    case "terminate":
      return session.terminate("administrator", now);
    case "abort":
      session.abort("shutdown");
      return;
  }
}

test.each(["authenticator", "peer"] as const)("%s", (role) => {
  fc.assert(
    fc.property(fc.array(choice, { maxLength: 80 }), fc.boolean(), (choices, ipv6) => {
      const peer = new Scripted(role, { ipv6, echoIntervalMs: 30_000 });
      choices.forEach((choice, i) => {
        const frames = peer.end.sent.length;
        doIt(peer, choice, i);
        peer.end.drain();
        // One input, a handful of outputs: time passing may repeat requests, nothing else may.
        if (choice.do !== "wait") expect(peer.end.sent.length - frames).toBeLessThanOrEqual(8);
        const up = peer.end.encrypted;
        if (peer.end.ipv4 || peer.end.ipv6)
          expect(peer.end.all("EncryptionUp").length).toBeGreaterThan(0);
        if (peer.end.ended !== undefined) expect(up).toBe(false);
      });
      peer.act((session) => session.terminate("shutdown", peer.now)).wait(30_000);
      expect(peer.end.all("Ended").length).toBe(1);
      expect(peer.end.outputsAfterEnd).toBe(0);
      expect(peer.end.session.pollTimeout()).toBeUndefined();
      expect([peer.end.ipv4, peer.end.ipv6, peer.end.encrypted]).toEqual([false, false, false]);
    }),
    { numRuns: 1_000 },
  );
});
