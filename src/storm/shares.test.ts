import { expect, test } from "vitest";
import { sharesOf } from "./shares.js";

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at);
const plain = {};
const one = { sources: "one" } as const;
const many = { sources: "many" } as const;

test("each has its own: a flood from one has one, those from many what is left", () => {
  const shares = sharesOf([plain, one, many, plain, many], numbers(254));
  expect(shares.map(({ length }) => length)).toEqual([4, 1, 122, 4, 122]);
  const all = shares.flat();
  expect(new Set(all).size).toBe(all.length);
});

test("just enough: one each, none left over for those from many", () => {
  expect(sharesOf([plain, one, many], numbers(3))).toEqual([[0], [1], [2]]);
  expect(sharesOf([one, one], numbers(5))).toEqual([[0], [1]]);
});

test("too few to go round: all have all, and a flood from one still has one", () => {
  expect(sharesOf([plain, one, many], numbers(2))).toEqual([[0, 1], [0], [0, 1]]);
});
