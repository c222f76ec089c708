// One rule of TCP a test, with a peer by hand: what is sent, and when.
import { describe, expect, test } from "vitest";
import { instant } from "../../src/base/instant.js";
import { Congestion } from "../../src/client/tcp/congestion.js";
import { stack as bounds } from "../../src/limits.js";
import { ByHand, type Options, packet, show } from "./by-hand.js";
import { big } from "./view.js";

/** Established, with segments of 1000 octets. */
function established(options: Options = {}): ByHand {
  return new ByHand({ mss: 1012, ...options }).reach("ESTABLISHED");
}

function sent(hand: ByHand): string[] {
  return hand.answers().map((segment) => show(hand, segment));
}

/** When something is sent from now on, in ms from now, until `ms` have passed. */
function times(hand: ByHand, ms: number): number[] {
  const begin = hand.now;
  const at: number[] = [];
  while (hand.now < begin + ms) {
    hand.pass(Math.min(10, begin + ms - hand.now));
    for (const _ of hand.answers()) at.push(Math.round(hand.now - begin));
  }
  return at;
}

/** Grows the congestion window: `rounds` of ten segments that are acknowledged after 50 ms. */
function warm(hand: ByHand, rounds = 3): number {
  for (let round = 0; round < rounds; round++) {
    hand.connection.write(new Uint8Array(10_000));
    hand.pass(50);
    hand.send("ACK");
  }
  hand.answers();
  return hand.ours;
}

describe("retransmission time-out (RFC 6298)", () => {
  test("the SYN goes again after 1, 2, 4, … and at most 60 s", () => {
    const hand = new ByHand();
    hand.answers();
    expect(times(hand, 179_000)).toEqual([1000, 3000, 7000, 15_000, 31_000, 63_000, 123_000]);
    hand.pass(10_000);
    expect(hand.told).toEqual(["timed-out"]);
  });

  test("text doubles from the measured time-out on, until an acknowledgment", () => {
    const hand = established();
    warm(hand);
    hand.connection.write(new Uint8Array(100));
    const [first = 0, second = 0, third = 0] = times(hand, 2_150).slice(1);
    expect(first).toBeGreaterThanOrEqual(bounds.rtoMinMs);
    expect(second - first).toBeCloseTo(2 * first, -2);
    expect(third - second).toBeCloseTo(4 * first, -2);
    hand.send("ACK");
    hand.connection.write(new Uint8Array(100));
    expect(times(hand, 2 * first)[1]).toBeCloseTo(first, -2);
  });

  test("without timestamps a segment that was sent twice measures nothing (Karn)", () => {
    const hand = established({ timestamps: false });
    hand.connection.write(new Uint8Array(100));
    hand.pass(1_500);
    hand.send("ACK");
    hand.connection.write(new Uint8Array(100));
    hand.answers();
    // By the SYN's round trip still; by 1500 ms it would be seconds.
    expect(times(hand, 1_100)).toEqual([bounds.rtoMinMs, 3 * bounds.rtoMinMs]);
  });

  test("after it one segment goes, and the window grows from there", () => {
    const hand = established();
    const at = warm(hand);
    hand.connection.write(new Uint8Array(8_000));
    hand.answers();
    hand.pass(400);
    expect(sent(hand)).toEqual([`ACK [${at},${at + 1000})`]);
    hand.send("ACK", { ack: at + 1000 });
    expect(sent(hand)).toEqual([
      `ACK [${at + 1000},${at + 2000})`,
      `ACK [${at + 2000},${at + 3000})`,
    ]);
  });
});

describe("loss recovery", () => {
  test("SACK: what is below three segments that came is sent again, and the very last (RFC 6675)", () => {
    const hand = established();
    const at = warm(hand);
    hand.connection.write(new Uint8Array(10_000));
    hand.answers();
    // The first and the fourth are lost.
    for (const end of [2, 3, 5, 6, 7, 8]) {
      const islands: [number, number][] = [[at + 1000, at + 1000 * Math.min(end, 3)]];
      if (end > 3) islands.unshift([at + 4000, at + 1000 * end]);
      hand.send("ACK", { ack: at, sack: islands });
    }
    const lost = [at, at + 3000, at + 9000];
    expect(sent(hand)).toEqual(lost.map((start) => `ACK [${start},${start + 1000})`));
    hand.send("ACK", { ack: at + 8000 });
    expect(sent(hand)).toEqual([]);
  });

  test("what was sent again and is lost again goes once more, without a time-out", () => {
    const hand = established();
    const at = warm(hand);
    hand.connection.write(new Uint8Array(30_000));
    hand.answers();
    const began = hand.now;
    for (const end of [2, 3, 4, 5, 6, 7, 8]) {
      hand.send("ACK", { ack: at, sack: [[at + 1000, at + 1000 * end]] });
    }
    const first = `ACK [${at},${at + 1000})`;
    expect(sent(hand).filter((text) => text === first)).toHaveLength(1);
    // All that was out before comes: new segments go. They come too, and the repetition does not.
    hand.send("ACK", { ack: at, sack: [[at + 1000, hand.ours]] });
    expect(sent(hand)).not.toContain(first);
    hand.send("ACK", { ack: at, sack: [[at + 1000, hand.ours]] });
    expect(sent(hand)).toContain(first);
    expect(hand.now).toBe(began);
  });

  test("two SACKed segments are no loss yet", () => {
    const hand = established();
    const at = warm(hand);
    hand.connection.write(new Uint8Array(10_000));
    hand.answers();
    hand.send("ACK", { ack: at, sack: [[at + 1000, at + 2000]] });
    hand.send("ACK", { ack: at, sack: [[at + 1000, at + 3000]] });
    expect(sent(hand)).toEqual([]);
  });

  test("SACK of what was never sent is no SACK", () => {
    const hand = established();
    const at = warm(hand);
    hand.connection.write(new Uint8Array(5_000));
    hand.answers();
    for (let turn = 0; turn < 5; turn++) {
      hand.send("ACK", { ack: at, sack: [[at + 10_000, at + 20_000 + turn]] });
    }
    hand.send("ACK");
    expect(hand.connection.writable).toBe(bounds.sendOctetsMax);
    expect(hand.connection.state).toBe("ESTABLISHED");
  });

  test("without SACK three duplicates, and each partial acknowledgment the next (RFC 6582)", () => {
    const hand = established({ sack: false });
    const at = warm(hand);
    hand.connection.write(new Uint8Array(10_000));
    hand.answers();
    for (let duplicate = 1; duplicate <= 3; duplicate++) {
      expect(sent(hand)).toEqual([]);
      hand.send("ACK", { ack: at });
    }
    expect(sent(hand)).toEqual([`ACK [${at},${at + 1000})`]);
    hand.send("ACK", { ack: at + 3000 });
    expect(sent(hand)).toEqual([`ACK [${at + 3000},${at + 4000})`]);
  });

  test("we SACK what came, the latest first, and one acknowledgment tells of a filled gap", () => {
    const hand = established();
    for (const from of [201, 401, 601]) hand.send("ACK", { at: from, data: 100 });
    const blocks = hand.answers().at(-1)?.options.get(5) ?? new Uint8Array(0);
    const edges = [...Array(blocks.length / 4).keys()].map((edge) => big.u32(blocks, 4 * edge));
    expect(edges.map((edge) => ((edge - edges[4]!) | 0) + 201)).toEqual([
      601, 701, 401, 501, 201, 301,
    ]);
    hand.send("ACK", { at: 1, data: 200 });
    const [answer] = hand.answers();
    expect(hand.acknowledged(answer!)).toBe(301);
    expect(answer?.options.get(5)?.length).toBe(16);
    expect(hand.connection.readable).toBe(300);
  });
});

describe("acknowledgments (RFC 5681 §4.2)", () => {
  test("every second segment at once, a lone one soon", () => {
    const hand = established();
    hand.send("ACK", { data: 1000 });
    expect(sent(hand)).toEqual([]);
    hand.send("ACK", { data: 1000 });
    expect(sent(hand)).toEqual(["ACK"]);
    hand.send("ACK", { data: 1000 });
    expect(times(hand, 500)).toEqual([bounds.delayedAckMs]);
  });

  test("text carries it", () => {
    const hand = established();
    hand.send("ACK", { data: 100 });
    hand.connection.write(new Uint8Array(10));
    const [answer] = hand.answers();
    expect(hand.acknowledged(answer!)).toBe(101);
    expect(times(hand, 200)).toEqual([]);
  });
});

describe("windows", () => {
  test("scaled both ways where both offer it, the SYN's not (RFC 7323 §2)", () => {
    const hand = established({ shift: 7, window: 1000 });
    hand.connection.write(new Uint8Array(200_000));
    hand.send("ACK", { data: 1 });
    hand.pass(50);
    const answer = hand.answers().at(-1);
    expect(answer?.window).toBe((bounds.receiveOctetsMax - 1) >> 4);
    for (let turn = 0; turn < 20; turn++) hand.send("ACK");
    // 128,000 octets may be out: more than the field could say, and less than was written.
    const una = hand.ours;
    for (let turn = 0; turn < 20; turn++) hand.send("ACK", { ack: Math.min(una, hand.ours) });
    expect(hand.ours).toBeLessThanOrEqual(una + 128_000);
  });

  test.each([
    ["where the peer does not offer it: nor do we", -1, 5_000, 65_535, 5_000],
    ["a shift above 14 counts as 14", 15, 4, bounds.receiveOctetsMax >> 4, 10_000],
  ])("%s", (_, shift, window, told, goes) => {
    const hand = established({ shift, window });
    hand.send("ACK");
    hand.connection.write(new Uint8Array(100_000));
    const [answer] = hand.answers();
    expect(answer?.window).toBe(told);
    expect(hand.ours - 1).toBe(goes);
  });

  test("a shut one is probed with an octet, ever more seldom, and never given up while answered", () => {
    const hand = established();
    hand.send("ACK", { window: 0 });
    hand.connection.write(new Uint8Array(5_000));
    const probes: number[] = [];
    const begin = hand.now;
    while (hand.now < begin + 600_000) {
      hand.pass(50);
      for (const segment of hand.answers()) {
        if (segment.data.length === 0) continue;
        expect(segment.data.length).toBe(1);
        probes.push(hand.now - begin);
        hand.send("ACK", { ack: 1, window: 0 });
      }
    }
    expect(hand.connection.state).toBe("ESTABLISHED");
    expect(probes.length).toBeGreaterThan(8);
    expect(probes.length).toBeLessThan(20);
    expect(probes.at(-1)! - probes.at(-2)!).toBeCloseTo(bounds.rtoMaxMs, -3);
    hand.send("ACK", { ack: 1, window: 1000 });
    expect(sent(hand)[0]).toBe("ACK [1,1001)");
  });

  test("small room is not used at once, nor told (silly window, RFC 9293 §3.8.6.2)", () => {
    const hand = established();
    hand.send("ACK", { window: 1 });
    hand.connection.write(new Uint8Array(5_000));
    expect(sent(hand)).toEqual([]);
    const other = established();
    for (let turn = 0; turn < 600 && other.connection.readable < bounds.receiveOctetsMax; turn++) {
      other.send("ACK", { data: Math.min(1000, bounds.receiveOctetsMax - other.theirs + 1) });
    }
    other.pass(50);
    expect(other.answers().at(-1)?.window).toBe(0);
    other.connection.read(100);
    expect(sent(other)).toEqual([]);
    other.connection.read(300_000);
    expect(other.answers().at(-1)?.window).toBe(300_100 >> 4);
  });

  test("Nagle: a short segment waits for an acknowledgment, unless there is to be no delay", () => {
    const hand = established();
    hand.connection.write(new Uint8Array(10));
    hand.connection.write(new Uint8Array(10));
    hand.connection.write(new Uint8Array(10));
    expect(sent(hand)).toEqual(["ACK [1,31)"]);
    hand.connection.write(new Uint8Array(10));
    expect(sent(hand)).toEqual([]);
    hand.send("ACK");
    expect(sent(hand)).toEqual(["ACK [31,41)"]);
    hand.connection.noDelay = true;
    hand.connection.write(new Uint8Array(10));
    expect(sent(hand)).toEqual(["ACK [41,51)"]);
  });
});

describe("timestamps (RFC 7323)", () => {
  test("the echo is of the segment that the acknowledgment is for", () => {
    const hand = established();
    hand.send("ACK", { data: 100, stamp: 20_000 });
    hand.send("ACK", { data: 100, stamp: 20_001 });
    const echo = (at: number) => big.u32(hand.answers()[at]?.options.get(8) ?? ([0] as never), 4);
    // Of two that it acknowledges the first, which waited longer; not of one after a gap (§4.3).
    expect(echo(0)).toBe(20_000);
    hand.send("ACK", { at: hand.theirs + 100, data: 100, stamp: 20_500 });
    expect(echo(0)).toBe(20_000);
    hand.send("ACK", { data: 100, stamp: 20_600 });
    expect(echo(0)).toBe(20_600);
  });

  test("after 24 days of silence an older timestamp is none (§5.5)", () => {
    const hand = established();
    hand.pass(25 * 24 * 3_600_000);
    hand.send("ACK", { data: 100, stamp: 1 });
    expect(hand.connection.readable).toBe(100);
  });
});

describe("blind attacks (RFC 5961)", () => {
  test("answers to segments out of place are few a second", () => {
    const hand = established();
    for (let turn = 0; turn < 500; turn++) hand.send("RST,ACK", { at: hand.theirs + 1 + turn });
    expect(hand.answers().length).toBe(bounds.challengeAcksPerSecond);
    expect(hand.stack.counters()["tcp-challenge-rate"]).toBe(490);
    expect(hand.connection.state).toBe("ESTABLISHED");
  });

  test("ICMP is heeded for what is in flight only, and a path of 68 octets is not believed", () => {
    const hand = established();
    warm(hand);
    hand.icmp(3, 4, 1, 600);
    hand.connection.write(new Uint8Array(3_000));
    expect(sent(hand)[0]).toMatch(/\[30001,31001\)/);
    hand.icmp(3, 4, 30_001, 68);
    hand.pass(10);
    const [again] = hand.answers();
    expect(again?.data.length).toBe(bounds.mtuMin - 40 - 12);
    expect(hand.stack.counters()["icmp-stranger"]).toBe(1);
  });
});

describe("ICMP of our own", () => {
  test("an Echo is answered; a few wait, so many a second", () => {
    const hand = established();
    const echo = new Uint8Array([8, 0, 0, 0, 1, 2, 3, 4, 5, 6]);
    echo.set(big.octets16(big.sum(echo, 0)), 2);
    for (let turn = 0; turn < 300; turn++) hand.stack.handlePacket(packet(1, echo), hand.now);
    let replies = 0;
    while (hand.stack.pollTransmit(hand.now)?.[20] === 0) replies++;
    expect(replies).toBe(bounds.answersMax);
    expect(hand.stack.counters()["answer-rate"]).toBe(300 - bounds.answersMax);
  });
});

describe("the congestion window in congestion avoidance (DEVIATION 71)", () => {
  const smss = 1_000;
  test("after a time-out it grows as after any other congestion, not as if none was seen", () => {
    const congestion = new Congestion();
    congestion.start(smss, false);
    // The threshold: half of what was out.
    congestion.timedOut(congestion.window, smss, true);
    congestion.window = 100 * smss;
    // No packet stood in a queue.
    congestion.delivered(0, 0, 1, smss, 50, instant(0));
    congestion.measured(50);
    congestion.delivered(smss, 1, 2, smss, 50, instant(50));
    congestion.acknowledged(congestion.window, congestion.window, smss);
    expect(congestion.window - 100 * smss).toBe((100 * smss) / 16);
  });
});
