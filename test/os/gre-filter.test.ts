// The filters where they belong, in the kernel: what a raw socket is given, and what was counted.
import { describe, expect, test } from "vitest";
import { parseIpv4 } from "../../src/base/ip.js";
import { isOsError } from "../../src/os/errors.js";
import {
  attachClassicFilter,
  CallFilter,
  closeAll,
  loadGreFilter,
} from "../../src/os/gre-filter.js";
import { FILTER_REASONS } from "../../src/os/gre-filter-ebpf.js";
import { type GreSocket, openGreSockets } from "../../src/os/gre-socket.js";
import { ReceiveSlots } from "../../src/os/packet-memory.js";
import { RefusedCounter } from "../../src/os/refused-counter.js";
import { A, B, CALL, LIVE, ofCall, vector } from "./filter-packets.js";
import { eventually, held, isRoot, joined } from "./namespace.js";

const ENOBUFS = -105;
const OTHER = parseIpv4("198.51.100.2")!;

/** A payload, and no sequence number. */
function unsequenced(): Uint8Array {
  const copy = ofCall(LIVE).slice(0, 20);
  copy.set([0x20, 0x01, 0x88, 0x0b, 0, 4]);
  return copy;
}

const REFUSED: Readonly<Record<(typeof FILTER_REASONS)[number], Uint8Array>> = {
  "gre-version": vector("GRE-V0"),
  "gre-protocol": vector("GRE-PROTO-IP"),
  "gre-truncated": vector("GRE-TRUNC-5"),
  "gre-no-key": vector("GRE-NOKEY"),
  "gre-flags": vector("GRE-R"),
  "gre-payload-over": vector("GRE-PAYLEN-65535"),
  "gre-payload-unsequenced": unsequenced(),
  "unknown-call": ofCall(LIVE + 1),
};

function net() {
  return joined(["198.51.100.1/24", "198.51.100.2/24"], ["198.51.100.9/24"]);
}

function sendTo(sender: GreSocket, packet: Uint8Array, from = A): void {
  let sent = ENOBUFS;
  // The cable's queue is full now and then, on a busy machine.
  while (sent === ENOBUFS) sent = sender.send(packet, 0, packet.length, from, B, true);
  expect(sent).toBe(packet.length);
}

/** Each refused packet, the first once, the second twice, and so on. */
function sendRefused(sender: GreSocket): Record<string, number> {
  const sent: Record<string, number> = {};
  for (const [place, reason] of FILTER_REASONS.entries()) {
    for (let i = 0; i <= place; i++) sendTo(sender, REFUSED[reason]);
    sent[reason] = place + 1;
  }
  return sent;
}

describe.runIf(isRoot)("early refusal in the kernel", () => {
  // Root without it (a container) is served by the classic form: the next test's.
  const loadable = () => {
    const loaded = loadGreFilter(1);
    if (isOsError(loaded)) return false;
    closeAll(loaded);
    return true;
  };

  test.runIf(isRoot && loadable())(
    "eBPF: live calls pass, the rest is counted by reason",
    async () => {
      using cable = net();
      using sender = held(cable.a.inside(openGreSockets));
      using receiver = held(cable.b.inside(openGreSockets));
      using filter = held(CallFilter.of(held(loadGreFilter(1)), 1));
      expect(filter.attach(receiver.descriptors.receive, 0)).toBe(0);
      const slots = new ReceiveSlots();
      const sent = sendRefused(sender);
      sendTo(sender, ofCall(LIVE));
      sent["unknown-call"]! += 1;
      expect(filter.add(CALL)).toBe(0);
      for (let i = 0; i < 5; i++) sendTo(sender, ofCall(LIVE));
      sendTo(sender, ofCall(LIVE), OTHER);
      sent["unknown-call"]! += 1;
      let received = 0;
      await eventually(() => {
        received += Math.max(0, receiver.readBatch(slots));
        return received >= 5 || undefined;
      });
      expect(filter.remove(CALL)).toBe(0);
      sendTo(sender, ofCall(LIVE));
      sent["unknown-call"]! += 1;
      await eventually(() => filter.counts()["unknown-call"] === sent["unknown-call"] || undefined);
      expect(filter.counts()).toEqual(sent);
      // The newest of each reason, places shared: where they came from, and told once. Not other tunnels'.
      const sources = filter.takeSources();
      expect(sources.length).toBeGreaterThan(Math.max(...Object.values(sent)) - 1);
      expect(new Set(sources)).toEqual(new Set([A, OTHER]));
      expect(filter.takeSources()).toEqual([]);
      for (let i = 0; i < 3; i++) sendTo(sender, REFUSED["gre-version"]);
      for (let i = 0; i < 3; i++) sendTo(sender, REFUSED["gre-flags"], OTHER);
      await eventually(() => filter.counts()["gre-flags"] === sent["gre-flags"]! + 3 || undefined);
      expect(filter.takeSources()).toEqual([OTHER, OTHER, OTHER]);
      expect(receiver.readBatch(slots)).toBe(-11);
      expect(received).toBe(5);
    },
  );

  test("classic: the well-formed pass, the malformed are one sum, other tunnels' are nothing", async () => {
    using cable = net();
    using sender = held(cable.a.inside(openGreSockets));
    using receiver = held(cable.b.inside(openGreSockets));
    using counter = held(cable.b.inside(() => RefusedCounter.open()));
    expect(attachClassicFilter(receiver.descriptors.receive, { index: 0, of: 1 })).toBe(0);
    const slots = new ReceiveSlots();
    const sent = sendRefused(sender);
    for (let i = 0; i < 5_000; i++) sendTo(sender, REFUSED["gre-flags"]);
    const foreign = sent["gre-version"]! + sent["gre-protocol"]!;
    const passing = sent["unknown-call"]!;
    const all = Object.values(sent).reduce((sum, one) => sum + one, 5_000);
    await eventually(() => counter.count() >= all - foreign - passing || undefined);
    expect(counter.count()).toBe(all - foreign - passing);
    expect(receiver.readBatch(slots)).toBe(passing);
    expect(receiver.readBatch(slots)).toBe(-11);
    for (let i = 0; i < 100; i++) sendTo(sender, REFUSED["gre-truncated"]);
    await eventually(() => counter.count() >= all - foreign - passing + 100 || undefined);
    expect(counter.count()).toBe(all - foreign - passing + 100);
  });
});
