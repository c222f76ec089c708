import { BlockList, isIPv4, isIPv6 } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatIpv4, formatIpv6, inPrefix4, mask4, parseIpv4 } from "./ip.js";

const address4 = fc.integer({ min: 0, max: 0xffffffff });

describe("IPv4", () => {
  test("text and back", () => {
    expect(formatIpv4(0xc0a80a01)).toBe("192.168.10.1");
    expect(parseIpv4("192.168.10.1")).toBe(0xc0a80a01);
    expect(parseIpv4("255.255.255.255")).toBe(0xffffffff);
    fc.assert(
      fc.property(address4, (address) => {
        expect(isIPv4(formatIpv4(address))).toBe(true);
        expect(parseIpv4(formatIpv4(address))).toBe(address);
      }),
    );
  });

  test.each([
    "",
    "1.2.3",
    "1.2.3.4.5",
    "256.0.0.1",
    "01.2.3.4",
    "1.2.3.4 ",
    "1..2.3",
    "0x1.2.3.4",
    "1e1.0.0.1",
    "-1.0.0.1",
    "1.2.3.4\n",
    "::1",
  ])("%j is no address", (text) => {
    expect(parseIpv4(text)).toBeUndefined();
  });

  test("masks at the ends", () => {
    expect([0, 1, 8, 24, 31, 32].map(mask4)).toEqual([
      0, 0x80000000, 0xff000000, 0xffffff00, 0xfffffffe, 0xffffffff,
    ]);
  });

  test("a prefix holds what node:net's subnet holds", () => {
    fc.assert(
      fc.property(address4, address4, fc.nat(32), fc.nat(32), (address, noise, length, near) => {
        // Half of the noise shares leading bits with the prefix, or no pair would ever match.
        const other = ((address & mask4(near)) | (noise & ~mask4(near))) >>> 0;
        const subnet = new BlockList();
        subnet.addSubnet(formatIpv4(address), length, "ipv4");
        expect(inPrefix4(other, { address, length })).toBe(subnet.check(formatIpv4(other), "ipv4"));
      }),
    );
  });
});

describe("IPv6: RFC 5952 text", () => {
  const octets = (groups: number[]) =>
    Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 255]));

  test.each([
    [[0, 0, 0, 0, 0, 0, 0, 0], "::"],
    [[0, 0, 0, 0, 0, 0, 0, 1], "::1"],
    [[0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], "2001:db8::"],
    [[0x2001, 0xdb8, 0, 0, 1, 0, 0, 1], "2001:db8::1:0:0:1"],
    [[0x2001, 0, 0, 1, 0, 0, 0, 1], "2001:0:0:1::1"],
    [[0x2001, 0xdb8, 0, 1, 1, 1, 1, 1], "2001:db8:0:1:1:1:1:1"],
    [[0xfe80, 0, 0, 0, 0x250, 0xfeff, 0xfe00, 1], "fe80::250:feff:fe00:1"],
  ])("%j", (groups, text) => {
    expect(formatIpv6(octets(groups))).toBe(text);
  });

  test("any address: the text that the URL standard's serializer gives", () => {
    const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const text = formatIpv6(octets(groups));
        expect(isIPv6(text)).toBe(true);
        expect(new URL(`http://[${text}]/`).hostname).toBe(`[${text}]`);
        const whole = groups.map((g) => g.toString(16)).join(":");
        expect(new URL(`http://[${whole}]/`).hostname).toBe(`[${text}]`);
      }),
    );
  });
});
