// Both filters in an interpreter, against what the data worker itself would say of the same packet.
import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { incident } from "../../src/limits.js";
import { classicGreFilter, malformedGreFilter } from "../../src/os/gre-filter-classic.js";
import { FILTER_REASONS, type FilterReason, greFilter } from "../../src/os/gre-filter-ebpf.js";
import { type FrameStart, xdpGreFilter } from "../../src/os/gre-filter-xdp.js";
import { DROP_REASONS } from "../../src/plane/drop-reason.js";
import { GreHeader, readGre } from "../../src/wire/gre.js";
import { runClassic, runEbpf } from "../os/interpreter.js";
import { octets, vectors } from "../vectors/vectors.js";
import { CLIENT, datagram, SERVER } from "./pair.js";

const CALLS = 3;
const REFUSED = 4;
const SOURCES = 5;
const ADDRESSES = 6;
const LIVE = 0x5678;
const FOREIGN = ["gre-version", "gre-protocol"];
const header = new GreHeader();

/** How many of each reason there were before, and what was noted of the next one: place and source. */
const BEFORE = 67;
let noted: readonly [place: number, source: number][] = [];

const SHARED_MAPS = { calls: CALLS, refused: REFUSED, sources: SOURCES };
const MAPS = {
  [CALLS]: (key: DataView) => {
    const named = [0, 4, 8].map((at) => key.getUint32(at, true));
    return named.join() === [SERVER, CLIENT, LIVE].join() ? {} : undefined;
  },
  [REFUSED]: (key: DataView) => ({ reason: FILTER_REASONS[key.getUint32(0, true)] }),
  [SOURCES]: (key: DataView) => ({ place: key.getUint32(0, true) }),
  [ADDRESSES]: (key: DataView) => (key.getUint32(0, true) === SERVER ? {} : undefined),
};

/** What a run counts and notes, for the expectations after it. */
function acts() {
  const counted: FilterReason[] = [];
  const sources: [number, number][] = [];
  noted = sources;
  return {
    counted,
    added: (value: object) => counted.push((value as { reason: FilterReason }).reason),
    low: () => BEFORE,
    written: (value: object, word: number) =>
      sources.push([(value as { place: number }).place, word]),
  };
}

/** `taken`, or the reason that one of the receivers counted, or `silence`: where it is no receiver's. */
function verdict(packet: Uint8Array, shard = { index: 0, of: 1 }): string {
  const done = acts();
  const result = runEbpf(greFilter(SHARED_MAPS, shard), packet, MAPS, done);
  const { counted } = done;
  if (result === 0xffffffff) return "taken";
  expect([result, counted.length <= 1]).toEqual([0, true]);
  return counted[0] ?? "silence";
}

/** At the interface: `passed`, or the reason that was counted. */
function atInterface(frame: Uint8Array, start: FrameStart): string {
  const done = acts();
  const program = xdpGreFilter({ ...SHARED_MAPS, addresses: ADDRESSES }, start);
  const result = runEbpf(program, frame, MAPS, done, "frame");
  const { counted } = done;
  if (result === 2) expect([counted, noted]).toEqual([[], []]);
  else expect([result, counted.length]).toEqual([1, 1]);
  return counted[0] ?? "passed";
}

/** An Ethernet header with these tags' types before the datagram. */
function frameOf(packet: Uint8Array, tags: readonly number[] = [], pad = 0): Uint8Array {
  const start = 14 + 4 * tags.length;
  const frame = new Uint8Array(start + packet.length + pad);
  const view = new DataView(frame.buffer);
  for (const [at, type] of tags.entries()) view.setUint16(12 + 4 * at, type);
  view.setUint16(start - 2, 0x0800);
  frame.set(packet, start);
  return frame;
}

/** What the data worker's own reader and look-up say. */
function expected(gre: Uint8Array, source = CLIENT): string {
  const fault = readGre(gre, 0, gre.length, header);
  if (fault !== undefined) return fault;
  return source === CLIENT && header.callId === LIVE ? "taken" : "unknown-call";
}

function classic(packet: Uint8Array, shard = { index: 0, of: 1 }): string {
  if (runClassic(classicGreFilter(shard), packet) > 0) return "taken";
  return runClassic(malformedGreFilter(), packet) > 0 ? "malformed" : "silence";
}

function expectedOfClassic(reason: string): string {
  if (FOREIGN.includes(reason)) return "silence";
  return reason === "taken" || reason === "unknown-call" ? "taken" : "malformed";
}

function expectSame(gre: Uint8Array, source = CLIENT): void {
  const packet = datagram(source, SERVER, gre);
  const wanted = expected(gre, source);
  expect(verdict(packet)).toBe(wanted);
  const notes = wanted !== "taken" && !FOREIGN.includes(wanted);
  expect(noted).toEqual(notes ? [[BEFORE % incident.samplesMax, source]] : []);
  expect(classic(packet)).toBe(expectedOfClassic(wanted));
  // What is nobody's GRE of ours, and too short to say, is left to the socket filter to count.
  const left = wanted === "taken" || FOREIGN.includes(wanted) || gre.length < 4;
  const early = left ? "passed" : wanted;
  expect(atInterface(packet, "ip")).toBe(early);
  expect(noted).toEqual(left ? [] : [[BEFORE % incident.samplesMax, source]]);
  for (const tags of [[], [0x8100], [0x88a8, 0x8100]]) {
    expect(atInterface(frameOf(packet, tags, 9), "ethernet")).toBe(early);
  }
}

/** Enhanced GRE that is nearly right, each field from the values that decide. */
const nearly = fc
  .record({
    first: fc.oneof(fc.constantFrom(0x30, 0x20), fc.integer({ min: 0, max: 255 })),
    second: fc.oneof(fc.constantFrom(0x01, 0x81), fc.integer({ min: 0, max: 255 })),
    protocol: fc.oneof({ weight: 4, arbitrary: fc.constant(0x880b) }, fc.nat({ max: 65_535 })),
    payload: fc.oneof(fc.nat({ max: 24 }), fc.constantFrom(65_535, 0)),
    callId: fc.oneof({ weight: 3, arbitrary: fc.constant(LIVE) }, fc.nat({ max: 65_535 })),
    length: fc.nat({ max: 40 }),
  })
  .map(({ first, second, protocol, payload, callId, length }) => {
    const gre = new Uint8Array(40);
    const view = new DataView(gre.buffer);
    gre.set([first, second]);
    view.setUint16(2, protocol);
    view.setUint16(4, payload);
    view.setUint16(6, callId);
    return gre.subarray(0, length);
  });

describe("filters of GRE", () => {
  test("every reason that they count is one of the data worker's", () => {
    expect(FILTER_REASONS.filter((reason) => !DROP_REASONS.includes(reason))).toEqual([]);
  });

  for (const { id, send } of vectors.negative.filter(({ layer }) => layer === "gre")) {
    test(`${id}: as the data worker says`, () => {
      for (const hex of send) expectSame(octets(hex));
    });
  }

  for (const { name, gre_hex } of vectors.gre_ppp_frames) {
    test(`${name}, and every truncation of it`, () => {
      const gre = octets(gre_hex);
      new DataView(gre.buffer).setUint16(6, LIVE);
      expect(expected(gre)).toBe("taken");
      for (let length = 0; length <= gre.length; length++) expectSame(gre.subarray(0, length));
    });
  }

  property.prop([nearly])("anything nearly right: as the data worker says", (gre) => {
    expectSame(gre);
  });

  property.prop([fc.uint8Array({ maxLength: 40 })])("any octets likewise", (gre) => {
    expectSame(gre);
  });

  const good = octets(vectors.gre_ppp_frames[0]!.gre_hex);
  new DataView(good.buffer).setUint16(6, LIVE);

  test("the Call ID of a live call from another address is no call", () => {
    expectSame(good, CLIENT + 1);
    expect(verdict(datagram(CLIENT + 1, SERVER, good))).toBe("unknown-call");
  });

  test("options of the outer header are stepped over", () => {
    const plain = datagram(CLIENT, SERVER, good);
    const packet = new Uint8Array(plain.length + 8);
    packet.set(plain.subarray(0, 20));
    packet.set(plain.subarray(20), 28);
    packet[0] = 0x47;
    new DataView(packet.buffer).setUint16(2, packet.length);
    expect([verdict(packet), classic(packet)]).toEqual(["taken", "taken"]);
    packet[28 + 1] = 0x41;
    expect([verdict(packet), atInterface(packet, "ip")]).toEqual(["gre-flags", "gre-flags"]);
  });

  test("at the interface: what would not surely come to our sockets passes", () => {
    const bad = datagram(CLIENT, SERVER, good.subarray(0, 7));
    const judged = (change: (copy: Uint8Array) => void) => {
      const copy = frameOf(bad);
      change(copy);
      return atInterface(copy, "ethernet");
    };
    expect(judged(() => {})).toBe("gre-truncated");
    const passing: Readonly<Record<string, (copy: Uint8Array) => void>> = {
      "no IPv4": (copy) => copy.set([0x86, 0xdd], 12),
      "a header of version 6": (copy) => copy.set([0x65], 14),
      "a header of 16 octets": (copy) => copy.set([0x44], 14),
      "a header longer than the datagram": (copy) => copy.set([0x4f], 14),
      "longer than the frame": (copy) => copy.set([1], 16),
      "the first piece": (copy) => copy.set([0x20], 20),
      "a later piece": (copy) => copy.set([0x00, 0x10], 20),
      "no GRE": (copy) => copy.set([6], 23),
      "to somebody else": (copy) => copy.set([0xee], 33),
    };
    for (const [what, change] of Object.entries(passing)) {
      expect([what, judged(change)]).toEqual([what, "passed"]);
    }
    expect(atInterface(frameOf(bad, [0x8100, 0x8100, 0x8100]), "ethernet")).toBe("passed");
    for (let length = 0; length < bad.length; length++) {
      expect(atInterface(bad.subarray(0, length), "ip")).toBe("passed");
    }
    const whole = frameOf(bad, [0x8100]);
    for (let length = 0; length < whole.length; length++) {
      expect(atInterface(whole.subarray(0, length), "ethernet")).toBe("passed");
    }
  });

  property.prop([fc.uint8Array({ maxLength: 80 }), fc.constantFrom("ethernet", "ip")])(
    "any frame: read within its bounds, and nothing of a stranger's is refused",
    (frame, start) => {
      expect(["passed", ...FILTER_REASONS]).toContain(atInterface(frame, start as FrameStart));
    },
  );

  test("what is malformed is counted when it is whole and for this host", () => {
    const packet = datagram(CLIENT, SERVER, good.subarray(0, 7));
    const counted = (change: (copy: Uint8Array) => void, type = 0) => {
      const copy = packet.slice();
      change(copy);
      return runClassic(malformedGreFilter(), copy, type) > 0;
    };
    expect(counted(() => {})).toBe(true);
    expect(counted(() => {}, 4)).toBe(false);
    expect(counted((copy) => copy.set([0x20], 6))).toBe(false);
    expect(counted((copy) => copy.set([0x10], 7))).toBe(false);
    expect(counted((copy) => copy.set([6], 9))).toBe(false);
    const padded = new Uint8Array(46);
    padded.set(packet);
    expect(runClassic(malformedGreFilter(), padded)).toBeGreaterThan(0);
  });

  test("three receivers: each call at one, and what is no call's counted by one", () => {
    const shards = [0, 1, 2].map((index) => ({ index, of: 3 }));
    const among = (gre: Uint8Array) =>
      shards.map((one) => verdict(datagram(CLIENT, SERVER, gre), one));
    const right = LIVE % 3;
    expect(among(good)).toEqual(shards.map(({ index }) => (index === right ? "taken" : "silence")));
    const stranger = good.slice();
    new DataView(stranger.buffer).setUint16(6, LIVE + 1);
    const counting = (LIVE + 1) % 3;
    expect(among(stranger)).toEqual(
      shards.map(({ index }) => (index === counting ? "unknown-call" : "silence")),
    );
    expect(among(good.subarray(0, 7))).toEqual(["gre-truncated", "silence", "silence"]);
    const packet = datagram(CLIENT, SERVER, good);
    const classics = shards.map((shard) => runClassic(classicGreFilter(shard), packet));
    expect(classics.map((octet) => octet > 0)).toEqual(shards.map(({ index }) => index === right));
  });
});
