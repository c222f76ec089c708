import { describe, expect, it } from "vitest";
import { limitsFault, NO_LIMITS, termsOf } from "./account-rules.js";
import type { AccountChange } from "./port.js";

const good: AccountChange = {
  staticAddress: 0x0a000001,
  routes: [{ address: 0x0a010000, length: 16 }],
  sessionsMax: 2,
  atSessionLimit: "end-oldest",
  sessionSecondsMax: 60,
  idleSecondsMax: 60,
  octetsMax: 2 ** 50,
  upBitsPerSecond: 0,
  downBitsPerSecond: 100_000_000_000,
  validFrom: 0,
  validUntil: 1,
  hours: "mon 08:00-09:00",
};

describe("account terms", () => {
  it("all at once, and none, are fine", () => {
    expect(limitsFault(good)).toBeUndefined();
    expect(limitsFault(NO_LIMITS)).toBeUndefined();
    expect(limitsFault({})).toBeUndefined();
  });
  it.each([
    ["sessionsMax", 0],
    ["sessionsMax", 1.5],
    ["sessionSecondsMax", -1],
    ["idleSecondsMax", Number.NaN],
    ["octetsMax", 2 ** 53],
    ["octetsMax", "5"],
    ["upBitsPerSecond", 7_999],
    ["upBitsPerSecond", -1],
    ["upBitsPerSecond", 8_000.5],
    ["downBitsPerSecond", 100_000_000_001],
    ["downBitsPerSecond", Number.NaN],
    ["downBitsPerSecond", "10M"],
    ["validFrom", Number.POSITIVE_INFINITY],
    ["validUntil", 9e15],
    ["validUntil", 0],
    ["hours", "always"],
    ["hours", "mon 08:00-09:00,".repeat(99)],
    ["staticAddress", 0],
    ["staticAddress", 2 ** 32],
    ["staticAddress", "10.0.0.1"],
    ["routes", Array(65).fill({ address: 1, length: 32 })],
    ["routes", [{ address: "10.0.0.0", length: 8 }]],
    ["atSessionLimit", "ask"],
  ])("%s = %j: refused with a remedy", (key, value) => {
    const fault = limitsFault({ ...good, [key]: value });
    expect(fault).toMatchObject({ ok: false, reason: "bad-terms" });
    expect(fault?.remedy).toMatch(/\w/);
  });
  it("where an account says nothing the server's defaults hold", () => {
    const account = {
      ...NO_LIMITS,
      accountId: 1,
      name: "anna",
      enabled: true,
      createdAt: 0,
      changedAt: 0,
      hasClearText: false,
    };
    const defaults = {
      sessionsMax: 1,
      atSessionLimit: "refuse-new" as const,
      sessionSecondsMax: 100,
      idleSecondsMax: undefined,
      octetsMax: undefined,
    };
    expect(termsOf(account, defaults)).toEqual({
      accountId: 1,
      name: "anna",
      staticAddress: undefined,
      routes: [],
      ...defaults,
      upBitsPerSecond: undefined,
      downBitsPerSecond: undefined,
    });
    const own = { sessionsMax: 5, atSessionLimit: "end-oldest" as const, octetsMax: 9 };
    expect(termsOf({ ...account, ...own }, defaults)).toMatchObject(own);
  });
});
