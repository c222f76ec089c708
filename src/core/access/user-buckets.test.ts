import { fc, test as property } from "@fast-check/vitest";
import { expect, test } from "vitest";
import { UserBuckets } from "./user-buckets.js";

test("one number a user, whatever the sessions; the last of them gives it back", () => {
  const buckets = new UserBuckets(3);
  const first = buckets.lease(7)!;
  const second = buckets.lease(7)!;
  const other = buckets.lease(8)!;
  expect(second.bucket).toBe(first.bucket);
  expect(other.bucket).not.toBe(first.bucket);
  expect(buckets.size).toBe(2);
  expect(buckets.lease(9)).toBeUndefined();
  first.lease[Symbol.dispose]();
  first.lease[Symbol.dispose]();
  expect(buckets.lease(9)).toBeUndefined();
  second.lease[Symbol.dispose]();
  expect(buckets.size).toBe(1);
  expect(buckets.lease(9)?.bucket).toBe(first.bucket);
});

property.prop([fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.boolean()))])(
  "users with sessions have a number each, none is 0, none is lost",
  (steps) => {
    const buckets = new UserBuckets(6);
    const held: { account: number; bucket: number; lease: Disposable }[] = [];
    for (const [account, take] of steps) {
      if (take) held.push({ account, ...buckets.lease(account)! });
      else held.shift()?.lease[Symbol.dispose]();
      const numbers = new Map(held.map((one) => [one.account, one.bucket]));
      for (const one of held) expect(one.bucket).toBe(numbers.get(one.account));
      expect(new Set(numbers.values()).size).toBe(numbers.size);
      expect([...numbers.values()].every((bucket) => bucket >= 1 && bucket < 6)).toBe(true);
      expect(buckets.size).toBe(numbers.size);
    }
    for (const { lease } of held) lease[Symbol.dispose]();
    expect(buckets.size).toBe(0);
  },
);
