import { describe, expect, test } from "vitest";
import { formatIpv6, type Ipv6 } from "../../base/ip.js";
import { PrefixPool, prefixesMax } from "./prefix-pool.js";

const base: Ipv6 = Uint8Array.of(0x20, 1, 0xd, 0xb8, 0xaa, 0xbb, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

function all(pool: PrefixPool): string[] {
  const given: string[] = [];
  for (let at = pool.lease(); at !== undefined; at = pool.lease())
    given.push(formatIpv6(at.prefix));
  return given;
}

describe("/64 prefixes of one prefix", () => {
  test("of a /62: three, the first stays the server's", () => {
    expect(all(new PrefixPool({ address: base, length: 62 }))).toEqual([
      "2001:db8:aabb:1::",
      "2001:db8:aabb:2::",
      "2001:db8:aabb:3::",
    ]);
  });

  test("of a /64: itself", () => {
    expect(all(new PrefixPool({ address: base, length: 64 }))).toEqual(["2001:db8:aabb::"]);
  });

  test.each([48, 40, 32, 0])("of a /%i: at most prefixesMax, none twice", (length) => {
    const given = all(new PrefixPool({ address: base, length }));
    expect(given).toHaveLength(prefixesMax - 1);
    expect(new Set(given).size).toBe(prefixesMax - 1);
  });

  test("the interface identifier of the configured prefix does not get into a lease", () => {
    const address = base.slice();
    address.fill(0xff, 8);
    const { prefix } = new PrefixPool({ address, length: 60 }).lease()!;
    expect([...prefix.slice(8)]).toEqual(new Array(8).fill(0));
  });

  test("a prefix given back is given again, after those never given", () => {
    const pool = new PrefixPool({ address: base, length: 62 });
    const first = pool.lease()!;
    first.lease[Symbol.dispose]();
    first.lease[Symbol.dispose]();
    expect(all(pool)).toEqual(["2001:db8:aabb:2::", "2001:db8:aabb:3::", "2001:db8:aabb:1::"]);
  });

  test("host bits set in the configured prefix: every lease lies in it, none twice", () => {
    const address = base.slice();
    address[7] = 0x03;
    const given = all(new PrefixPool({ address, length: 62 }));
    expect(new Set(given).size).toBe(3);
  });
});
