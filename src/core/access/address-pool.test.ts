import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseIpv4 } from "../../base/ip.js";
import { access } from "../../limits.js";
import {
  type AddressLease,
  AddressPool,
  countAddresses,
  poolRangeOf,
  poolRanges,
} from "./address-pool.js";

const ip = (text: string) => parseIpv4(text)!;
const range = (first: string, last: string) => ({ first: ip(first), last: ip(last) });
const pool = (first: string, last: string) =>
  new AddressPool({ ranges: [range(first, last)], exclusions: [] });
const all = (of: AddressPool): number[] => {
  const got: number[] = [];
  for (let i = 0; ; i++) {
    const one = of.lease(`user ${i}`);
    if (one === undefined) return got;
    got.push(one.address);
  }
};

describe("address pool", () => {
  it("the range form is used whole, .0 and .255 too", () => {
    const got = all(pool("10.0.0.250", "10.0.1.5"));
    expect(got).toHaveLength(12);
    expect(got).toContain(ip("10.0.0.255"));
    expect(got).toContain(ip("10.0.1.0"));
  });
  it("the CIDR form leaves network and broadcast out up to /30, nothing of /31 and /32", () => {
    const of = (text: string, length: number) => poolRangeOf({ address: ip(text), length });
    expect(of("10.0.0.0", 24)).toEqual(range("10.0.0.1", "10.0.0.254"));
    expect(of("10.0.0.0", 30)).toEqual(range("10.0.0.1", "10.0.0.2"));
    expect(of("10.0.0.0", 31)).toEqual(range("10.0.0.0", "10.0.0.1"));
    expect(of("10.0.0.7", 32)).toEqual(range("10.0.0.7", "10.0.0.7"));
  });
  it("ranges that overlap count once; exclusions cut at both ends, in the middle and whole", () => {
    const ranges = poolRanges({
      ranges: [range("10.0.0.10", "10.0.0.30"), range("10.0.0.1", "10.0.0.20")],
      exclusions: [
        range("10.0.0.1", "10.0.0.2"),
        range("10.0.0.15", "10.0.0.16"),
        range("10.0.0.29", "10.0.0.40"),
      ],
    });
    expect(countAddresses(ranges)).toBe(24);
    expect(
      poolRanges({
        ranges: [range("10.0.0.1", "10.0.0.2")],
        exclusions: [range("10.0.0.0", "10.0.0.9")],
      }),
    ).toEqual([]);
  });
  it("empty: undefined, and an address that comes back is leased to who waits", () => {
    const two = pool("10.0.0.1", "10.0.0.2");
    const a = two.lease("a")!;
    two.lease("b");
    expect(two.lease("c")).toBeUndefined();
    a[Symbol.dispose]();
    expect(two.lease("c")?.address).toBe(a.address);
  });
  it("disposed twice is given back once", () => {
    const one = pool("10.0.0.1", "10.0.0.1");
    const a = one.lease("a")!;
    a[Symbol.dispose]();
    const b = one.lease("b")!;
    a[Symbol.dispose]();
    expect(one.holder(b.address)).toBe("b");
    expect(one.lease("c")).toBeUndefined();
  });
  it("a user gets the last address while it is free, another one the longest free", () => {
    const three = pool("10.0.0.1", "10.0.0.3");
    const a = three.lease("a")!;
    const b = three.lease("b")!;
    a[Symbol.dispose]();
    b[Symbol.dispose]();
    expect(three.lease("b")?.address).toBe(b.address);
    expect(three.lease("c")?.address).toBe(ip("10.0.0.3"));
    expect(three.lease("d")?.address).toBe(a.address);
  });
  it("the memory of last addresses is bounded", () => {
    const two = pool("10.0.0.1", "10.0.0.2");
    const a = two.lease("a")!;
    a[Symbol.dispose]();
    for (let i = 0; i < access.lastAddressesMax; i++) two.lease(`u${i}`)![Symbol.dispose]();
    const first = two.lease("x")!;
    const second = two.lease("a")!;
    expect(new Set([first.address, second.address]).size).toBe(2);
  });
  it("a static address is out of the pool, and goes to who names it, once", () => {
    const two = pool("10.0.0.1", "10.0.0.2");
    two.reserveStatic([ip("10.0.0.1"), ip("172.16.0.9")]);
    expect(two.free).toBe(1);
    expect(all(two)).toEqual([ip("10.0.0.2")]);
    const mine = two.lease("bob", ip("10.0.0.1"))!;
    expect(two.lease("bob", ip("10.0.0.1"))).toBeUndefined();
    mine[Symbol.dispose]();
    expect(two.lease("other")).toBeUndefined();
    expect(two.lease("bob", ip("172.16.0.9"))?.address).toBe(ip("172.16.0.9"));
  });
  it("a lease that becomes static stays; when it ends it does not return to the pool", () => {
    const one = pool("10.0.0.1", "10.0.0.1");
    const a = one.lease("a")!;
    one.reserveStatic([a.address]);
    expect(one.holder(a.address)).toBe("a");
    a[Symbol.dispose]();
    expect(one.lease("b")).toBeUndefined();
    one.reserveStatic([]);
    expect(one.lease("b")?.address).toBe(a.address);
  });
  it("reshaped: leases stay, and one outside the new ranges does not come back", () => {
    const changed = pool("10.0.0.1", "10.0.0.2");
    const a = changed.lease("a")!;
    const b = changed.lease("b")!;
    changed.reshape({ ranges: [range("10.0.0.2", "10.0.0.3")], exclusions: [] });
    expect(changed.free).toBe(1);
    a[Symbol.dispose]();
    b[Symbol.dispose]();
    expect(changed.free).toBe(2);
    expect(all(changed).sort()).toEqual([ip("10.0.0.2"), ip("10.0.0.3")]);
  });
  it("65,536 addresses: each is used, none twice", () => {
    const large = pool("10.0.0.0", "10.0.255.255");
    expect(new Set(all(large)).size).toBe(65_536);
  });
  it("more addresses than the bound is our own bug: the configuration refuses it before", () => {
    expect(() => pool("10.0.0.0", "10.255.255.255")).toThrow("poolAddressesMax");
  });
});

describe("address pool, properties", () => {
  const small = fc
    .tuple(fc.nat(60), fc.nat(12))
    .map(([first, more]) => ({ first: 0x0a000000 + first, last: 0x0a000000 + first + more }));
  const terms = fc.record({
    ranges: fc.array(small, { maxLength: 4 }),
    exclusions: fc.array(small, { maxLength: 4 }),
  });
  it("holds exactly the addresses in a range and in no exclusion", () => {
    fc.assert(
      fc.property(terms, (of) => {
        const expected: number[] = [];
        const within = (address: number) => (one: { first: number; last: number }) =>
          one.first <= address && address <= one.last;
        for (let address = 0x0a000000; address < 0x0a000000 + 80; address++) {
          if (of.ranges.some(within(address)) && !of.exclusions.some(within(address))) {
            expected.push(address);
          }
        }
        expect(all(new AddressPool(of)).sort()).toEqual(expected);
      }),
    );
  });
  it("never leases an address twice, and leases while one is free", () => {
    const step = fc.record({
      user: fc.constantFrom("a", "b", "c", "d"),
      what: fc.constantFrom("lease", "lease", "static", "back", "reserve", "reshape"),
      at: fc.nat(80),
      terms,
    });
    fc.assert(
      fc.property(terms, fc.array(step, { maxLength: 60 }), (of, steps) => {
        const under = new AddressPool(of);
        const held: AddressLease[] = [];
        for (const { user, what, at, terms: changed } of steps) {
          if (what === "back") {
            held.splice(at % Math.max(1, held.length), 1)[0]?.[Symbol.dispose]();
          } else if (what === "reserve") {
            under.reserveStatic([0x0a000000 + at]);
          } else if (what === "reshape") {
            under.reshape(changed);
          } else {
            const free = under.free;
            const got = under.lease(user, what === "static" ? 0x0a000000 + at : undefined);
            if (what === "lease") expect(got !== undefined).toBe(free > 0);
            if (got !== undefined) held.push(got);
          }
          expect(new Set(held.map(({ address }) => address)).size).toBe(held.length);
          expect(under.leased).toBe(held.length);
        }
        under.reserveStatic([]);
        for (const one of held) one[Symbol.dispose]();
        expect(under.leased).toBe(0);
        expect(under.free).toBe(under.size);
      }),
    );
  });
});
