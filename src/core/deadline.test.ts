import { expect, test } from "vitest";
import { instant } from "../base/instant.js";
import { earliest } from "./deadline.js";

const soon = { at: instant(1), why: "soon" };
const late = { at: instant(2), why: "late" };

test("the earlier of two, whichever comes first", () => {
  expect(earliest(soon, late)).toBe(soon);
  expect(earliest(late, soon)).toBe(soon);
});

test("at the same time: the first", () => {
  const other = { at: instant(1), why: "other" };
  expect(earliest(soon, other)).toBe(soon);
});

test("none on one side: the other; none at all: none", () => {
  expect(earliest(undefined, late)).toBe(late);
  expect(earliest(late, undefined)).toBe(late);
  expect(earliest(undefined, undefined)).toBeUndefined();
});
