import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { packet6 } from "../../test/plane/pair.js";
import {
  ALL_NODES,
  Ipv6Header,
  isLinkLocal6,
  isMulticast6,
  isUnroutable6,
  readIpv6,
} from "./ipv6.js";

const header = new Ipv6Header();
const LINK_LOCAL = Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const GLOBAL = Uint8Array.of(0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);

describe("IPv6 header, RFC 8200", () => {
  test("every truncation is a fault", () => {
    const packet = packet6(LINK_LOCAL, ALL_NODES);
    for (let length = 0; length < packet.length; length++) {
      const fault = readIpv6(packet, 0, length, header);
      expect(fault).toBe(length < 40 ? "ip-truncated" : "ip-length");
    }
    expect(readIpv6(packet, 0, packet.length, header)).toBeUndefined();
    expect(header).toMatchObject({ payloadStart: 40, end: 80, sourceAt: 8, destinationAt: 24 });
  });

  test("another version is a fault", () => {
    const packet = packet6(LINK_LOCAL, ALL_NODES);
    packet[0] = 0x45;
    expect(readIpv6(packet, 0, packet.length, header)).toBe("ip-version");
  });

  property.prop([fc.uint8Array({ maxLength: 90 })])(
    "any octets: a fault or in bounds",
    (packet) => {
      if (readIpv6(packet, 0, packet.length, header) !== undefined) return;
      expect(header.end).toBeLessThanOrEqual(packet.length);
    },
  );
});

test("kinds of address, RFC 4291 §2.4", () => {
  expect([LINK_LOCAL, GLOBAL, ALL_NODES].map((a) => isLinkLocal6(a, 0))).toEqual([
    true,
    false,
    false,
  ]);
  expect([LINK_LOCAL, GLOBAL, ALL_NODES].map((a) => isMulticast6(a, 0))).toEqual([
    false,
    false,
    true,
  ]);
  const loopback = new Uint8Array(16);
  loopback[15] = 1;
  const mapped = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1);
  expect([new Uint8Array(16), loopback, mapped].every((a) => isUnroutable6(a, 0))).toBe(true);
  expect(isUnroutable6(GLOBAL, 0)).toBe(false);
});
