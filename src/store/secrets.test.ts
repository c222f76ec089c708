import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkValue, keyFits, newKey, seal, unseal } from "./secrets.js";

const octets = fc.uint8Array({ maxLength: 256 });

describe("secrets at rest", () => {
  it("property: what is sealed opens, for the same key, account and column", () => {
    const key = newKey(3);
    fc.assert(
      fc.property(octets, fc.nat(), (plain, account) => {
        const sealed = seal(key, account, "nt_hash", plain);
        expect(sealed).toHaveLength(plain.length + 28);
        expect(unseal(key, account, "nt_hash", sealed)).toEqual(plain);
      }),
    );
  });
  it("another account, column, key id or key does not open it", () => {
    const key = newKey(3);
    const sealed = seal(key, 7, "nt_hash", Uint8Array.of(1, 2, 3));
    expect(unseal(key, 8, "nt_hash", sealed)).toBeUndefined();
    expect(unseal(key, 7, "clear_text", sealed)).toBeUndefined();
    expect(unseal({ ...key, id: 4 }, 7, "nt_hash", sealed)).toBeUndefined();
    expect(unseal(newKey(3), 7, "nt_hash", sealed)).toBeUndefined();
  });
  it("no octet of it can be changed, and no length cut", () => {
    const key = newKey(1);
    const sealed = seal(key, 7, "nt_hash", new Uint8Array(16));
    for (let i = 0; i < sealed.length; i++) {
      const changed = sealed.slice();
      changed[i]! ^= 1;
      expect(unseal(key, 7, "nt_hash", changed)).toBeUndefined();
      expect(unseal(key, 7, "nt_hash", sealed.subarray(0, i))).toBeUndefined();
    }
  });
  it("the same secret twice looks different", () => {
    const key = newKey(1);
    const one = seal(key, 7, "nt_hash", new Uint8Array(16));
    expect(seal(key, 7, "nt_hash", new Uint8Array(16))).not.toEqual(one);
  });
  it("a key knows its check value and no other's", () => {
    const key = newKey(1);
    expect(keyFits(key, checkValue(key))).toBe(true);
    expect(keyFits(newKey(1), checkValue(key))).toBe(false);
    expect(keyFits(key, "")).toBe(false);
  });
});
