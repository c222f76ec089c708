import { expect, test } from "vitest";
import { Ledger } from "../../src/base/ledger.js";
import { Scope } from "../../src/base/scope.js";
import { monotonicNow } from "../../src/os/clock.js";
import { openDescriptors } from "../../src/os/descriptors.js";
import { HandOver, openRing } from "../../src/os/hand-over.js";
import { held } from "./namespace.js";

const EAGAIN = -11;

function ring(workers: number) {
  const scope = new Scope("test", new Ledger(monotonicNow));
  const places = held(openRing(workers, scope)).map((place) => new HandOver(place));
  return { places, [Symbol.dispose]: () => scope[Symbol.dispose]() };
}

test("round the ring: to the next one only, whole, with how often it was passed on", () => {
  using three = ring(3);
  const buffer = new Uint8Array(65_536);
  const packet = Uint8Array.from({ length: 40_000 }, (_, i) => i & 255);
  for (const [index, place] of three.places.entries()) {
    expect(place.pass(packet, 5, 39_000, index + 1)).toBe(38_995);
    expect(three.places.map((one) => one.receive(buffer)).filter((octets) => octets > 0)).toEqual([
      38_995,
    ]);
    expect(buffer.subarray(0, 38_995)).toEqual(packet.subarray(5, 39_000));
    expect(three.places[(index + 1) % 3]!.passes).toBe(index + 1);
  }
});

test("a next one that does not read: refused at the kernel's bound, never waited for", () => {
  using two = ring(2);
  const [first, second] = two.places;
  const packet = new Uint8Array(1_400);
  let passed = 0;
  while (passed < 10_000 && first!.pass(packet, 0, 1_400, 1) > 0) passed++;
  expect(passed).toBeGreaterThan(10);
  expect(first!.pass(packet, 0, 1_400, 1)).toBe(EAGAIN);
  let received = 0;
  while (second!.receive(packet) > 0) received++;
  expect(received).toBe(passed);
  expect(second!.receive(packet)).toBe(EAGAIN);
});

test("a single worker has no ring; a ring's sockets end with its scope", () => {
  const before = openDescriptors();
  {
    using one = ring(1);
    using four = ring(4);
    expect(one.places).toEqual([]);
    expect(openDescriptors()).toBe(Number(before) + 8);
    expect(four.places[0]!.pass(new Uint8Array(4), 3, 9, 1)).toBe(-22);
  }
  expect(openDescriptors()).toBe(before);
});
