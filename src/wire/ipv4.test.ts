import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { tagOf, udp } from "../../test/plane/pair.js";
import { finishChecksum, sum16, write16 } from "./ip-octets.js";
import { fragmentIpv4, Ipv4Header, readIpv4, writeIpv4Checksum } from "./ipv4.js";

const header = new Ipv4Header();
const SOURCE = 0xc0a80a01;
const DESTINATION = 0xc0a80a02;

function read(packet: Uint8Array) {
  return readIpv4(packet, 0, packet.length, header);
}

describe("IPv4 header, RFC 791", () => {
  test("every truncation is a fault", () => {
    const packet = udp(SOURCE, DESTINATION);
    for (let length = 0; length < packet.length; length++) {
      const fault = readIpv4(packet, 0, length, header);
      expect(fault).toBe(length < 20 ? "ip-truncated" : "ip-length");
    }
    expect(read(packet)).toBeUndefined();
  });

  test("version, header length, total length, checksum: each its own fault", () => {
    const broken = (at: number, value: number) => {
      const packet = udp(SOURCE, DESTINATION);
      packet[at] = value;
      return read(packet);
    };
    expect(broken(0, 0x65)).toBe("ip-version");
    expect(broken(0, 0x44)).toBe("ip-header");
    expect(broken(3, 19)).toBe("ip-length");
    expect(broken(3, 101)).toBe("ip-length");
    expect(broken(8, 63)).toBe("ip-checksum");
  });

  test("octets after Total Length are padding", () => {
    const packet = new Uint8Array(130);
    packet.set(udp(SOURCE, DESTINATION));
    expect(read(packet)).toBeUndefined();
    expect(header.end).toBe(100);
  });

  property.prop([fc.uint8Array({ maxLength: 80 })])(
    "any octets: a fault or in bounds",
    (packet) => {
      if (readIpv4(packet, 0, packet.length, header, false) !== undefined) return;
      expect(header.payloadStart).toBeLessThanOrEqual(header.end);
      expect(header.end).toBeLessThanOrEqual(packet.length);
    },
  );
});

/** A packet with `options` in its header that may be cut. */
function cuttable(length: number, options: readonly number[] = []): Uint8Array {
  const plain = udp(SOURCE, DESTINATION, 0xabcdef01, length);
  const packet = new Uint8Array(length + options.length);
  packet.set(plain.subarray(0, 20));
  packet.set(options, 20);
  packet.set(plain.subarray(20), 20 + options.length);
  packet[0] = 0x40 | ((20 + options.length) / 4);
  write16(packet, 2, packet.length);
  write16(packet, 6, 0);
  writeIpv4Checksum(packet, 0);
  return packet;
}

function fragmentsOf(packet: Uint8Array, mtu: number): Uint8Array[] | undefined {
  const scratch = new Uint8Array(2048);
  const fragments: Uint8Array[] = [];
  expect(read(packet)).toBeUndefined();
  const cut = fragmentIpv4(packet, header, mtu, scratch, (length) => {
    fragments.push(scratch.slice(0, length));
  });
  return cut ? fragments : undefined;
}

describe("fragmentation, RFC 791 §3.2", () => {
  property.prop([fc.integer({ min: 40, max: 1600 }), fc.integer({ min: 28, max: 1500 })])(
    "fragments fit, are right, and join to the packet",
    (length, mtu) => {
      const packet = cuttable(length);
      const joined = new Uint8Array(length - 20);
      const fragments = fragmentsOf(packet, mtu)!;
      for (const [at, fragment] of fragments.entries()) {
        expect(fragment.length).toBeLessThanOrEqual(mtu);
        expect(read(fragment)).toBeUndefined();
        expect(header.end).toBe(fragment.length);
        expect(header.moreFragments).toBe(at < fragments.length - 1);
        joined.set(fragment.subarray(header.payloadStart), header.fragmentOffset);
      }
      expect(joined).toEqual(packet.subarray(20));
    },
  );

  test("a fragment is cut into fragments of the whole", () => {
    const [, second] = fragmentsOf(cuttable(1400), 700)!;
    const pieces = fragmentsOf(second!, 300)!;
    read(pieces[1]!);
    expect(header.fragmentOffset).toBe(680 + 280);
    read(pieces.at(-1)!);
    expect(header.moreFragments).toBe(true);
  });

  test("only options with the copied flag are in later fragments", () => {
    const copied = [0x82, 4, 1, 2];
    const first = [0x07, 4, 4, 0];
    const [a, b] = fragmentsOf(cuttable(600, [...first, ...copied]), 400)!;
    expect([...a!.subarray(20, 28)]).toEqual([...first, ...copied]);
    expect(b![0]! & 15).toBe(6);
    expect([...b!.subarray(20, 24)]).toEqual(copied);
  });

  test("malformed options are not followed", () => {
    const [, second] = fragmentsOf(cuttable(600, [0x82, 0, 0, 0]), 400)!;
    expect(second![0]! & 15).toBe(5);
  });

  test("no room for 8 octets: not cut", () => {
    expect(fragmentsOf(cuttable(100), 27)).toBeUndefined();
  });

  test("the tag lies in the last fragment", () => {
    expect(tagOf(fragmentsOf(cuttable(1000), 500)!.at(-1)!)).toBe(0xabcdef01);
  });
});

test("RFC 1071 §3: its own example", () => {
  const octets = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);
  expect(finishChecksum(sum16(octets, 0, 8))).toBe(~0xddf2 & 0xffff);
});
