import { expect, it } from "vitest";
import { PASSWORD_BITS, randomPassword } from "./random-password.js";
import { passwordFault } from "./user-name.js";

it("random passwords have over 80 bits, no look-alikes and are never the same", () => {
  expect(PASSWORD_BITS).toBeGreaterThan(80);
  const made = Array.from({ length: 500 }, randomPassword);
  expect(new Set(made).size).toBe(500);
  for (const password of made) {
    expect(password).toMatch(/^([b-df-hjkmnp-tv-xz2-9]{4}-){4}[b-df-hjkmnp-tv-xz2-9]{4}$/);
    expect(passwordFault(password)).toBeUndefined();
  }
  const used = new Set(made.join("").replaceAll("-", ""));
  expect(used.size).toBe(27);
});
