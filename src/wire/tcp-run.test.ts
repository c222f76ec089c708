import { expect, test } from "vitest";
import { VNET_OCTETS } from "../base/kernel-layout.js";
import { Ipv4Header, readIpv4 } from "./ipv4.js";
import { ACK, FIN, PSH, readTcp, SYN, TcpSegment, writeTcp } from "./tcp.js";
import { cutRun, segmentOctetsOf, TcpRun } from "./tcp-run.js";

type Some = { at?: number; octets?: number; flags?: number; port?: number; stamp?: number };

/** A segment of one stream; octet N of it is N's low octet. */
function segment({ at = 0, octets = 100, flags = ACK, port = 80, stamp = 7 }: Some): Uint8Array {
  const out = new TcpSegment();
  out.sourcePort = 50_000;
  out.destinationPort = port;
  out.sequence = (0xffff_ff80 + at) >>> 0;
  out.acknowledgment = 5;
  out.flags = flags;
  out.window = 1_000;
  out.hasTimestamps = true;
  out.timestamp = stamp;
  const packet = new Uint8Array(20 + 32 + octets);
  for (let i = 0; i < octets; i++) packet[52 + i] = at + i;
  writeTcp(packet, out, 0x0a00_0002, 0x0a00_0001, octets);
  return packet;
}

function gathered(...packets: Uint8Array[]): { run: TcpRun; took: boolean[] } {
  const run = new TcpRun(true);
  return { run, took: packets.map((packet) => run.add(packet)) };
}

test("segments that follow each other are one packet, which cut again is what they were", () => {
  const parts = [0, 100, 200].map((at) => segment({ at, flags: at === 200 ? ACK | PSH : ACK }));
  const { run, took } = gathered(...parts);
  expect(took).toEqual([true, true, true]);
  const whole = run.whole();
  expect(segmentOctetsOf(whole)).toBe(100);
  const packet = whole.subarray(VNET_OCTETS);
  expect(readIpv4(packet, 0, packet.length, new Ipv4Header())).toBeUndefined();
  const cut = cutRun(packet, 100);
  const header = new Ipv4Header();
  for (const [i, part] of cut.entries()) {
    expect(readIpv4(part, 0, part.length, header)).toBeUndefined();
    expect(readTcp(part, header, new TcpSegment())).toBeUndefined();
    // Identification counts on, as every kernel has it.
    expect(part[5]).toBe(i);
    const alike = Uint8Array.from(part);
    alike.set(parts[i]!.subarray(4, 6), 4);
    alike.set(parts[i]!.subarray(10, 12), 10);
    expect(alike).toEqual(parts[i]);
  }
  expect(cut.length).toBe(3);
});

test("one packet alone stays as it is, with an empty header", () => {
  for (const packet of [segment({}), segment({ octets: 0 }), Uint8Array.of(0x60, 1, 2)]) {
    const { run } = gathered(packet);
    expect(segmentOctetsOf(run.whole())).toBe(0);
    expect(run.whole()).toEqual(Uint8Array.from([...new Uint8Array(VNET_OCTETS), ...packet]));
  }
});

test.each<[string, Some, Some]>([
  ["a gap", {}, { at: 101 }],
  ["octets again", {}, { at: 0 }],
  ["another stream", {}, { at: 100, port: 81 }],
  ["another time stamp", {}, { at: 100, stamp: 8 }],
  ["a longer segment", {}, { at: 100, octets: 101 }],
  ["no octets", {}, { at: 100, octets: 0 }],
  ["a FIN", {}, { at: 100, flags: ACK | FIN }],
  ["a SYN", { flags: SYN }, { at: 100 }],
  ["what follows a push", { flags: ACK | PSH }, { at: 100 }],
  ["after no octets", { octets: 0 }, { octets: 0 }],
])("%s does not continue a run", (_, first, second) => {
  expect(gathered(segment(first), segment(second)).took).toEqual([true, false]);
});

test("a short segment is a run's last, and a run is never longer than a packet may be", () => {
  const short = [segment({}), segment({ at: 100, octets: 40 }), segment({ at: 140, octets: 40 })];
  expect(gathered(...short).took).toEqual([true, true, false]);
  const many = Array.from({ length: 700 }, (_, i) => segment({ at: 100 * i }));
  const { run, took } = gathered(...many);
  expect(took.indexOf(false)).toBe(654);
  expect(run.whole().length).toBeLessThanOrEqual(VNET_OCTETS + 65_535);
});

test("where runs are not read, each packet goes by itself", () => {
  const run = new TcpRun(false);
  expect([run.add(segment({})), run.add(segment({ at: 100 }))]).toEqual([true, false]);
  run.clear();
  expect(run.empty).toBe(true);
  expect(run.add(segment({ at: 100 }))).toBe(true);
});
