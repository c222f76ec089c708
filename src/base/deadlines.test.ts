import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Deadlines } from "./deadlines.js";
import { instant } from "./instant.js";

const step = fc.oneof(
  fc.record({ kind: fc.constant("set" as const), key: fc.nat(12), at: fc.nat(50) }),
  fc.record({ kind: fc.constant("clear" as const), key: fc.nat(12), at: fc.nat(0) }),
  fc.record({ kind: fc.constant("due" as const), key: fc.nat(0), at: fc.nat(50) }),
);

describe("Deadlines", () => {
  test("any order of set, move, clear and due agrees with a sorted list", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const deadlines = new Deadlines<number>();
        const model = new Map<number, number>();
        for (const { kind, key, at } of steps) {
          if (kind === "set") {
            deadlines.set(key, { at: instant(at), why: `why ${key} ${at}` });
            model.set(key, at);
          } else if (kind === "clear") {
            deadlines.set(key, undefined);
            model.delete(key);
          } else {
            const earliest = Math.min(...model.values());
            const due = deadlines.due(instant(at));
            expect(due !== undefined).toBe(earliest <= at);
            if (due !== undefined) {
              expect(model.get(due)).toBe(earliest);
              model.delete(due);
            }
          }
          expect(deadlines.size).toBe(model.size);
          const next = deadlines.next();
          expect(next?.at).toBe(model.size === 0 ? undefined : Math.min(...model.values()));
          if (next !== undefined) {
            expect(next.why).toBe(`why ${next.key} ${model.get(next.key)}`);
          }
        }
      }),
    );
  });

  test("all come due in order of time, each once", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1_000), { maxLength: 100 }), (times) => {
        const deadlines = new Deadlines<number>();
        times.forEach((at, key) => {
          deadlines.set(key, { at: instant(at), why: "" });
        });
        const seen: number[] = [];
        for (let key = deadlines.due(instant(1_000)); key !== undefined; ) {
          seen.push(key);
          key = deadlines.due(instant(1_000));
        }
        const sorted = [...times].sort((a, b) => a - b);
        expect(seen.map((key) => times[key])).toEqual(sorted);
        expect(new Set(seen).size).toBe(times.length);
      }),
    );
  });

  test("nothing is due before its time; at its time it is", () => {
    const deadlines = new Deadlines<string>();
    deadlines.set("echo", { at: instant(10), why: "echoIdle" });
    expect(deadlines.due(instant(9))).toBeUndefined();
    expect(deadlines.due(instant(10))).toBe("echo");
    expect(deadlines.due(instant(10))).toBeUndefined();
  });

  test("clearing what was never set is nothing", () => {
    const deadlines = new Deadlines<string>();
    deadlines.set("echo", undefined);
    expect(deadlines.size).toBe(0);
    expect(deadlines.next()).toBeUndefined();
  });
});
