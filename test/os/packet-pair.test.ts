import { expect, test } from "vitest";
import { VNET_OCTETS } from "../../src/base/kernel-layout.js";
import { Ledger } from "../../src/base/ledger.js";
import { Scope } from "../../src/base/scope.js";
import { monotonicNow } from "../../src/os/clock.js";
import { openDescriptors } from "../../src/os/descriptors.js";
import { openPacketPair } from "../../src/os/packet-pair.js";
import { Tun } from "../../src/os/tun.js";
import { held } from "./namespace.js";

const EAGAIN = -11;
const EBADF = -9;

function pair() {
  const ledger = new Ledger(monotonicNow);
  const scope = new Scope("test", ledger);
  const opened = held(openPacketPair(scope));
  // The data worker's view of it.
  const tun = new Tun(opened.far, "far");
  return { ...opened, tun, ledger, [Symbol.dispose]: () => scope[Symbol.dispose]() };
}

test("the data worker takes the far end for a TUN with headers: whole packets both ways", () => {
  using both = pair();
  const { port, tun } = both;
  expect(tun.hasHeader).toBe(true);
  expect(tun.setOffload(0xff)).toBe(0);
  const packets = [20, 1_400, 65_535].map((octets) => {
    return Uint8Array.from({ length: octets }, (_, i) => (i * 7 + octets) & 255);
  });
  const buffer = new Uint8Array(VNET_OCTETS + 65_535);
  for (const packet of packets) {
    const whole = Uint8Array.from([...new Uint8Array(VNET_OCTETS), ...packet]);
    expect(port.write(whole)).toBe(whole.length);
    expect(tun.write(packet, 0, packet.length)).toBe(packet.length);
  }
  for (const packet of packets) {
    expect(tun.read(buffer)).toBe(packet.length);
    expect(buffer.subarray(0, packet.length)).toEqual(packet);
    expect(port.read(buffer)).toBe(VNET_OCTETS + packet.length);
    expect(buffer.subarray(0, VNET_OCTETS)).toEqual(new Uint8Array(VNET_OCTETS));
    expect(buffer.subarray(VNET_OCTETS, VNET_OCTETS + packet.length)).toEqual(packet);
  }
  expect(port.read(buffer)).toBe(EAGAIN);
  expect(tun.read(buffer)).toBe(EAGAIN);
});

test("a far end that does not read: refused at the kernel's bound, never waited for", () => {
  using both = pair();
  const packet = new Uint8Array(1_400);
  let written = 0;
  while (written < 10_000 && both.port.write(packet) > 0) written++;
  expect(written).toBeGreaterThan(64);
  expect(both.port.write(packet)).toBe(EAGAIN);
  let read = 0;
  while (both.tun.read(packet) > 0) read++;
  expect(read).toBe(written);
});

test("both ends go with the scope, and are told of as closed", () => {
  const before = openDescriptors();
  const both = pair();
  expect(openDescriptors()).toBe(Number(before) + 2);
  expect(both.ledger.size).toBe(2);
  both[Symbol.dispose]();
  expect(openDescriptors()).toBe(before);
  expect(both.ledger.size).toBe(0);
  expect(both.port.write(new Uint8Array(20))).toBe(EBADF);
});
