import { readFileSync } from "node:fs";
import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { instant } from "../base/instant.js";
import { AdaptiveTimeOut, SendWindow } from "./send-window.js";

const at = instant;

type Ato = {
  readonly ppd_seconds: number;
  readonly sequence: readonly {
    readonly sample: number | "timeout";
    readonly rtt: number;
    readonly dev: number;
    readonly ato_unclamped: number;
  }[];
};

const { ato } = JSON.parse(
  readFileSync(new URL("../../test/vectors/vectors.json", import.meta.url), "utf8"),
) as { ato: Ato };

test("RFC 2637 §4.4: the worked example, step by step", () => {
  const adaptive = new AdaptiveTimeOut(ato.ppd_seconds * 1000);
  expect(ato.sequence).toHaveLength(6);
  for (const { sample, rtt, dev, ato_unclamped } of ato.sequence) {
    if (sample === "timeout") adaptive.timedOut();
    else adaptive.sample(sample * 1000);
    expect(adaptive.roundTripMs / 1000).toBeCloseTo(rtt, 5);
    expect(adaptive.deviationMs / 1000).toBeCloseTo(dev, 5);
    expect(adaptive.unclampedMs / 1000).toBeCloseTo(ato_unclamped, 5);
  }
});

function sent(window: SendWindow, packets: number, now = 0): void {
  for (let i = 0; i < packets; i++) window.take(at(now));
}

describe("send window `rfc`, RFC 2637 §4.2", () => {
  test("starts at half of what the peer announced, at least 1", () => {
    const sizes = [0, 1, 2, 3, 16, 65_535].map((peers) => new SendWindow("rfc", peers, 0).size);
    expect(sizes).toEqual([1, 1, 1, 1, 8, 32]);
  });

  test("closed when as many are outstanding, open with each acknowledgment", () => {
    const window = new SendWindow("rfc", 8, 0);
    sent(window, 4);
    expect(window.open).toBe(false);
    expect(window.acknowledge(1, at(5))).toBe("taken");
    expect([window.open, window.outstanding]).toEqual([true, 2]);
  });

  test("one wider after each full window acknowledged, up to the announced size", () => {
    const window = new SendWindow("rfc", 6, 0);
    const sizes: number[] = [];
    for (let sequence = 0; sequence < 30; sequence++) {
      window.take(at(sequence));
      window.acknowledge(sequence, at(sequence + 1));
      sizes.push(window.size);
    }
    expect(sizes.slice(0, 12)).toEqual([3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 5, 6]);
    expect(sizes.at(-1)).toBe(6);
  });

  test("time-out: half as wide, rounded up; all outstanding lost; open again, nothing resent", () => {
    const window = new SendWindow("rfc", 10, 0);
    sent(window, 5);
    expect(window.timeOutAt).toBe(100);
    window.handleTimeout(at(99));
    expect(window.lost).toBe(0);
    window.handleTimeout(at(100));
    expect(window).toMatchObject({ size: 3, lost: 5, outstanding: 0, open: true });
    expect(window.timeOutAt).toBeUndefined();
  });

  test("a peer that never acknowledges does not stall it: 1 a time-out at worst", () => {
    const window = new SendWindow("rfc", 64, 0);
    let now = 0;
    let packets = 0;
    while (now < 60_000) {
      while (window.open) {
        window.take(at(now));
        packets++;
      }
      now = window.timeOutAt!;
      window.handleTimeout(at(now));
    }
    expect(window.size).toBe(1);
    expect(packets).toBeGreaterThan(60);
  });

  test("an acknowledgment of what timed out is stale", () => {
    const window = new SendWindow("rfc", 10, 0);
    sent(window, 3);
    window.handleTimeout(at(500));
    expect(window.acknowledge(2, at(501))).toBe("stale");
  });
});

describe("acknowledgments, in both modes", () => {
  for (const mode of ["off", "rfc"] as const) {
    test(`${mode}: only of what was sent and not yet acknowledged`, () => {
      const window = new SendWindow(mode, 64, 0);
      expect(window.acknowledge(0, at(0))).toBe("ack-out-of-range");
      sent(window, 10);
      expect(window.acknowledge(10, at(1))).toBe("ack-out-of-range");
      expect(window.acknowledge(0x7ffffffe, at(1))).toBe("ack-out-of-range");
      expect(window.acknowledge(0xffffffff, at(1))).toBe("stale");
      expect(window.acknowledge(9, at(1))).toBe("taken");
      expect(window.acknowledge(9, at(1))).toBe("stale");
      expect(window.acknowledge(3, at(1))).toBe("stale");
    });

    test(`${mode}: the round trip is that of the highest acknowledged packet`, () => {
      const window = new SendWindow(mode, 64, 0);
      expect(window.roundTripMs).toBe(0);
      window.take(at(0));
      window.take(at(100));
      window.acknowledge(1, at(180));
      expect(window.roundTripMs).toBeCloseTo(10);
    });
  }

  test("off: always open, no timer, however much is outstanding", () => {
    const window = new SendWindow("off", 3, 0);
    sent(window, 10_000);
    expect([window.open, window.timeOutAt]).toEqual([true, undefined]);
    expect(window.acknowledge(5, at(1))).toBe("taken");
    expect(window.roundTripMs).toBe(0);
  });

  property.prop([
    fc.array(fc.oneof(fc.constant("send" as const), fc.constant("time" as const), fc.nat(70))),
  ])("whatever comes: never more outstanding than the window, the size within bounds", (steps) => {
    const window = new SendWindow("rfc", 20, 1);
    let now = 0;
    let next = 0;
    for (const step of steps) {
      now += step === "time" ? 3_000 : 7;
      if (step === "time") window.handleTimeout(at(now));
      else if (step !== "send") window.acknowledge(step, at(now));
      else if (window.open) expect(window.take(at(now))).toBe(next++);
      expect(window.outstanding).toBeLessThanOrEqual(20);
      expect(window.size).toBeGreaterThanOrEqual(1);
      expect(window.size).toBeLessThanOrEqual(20);
    }
  });
});
