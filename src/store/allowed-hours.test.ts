import { describe, expect, it } from "vitest";
import { isWithin, parseHours } from "./allowed-hours.js";

const SUN = 0;
const MON = 1;
const FRI = 5;
const SAT = 6;
const at = (text: string, weekday: number, clock: string) => {
  const [hours, minutes] = clock.split(":").map(Number);
  return isWithin(parseHours(text) ?? [], weekday, hours! * 60 + minutes!);
};

describe("allowed hours", () => {
  it("the begin belongs to it, the end does not", () => {
    expect(at("mon-fri 08:00-18:00", MON, "08:00")).toBe(true);
    expect(at("mon-fri 08:00-18:00", FRI, "17:59")).toBe(true);
    expect(at("mon-fri 08:00-18:00", FRI, "18:00")).toBe(false);
    expect(at("mon-fri 08:00-18:00", MON, "07:59")).toBe(false);
    expect(at("mon-fri 08:00-18:00", SAT, "12:00")).toBe(false);
  });
  it("several items, daily, until midnight, in any case", () => {
    expect(at("Mon 08:00-09:00, SAT 10:00-11:00", SAT, "10:30")).toBe(true);
    expect(at("daily 00:00-24:00", SUN, "23:59")).toBe(true);
  });
  it("over midnight, over the week's end, days around the week", () => {
    expect(at("fri 22:00-06:00", FRI, "23:00")).toBe(true);
    expect(at("fri 22:00-06:00", SAT, "05:59")).toBe(true);
    expect(at("fri 22:00-06:00", SAT, "06:00")).toBe(false);
    expect(at("fri 22:00-06:00", FRI, "05:00")).toBe(false);
    expect(at("sun 22:00-06:00", MON, "03:00")).toBe(true);
    expect(at("sun 22:00-06:00", MON, "06:00")).toBe(false);
    expect(at("sat-mon 08:00-09:00", SUN, "08:30")).toBe(true);
  });
  it.each([
    "",
    "mon",
    "mon 8:00-9:00",
    "mon 08:00",
    "mon 24:00-25:00",
    "mon 08:60-09:00",
    "mon 08:00-08:00",
    "mon 08:00-24:01",
    "xxx 08:00-09:00",
    "mon-xxx 08:00-09:00",
    "daily-mon 08:00-09:00",
    "mon 08:00-09:00,",
  ])("%j is not understood", (text) => {
    expect(parseHours(text)).toBeUndefined();
  });
});
