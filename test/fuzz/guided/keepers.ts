// Machines of the core and the data path that lend or count something, each beside a model that keeps it in the
// plainest way.
import { strict as assert } from "node:assert";
import { Chance } from "../../../src/base/chance.js";
import { instant } from "../../../src/base/instant.js";
import { AddressPool } from "../../../src/core/access/address-pool.js";
import { CallIdPool } from "../../../src/core/access/call-id-pool.js";
import { FlowSlots } from "../../../src/core/access/flow-slots.js";
import { PrefixPool } from "../../../src/core/access/prefix-pool.js";
import { SessionSeats } from "../../../src/core/access/session-seats.js";
import { MessageBucket } from "../../../src/core/pptp/message-bucket.js";
import { SessionHistory } from "../../../src/core/session-history.js";
import { plane as limits, session } from "../../../src/limits.js";
import { PlaneMemory } from "../../../src/plane/memory.js";
import { ReorderBudget, ReorderBuffer } from "../../../src/plane/reorder-buffer.js";
import { SendWindow } from "../../../src/plane/send-window.js";
import { RateBuckets, UP } from "../../../src/plane/token-bucket.js";
import type { FlowCounters } from "../../../src/wire/worker-link.js";
import type { Target } from "./hunt.js";
import { type Step, steps } from "./steps.js";

const BASE = 0xffff_ff80;

const reorder = steps("reorder", () => {
  const budget = new ReorderBudget();
  const bounds = {
    ...limits,
    reorderPacketsMax: 6,
    reorderOctetsMax: 900,
    reorderOctetsTotalMax: 700,
  };
  const buffer = new ReorderBuffer(budget, bounds);
  const model = new Map<number, { length: number; at: number }>();
  const octets = () => [...model.values()].reduce((sum, { length }) => sum + length, 0);
  const check = () => {
    const first = model.size === 0 ? undefined : (BASE + Math.min(...model.keys())) >>> 0;
    assert.equal(buffer.size, model.size);
    assert.equal(buffer.first, first);
    assert.ok(buffer.octets === octets() && budget.octets === octets());
    const oldest = Math.min(...[...model.values()].map(({ at }) => at));
    assert.equal(buffer.dueAt, model.size === 0 ? undefined : oldest + buffer.waitMs);
    assert.ok(buffer.waitMs >= limits.reorderMinMs && buffer.waitMs <= limits.reorderMs);
  };
  const insert: Step = (a, b, now) => {
    const said = buffer.insert((BASE + a) >>> 0, new Uint8Array(300), 0, b, now);
    const over = octets() + b > bounds.reorderOctetsTotalMax;
    const full = model.size >= bounds.reorderPacketsMax || over;
    assert.equal(said, model.has(a) ? "duplicate" : full ? "full" : "kept");
    if (said === "kept") model.set(a, { length: b, at: now });
    check();
  };
  const take: Step = () => {
    const first = model.size === 0 ? undefined : Math.min(...model.keys());
    const kept = buffer.take();
    assert.equal(kept && (kept.sequence - BASE) >>> 0, first);
    if (first !== undefined) model.delete(first);
    check();
  };
  const told: Step = (a, _b, now) => {
    if (a % 3 === 0) buffer.gaveUp();
    else if (a % 3 === 1) buffer.filled(now);
    else buffer.cameLate();
    check();
  };
  const clear: Step = (a) => {
    if (a > 40) return;
    buffer.clear();
    model.clear();
    check();
  };
  return [insert, insert, take, told, clear];
});

/** What is acknowledged as plain integers, without the wrap, which starts of a flow never meet. */
const sendWindow = (name: string, mode: "off" | "rfc") =>
  steps(name, () => {
    const window = new SendWindow(mode, 8, 0);
    let [next, acknowledged, lost] = [0, -1, 0];
    const check = () => {
      assert.equal(window.outstanding, next - 1 - acknowledged);
      assert.ok(window.size >= 1 && window.size <= 8);
      assert.equal(window.open, mode === "off" || next - 1 - acknowledged < window.size);
      assert.equal(window.lost, lost);
      if (mode === "off") assert.equal(window.timeOutAt, undefined);
      else assert.equal(window.timeOutAt === undefined, next - 1 === acknowledged);
    };
    const take: Step = (_a, _b, now) => {
      assert.equal(window.take(now), next++);
      check();
    };
    const acknowledge: Step = (a, b, now) => {
      const one = b < 250 ? next - 1 - (a & 15) + (b & 3) : a * 0x0101_0101;
      const said = window.acknowledge(one >>> 0, now);
      const newly = (one - acknowledged) | 0;
      const fits = newly > 0 && newly <= next - 1 - acknowledged;
      assert.equal(said, fits ? "taken" : newly <= 0 ? "stale" : "ack-out-of-range");
      if (fits) acknowledged = one;
      check();
    };
    const late: Step = (a, _b, now) => {
      const due = window.timeOutAt !== undefined && window.timeOutAt <= now + a * 64;
      window.handleTimeout(instant(now + a * 64));
      if (due) {
        lost += next - 1 - acknowledged;
        acknowledged = next - 1;
      }
      check();
    };
    return [take, take, acknowledge, acknowledge, late];
  });

const FIRST = 0x0a00_0000;

const pool = steps("address-pool", () => {
  let range = { first: FIRST, last: FIRST + 11 };
  let excluded = FIRST + 4;
  const terms = () => ({
    ranges: [range],
    exclusions: [{ first: excluded, last: excluded }],
  });
  const machine = new AddressPool(terms());
  const out: { user: string; address: number; lease: Disposable }[] = [];
  let fixed = new Set<number>();
  const inPool = (address: number) =>
    address >= range.first && address <= range.last && address !== excluded;
  const free = () => {
    const all = Array.from({ length: 32 }, (_, at) => FIRST + at).filter(inPool);
    return all.filter((one) => !fixed.has(one) && out.every(({ address }) => address !== one));
  };
  const check = () => {
    assert.equal(machine.leased, out.length);
    assert.equal(machine.free, free().length);
    for (const { user, address } of out) assert.equal(machine.holder(address), user);
  };
  const lease: Step = (a, b) => {
    const user = `user${a % 5}`;
    const before = free();
    const own = b > 220 ? FIRST + (b & 31) : undefined;
    const got = machine.lease(user, own);
    const held = own !== undefined && out.some(({ address }) => address === own);
    assert.equal(got !== undefined, own === undefined ? before.length > 0 : !held);
    if (got === undefined) return;
    assert.ok(own === undefined ? before.includes(got.address) : got.address === own);
    out.push({ user, address: got.address, lease: got });
    check();
  };
  const back: Step = (a) => {
    const [one] = out.splice(a % Math.max(out.length, 1), 1);
    one?.lease[Symbol.dispose]();
    // Twice gives nothing back that another has by now.
    one?.lease[Symbol.dispose]();
    check();
  };
  const reserve: Step = (a, b) => {
    fixed = new Set([FIRST + (a & 31), FIRST + (b & 31)]);
    machine.reserveStatic(fixed);
    check();
  };
  const reshape: Step = (a, b) => {
    range = { first: FIRST + (a & 7), last: FIRST + (a & 7) + (b & 15) };
    excluded = FIRST + (b >>> 3);
    machine.reshape(terms());
    check();
  };
  return [lease, lease, back, reserve, reshape];
});

const callIds = steps("call-ids", () => {
  const bounds = { callIdsPerPeerMax: 6, callIdsMax: 14, callIdQuarantineMs: 40 };
  const machine = new CallIdPool(bounds);
  const rng = new Chance(5).rng();
  const narrow = { ...rng, callId: () => (rng.callId() % 9) + 1 };
  type Id = { peer: number; local: number; callId: number };
  const out: (Id & { lease: Disposable })[] = [];
  /** Given back, in that order; dated by the next call that tells the time. */
  let resting: (Id & { until: number | undefined })[] = [];
  const pass = (now: number) => {
    for (const one of resting) one.until ??= now + bounds.callIdQuarantineMs;
    resting = resting.filter(({ until }) => until! > now);
  };
  const check = () => {
    assert.equal(machine.out, out.length);
    assert.equal(machine.size, out.length + resting.length);
  };
  const lease: Step = (a, b, now) => {
    const [peer, local] = [a % 4, b % 2];
    const got = machine.lease(local, peer, now, narrow);
    pass(now);
    if (out.length + resting.length >= bounds.callIdsMax) resting.shift();
    const taken = [...out, ...resting].filter((one) => one.peer === peer);
    const room = out.length + resting.length < bounds.callIdsMax;
    assert.equal(got !== undefined, room && taken.length < bounds.callIdsPerPeerMax);
    if (got !== undefined) {
      assert.ok(got.callId > 0 && got.callId <= 0xffff);
      assert.ok(!taken.some((one) => one.local === local && one.callId === got.callId));
      out.push({ peer, local, callId: got.callId, lease: got as unknown as Disposable });
    }
    check();
  };
  const back: Step = (a) => {
    const [one] = out.splice(a % Math.max(out.length, 1), 1);
    if (one === undefined) return;
    one.lease[Symbol.dispose]();
    one.lease[Symbol.dispose]();
    resting.push({ ...one, until: undefined });
    check();
  };
  const advance: Step = (_a, _b, now) => {
    machine.advance(now);
    pass(now);
    check();
  };
  return [lease, lease, back, back, advance];
});

const slots = steps("flow-slots", () => {
  const machine = new FlowSlots(5);
  const out = new Map<number, { generation: number; lease: Disposable }>();
  const last = new Map<number, number>();
  const lease: Step = () => {
    const got = machine.lease();
    assert.equal(got === undefined, out.size === 5);
    if (got !== undefined) {
      const { slot, generation } = got.flow;
      assert.ok(slot < 5 && !out.has(slot) && generation > (last.get(slot) ?? 0));
      last.set(slot, generation);
      out.set(slot, { generation, lease: got.lease });
    }
    assert.equal(machine.out, out.size);
  };
  const back: Step = (a) => {
    const one = out.get(a % 5);
    one?.lease[Symbol.dispose]();
    one?.lease[Symbol.dispose]();
    out.delete(a % 5);
    assert.equal(machine.out, out.size);
  };
  return [lease, back];
});

const seats = steps("session-seats", () => {
  const machine = new SessionSeats<number>();
  /** Of each of two accounts, the oldest first. */
  const model: { session: number; claimed: boolean; seat: Disposable }[][] = [[], []];
  const claims: ((alive: boolean, how: number) => void)[] = [];
  let next = 1;
  const check = () => {
    for (const [account, list] of model.entries())
      assert.equal(machine.taken(account), list.length);
  };
  const request: Step = (a, b) => {
    const [account, most, session] = [a & 1, 1 + (b % 4), next++];
    const list = model[account]!;
    const answer = machine.request(account, session, most);
    const oldest = list.find(({ claimed }) => !claimed);
    const kind = list.length < most ? "granted" : oldest === undefined ? "refused" : "ask-oldest";
    assert.equal(answer.kind, kind);
    if (answer.kind === "granted") list.push({ session, claimed: false, seat: answer.seat });
    if (answer.kind !== "ask-oldest" || oldest === undefined) return check();
    assert.equal(answer.claim.oldest, oldest.session);
    oldest.claimed = true;
    claims.push((alive, how) => {
      oldest.claimed = false;
      if (how > 200) return answer.claim[Symbol.dispose]();
      const policy = how & 1 ? "refuse-new" : "end-oldest";
      const said = answer.claim.decide(alive, policy);
      const sits = list.includes(oldest);
      const refused = sits ? alive && policy === "refuse-new" : list.length >= most;
      assert.equal(said.kind, refused ? "refused" : "granted");
      if (said.kind === "refused") return;
      if (sits) list.splice(list.indexOf(oldest), 1);
      list.push({ session, claimed: false, seat: said.seat });
    });
    check();
  };
  const decide: Step = (a, b) => {
    const [claim] = claims.splice(a % Math.max(claims.length, 1), 1);
    claim?.((a & 1) === 1, b);
    check();
  };
  const rise: Step = (a, b) => {
    const list = model[a & 1]!;
    const [one] = list.splice(b % Math.max(list.length, 1), 1);
    one?.seat[Symbol.dispose]();
    one?.seat[Symbol.dispose]();
    check();
  };
  return [request, request, decide, rise];
});

/** Octets of a rate, and messages of a connection: a burst, and what has come in since. */
const buckets = steps("buckets", () => {
  const rates = new RateBuckets(new PlaneMemory(4));
  const messages = { messagesPerSecond: 20, messagesBurst: 40, overRateMs: 100 };
  const bucket = new MessageBucket(messages, instant(0));
  const RATE = 800_000;
  assert.ok(rates.set(1, RATE, 0, instant(0)));
  const burst = Math.max((RATE / 8_000) * limits.rateBurstMs, limits.rateBurstOctetsMin);
  let [tokens, at, left, taken] = [burst, 0, messages.messagesBurst, 0];
  let since: number | undefined;
  const octets: Step = (a, b, now) => {
    tokens = Math.min(burst, tokens + ((now - at) * RATE) / 8_000);
    at = now;
    const wanted = a * b;
    const passes = rates.take(1, UP, wanted, now);
    assert.equal(passes, tokens >= wanted);
    if (passes) tokens -= wanted;
  };
  const message: Step = (_a, _b, now) => {
    left = Math.min(
      messages.messagesBurst,
      left + ((now - taken) * messages.messagesPerSecond) / 1_000,
    );
    taken = now;
    // A peer whose debt kept it waiting is over the rate until half of a burst has come in again.
    if (left >= messages.messagesBurst / 2) since = undefined;
    left -= 1;
    if (left < 0) since ??= now;
    const abusive = left < -2 || (since !== undefined && now - since >= messages.overRateMs);
    assert.equal(bucket.take(now), abusive ? "abusive" : left < 0 ? "over" : "ok");
    assert.equal(bucket.emptyUntil === undefined, left >= 1);
  };
  return [octets, octets, message];
});

const prefixes = steps("prefix-pool", () => {
  const machine = new PrefixPool({
    address: new Uint8Array([0x20, 1, 0xd, 0xb8, ...new Uint8Array(12)]),
    length: 61,
  });
  const out = new Map<string, Disposable>();
  const lease: Step = () => {
    const got = machine.lease();
    // The first is the server's own.
    assert.equal(got === undefined, out.size === machine.size - 1);
    if (got === undefined) return;
    const key = Buffer.from(got.prefix).toString("hex");
    assert.match(key, /^20010db80000000[1-7]0{16}$/);
    assert.ok(!out.has(key), key);
    out.set(key, got.lease);
  };
  const back: Step = (a) => {
    const [key] = [...out.keys()].slice(a % Math.max(out.size, 1));
    const one = out.get(key ?? "");
    one?.[Symbol.dispose]();
    one?.[Symbol.dispose]();
    out.delete(key ?? "");
  };
  return [lease, lease, back];
});

/** A day of its own in slots: the sums are what was counted, however often two slots became one. */
const history = steps("session-history", () => {
  let machine: SessionHistory | undefined;
  const zero = { receivedOctets: 0, sentOctets: 0, receivedPackets: 0, lost: 0, reordered: 0 };
  let counters = { ...zero, roundTripMs: 0, idleMs: 0 } as unknown as FlowCounters;
  let [late, roundTrip] = [0, 0];
  const add: Step = (a, b, now) => {
    late += a * a * 50;
    const after = {
      ...counters,
      receivedOctets: counters.receivedOctets + b,
      receivedPackets: counters.receivedPackets + (b & 3),
      lost: counters.lost + (a & 1),
      roundTripMs: a,
    };
    machine = SessionHistory.counted(machine, counters, after, instant(now + late));
    if (machine !== undefined) roundTrip = Math.max(roundTrip, a);
    // What came before the first octet is not of its time.
    if (machine === undefined) counters = { ...after, lost: 0, receivedPackets: 0 };
    else counters = after;
    if (machine === undefined) return;
    const { slots } = machine.shown(instant(now + late));
    assert.ok(slots.length <= session.historySlotsMax);
    const sum = (of: "receivedOctets" | "receivedPackets" | "lost") =>
      slots.reduce((all, slot) => all + slot[of], 0);
    assert.equal(sum("receivedOctets"), counters.receivedOctets);
    assert.equal(sum("receivedPackets"), counters.receivedPackets);
    assert.equal(sum("lost"), counters.lost);
    assert.equal(Math.max(...slots.map(({ roundTripMs }) => roundTripMs)), roundTrip);
  };
  return [add];
});

export const keepers: readonly Target[] = [
  ...[reorder, sendWindow("send-window", "off"), sendWindow("send-window-rfc", "rfc")],
  ...[pool, callIds, slots, seats, buckets],
  ...[prefixes, history],
];
