import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { access } from "../../limits.js";
import { loadConfig } from "./load.js";
import { formatProblem } from "./problems.js";
import { formatRate, readRate } from "./rates.js";

describe("a rate", () => {
  test.each([
    ["10M", 10_000_000],
    ["10m", 10_000_000],
    ["1.5G", 1_500_000_000],
    ["512k", 512_000],
    ["8000", 8_000],
    ["100G", 100_000_000_000],
    ["unlimited", 0],
  ])("%s is %i bits a second", (text, value) => {
    expect(readRate(text)).toEqual({ ok: true, value });
  });

  test.each([
    ["10", "write 10M"],
    ["7.9k", "below 8k"],
    ["101G", "above 100G"],
    ["0", "write unlimited"],
    ["0.0M", "write unlimited"],
    ["", "10M"],
    ["fast", "10M"],
    ["10 M", "10M"],
    ["10Mbit", "10M"],
    ["10MB", "10M"],
    ["-10M", "10M"],
    ["1e9", "10M"],
    ["10,5M", "10M"],
    ["Infinity", "10M"],
    ["9".repeat(100_000), "10M"],
  ])("%.20s is none, and it says what to write", (text, says) => {
    const read = readRate(text);
    expect(read).toMatchObject({ ok: false });
    expect(!read.ok && read.remedy).toContain(says);
  });

  property.prop([
    fc.integer({ min: access.rateBitsPerSecondMin, max: access.rateBitsPerSecondMax }),
  ])("written and read again is the same", (value) => {
    expect(readRate(formatRate(value))).toEqual({ ok: true, value });
  });

  test.each([
    [10_000_000, "10M"],
    [1_500_000, "1.5M"],
    [1_234_567, "1234.567k"],
    [12_345, "12.345k"],
    [0, "unlimited"],
  ])("%i is shown as %s", (value, text) => {
    expect(formatRate(value)).toBe(text);
  });
});

describe("users.rateUp and users.rateDown", () => {
  const rateOf = (text: string) => {
    const loaded = loadConfig(text, "holdfast.yaml");
    return loaded.ok ? loaded.config.rate : loaded.problems.map(formatProblem).join("\n");
  };

  test("unlimited unless said; text or number", () => {
    expect(rateOf("")).toEqual({ upBitsPerSecond: 0, downBitsPerSecond: 0 });
    expect(rateOf("users: {rateUp: 10M, rateDown: 2500000}")).toEqual({
      upBitsPerSecond: 10_000_000,
      downBitsPerSecond: 2_500_000,
    });
  });

  test.each([
    ["users: {rateUp: 10}", ["users.rateUp", 'found "10"', "write 10M"]],
    ["users: {rateDown: 10Mbit}", ["users.rateDown", "10Mbit", "bits a second from 8k to 100G"]],
    ["users: {rateDown: -1}", ["users.rateDown", "-1", "10M"]],
    ["users: {rateDown: .inf}", ["users.rateDown", "unlimited"]],
    ["users: {rateDown: true}", ["users.rateDown", "true", "bits a second", "rateDown: 10M"]],
    ["users: {rateUp: [10M]}", ["users.rateUp", "bits a second", "rateUp: 10M"]],
    ["users: {rate: 10M}", ["users.rate", "did you mean"]],
  ])("%s: refused, naming key and remedy", (text, says) => {
    const problems = rateOf(text);
    expect(typeof problems).toBe("string");
    for (const word of says) expect(problems).toContain(word);
  });
});
