// The rules that count what the classic filter refuses, in the kernel, beside that filter: by the same reasons.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { isOsError } from "../../src/os/errors.js";
import { attachClassicFilter } from "../../src/os/gre-filter.js";
import { type GreSocket, openGreSockets } from "../../src/os/gre-socket.js";
import { Memory, setSocketOption } from "../../src/os/libc.js";
import { NftCounters, takeCounters } from "../../src/os/nft-counters.js";
import { NftRefused } from "../../src/os/nft-refused.js";
import { ReceiveSlots } from "../../src/os/packet-memory.js";
import { RefusedCounter } from "../../src/os/refused-counter.js";
import { A, B, LIVE, ofCall, vector } from "./filter-packets.js";
import { eventually, held, isRoot, joined } from "./namespace.js";

const runtimeDirectory = mkdtempSync(join(tmpdir(), "hf-refused-"));
afterAll(() => rmSync(runtimeDirectory, { recursive: true }));
const EAGAIN = -11;
const options = { instance: "main", instanceId: "11111111-aaaa", runtimeDirectory };

/** Flags in place, so many octets of header, and a Payload Length. */
function gre(flags: number, octets: number, payload = 0): Uint8Array {
  const packet = new Uint8Array(octets);
  const view = new DataView(packet.buffer);
  for (const [at, word] of [flags, 0x880b, payload, LIVE].entries()) {
    if (2 * at + 2 <= octets) view.setUint16(2 * at, word);
  }
  return packet;
}

const REFUSED: readonly (readonly [reason: string, packets: readonly Uint8Array[]])[] = [
  ["gre-truncated", [vector("GRE-TRUNC-5"), gre(0x3001, 8), gre(0x2081, 8), gre(0x3081, 12)]],
  ["gre-no-key", [vector("GRE-NOKEY"), gre(0x1001, 12)]],
  ["gre-flags", [vector("GRE-R"), gre(0xb001, 12), gre(0x3009, 12)]],
  ["gre-payload-over", [vector("GRE-PAYLEN-65535"), gre(0x2001, 8, 9_000)]],
  ["gre-payload-unsequenced", [gre(0x2001, 12, 4)]],
];
/** Ours, of a call or not; and other tunnels', which no rule may count. */
const OTHERS = [
  ...[ofCall(LIVE), ofCall(LIVE + 1), gre(0x3001, 12), gre(0x2081, 12)],
  ...[vector("GRE-V0"), vector("GRE-PROTO-IP"), Uint8Array.of(0, 0, 0, 0)],
];

/** Of OTHERS, each time they are sent. */
const OURS = 3 * 4;
const IPPROTO_IP = 0;
const IP_OPTIONS = 4;
/** Of an IPv4 option that says nothing (RFC 791 §3.1). */
const NO_OPERATION = 1;

/** From now on so many octets of options are before what the sender sends. */
function withOptions(sender: GreSocket, octets: number): void {
  const memory = new Memory(octets);
  memory.octets.fill(NO_OPERATION);
  expect(setSocketOption(sender.descriptors.receive, IPPROTO_IP, IP_OPTIONS, memory)).toBe(0);
}

describe.runIf(isRoot)("refused by the classic filter", () => {
  test("each is counted once, by its reason; what passes and other tunnels' is not", async () => {
    using net = joined(["198.51.100.1/24", "198.51.100.2/24"], ["198.51.100.9/24"]);
    using _server = net.b.entered();
    using receiver = held(openGreSockets());
    expect(attachClassicFilter(receiver.descriptors.receive, { index: 0, of: 1 })).toBe(0);
    using total = held(RefusedCounter.open());
    const refused = new NftRefused(options);
    expect(await refused.left()).toBe(false);
    expect(await refused.begin()).toBeUndefined();
    expect(await refused.left()).toBe(true);
    using sender = held(net.a.inside(openGreSockets));
    const sends = (packet: Uint8Array) =>
      expect(sender.send(packet, 0, packet.length, A, B, true)).toBe(packet.length);
    const expected: Record<string, number> = {};
    for (const [reason, packets] of REFUSED) {
      for (const packet of packets) sends(packet);
      expected[reason] = packets.length;
    }
    for (const packet of OTHERS) sends(packet);
    // The same with options in the header before it, of the fewest and of the most octets.
    for (const octets of [4, 40]) {
      withOptions(sender, octets);
      for (const [reason, packets] of REFUSED) {
        for (const packet of packets) sends(packet);
        expected[reason] = (expected[reason] ?? 0) + packets.length;
      }
      for (const packet of OTHERS) sends(packet);
    }
    const all = Object.values(expected).reduce((sum, one) => sum + one);
    let counted = 0;
    await eventually(() => {
      counted = total.count();
      return counted >= all || undefined;
    });
    expect([refused.counts(), counted]).toEqual([expected, all]);
    // What it let through are our own, to whichever call.
    const slots = new ReceiveSlots();
    let received = 0;
    await eventually(() => {
      received += Math.max(0, receiver.readBatch(slots));
      return received >= OURS || undefined;
    });
    expect([received, receiver.readBatch(slots)]).toEqual([OURS, EAGAIN]);
    // Somebody takes all tables away: what was counted stays, and nothing fails.
    net.b.run("nft", "flush", "ruleset");
    expect(refused.counts()).toEqual(expected);
    expect(await refused.end()).toBeUndefined();
  });

  test("begun again it counts from nothing, and leaves nothing", async () => {
    using net = joined(["198.51.100.1/24"], ["198.51.100.9/24"]);
    using _server = net.b.entered();
    const refused = new NftRefused(options);
    for (let i = 0; i < 2; i++) {
      expect(await refused.begin()).toBeUndefined();
      expect(Object.values(refused.counts())).toEqual(Array(REFUSED.length).fill(0));
    }
    expect(await refused.end()).toBeUndefined();
    expect(net.b.run("nft", "list", "tables")).toBe("");
  });

  test("no such table: no counter of it", () => {
    using net = joined(["198.51.100.1/24"], ["198.51.100.9/24"]);
    using _server = net.b.entered();
    using counters = held(NftCounters.open("holdfast-gone"));
    const read = counters.read();
    expect(isOsError(read) ? read.errno : read).toEqual({});
  });
});

describe("an answer of the kernel", () => {
  test("cut anywhere: what is whole is taken, and it ends", () => {
    const message = new Uint8Array(64);
    const view = new DataView(message.buffer);
    view.setUint32(0, message.length, true);
    view.setUint16(4, 0x0a12, true);
    const put = (at: number, type: number, octets: readonly number[]) => {
      view.setUint16(at, 4 + octets.length, true);
      view.setUint16(at + 2, type, true);
      message.set(octets, at + 4);
    };
    put(20, 2, [...Buffer.from("seen\0")]);
    put(32, 0x8004, Array(12).fill(0));
    put(36, 2, [0, 0, 0, 0, 0, 0, 0, 7]);
    const counts: Record<string, number> = {};
    expect(takeCounters(message, counts)).toBeUndefined();
    expect(counts).toEqual({ seen: 7 });
    for (let length = 0; length < message.length; length++) {
      const less: Record<string, number> = {};
      expect(takeCounters(message.subarray(0, length), less)).toBeUndefined();
      expect(less).toEqual({});
    }
  });
});
