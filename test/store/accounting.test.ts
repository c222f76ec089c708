import { afterAll, describe, expect, it } from "vitest";
import { store as limits } from "../../src/limits.js";
import type { SessionCounters, SessionRecord } from "../../src/store/port.js";
import { opened, place, value } from "./stores.js";

const counters = (octetsIn: number): SessionCounters => ({
  octetsIn,
  octetsOut: 2 * octetsIn,
  packetsIn: 1,
  packetsOut: 2,
});
const session = (sessionId: string, more: Partial<SessionRecord> = {}): SessionRecord => ({
  sessionId,
  accountId: 1,
  name: "anna",
  peerAddress: "198.51.100.7",
  localAddress: "203.0.113.1",
  framedAddress: "10.0.0.5",
  framedPrefix: undefined,
  method: "ms-chap-v2",
  encryption: "MPPE-128 stateless",
  profile: "default",
  startedAt: 1_000,
  ...more,
});

describe("accounting", async () => {
  const where = place();
  const store = await opened(where);
  const { accounting } = store;
  afterAll(() => store.close());
  const line = async (id: string) =>
    (await value(accounting.recent())).find(({ sessionId }) => sessionId === id);

  it("start, interim, stop with cause and counters", async () => {
    const one = session("i-1");
    await value(accounting.start(one));
    expect(await line("i-1")).toMatchObject({
      ...one,
      ...counters(0),
      packetsIn: 0,
      packetsOut: 0,
    });
    await value(accounting.interim(one, counters(10), 2_000));
    expect(await line("i-1")).toMatchObject({
      ...counters(10),
      countedAt: 2_000,
      cause: undefined,
    });
    await value(accounting.stop(one, counters(2 ** 40), 3_000, "idle-limit"));
    expect(await line("i-1")).toMatchObject({
      ...counters(2 ** 40),
      countedAt: 3_000,
      endedAt: 3_000,
      cause: "idle-limit",
    });
  });
  it("late, repeated and lonely records do no harm", async () => {
    const one = session("i-2");
    await value(accounting.stop(one, counters(30), 3_000, "call-cleared"));
    await value(accounting.start(one));
    await value(accounting.interim(one, counters(99), 9_000));
    await value(accounting.stop(one, counters(99), 9_000, "shutdown"));
    expect(await line("i-2")).toMatchObject({ ...counters(30), cause: "call-cleared" });
    const two = session("i-3");
    await value(accounting.interim(two, counters(20), 2_000));
    await value(accounting.interim(two, counters(10), 1_500));
    expect(await line("i-3")).toMatchObject(counters(20));
    expect((await value(accounting.recent())).filter(({ name }) => name === "anna")).toHaveLength(
      3,
    );
  });
  it("an odd counter is written as far as it goes", async () => {
    const odd = { octetsIn: 2 ** 60, octetsOut: -1, packetsIn: Number.NaN, packetsOut: 1.5 };
    await value(accounting.stop(session("i-4"), odd, 1, "shutdown"));
    expect(await line("i-4")).toMatchObject({
      octetsIn: Number.MAX_SAFE_INTEGER,
      octetsOut: 0,
      packetsIn: 0,
      packetsOut: 1,
    });
  });
  it("newest first, by name, in pages", async () => {
    await value(accounting.start(session("b-1", { name: "bob" })));
    await value(accounting.start(session("b-2", { name: "bob" })));
    const all = await value(accounting.recent({ name: "bob" }));
    expect(all.map(({ sessionId }) => sessionId)).toEqual(["b-2", "b-1"]);
    const before = all[0]!.number;
    const rest = await value(accounting.recent({ name: "bob", before, most: 5 }));
    expect(rest.map(({ sessionId }) => sessionId)).toEqual(["b-1"]);
  });
  it("retention deletes what ended before, never a live session", async () => {
    await value(accounting.stop(session("o-1"), counters(1), 500, "shutdown"));
    await value(accounting.stop(session("o-2"), counters(1), 5_000, "shutdown"));
    await value(accounting.start(session("o-3", { startedAt: 1 })));
    expect(await value(accounting.prune(4_000))).toBeGreaterThan(0);
    expect(await value(accounting.prune(4_000))).toBe(0);
    expect(await line("o-1")).toBeUndefined();
    expect(await line("o-2")).toBeDefined();
    expect(await line("o-3")).toBeDefined();
  });
});

it("sessions of a server that died are ended as lost, this run's are not", async () => {
  const where = place();
  const first = await opened(where);
  await value(first.accounting.interim(session("x-1"), counters(7), 2_500));
  await first.close();
  const second = await opened(where);
  await value(second.accounting.start(session("x-2")));
  expect(await value(second.accounting.endOrphans())).toBe(1);
  const lines = await value(second.accounting.recent());
  expect(lines.map(({ sessionId, cause, endedAt }) => [sessionId, cause, endedAt])).toEqual([
    ["x-2", undefined, undefined],
    ["x-1", "server-lost", 2_500],
  ]);
  await second.close();
});

describe("records gather", () => {
  const slow = 60_000;
  it("for as long as they may, then one commit for all", async () => {
    const store = await opened({ ...place(), gatherMs: 50 });
    const before = store.stats().commits;
    const names = Array.from({ length: 5 }, (_, i) => `g-${i}`);
    await Promise.all(names.map((name) => value(store.accounting.start(session(name)))));
    expect(store.stats()).toMatchObject({ accountingLength: 0, commits: before + 1 });
    await store.close();
  });
  it("a log-in's look-up is answered meanwhile, and takes none of them along", async () => {
    const store = await opened({ ...place(), gatherMs: slow });
    const before = store.stats().commits;
    const waiting = value(store.accounting.start(session("l-1")));
    await value(store.accounts.find("anna"));
    expect(store.stats()).toMatchObject({ accountingLength: 1, commits: before });
    await store.close();
    await waiting;
  });
  it("a full batch does not wait, and a change takes along what there is", async () => {
    const store = await opened({ ...place(), gatherMs: slow });
    await Promise.all(
      Array.from({ length: limits.batchMax }, (_, i) =>
        value(store.accounting.start(session(`f-${i}`))),
      ),
    );
    const one = value(store.accounting.start(session("f-along")));
    await value(store.settings.set("key", "value"));
    await one;
    expect(store.stats().accountingLength).toBe(0);
    await store.close();
  });
  it("a close writes what waits", async () => {
    const where = place();
    const store = await opened({ ...where, gatherMs: slow });
    const last = value(store.accounting.start(session("c-1")));
    expect(await store.close()).toEqual({ recordsLost: 0 });
    await last;
    const again = await opened(where);
    expect(await value(again.accounting.recent())).toMatchObject([{ sessionId: "c-1" }]);
    await again.close();
  });
});

it("many records at once are few commits, and all there", async () => {
  const where = place();
  const store = await opened(where);
  const before = store.stats().commits;
  await Promise.all(
    Array.from({ length: 1_000 }, (_, i) => value(store.accounting.start(session(`m-${i}`)))),
  );
  expect(store.stats().commits - before).toBeLessThanOrEqual(6);
  expect(await value(store.accounting.recent())).toHaveLength(1_000);
  expect(store.stats()).toMatchObject({ queueLength: 0, accountingLength: 0, failures: 0 });
  await store.close();
});
