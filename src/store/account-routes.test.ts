import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inPrefix4, type Prefix4, parseIpv4 } from "../base/ip.js";
import { overlap, rangeOf } from "../base/range4.js";
import { routeFault, staticAddressFault } from "./account-routes.js";

function prefix(text: string): Prefix4 {
  const [address, length] = text.split("/");
  return { address: parseIpv4(address!)!, length: Number(length) };
}
const taken = (text: string, whose: string) => ({ ...rangeOf(prefix(text)), whose });

describe("account routes", () => {
  it("a prefix that meets nobody's is fine", () => {
    expect(
      routeFault(
        [prefix("192.168.1.0/24"), prefix("192.168.2.0/24")],
        [taken("192.168.0.0/24", "pool"), taken("192.168.3.0/24", "bob")],
      ),
    ).toBeUndefined();
  });
  it.each([
    ["10.1.0.0/16", "10.1.2.0/24", "larger than the taken"],
    ["10.1.2.0/25", "10.1.2.0/24", "inside the taken"],
    ["10.1.2.0/24", "10.1.2.0/24", "the same"],
    ["10.1.2.0/24", "10.1.2.255/32", "its last address taken"],
  ])("%s against %s: refused (%s)", (mine, others) => {
    expect(routeFault([prefix(mine)], [taken(others, "the pool")])?.why).toBe(
      "it overlaps the pool",
    );
  });
  it("two of the same list overlap: refused", () => {
    const fault = routeFault([prefix("10.1.2.0/24"), prefix("10.0.0.0/8")], []);
    expect(fault?.why).toBe("it overlaps 10.0.0.0/8 of the same list");
  });
  it("the default route, host bits and odd lengths: refused", () => {
    expect(routeFault([prefix("0.0.0.0/0")], [])?.why).toMatch(/1 to 32/);
    expect(routeFault([prefix("10.0.0.1/24")], [])?.why).toBe("it has host bits set");
    expect(routeFault([{ address: 0x0a000000, length: 33 }], [])?.why).toMatch(/1 to 32/);
    expect(routeFault([{ address: 0x0a000000, length: 8.5 }], [])?.why).toMatch(/1 to 32/);
  });
  it.each(["127.0.0.0/8", "224.0.0.0/4", "128.0.0.0/1", "169.254.1.0/24", "0.1.0.0/16"])(
    "%s is nobody's to route",
    (text) => {
      expect(routeFault([prefix(text)], [])?.why).toMatch(/^it overlaps /);
    },
  );
  it("a static address in someone's range is refused, elsewhere fine", () => {
    const others = [taken("10.1.0.0/16", "routes of bob")];
    expect(staticAddressFault(parseIpv4("10.1.255.255")!, others)).toBe("it lies in routes of bob");
    expect(staticAddressFault(parseIpv4("10.2.0.0")!, others)).toBeUndefined();
    expect(staticAddressFault(parseIpv4("127.0.0.1")!, [])).toMatch(/loopback/);
  });
  const prefixes = fc
    .tuple(fc.nat(0xffff), fc.integer({ min: 18, max: 32 }))
    .map(([low, length]) => ({
      address: rangeOf({ address: 0x0a000000 + low, length }).first,
      length,
    }));
  it("property: two prefixes overlap exactly when one holds the other's first address", () => {
    fc.assert(
      fc.property(prefixes, prefixes, (a, b) => {
        const holds = inPrefix4(a.address, b) || inPrefix4(b.address, a);
        expect(overlap(rangeOf(a), rangeOf(b))).toBe(holds);
        const others = [{ ...rangeOf(b), whose: "other" }];
        expect(routeFault([a], others) !== undefined).toBe(holds);
      }),
    );
  });
});
