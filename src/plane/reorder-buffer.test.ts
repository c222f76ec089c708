import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { instant } from "../base/instant.js";
import { plane as limits } from "../limits.js";
import { ReorderBudget, ReorderBuffer } from "./reorder-buffer.js";

const frame = new Uint8Array(1500).fill(7);

function insert(buffer: ReorderBuffer, sequence: number, length = 100, at = 0) {
  return buffer.insert(sequence, frame, 0, length, instant(at));
}

describe("reorder buffer", () => {
  property.prop([fc.uniqueArray(fc.nat(200), { maxLength: 16 }), fc.constantFrom(0, 0xffffff80)])(
    "gives back in order, whatever came in, the wrap included",
    (offsets, base) => {
      const budget = new ReorderBudget();
      const buffer = new ReorderBuffer(budget);
      for (const offset of offsets) insert(buffer, (base + offset) >>> 0);
      const out: number[] = [];
      for (let kept = buffer.take(); kept !== undefined; kept = buffer.take()) {
        out.push((kept.sequence - base) >>> 0);
      }
      expect(out).toEqual([...offsets].sort((a, b) => a - b));
      expect(budget.octets).toBe(0);
    },
  );

  test("a number it has already: duplicate, nothing kept twice", () => {
    const buffer = new ReorderBuffer(new ReorderBudget());
    expect(insert(buffer, 5)).toBe("kept");
    expect(insert(buffer, 5)).toBe("duplicate");
    expect(buffer.size).toBe(1);
  });

  test("gaps given up: the next is waited for less, down to a bound; one that came late undoes it", () => {
    const buffer = new ReorderBuffer(new ReorderBudget());
    expect(buffer.waitMs).toBe(limits.reorderMs);
    buffer.gaveUp();
    expect(buffer.waitMs).toBe(limits.reorderMs / 4);
    for (let gap = 0; gap < 5; gap++) buffer.gaveUp();
    expect(buffer.waitMs).toBe(limits.reorderMinMs);
    insert(buffer, 5, 100, 10);
    expect(buffer.dueAt).toBe(10 + limits.reorderMinMs);
    buffer.cameLate();
    expect(buffer.waitMs).toBe(limits.reorderMs);
    // Of a path that is known to reorder it takes many.
    buffer.gaveUp();
    expect(buffer.waitMs).toBeGreaterThan(limits.reorderMs / 2);
    expect(buffer.waitMs).toBeLessThan(limits.reorderMs);
  });

  test("a gap that was filled is waited for several times as long again, within the bound", () => {
    const buffer = new ReorderBuffer(new ReorderBudget());
    for (let gap = 0; gap < 5; gap++) buffer.gaveUp();
    insert(buffer, 5, 100, 10);
    buffer.filled(instant(14));
    expect(buffer.waitMs).toBe(16);
    buffer.filled(instant(13));
    expect(buffer.waitMs).toBe(16);
    buffer.filled(instant(10_000));
    expect(buffer.waitMs).toBe(limits.reorderMs);
  });

  test("a configured wait below the bound is kept to", () => {
    const buffer = new ReorderBuffer(new ReorderBudget(), { ...limits, reorderMs: 2 });
    buffer.gaveUp();
    expect(buffer.waitMs).toBe(2);
  });

  test("the seventeenth packet: full", () => {
    const buffer = new ReorderBuffer(new ReorderBudget());
    for (let i = 0; i < limits.reorderPacketsMax; i++) expect(insert(buffer, i)).toBe("kept");
    expect(insert(buffer, 99)).toBe("full");
  });

  test("24 KiB: full", () => {
    const buffer = new ReorderBuffer(new ReorderBudget());
    for (let i = 0; i < 16; i++) expect(insert(buffer, i, 1500)).toBe("kept");
    expect(buffer.octets).toBeLessThanOrEqual(limits.reorderOctetsMax);
    buffer.clear();
    const budget = new ReorderBudget();
    const large = new ReorderBuffer(budget);
    const octets = new Uint8Array(limits.reorderOctetsMax);
    expect(large.insert(1, octets, 0, octets.length, instant(0))).toBe("kept");
    expect(insert(large, 2, 1)).toBe("full");
  });

  test("16 MiB of all flows together: full for the next flow, free again after a clear", () => {
    const budget = new ReorderBudget();
    const octets = new Uint8Array(limits.reorderOctetsMax);
    const buffers: ReorderBuffer[] = [];
    for (;;) {
      const buffer = new ReorderBuffer(budget);
      if (buffer.insert(1, octets, 0, octets.length, instant(0)) === "full") break;
      buffers.push(buffer);
    }
    expect(budget.octets).toBeLessThanOrEqual(limits.reorderOctetsTotalMax);
    for (const buffer of buffers) buffer.clear();
    expect(budget.octets).toBe(0);
  });

  test("due 100 ms after the oldest came, whatever its number", () => {
    const buffer = new ReorderBuffer(new ReorderBudget());
    insert(buffer, 9, 100, 10);
    insert(buffer, 7, 100, 40);
    expect(buffer.dueAt).toBe(110);
    buffer.take();
    expect(buffer.dueAt).toBe(110);
    buffer.take();
    expect(buffer.dueAt).toBeUndefined();
  });

  test("what is kept is a copy", () => {
    const buffer = new ReorderBuffer(new ReorderBudget());
    const octets = Uint8Array.of(1, 2, 3, 4);
    buffer.insert(1, octets, 1, 3, instant(0));
    octets.fill(0);
    expect([...buffer.take()!.frame]).toEqual([2, 3]);
  });
});
