import { describe, expect, test } from "vitest";
import { instant } from "../base/instant.js";
import { GreWindow } from "./gre-window.js";

const at = instant;

function opened(sequence: number): GreWindow {
  const window = new GreWindow(at(0));
  window.advance(sequence, at(0));
  return window;
}

describe("place in the sequence", () => {
  test("the first packet may have any number in 0..256", () => {
    const window = new GreWindow(at(0));
    expect([0, 1, 255, 256].map((sequence) => window.place(sequence))).toEqual(
      Array(4).fill("next"),
    );
    expect([257, 0x7fffffff, 0xffffffff].map((sequence) => window.place(sequence))).toEqual(
      Array(3).fill("out"),
    );
  });

  const places = [
    [1, "next"],
    [2, "ahead"],
    [257, "ahead"],
    [258, "far"],
    [2048, "far"],
    [2049, "far"],
    [262_144 + 1, "far"],
    [262_144 + 2, "out"],
    [0x7fffffff, "out"],
    [0, "late"],
    [-1, "late"],
    [-2046, "late"],
    [-2047, "out"],
  ] as const;
  for (const base of [300, 0xffffffff, 0xfffffff0, 0x7fffffff]) {
    for (const [offset, place] of places) {
      test(`after ${base}, ${offset} on: ${place}`, () => {
        const window = new GreWindow(at(0));
        // A resynchronisation is the only way to get there at once.
        window.advance(base, at(0));
        expect(window.place((base + offset) >>> 0)).toBe(place);
      });
    }
  }

  test("advancing says how many numbers were skipped, across the wrap too", () => {
    expect(opened(10).advance(11, at(1))).toBe(0);
    expect(opened(10).advance(15, at(1))).toBe(4);
    expect(opened(0xfffffffe).advance(2, at(1))).toBe(3);
    expect(new GreWindow(at(0)).advance(200, at(1))).toBe(0);
  });

  test("going back, as a resynchronisation may, skips less than none", () => {
    expect(opened(200).advance(5, at(1))).toBe(5 - 201);
  });
});

describe("acknowledgments", () => {
  test("due 50 ms after the first packet not acknowledged, once", () => {
    const window = opened(7);
    expect(window.ackDueAt).toBe(50);
    window.advance(8, at(30));
    expect(window.ackDueAt).toBe(50);
    expect(window.takeAcknowledgment()).toBe(8);
    expect(window.ackDueAt).toBeUndefined();
    expect(window.takeAcknowledgment()).toBeUndefined();
  });

  test("number 0xFFFFFFFF is acknowledged as such", () => {
    expect(opened(0xffffffff).takeAcknowledgment()).toBe(0xffffffff);
  });
});

describe("resynchronisation, G-10", () => {
  function flooded(times: readonly number[], lastInWindow = 0): boolean[] {
    const window = new GreWindow(at(0));
    window.advance(0, at(lastInWindow));
    return times.map((time) => window.noteOutOfWindow(at(time)));
  }

  test("eight within a second after 200 ms of nothing else: asked, with the eighth", () => {
    expect(flooded([300, 310, 320, 330, 340, 350, 360, 370])).toEqual([
      ...Array(7).fill(false),
      true,
    ]);
  });

  test("eight over more than a second: not asked", () => {
    expect(flooded([300, 500, 700, 900, 1100, 1200, 1300, 1301])).not.toContain(true);
  });

  test("while packets in window come: not asked", () => {
    expect(flooded([300, 310, 320, 330, 340, 350, 360, 370], 180)).not.toContain(true);
  });

  test("at most once a second", () => {
    const asked = flooded(Array.from({ length: 300 }, (_, i) => 1000 + 10 * i));
    expect(asked.filter((value) => value)).toHaveLength(3);
  });
});
