import { expect, test } from "vitest";
import { decoded, malformed } from "./decoded.js";
import { after, instant } from "./instant.js";
import { InvariantBroken, invariant, never } from "./invariant.js";

test("an invariant that holds is silent; a broken one names itself", () => {
  invariant(true, "one call, one slot");
  expect(() => invariant(false, "one call, one slot")).toThrow(InvariantBroken);
  expect(() => invariant(false, "one call, one slot")).toThrow("one call, one slot");
});

test("a union's unknown member is our bug, shown with its value", () => {
  expect(() => never({ kind: "Unknown" } as never)).toThrow('{"kind":"Unknown"}');
});

test("what a codec says is a value either way", () => {
  expect(decoded(7)).toEqual({ ok: true, value: 7 });
  expect(malformed("Length", 3)).toEqual({ ok: false, field: "Length", found: 3 });
});

test("after: milliseconds later", () => {
  expect(after(instant(40), 2)).toBe(42);
});
