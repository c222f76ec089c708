import { describe, expect, it } from "vitest";
import { store as limits } from "../limits.js";
import type { Answer } from "./port.js";
import { type Kind, RequestQueue, type Waiting } from "./request-queue.js";
import type { Operation } from "./sqlite-link.js";

type Probe = Waiting & { answers: Answer<unknown>[] };

function request(kind: Kind, operation: Operation, since = 0): Probe {
  const answers: Answer<unknown>[] = [];
  return { kind, operation, ask: undefined, since, answers, settle: (one) => answers.push(one) };
}
const read = () => request("read", "account-find");
const change = () => request("write", "account-add");
const interim = () => request("accounting", "session-interim");
const stop = () => request("accounting", "session-stop");

function fill(queue: RequestQueue, make: () => Probe, count: number = limits.queueMax): Probe[] {
  return Array.from({ length: count }, () => {
    const one = make();
    queue.put(one);
    return one;
  });
}

describe("request queue", () => {
  it("a batch is bounded, in order, changes before accounting", () => {
    const queue = new RequestQueue();
    const reads = fill(queue, read, limits.batchMax + 1);
    const stops = fill(queue, stop, limits.batchMax);
    const changes = fill(queue, change, 3);
    const batch = queue.take("now");
    expect(batch?.reads).toEqual(reads.slice(0, limits.batchMax));
    expect(batch?.writes).toEqual([...changes, ...stops.slice(0, limits.batchMax - 3)]);
    expect(queue.length).toBe(1 + 3);
  });
  it("accounting that waits out a trouble is left where it is", () => {
    const queue = new RequestQueue();
    fill(queue, stop, 2);
    expect(queue.take("not")).toBeUndefined();
    const one = change();
    queue.put(one);
    expect(queue.take("not")?.writes).toEqual([one]);
    expect(queue.accountingLength).toBe(2);
  });
  it("accounting that gathers goes along with a change, never by itself", () => {
    const queue = new RequestQueue();
    const stops = fill(queue, stop, 2);
    const [login] = fill(queue, read, 1);
    expect(queue.take("along")).toEqual({ reads: [login], writes: [], alone: undefined });
    expect(queue.take("along")).toBeUndefined();
    const [one] = fill(queue, change, 1);
    expect(queue.take("along")?.writes).toEqual([one, ...stops]);
    expect(queue.accountingSince).toBeUndefined();
  });
  it("what is done outside a transaction is a batch of its own, in its turn", () => {
    const queue = new RequestQueue();
    const [first] = fill(queue, change, 1);
    const backup = request("alone", "backup");
    queue.put(backup);
    const [second] = fill(queue, change, 1);
    expect(queue.take("now")).toEqual({ reads: [], writes: [first], alone: undefined });
    expect(queue.take("now")).toEqual({ reads: [], writes: [], alone: backup });
    expect(queue.take("now")).toEqual({ reads: [], writes: [second], alone: undefined });
    expect(queue.take("now")).toBeUndefined();
  });
  it.each([
    ["reads", read],
    ["changes", change],
  ] as const)("too many %s: the new one is told queue-full, the others stay", (_, make) => {
    const queue = new RequestQueue();
    const all = fill(queue, make);
    const [over] = fill(queue, make, 1);
    expect(over?.answers).toMatchObject([{ ok: false, what: "queue-full" }]);
    expect(all.every(({ answers }) => answers.length === 0)).toBe(true);
    expect(queue.length).toBe(limits.queueMax);
  });
  it("a queue full of accounting leaves room for log-ins and changes", () => {
    const queue = new RequestQueue();
    fill(queue, stop);
    const [login] = fill(queue, read, 1);
    const [added] = fill(queue, change, 1);
    expect(login?.answers).toEqual([]);
    const batch = queue.take("now");
    expect(batch?.reads).toEqual([login]);
    expect(batch?.writes[0]).toBe(added);
  });
  it("too much accounting: the oldest interim goes first, then new records are refused and counted", () => {
    const queue = new RequestQueue();
    fill(queue, stop, limits.queueMax - 2);
    const [older, newer] = fill(queue, interim, 2);
    const [third] = fill(queue, stop, 1);
    expect(older?.answers).toMatchObject([{ what: "queue-full" }]);
    fill(queue, stop, 1);
    expect(newer?.answers).toHaveLength(1);
    expect(queue.interimsDropped).toBe(2);
    expect(third?.answers).toEqual([]);
    const [refused] = fill(queue, stop, 1);
    expect(refused?.answers).toMatchObject([{ what: "queue-full" }]);
    expect(queue.recordsRefused).toBe(1);
    const [late] = fill(queue, interim, 1);
    expect(late?.answers).toHaveLength(1);
    expect(queue.interimsDropped).toBe(3);
    expect(queue.accountingLength).toBe(limits.queueMax);
  });
  it("what is put back comes first, in its order", () => {
    const queue = new RequestQueue();
    const stops = fill(queue, stop, 4);
    const batch = queue.take("now");
    const [later] = fill(queue, stop, 1);
    queue.putBack(batch?.writes ?? []);
    expect(queue.take("now")?.writes).toEqual([...stops, later]);
  });
  it("the oldest of all kinds is known", () => {
    const queue = new RequestQueue();
    expect(queue.oldestSince).toBeUndefined();
    queue.put(request("write", "account-add", 9));
    queue.put(request("accounting", "session-stop", 5));
    queue.put(request("read", "account-find", 7));
    expect(queue.oldestSince).toBe(5);
  });
  it("a failure answers reads and changes; the end answers accounting and counts what is lost", () => {
    const queue = new RequestQueue();
    const all = [...fill(queue, read, 1), ...fill(queue, change, 1)];
    const kept = [...fill(queue, stop, 2), ...fill(queue, interim, 1)];
    queue.failAll("failed", "x");
    expect(all.every(({ answers }) => answers.length === 1)).toBe(true);
    expect(kept.every(({ answers }) => answers.length === 0)).toBe(true);
    expect(queue.drop("closed", "x")).toBe(2);
    expect(kept.every(({ answers }) => answers.length === 1)).toBe(true);
    expect(queue.length).toBe(0);
  });
});
