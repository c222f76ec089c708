// What the guard counts and remembers of strangers, each machine beside a model that keeps it in the plainest way.
import { strict as assert } from "node:assert";
import { instant } from "../../../src/base/instant.js";
import { Blocks } from "../../../src/core/guard/blocks.js";
import { HeavyHitters } from "../../../src/core/guard/heavy-hitters.js";
import { IncidentDetector } from "../../../src/core/guard/incidents.js";
import { LogInHolds } from "../../../src/core/guard/log-in-holds.js";
import { prefixOf } from "../../../src/core/guard/scales.js";
import { Strangers } from "../../../src/core/guard/strangers.js";
import { guard, incident as incidentLimits } from "../../../src/limits.js";
import type { Target } from "./hunt.js";
import { type Step, steps } from "./steps.js";

const FIRST = 0x0a00_0000;

const hitters = steps("heavy-hitters", () => {
  const COUNTERS = 4;
  const both = [new HeavyHitters(COUNTERS), new HeavyHitters(COUNTERS)] as const;
  const model = [new Map<number, number>(), new Map<number, number>()] as const;
  const check = (at: 0 | 1) => {
    const machine = both[at];
    const total = [...model[at].values()].reduce((sum, count) => sum + count, 0);
    assert.equal(machine.total, total);
    assert.ok(machine.size <= COUNTERS && machine.shortBy <= total / (COUNTERS + 1));
    const told = new Map(machine.top(COUNTERS));
    for (const [key, count] of model[at]) {
      const said = told.get(key) ?? 0;
      assert.ok(said <= count && count - said <= machine.shortBy, `${key}: ${said} of ${count}`);
    }
  };
  const add =
    (at: 0 | 1): Step =>
    (a, b) => {
      const count = 1 + (b & 31);
      both[at].add(a & 15, count);
      model[at].set(a & 15, (model[at].get(a & 15) ?? 0) + count);
      check(at);
    };
  const merge: Step = (a) => {
    if (a > 40) return;
    both[0].merge(both[1]);
    for (const [key, count] of model[1]) model[0].set(key, (model[0].get(key) ?? 0) + count);
    check(0);
  };
  return [add(0), add(0), add(1), merge];
});

const strangers = steps("strangers", () => {
  const most = { source: 3, prefix: 4, server: 6 };
  const machine = new Strangers<{ peer: number }>(most, 30);
  /** The oldest first. */
  let model: { who: { peer: number }; since: number; place: Disposable }[] = [];
  const of = (holds: (peer: number) => boolean) =>
    model.filter(({ who }) => holds(who.peer)).length;
  const enter: Step = (a, b, now) => {
    const peer = FIRST + ((a & 3) << 8) + (a >>> 6);
    const exempt = b > 200;
    const refused = machine.refuses(peer, now, exempt);
    const full = model.length >= most.server;
    if (!exempt && of((one) => one === peer) >= most.source) assert.equal(refused, "source");
    else if (!exempt && of((one) => prefixOf(one) === prefixOf(peer)) >= most.prefix) {
      assert.equal(refused, "prefix");
    } else if (!full) assert.equal(refused, undefined);
    if (refused !== undefined) return;
    const who = { peer };
    const { place, gaveWay } = machine.enter(who, peer, instant(now));
    assert.equal(gaveWay !== undefined, full);
    if (gaveWay !== undefined) {
      const [oldest] = model;
      const left = model.find((one) => one.who === gaveWay);
      const old = oldest !== undefined && now - oldest.since >= 30;
      if (old) assert.equal(gaveWay, oldest.who);
      else assert.ok(of((one) => one === gaveWay.peer) > of((one) => one === peer) + 1);
      left?.place[Symbol.dispose]();
      model = model.filter((one) => one !== left);
    }
    model.push({ who, since: now, place });
    assert.equal(machine.size, model.length);
    assert.ok(model.length <= most.server);
  };
  const leave: Step = (a) => {
    const [one] = model.splice(a % Math.max(model.length, 1), 1);
    one?.place[Symbol.dispose]();
    one?.place[Symbol.dispose]();
    assert.equal(machine.size, model.length);
  };
  return [enter, enter, leave];
});

const blocks = steps("blocks", () => {
  const bounds = { ...guard, blockMinMs: 8, blockMaxMs: 64, blockForgetMs: 100, blocksMax: 1_000 };
  const machine = new Blocks(bounds);
  const model = new Map<number, { until: number; times: number }>();
  const check: Step = (a, _b, now) => {
    const known = model.get(FIRST + (a & 7));
    const found = machine.find(FIRST + (a & 7), now);
    const live = known !== undefined && known.until > now;
    assert.equal(found?.until, live ? known.until : undefined);
    assert.equal(
      machine.live(now).length,
      [...model.values()].filter(({ until }) => until > now).length,
    );
    assert.equal(machine.size, model.size);
  };
  const automatic: Step = (a, b, now) => {
    const address = FIRST + (a & 7);
    const before = model.get(address);
    const again = before !== undefined && now - before.until < bounds.blockForgetMs;
    const times = again ? before.times + 1 : 1;
    const forMs = Math.min(bounds.blockMaxMs, bounds.blockMinMs * 2 ** (times - 1));
    const until = Math.max(now + forMs, before?.until ?? 0);
    const block = machine.automatic(address, "fuzz", now);
    assert.deepEqual([block.until, block.times], [until, times]);
    model.set(address, { until, times });
    check(a, b, now);
  };
  const unblock: Step = (a, b, now) => {
    const address = FIRST + (a & 7);
    const was = (model.get(address)?.until ?? 0) > now;
    assert.equal(machine.unblock({ address, length: 32 }, now), was);
    model.delete(address);
    check(a, b, now);
  };
  return [automatic, automatic, check, unblock];
});

const holds = steps("log-in-holds", () => {
  const bounds = { ...guard, logInFailuresMax: 3, logInHoldMinMs: 8, logInHoldMaxMs: 60 };
  const machine = new LogInHolds(bounds);
  const model = new Map<string, { failures: number; at: number; until: number }>();
  const NAMES = ["Ann", "ann", "bob"];
  const of = (a: number) => [NAMES[a % 3]!, FIRST + (a >>> 6)] as const;
  const key = (a: number) => `${a >>> 6} ${NAMES[a % 3]!.toLowerCase()}`;
  const failed: Step = (a, _b, now) => {
    const before = model.get(key(a));
    const known = before !== undefined && now - before.at < bounds.logInHoldMaxMs;
    const failures = known ? before.failures + 1 : 1;
    const over = failures - bounds.logInFailuresMax;
    const ms = over < 0 ? 0 : Math.min(bounds.logInHoldMaxMs, bounds.logInHoldMinMs * 2 ** over);
    assert.equal(machine.failed(...of(a), now), over <= 0);
    model.set(key(a), { failures, at: now, until: now + ms });
    assert.equal(machine.size, model.size);
  };
  const held: Step = (a, _b, now) => {
    assert.equal(machine.isHeld(...of(a), now), (model.get(key(a))?.until ?? 0) > now);
  };
  const succeeded: Step = (a) => {
    machine.succeeded(...of(a));
    model.delete(key(a));
  };
  return [failed, failed, held, succeeded];
});

/** Whatever came, and from whom, is told of once: totals as they were fed, one incident at a time, bounded. */
const incidents = steps("incidents", () => {
  const bounds = {
    ...incidentLimits,
    everyMs: 4,
    windowMs: 40,
    quietMs: 200,
    bucketMs: 400,
    reasonsMax: 3,
  };
  const machine = new IncidentDetector({ ...bounds, sourcesMax: 4, bucketsMax: 5 });
  const totals: Record<string, number> = {};
  let open = false;
  let began = 0;
  const came: Step = (a, b) => {
    const reason = `reason ${a & 7}`;
    totals[reason] = (totals[reason] ?? 0) + b;
    machine.saw(FIRST + (a >>> 4), (a & 8) !== 0, b);
  };
  const look: Step = (a, b, now) => {
    const over = machine.overPerSecond;
    assert.ok(over >= bounds.floorPerSecond && over <= bounds.ceilingPerSecond);
    for (const [reason, count] of Object.entries(totals))
      totals[reason] = count + (b & 15) * (a & 1);
    const said = machine.observe({ ...totals }, now);
    machine.takeFullBucket();
    if (said?.kind === "begins") {
      assert.ok(!open);
      open = true;
      began = said.incident.begin;
    }
    if (said?.kind === "ends") {
      assert.ok(open && said.incident.begin === began && said.incident.lastAbove >= began);
      open = false;
    }
    const figures = said?.incident ?? machine.open;
    assert.equal(machine.open !== undefined, open);
    if (figures === undefined) return;
    const { reasons, total, peakPerSecond, perSecond, proven, unproven } = figures;
    const counted = Object.values(reasons).reduce((sum, count) => sum + count, 0);
    assert.ok(counted === total && peakPerSecond >= perSecond && total > 0);
    assert.ok(Object.keys(reasons).length <= bounds.reasonsMax);
    for (const { sources, of } of [proven, unproven]) {
      assert.ok(sources.length <= 4);
      assert.ok(sources.reduce((sum, { atLeast }) => sum + atLeast, 0) <= of);
    }
  };
  return [came, look, look];
}, [beginsAndEnds()]);

/** Much came for a while, and nothing afterwards, for longer than an incident lasts. */
function beginsAndEnds(): Uint8Array {
  const came = [0, 1, 2, 3].flatMap((reason) => [0x00, reason, 255]);
  const busy = Array.from({ length: 12 }, () => [...came, 0xf1, 0, 0]).flat();
  const quiet = Array.from({ length: 40 }, () => [0xf1, 0, 0]).flat();
  return Uint8Array.from([...busy, ...quiet]);
}

export const guards: readonly Target[] = [hitters, strangers, blocks, holds, incidents];
