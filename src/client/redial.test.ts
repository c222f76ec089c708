import { describe, expect, test } from "vitest";
import { client as limits } from "../limits.js";
import { Redial } from "./redial.js";

describe("waiting before a lost session is dialled again", () => {
  test("doubles up to the bound, and is the first again after a steady session", () => {
    const redial = new Redial();
    const waits = Array.from({ length: 9 }, () => {
      redial.ended(0);
      return redial.waitMs(0) / 1_000;
    });
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
    redial.ended(limits.steadyMs - 1);
    expect(redial.waitMs(0)).toBe(limits.redialMaxMs);
    redial.ended(limits.steadyMs);
    expect(redial.waitMs(0)).toBe(limits.redialMinMs);
  });

  test("chance takes off up to half", () => {
    const redial = new Redial();
    redial.ended(0);
    expect([redial.waitMs(0), redial.waitMs(0.5), redial.waitMs(1)]).toEqual([1_000, 750, 500]);
  });
});
