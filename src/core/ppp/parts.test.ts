import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { instant } from "../../base/instant.js";
import { InvariantBroken } from "../../base/invariant.js";
import { ppp } from "../../limits.js";
import { OutputQueue } from "./outputs.js";
import { Allowance, RateLimit } from "./rate-limit.js";
import { atLeast, mppeTerms } from "./strength.js";

describe("rates", () => {
  test("never more than a second's worth at once, nor more than that a second after it", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.integer({ min: 0, max: 3_000 }), { maxLength: 200 }),
        (perSecond, waits) => {
          const limit = new RateLimit(perSecond);
          let now = 0;
          let taken = 0;
          for (const wait of waits) {
            now += wait;
            if (limit.take(instant(now))) taken++;
          }
          expect(taken).toBeLessThanOrEqual(perSecond + (now * perSecond) / 1_000);
        },
      ),
    );
  });

  test("a clock that does not move gives nothing new", () => {
    const limit = new RateLimit(2);
    const takes = [1, 2, 3, 4].map(() => limit.take(instant(5)));
    expect(takes).toEqual([true, true, false, false]);
  });

  test("so many within any window", () => {
    const allowance = new Allowance(3, 1_000);
    const at = (ms: number) => allowance.take(instant(ms));
    expect([at(0), at(1), at(2), at(3), at(999)]).toEqual([true, true, true, false, false]);
    expect([at(1_000), at(1_000), at(1_001), at(1_002)]).toEqual([true, false, true, true]);
  });
});

describe("outputs", () => {
  const frame = { kind: "Send", frame: new Uint8Array(1) } as const;

  test("frames and notes are lost beyond the bound and that is said; what matters is kept", () => {
    const queue = new OutputQueue();
    for (let i = 0; i < 10_000; i++) queue.push(frame);
    expect(queue.size).toBe(ppp.outputsMax);
    queue.push({ kind: "Ended", cause: "shutdown" });
    const out: string[] = [];
    for (let output = queue.shift(); output !== undefined; output = queue.shift()) {
      out.push(output.kind);
    }
    expect(out.slice(-2)).toEqual(["Ended", "Noted"]);
    expect(out.length).toBe(ppp.outputsMax + 2);
  });

  test("a composer that never drains is our own bug", () => {
    const queue = new OutputQueue();
    expect(() => {
      for (let i = 0; i < 10_000; i++) queue.push({ kind: "LinkDown" });
    }).toThrow(InvariantBroken);
  });
});

describe("never weaker than before (T-29)", () => {
  const methods = ["ms-chap-v2", "pap", "ms-chap-v1", "chap-md5"] as const;
  const keys = {
    bits128: { send: new Uint8Array(16), receive: new Uint8Array(16) },
    bits64: { send: new Uint8Array(8), receive: new Uint8Array(8) },
  };
  const policy = { require: true, bits: [40, 128, 56], stateful: true } as const;

  test("methods, in their own order", () => {
    expect(atLeast(undefined, methods)).toEqual(methods);
    expect(atLeast("chap-md5", methods)).toEqual(["ms-chap-v2", "ms-chap-v1", "chap-md5"]);
    expect(atLeast("ms-chap-v2", methods)).toEqual(["ms-chap-v2"]);
  });

  test("encryption: strongest first, what there are keys for, nothing below what was", () => {
    expect(mppeTerms(policy, keys, undefined)?.bits).toEqual([128, 56, 40]);
    expect(mppeTerms(policy, { bits128: keys.bits128 }, undefined)?.bits).toEqual([128]);
    expect(mppeTerms(policy, { bits64: keys.bits64 }, undefined)?.bits).toEqual([56, 40]);
    expect(mppeTerms(policy, undefined, undefined)).toBeUndefined();
    expect(mppeTerms({ ...policy, bits: [] }, keys, undefined)).toBeUndefined();
    const floor = { bits: 56, stateful: false } as const;
    expect(mppeTerms(policy, keys, floor)).toMatchObject({ bits: [128, 56], stateful: false });
    expect(mppeTerms(policy, keys, { bits: 128, stateful: true })).toMatchObject({
      bits: [128],
      stateful: true,
    });
  });
});
