import { expect, test } from "vitest";
import { BusyWatch } from "./busy.js";

class Machine {
  now = 0;
  usedMs = 0;
  readonly told: boolean[] = [];
  readonly watch = new BusyWatch({
    clock: () => this.now,
    processorMs: () => this.usedMs,
    tell: (busy) => this.told.push(busy),
  });

  intervals(count: number, tookMs: number, share: number): this {
    for (let i = 0; i < count; i++) {
      this.now += tookMs;
      this.usedMs += tookMs * share;
      this.watch.check();
    }
    return this;
  }
}

test("late for a second with all of the processor: busy, until one interval is in time", () => {
  const machine = new Machine().intervals(2, 400, 1);
  expect(machine.told).toEqual([]);
  machine.intervals(3, 400, 1);
  expect(machine.told).toEqual([true]);
  machine.intervals(1, 110, 1);
  expect(machine.told).toEqual([true, false]);
});

test("one long stall, and then in time: not busy; another at once: busy", () => {
  expect(new Machine().intervals(1, 3_000, 1).intervals(5, 110, 1).told).toEqual([]);
  expect(new Machine().intervals(2, 3_000, 1).told).toEqual([true]);
});

test("late while others have the processor, or at work without being late: not busy", () => {
  expect(new Machine().intervals(20, 500, 0.3).told).toEqual([]);
  expect(new Machine().intervals(100, 150, 1).told).toEqual([]);
});
