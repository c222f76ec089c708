import { expect, test } from "vitest";
import { instant } from "../base/instant.js";
import { worker as bounds } from "../limits.js";
import type { ThreadRun } from "../os/thread-run.js";
import { Silence } from "./silence.js";

const { pongMs, pingEveryMs, suspectEveryMs, stuckRunMs, starvedMs } = bounds;
/** The first Ping that finds the one before unanswered. */
const suspectedMs = 2 * pingEveryMs;

/** Asked as often as it says, from a Pong at 0 on; the milliseconds at which it was found stuck. */
function foundAfter(look: (ms: number) => ThreadRun | undefined): number | undefined {
  const silence = new Silence(instant(0));
  for (let ms = pingEveryMs; ms <= 2 * starvedMs; ms += silence.askAgainMs) {
    if (silence.stuck(instant(ms), () => look(ms))) return ms;
  }
  return undefined;
}

test("one Ping is not looked into, two are", () => {
  expect(pongMs).toBeGreaterThan(pingEveryMs);
  expect(pongMs).toBeLessThan(suspectedMs);
});

test("stopped, or a zombie: stuck at the first look", () => {
  for (const state of ["T", "t", "Z"]) {
    expect(foundAfter(() => ({ state, ranMs: 5, waitedMs: 0 }))).toBe(suspectedMs);
  }
});

test("in a loop: stuck within a second, once it has run for a while without answering", () => {
  const ms = foundAfter((now) => ({ state: "R", ranMs: now, waitedMs: 0 }));
  expect(ms).toBe(suspectedMs + suspectEveryMs);
  expect(ms).toBeLessThan(1_000);
});

test("asleep in something that does not end: stuck within a second", () => {
  const ms = foundAfter(() => ({ state: "D", ranMs: 5, waitedMs: 0 }));
  expect(ms).toBe(suspectedMs + suspectEveryMs);
});

test("without a processor: it is waited for, as long as it waits and runs too little", () => {
  const starved = (share: number) => (now: number) => ({
    state: "R",
    ranMs: now * share,
    waitedMs: now * (1 - share),
  });
  expect(foundAfter(starved(0))).toBeGreaterThanOrEqual(starvedMs);
  // A tenth of a processor: what it ran is what counts.
  const ms = foundAfter(starved(0.1)) ?? 0;
  expect(ms).toBeGreaterThanOrEqual(suspectedMs + stuckRunMs / 0.1);
  expect(ms).toBeLessThan(starvedMs);
});

test("a Pong ends the suspicion", () => {
  const silence = new Silence(instant(0));
  const run = { state: "S", ranMs: 5, waitedMs: 0 };
  expect(silence.stuck(instant(pongMs), () => run)).toBe(false);
  silence.heard(instant(pongMs + 1));
  expect(silence.stuck(instant(2 * pongMs), () => run)).toBe(false);
  expect(silence.stuck(instant(2 * pongMs + 1), () => run)).toBe(false);
  expect(silence.stuck(instant(2 * pongMs + 1 + pingEveryMs), () => run)).toBe(true);
});

test("where the kernel does not tell, silence decides", () => {
  expect(foundAfter(() => undefined)).toBe(suspectedMs);
});
