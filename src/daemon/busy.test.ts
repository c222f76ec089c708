import { expect, test, vi } from "vitest";
import { BusyWatch, watchBusyness } from "./busy.js";

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

test("by the bounds of the configuration: earlier, and with less of a processor", () => {
  let [now, usedMs] = [0, 0];
  const told: boolean[] = [];
  const watch = new BusyWatch({
    limits: { busyLagMs: 1, busyPercent: 10, busyMs: 200 },
    clock: () => now,
    processorMs: () => usedMs,
    tell: (busy) => told.push(busy),
  });
  const interval = (tookMs: number, ms: number) => {
    now += tookMs;
    usedMs += ms;
    watch.check();
  };
  for (const used of [9, 9, 9, 9]) interval(101, used);
  expect(told).toEqual([]);
  for (const used of [11, 11]) interval(101, used);
  expect(told).toEqual([true]);
  interval(100, 100);
  expect(told).toEqual([true, false]);
});

test("looked at from a stranger's coming until an interval is in time: an idle server has no timer", () => {
  vi.useFakeTimers();
  try {
    let now = 0;
    const told: boolean[] = [];
    const tell = (busy: boolean) => told.push(busy);
    const watch = watchBusyness({ clock: () => now, processorMs: () => now, tell });
    const turn = (tookMs: number) => {
      now += tookMs;
      vi.advanceTimersByTime(100);
    };
    // What went before the first stranger is no lateness.
    now = 5_000;
    expect(vi.getTimerCount()).toBe(0);
    watch.stir();
    watch.stir();
    expect(vi.getTimerCount()).toBe(1);
    turn(100);
    expect(vi.getTimerCount()).toBe(0);
    watch.stir();
    for (let late = 0; late < 4; late++) turn(400);
    expect(told).toEqual([true]);
    turn(100);
    expect(told).toEqual([true, false]);
    expect(vi.getTimerCount()).toBe(0);
    watch.stir();
    watch[Symbol.dispose]();
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
