import { describe, expect, test } from "vitest";
import { fromHex } from "../base/hex.js";
import { write16 } from "./ip-octets.js";
import { Ipv4Header, readIpv4, TCP, upperChecksum4, writeIpv4Checksum } from "./ipv4.js";
import { readTcp, TcpSegment, tcpHeaderOctets, writeTcp } from "./tcp.js";

function read(octets: Uint8Array) {
  const header = new Ipv4Header();
  const segment = new TcpSegment();
  expect(readIpv4(octets, 0, octets.length, header, false)).toBeUndefined();
  return { fault: readTcp(octets, header, segment), segment };
}

/** A SYN,ACK with all options as the Linux kernel lays them out: MSS, SACK-Permitted, TS, NOP, WS. */
function synAck(): Uint8Array {
  const octets = fromHex(
    "4500003c0000400040060000c0000201c0000202" +
      "0050c0000000000100000002a012fe8800000000" +
      "020405500402080a0000006400000032" +
      "01030307",
  )!;
  return sealed(octets);
}

function sealed(octets: Uint8Array): Uint8Array {
  writeIpv4Checksum(octets, 0);
  write16(octets, 36, 0);
  write16(octets, 36, upperChecksum4(octets, 0, 20, octets.length, TCP));
  return octets;
}

describe("a segment", () => {
  test("with every option of a SYN", () => {
    const { fault, segment } = read(synAck());
    expect(fault).toBeUndefined();
    expect(segment).toMatchObject({
      sourcePort: 80,
      destinationPort: 0xc000,
      sequence: 1,
      acknowledgment: 2,
      flags: 0x12,
      window: 0xfe88,
      mss: 1360,
      sackPermitted: true,
      windowShift: 7,
      hasTimestamps: true,
      timestamp: 100,
      timestampEcho: 50,
      length: 1,
    });
  });

  test("written and read again: the same, SACK blocks and text included", () => {
    const out = new TcpSegment();
    Object.assign(out, { sourcePort: 1, destinationPort: 2, sequence: 0xfffffff0, flags: 0x18 });
    Object.assign(out, {
      acknowledgment: 7,
      window: 9,
      hasTimestamps: true,
      timestamp: 5,
      sackBlocks: 3,
    });
    out.sack.splice(0, 6, 1, 2, 3, 4, 0xfffffffe, 0xffffffff);
    const into = new Uint8Array(1400);
    into.set([1, 2, 3], 20 + tcpHeaderOctets(out));
    const octets = into.subarray(0, writeTcp(into, out, 0xc0000201, 0xc0000202, 3));
    const { fault, segment } = read(octets);
    expect(fault).toBeUndefined();
    expect(segment).toMatchObject({ sequence: 0xfffffff0, timestamp: 5, sackBlocks: 3, length: 3 });
    expect(segment.sack.slice(0, 6)).toEqual([1, 2, 3, 4, 0xfffffffe, 0xffffffff]);
    expect([...octets.subarray(segment.payloadStart, segment.payloadEnd)]).toEqual([1, 2, 3]);
  });

  test("hostile: every truncation, data offset and option length is a fault, never an exception", () => {
    const whole = synAck();
    for (let length = 20; length < whole.length; length++) {
      const cut = whole.slice(0, length);
      write16(cut, 2, length);
      expect(read(cut).fault).toMatch(/^tcp-/);
    }
    for (const offset of [0, 1, 4, 11, 15]) {
      const octets = whole.slice();
      octets[32] = offset << 4;
      expect(read(sealed(octets)).fault).toBe("tcp-header");
    }
    for (const [at, length] of [
      [41, 3],
      [41, 0],
      [41, 1],
      [41, 255],
      [45, 3],
      [47, 9],
      [58, 4],
    ] as const) {
      const octets = whole.slice();
      octets[at] = length;
      expect(read(sealed(octets)).fault).toBe("tcp-options");
    }
    const damaged = whole.slice();
    damaged[24] = 1;
    expect(read(damaged).fault).toBe("tcp-checksum");
  });
});
