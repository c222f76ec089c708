import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lookupNames, nameFault, normalisedName, octetsOf, passwordFault } from "./user-name.js";

describe("user names", () => {
  it.each([
    "anna",
    "a",
    "Jürgen",
    "山田",
    "anna@example.org",
    "ACME\\anna",
    "a b",
    "x".repeat(256),
  ])("%s may be one", (name) => {
    expect(nameFault(name)).toBeUndefined();
  });
  it.each([
    ["empty", ""],
    ["257 octets", "x".repeat(257)],
    ["257 octets in 129 characters", `${"ü".repeat(128)}x`],
    ["a newline", "a\nb"],
    ["an octet 0", "a\0b"],
    ["ESC", "a\u001b[31m"],
    ["C1 control", "a\u0085"],
    ["right-to-left mark", "a\u202eb"],
    ["a lone surrogate", "a\ud800"],
    ["a space at its end", "anna "],
    ["a backslash first", "\\anna"],
    ["a backslash last", "ACME\\"],
    ["two backslashes", "A\\B\\c"],
  ])("%s: refused with a remedy", (_, name) => {
    expect(nameFault(name)).toMatchObject({ ok: false, reason: "bad-name" });
    expect(nameFault(name)?.remedy).toMatch(/\w/);
  });
  it("composed and decomposed spellings are one name", () => {
    expect(normalisedName("Ju\u0308rgen")).toBe("J\u00fcrgen");
  });
  it("a log-in is looked up as given, then without its domain", () => {
    expect(lookupNames("ACME\\anna")).toEqual(["ACME\\anna", "anna"]);
    expect(lookupNames("anna")).toEqual(["anna", "anna"]);
  });
  it("property: what is accepted is bounded, and without control characters", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (name) => {
        if (nameFault(name) !== undefined) return;
        expect(octetsOf(name)).toBeLessThanOrEqual(256);
        expect(name).not.toMatch(/[\p{Cc}\p{Cs}]/u);
        expect(Buffer.from(name).toString()).toBe(name);
      }),
    );
  });
});

describe("passwords", () => {
  it.each([" ", "p w", "пароль", "x".repeat(256), "\\", "@x"])("%s may be one", (password) => {
    expect(passwordFault(password)).toBeUndefined();
  });
  it.each(["", "x".repeat(257), "a\nb", "a\0", "\ud800"])("%j: refused", (password) => {
    expect(passwordFault(password)).toMatchObject({ reason: "bad-password" });
  });
  it("a refusal never repeats the password", () => {
    expect(JSON.stringify(passwordFault("hunter2\n"))).not.toContain("hunter2");
  });
});
