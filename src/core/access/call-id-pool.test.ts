import fc from "fast-check";
import { expect, test } from "vitest";
import { instant } from "../../base/instant.js";
import type { Rng } from "../../base/rng.js";
import { control } from "../../limits.js";
import type { CallIdLease } from "../pptp/ports.js";
import { CallIdPool } from "./call-id-pool.js";

const LOCAL = 0xc6120001;
const PEER = 0xc6120002;

function drawing(next: () => number): Rng {
  return { callId: next } as Rng;
}

/** A full-period generator: every number of 1..65535 in a scattered order. */
function seeded(seed: number): Rng {
  let state = seed % 65_536;
  return drawing(() => {
    do state = (state * 25_173 + 13_849) % 65_536;
    while (state === 0);
    return state;
  });
}

function leaseAll(pool: CallIdPool, count: number, peer: number, at: number): CallIdLease[] {
  const rng = seeded(peer);
  const leases: CallIdLease[] = [];
  for (let i = 0; i < count; i++) leases.push(pool.lease(LOCAL, peer, instant(at), rng)!);
  return leases;
}

test("taken and resting numbers, and 0, are never given, even by a Rng that insists", () => {
  const pool = new CallIdPool();
  const same = drawing(() => 7);
  const first = pool.lease(LOCAL, PEER, instant(0), same)!;
  expect(first.callId).toBe(7);
  expect(pool.lease(LOCAL, PEER, instant(0), same)!.callId).toBe(8);
  first[Symbol.dispose]();
  expect(pool.lease(LOCAL, PEER, instant(0), same)!.callId).toBe(9);
  expect(
    pool.lease(
      LOCAL,
      PEER,
      instant(0),
      drawing(() => 0),
    )!.callId,
  ).toBe(1);
  const last = drawing(() => 65_535);
  expect(pool.lease(LOCAL, PEER, instant(0), last)!.callId).toBe(65_535);
  expect(pool.lease(LOCAL, PEER, instant(0), last)!.callId).toBe(2);
});

test("a number rests callIdQuarantineMs after its call, counted from when the pool hears of it", () => {
  const pool = new CallIdPool();
  const same = drawing(() => 7);
  pool.lease(LOCAL, PEER, instant(0), same)![Symbol.dispose]();
  pool.advance(instant(5));
  const rested = 5 + control.callIdQuarantineMs;
  pool.advance(instant(rested - 1));
  expect(pool.size).toBe(1);
  pool.advance(instant(rested));
  expect(pool.size).toBe(0);
  expect(pool.lease(LOCAL, PEER, instant(rested), same)!.callId).toBe(7);
});

test("given back twice is given back once", () => {
  const pool = new CallIdPool();
  const lease = pool.lease(LOCAL, PEER, instant(0), seeded(1))!;
  lease[Symbol.dispose]();
  lease[Symbol.dispose]();
  pool.advance(instant(0));
  pool.advance(instant(control.callIdQuarantineMs));
  expect(pool.size).toBe(0);
});

test("the same number may be out to another peer, and on another of our addresses", () => {
  const pool = new CallIdPool();
  const same = drawing(() => 7);
  expect(pool.lease(LOCAL, PEER, instant(0), same)!.callId).toBe(7);
  expect(pool.lease(LOCAL, PEER + 1, instant(0), same)!.callId).toBe(7);
  expect(pool.lease(LOCAL + 1, PEER, instant(0), same)!.callId).toBe(7);
});

test("one peer at its bound gets none; any other still does", () => {
  const pool = new CallIdPool();
  const leases = leaseAll(pool, control.callIdsPerPeerMax, PEER, 0);
  expect(new Set(leases.map(({ callId }) => callId)).size).toBe(control.callIdsPerPeerMax);
  expect(pool.lease(LOCAL, PEER, instant(0), seeded(1))).toBeUndefined();
  expect(pool.lease(LOCAL + 1, PEER, instant(0), seeded(1))).toBeUndefined();
  expect(pool.lease(LOCAL, PEER + 1, instant(0), seeded(1))).toBeDefined();
  for (const lease of leases) lease[Symbol.dispose]();
  expect(pool.lease(LOCAL, PEER, instant(0), seeded(1))).toBeUndefined();
  expect(pool.lease(LOCAL, PEER, instant(control.callIdQuarantineMs), seeded(1))).toBeDefined();
});

test("200 sources churning ten calls a second: a new peer still gets a call, memory bounded", () => {
  const bounds = { ...control, callIdsMax: 50_000 };
  const pool = new CallIdPool(bounds);
  const rng = seeded(3);
  let refused = 0;
  for (let second = 0; second < 90; second++) {
    for (let source = 0; source < 200; source++) {
      for (let i = 0; i < 10; i++) {
        const lease = pool.lease(LOCAL, source, instant(second * 1000), rng);
        if (lease === undefined) refused++;
        lease?.[Symbol.dispose]();
      }
    }
    expect(pool.size).toBeLessThanOrEqual(bounds.callIdsMax);
  }
  expect(refused).toBe(0);
  expect(pool.lease(LOCAL, 999, instant(90_000), rng)).toBeDefined();
  pool.advance(instant(90_000 + control.callIdQuarantineMs));
  expect(pool.size).toBe(1);
});

test("live numbers are never freed early, whatever churns", () => {
  const pool = new CallIdPool({ ...control, callIdsMax: 3 });
  const rng = seeded(5);
  const live = [1, 2, 3].map((peer) => pool.lease(LOCAL, peer, instant(0), rng)!);
  expect(pool.lease(LOCAL, 4, instant(0), rng)).toBeUndefined();
  live[1]![Symbol.dispose]();
  expect(pool.lease(LOCAL, 4, instant(0), rng)).toBeDefined();
  expect(pool.lease(LOCAL, 5, instant(0), rng)).toBeUndefined();
});

test("against a plain model: unique, rested, and counted right in any order of events", () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constant("lease" as const), peer: fc.nat(2), draw: fc.nat(6) }),
    fc.record({ kind: fc.constant("back" as const), which: fc.nat(20) }),
    fc.record({ kind: fc.constant("pass" as const), ms: fc.nat(40) }),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 80 }), (events) => {
      const bounds = { callIdsPerPeerMax: 4, callIdsMax: 100, callIdQuarantineMs: 60 };
      const pool = new CallIdPool(bounds);
      const out: { peer: number; lease: CallIdLease }[] = [];
      let resting: { peer: number; callId: number; until: number }[] = [];
      let now = 0;
      for (const step of events) {
        if (step.kind === "lease") {
          const lease = pool.lease(
            LOCAL,
            step.peer,
            instant(now),
            drawing(() => step.draw),
          );
          const mine = [
            ...out.filter(({ peer }) => peer === step.peer).map((entry) => entry.lease.callId),
            ...resting.filter(({ peer }) => peer === step.peer).map(({ callId }) => callId),
          ];
          expect(lease === undefined).toBe(mine.length >= bounds.callIdsPerPeerMax);
          if (lease === undefined) continue;
          expect(mine).not.toContain(lease.callId);
          expect(lease.callId).toBeGreaterThan(0);
          out.push({ peer: step.peer, lease });
        } else if (step.kind === "back") {
          const [entry] = out.splice(step.which, 1);
          if (entry === undefined) continue;
          entry.lease[Symbol.dispose]();
          pool.advance(instant(now));
          resting.push({ peer: entry.peer, callId: entry.lease.callId, until: now + 60 });
        } else {
          now += step.ms;
          pool.advance(instant(now));
          resting = resting.filter(({ until }) => until > now);
        }
        expect(pool.size).toBe(out.length + resting.length);
      }
    }),
  );
});
