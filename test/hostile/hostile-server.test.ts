// T-35: what a hostile client may send to our server, a hostile server sends to our client. Whatever it
// is, the session ends by itself or goes on untouched, and nothing is held in the end.
import { describe, expect, test } from "vitest";
import { encodePacket } from "../../src/wire/ppp/packet.js";
import { Protocol } from "../../src/wire/ppp/protocols.js";
import {
  controlMessageLayouts,
  encodeControlMessage,
  layoutOf,
} from "../../src/wire/pptp/index.js";
import { readCall } from "../captures/call.js";
import { sampleOctets } from "../control-peer.js";
import { vectorsOf } from "../fuzz/corpus.js";
import { ServerBench } from "../sim/server-bench.js";
import { Rogue, type Stage, stages } from "./rogue.js";

const TYPE_AT = 9;

/** A client's request as its server's reply: 1 becomes 2, 7 becomes 8; what has no reply stays. */
function reversed(octets: Uint8Array): Uint8Array {
  const mirrored = octets.slice();
  const type = mirrored[TYPE_AT];
  if (mirrored.length > TYPE_AT && (type === 1 || type === 7)) mirrored[TYPE_AT] = type + 1;
  return mirrored;
}

/** Ended, once, and nothing is left: after silence, and after a hang-up. */
function expectOver(make: () => Rogue): void {
  for (const rogue of [make().fallsSilent(), make().hangsUp()]) {
    rogue.hangsUp();
    expect(rogue.cause).toBeDefined();
    expect(rogue.ledger.balance()).toEqual({});
    expect(rogue.client.pollTimeout()).toBeUndefined();
    expect(rogue.has("Authenticated")).toBe(false);
    expect(rogue.has("Ipv4Up")).toBe(false);
  }
}

/** A session that is up with our own server, then what the test does to its client. */
function upThen(act: (give: { octets(o: Uint8Array): void; frame(f: Uint8Array): void }) => void) {
  const bench = new ServerBench();
  const caller = bench.caller();
  bench.run();
  expect(caller.up).toBe(true);
  act({
    octets: (octets) => caller.client.handleOctets(octets, bench.now),
    frame: (frame) => {
      const protocol = ((frame[2] ?? 0) << 8) | (frame[3] ?? 0);
      const information = frame.slice(4);
      const { flow } = caller;
      caller.client.handlePlane({ kind: "Frame", flow, protocol, information }, bench.now);
    },
  });
  bench.run().pass(60_000);
  caller.cut();
  bench.pass(60_000);
  expect(caller.events.filter(({ kind }) => kind === "Ended")).toHaveLength(1);
  expect(caller.ledger.balance()).toEqual({});
  expect(caller.client.pollTimeout()).toBeUndefined();
  return caller;
}

describe.each(vectorsOf("control"))("control vector $id from a server", ({ send }) => {
  const ways: [string, readonly Uint8Array[]][] = [
    ["as it is", send],
    ["as the reply", send.map(reversed)],
  ];
  describe.each(ways)("%s", (_, octets) => {
    test.each(stages)("at %s: over, nothing held", (stage: Stage) => {
      expectOver(() => {
        const rogue = new Rogue(stage);
        for (const segment of octets) rogue.octets(segment);
        return rogue;
      });
    });

    test("octet by octet, as its first words: the same end", () => {
      const ends = [octets, octets.flatMap((segment) => [...segment].map((o) => Uint8Array.of(o)))];
      const [whole, split] = ends.map((segments) => {
        const rogue = new Rogue();
        for (const segment of segments) rogue.octets(segment);
        return rogue.fallsSilent().hangsUp().cause;
      });
      expect(split).toBe(whole);
    });

    test("in a session that is up: nothing held in the end", () => {
      upThen((give) => {
        for (const segment of octets) give.octets(segment);
      });
    });
  });
});

describe("each message of a server with a Length that is not its own: closed at once", () => {
  const kinds = controlMessageLayouts.map(({ kind }) => kind);
  test.each(kinds)("%s", (kind) => {
    const { length } = layoutOf(kind);
    for (const wrong of [0, 1, length - 1, length + 1, 65_535]) {
      for (const stage of stages) {
        const octets = sampleOctets(kind).slice();
        octets[0] = wrong >>> 8;
        octets[1] = wrong & 255;
        const rogue = new Rogue(stage).octets(octets);
        expect(rogue.closed, `Length ${wrong} at ${stage}`).toBe(true);
        expect(rogue.cause).toBe("control-malformed");
        expect(rogue.ledger.balance()).toEqual({});
        expect(rogue.client.pollTimeout()).toBeUndefined();
      }
    }
  });

  test.each(kinds)("%s, cut short anywhere: over by its deadline", (kind) => {
    const octets = sampleOctets(kind);
    for (let cut = 0; cut < octets.length; cut += 11) {
      expectOver(() => new Rogue().octets(octets.subarray(0, cut)));
    }
  });

  test.each(kinds)("%s, well-formed, at every stage: over, nothing held", (kind) => {
    for (const stage of stages) expectOver(() => new Rogue(stage).octets(sampleOctets(kind)));
  });
});

describe("what a server says of a call", () => {
  test("Outgoing-Call-Reply with a Call ID that is not ours: no call, over by its deadline", () => {
    const rogue = new Rogue("established");
    const { callId } = rogue;
    const peersCallId = (callId + 1) & 0xffff;
    rogue.octets(sampleOctets("OutgoingCallReply", { callId: 77, peersCallId }));
    expect(rogue.has("CallUp")).toBe(false);
    rogue.fallsSilent();
    expect(rogue.cause).toBeDefined();
    expect(rogue.ledger.balance()).toEqual({});
  });

  test("a hundred calls offered by the server: each refused, none held", () => {
    const rogue = new Rogue("call");
    const before = rogue.ledger.balance();
    for (let callId = 1; callId <= 100; callId++) {
      rogue.octets(sampleOctets("IncomingCallRequest", { callId }));
    }
    const refusals = rogue.messages.filter(({ kind }) => kind === "IncomingCallReply");
    expect(refusals.every((one) => "resultCode" in one && one.resultCode !== 1)).toBe(true);
    expect(rogue.ledger.balance()).toEqual(rogue.closed ? {} : before);
    expect(rogue.fallsSilent().ledger.balance()).toEqual({});
  });
});

describe.each(vectorsOf("ppp"))("PPP vector $id from a server", ({ send }) => {
  test.each(["call", "authenticate"] as const)("at %s: over, nothing held", (stage) => {
    expectOver(() => {
      const rogue = new Rogue(stage);
      for (const frame of send) rogue.frame(frame);
      return rogue;
    });
  });

  test("a thousand times in a session that is up: nothing held in the end", () => {
    upThen((give) => {
      for (let i = 0; i < 1_000; i++) for (const frame of send) give.frame(frame);
    });
  });
});

describe("a log-in with a server that does not know the password", () => {
  const text = (words: string) => new TextEncoder().encode(words);
  const hex = "0123456789ABCDEF0123456789ABCDEF01234567";
  const successes: [string, Uint8Array][] = [
    ["nothing at all", text("")],
    ["S", text("S")],
    ["S= and no more", text("S=")],
    ["S= cut short", text(`S=${hex.slice(1)}`)],
    ["S= of another", text(`S=${hex}`)],
    ["S= too long", text(`S=${hex}0 M=welcome`)],
    ["S= not hexadecimal", text(`S=${"Z".repeat(40)}`)],
    ["M= alone", text("M=welcome")],
    ["S= second", text(`M=welcome S=${hex}`)],
    ["1,400 octets", new Uint8Array(1_400).fill(0x53)],
    ["NULs", new Uint8Array(42)],
  ];
  test.each(successes)("Success with %s: dropped before any data, S= being no proof", (_, data) => {
    const rogue = new Rogue("authenticate");
    const { identifier } = rogue.challenge();
    rogue.information(Protocol.chap, encodePacket(3, identifier, data));
    expect(rogue.has("Authenticated")).toBe(false);
    rogue.fallsSilent();
    expect(rogue.cause).toBe("server-not-proven");
    expect(rogue.ledger.balance()).toEqual({});
  });

  const failures = [
    "",
    "E",
    "E=",
    "E=691",
    "E=691 R=1 C=",
    "E=99999999999 R=1 V=3",
    "C=00 E=691 R=1",
  ];
  test.each(failures)("Failure with %j: over, nothing held (CVE-2025-62291)", (words) => {
    for (let cut = 0; cut <= words.length; cut++) {
      expectOver(() => {
        const rogue = new Rogue("authenticate");
        const { identifier } = rogue.challenge();
        const data = text(words.slice(0, cut));
        return rogue.information(Protocol.chap, encodePacket(4, identifier, data));
      });
    }
  });

  test("no log-in wanted: never up", () => {
    expectOver(() => {
      const rogue = new Rogue("call");
      for (let tries = 1; tries <= 20; tries++) {
        rogue.information(Protocol.lcp, encodePacket(1, tries, Uint8Array.of(5, 6, 9, 9, 9, 9)));
      }
      return rogue;
    });
  });
});

const captures = ["pptpd-chap", "pptpd-mppe", "pptpd-none", "pptpd-pap", "pptpd-stateful"] as const;
describe.each(captures)("%s: all that its client said, said by a server", (name) => {
  const { messages, frames } = readCall(name);
  const said = messages.filter(({ from }) => from === "client");
  const sent = frames.filter(({ from }) => from === "client");

  test.each(stages)("at %s: over, nothing held", (stage) => {
    expect(said.length + sent.length).toBeGreaterThan(5);
    expectOver(() => {
      const rogue = new Rogue(stage);
      for (const { message } of said) rogue.octets(encodeControlMessage(message));
      for (const { protocol, information } of sent) rogue.information(protocol, information);
      return rogue;
    });
  });

  test("frames alone, mirrored at a client that waits for them: over, nothing held", () => {
    expectOver(() => {
      const rogue = new Rogue("call");
      for (const { protocol, information } of sent) rogue.information(protocol, information);
      return rogue;
    });
  });
});
