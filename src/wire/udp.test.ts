import { expect, test } from "vitest";
import { write16 } from "./ip-octets.js";
import { Ipv4Header, readIpv4 } from "./ipv4.js";
import { readUdp, UdpHeader, writeUdp } from "./udp.js";

function read(octets: Uint8Array) {
  const header = new Ipv4Header();
  const datagram = new UdpHeader();
  expect(readIpv4(octets, 0, octets.length, header, false)).toBeUndefined();
  return { fault: readUdp(octets, header, datagram), datagram };
}

function sample(): Uint8Array {
  const into = new Uint8Array(100);
  const octets = Uint8Array.of(1, 2, 3);
  return into.slice(0, writeUdp(into, 0xc0000201, 53, 0xc0000202, 50_000, octets));
}

test("a datagram written and read again: the same", () => {
  const { fault, datagram } = read(sample());
  expect(fault).toBeUndefined();
  expect(datagram).toEqual({
    sourcePort: 53,
    destinationPort: 50_000,
    payloadStart: 28,
    payloadEnd: 31,
  });
});

test("hostile: lengths and checksums are faults; a checksum that is left out is none", () => {
  for (const [length, fault] of [
    [0, "udp-length"],
    [7, "udp-length"],
    [12, "udp-length"],
    [65_535, "udp-length"],
    [10, "udp-checksum"],
  ] as const) {
    const octets = sample();
    write16(octets, 24, length);
    expect(read(octets).fault).toBe(fault);
  }
  const cut = sample().slice(0, 27);
  write16(cut, 2, 27);
  expect(read(cut).fault).toBe("udp-truncated");
  const without = sample();
  write16(without, 26, 0);
  expect(read(without).fault).toBeUndefined();
});
