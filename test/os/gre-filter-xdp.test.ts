// The filter at an interface, in the kernel itself: its verdict over many packets beside the data worker's
// reader, both layers in a row over a cable, and what is left when a descriptor or its process goes.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { parseIpv4 } from "../../src/base/ip.js";
import {
  ARRAY_MAP,
  BpfMap,
  createMap,
  HASH_MAP,
  interfaceOfXdp,
  loadProgram,
} from "../../src/os/bpf.js";
import type { Descriptor } from "../../src/os/descriptor.js";
import { CallFilter, loadGreFilter, loadXdpFilter } from "../../src/os/gre-filter.js";
import { FILTER_REASONS } from "../../src/os/gre-filter-ebpf.js";
import { type FrameStart, xdpGreFilter } from "../../src/os/gre-filter-xdp.js";
import { openGreSockets } from "../../src/os/gre-socket.js";
import { findInterface } from "../../src/os/interface.js";
import { bpf, Memory } from "../../src/os/libc.js";
import { ReceiveSlots } from "../../src/os/packet-memory.js";
import { GreHeader, readGre } from "../../src/wire/gre.js";
import { octets, vectors } from "../vectors/vectors.js";
import { CompiledOs } from "./compiled.js";
import { A, B, CALL, LIVE, ofCall, vector, xdpLoadable } from "./filter-packets.js";
import { eventually, held, isRoot, joined } from "./namespace.js";

const ELSEWHERE = parseIpv4("198.51.100.77")!;
const FOREIGN = ["gre-version", "gre-protocol"];
const header = new GreHeader();

/** What the kernel's own run of a program gives for a frame. */
class Run implements Disposable {
  readonly #calls: BpfMap;
  readonly #refusedMap = held(createMap(ARRAY_MAP, 4, 8, FILTER_REASONS.length));
  readonly #refused = new BpfMap(this.#refusedMap, 4, 8);
  readonly #sources = held(createMap(ARRAY_MAP, 4, 4, 64));
  readonly #addresses: BpfMap;
  readonly #program: Descriptor;
  readonly #frame = new Memory(2_048);
  readonly #attributes = new Memory(80);

  constructor(start: FrameStart) {
    const calls = held(createMap(HASH_MAP, 12, 4, 16));
    const addresses = held(createMap(HASH_MAP, 4, 4, 16));
    this.#calls = new BpfMap(calls, 12, 4);
    for (const [at, part] of [B, A, LIVE].entries())
      this.#calls.key.view.setUint32(4 * at, part, true);
    expect(this.#calls.update()).toBe(0);
    this.#addresses = new BpfMap(addresses, 4, 4);
    this.#addresses.key.view.setUint32(0, B, true);
    expect(this.#addresses.update()).toBe(0);
    const maps = {
      ...{ calls: calls.fd, refused: this.#refusedMap.fd, sources: this.#sources.fd },
      addresses: addresses.fd,
    };
    this.#program = held(loadProgram("XDP", xdpGreFilter(maps, start)));
  }

  /** `passed`, or the reason by which the one counter grew. */
  verdict(frame: Uint8Array): string {
    const before = this.#counts();
    const { view } = this.#attributes;
    this.#frame.octets.set(frame);
    view.setUint32(0, this.#program.fd, true);
    view.setUint32(8, frame.length, true);
    // The kernel writes there how long the frame is afterwards, and takes that for room at the next run.
    view.setUint32(12, 0, true);
    this.#attributes.setAddress(16, this.#frame.address);
    // BPF_PROG_TEST_RUN
    expect(bpf(10, this.#attributes)).toBe(0);
    const result = view.getUint32(4, true);
    const grown = this.#counts().flatMap((count, at) => Array(count - before[at]!).fill(at));
    if (result === 2) expect(grown).toEqual([]);
    else expect([result, grown.length]).toEqual([1, 1]);
    return FILTER_REASONS[grown[0] as number] ?? "passed";
  }

  #counts(): number[] {
    return FILTER_REASONS.map((_, place) => {
      this.#refused.key.view.setUint32(0, place, true);
      expect(this.#refused.lookUp()).toBe(0);
      return Number(this.#refused.value.view.getBigUint64(0, true));
    });
  }

  [Symbol.dispose](): void {
    for (const one of [this.#calls, this.#refused, this.#sources, this.#addresses, this.#program]) {
      one[Symbol.dispose]();
    }
  }
}

/** mulberry32: the same packets in every run. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

type Shape = {
  readonly gre: Uint8Array;
  readonly source: number;
  readonly destination: number;
  readonly options: number;
  readonly tags: number;
  readonly padding: number;
};

function datagramOf({ gre, source, destination, options }: Shape): Uint8Array {
  const begins = 20 + 4 * options;
  const packet = new Uint8Array(begins + gre.length);
  const view = new DataView(packet.buffer);
  view.setUint8(0, 0x45 + options);
  view.setUint16(2, packet.length);
  packet.set([64, 47], 8);
  view.setUint32(12, source);
  view.setUint32(16, destination);
  packet.fill(1, 20, begins);
  packet.set(gre, begins);
  return packet;
}

function frameOf(shape: Shape): Uint8Array {
  const packet = datagramOf(shape);
  const start = 14 + 4 * shape.tags;
  const frame = new Uint8Array(start + packet.length + shape.padding).fill(0x5a, start);
  const view = new DataView(frame.buffer);
  for (let tag = 0; tag < shape.tags; tag++)
    view.setUint16(12 + 4 * tag, tag === 0 ? 0x8100 : 0x88a8);
  view.setUint16(start - 2, 0x0800);
  frame.set(packet, start);
  return frame;
}

/** What the data worker says of it, and of that what is an interface's to refuse. */
function expected({ gre, source, destination }: Shape): string {
  const fault = readGre(gre, 0, gre.length, header);
  const live = source === A && destination === B && header.callId === LIVE;
  const verdict = fault ?? (live ? "passed" : "unknown-call");
  return FOREIGN.includes(verdict) || gre.length < 4 || destination !== B ? "passed" : verdict;
}

const plain = { source: A, destination: B, options: 0, tags: 0, padding: 0 };

function bothFilters(): CallFilter {
  return held(CallFilter.of(held(loadXdpFilter(held(loadGreFilter(1)))), 1));
}

describe.runIf(isRoot && xdpLoadable())("XDP filter in the kernel", () => {
  test("each vector, and every truncation of the good ones: as the data worker says", () => {
    using ethernet = new Run("ethernet");
    using ip = new Run("ip");
    const gres = [
      ...vectors.negative
        .filter(({ layer }) => layer === "gre")
        .flatMap(({ send }) => send.map(octets)),
      ...vectors.gre_ppp_frames.flatMap(({ gre_hex }) => {
        const gre = octets(gre_hex);
        new DataView(gre.buffer).setUint16(6, LIVE);
        return Array.from({ length: gre.length + 1 }, (_, length) => gre.subarray(0, length));
      }),
    ];
    const seen = new Set<string>();
    for (const gre of gres.filter(({ length }) => length <= 1_400)) {
      const wanted = expected({ ...plain, gre });
      seen.add(wanted);
      expect(ip.verdict(datagramOf({ ...plain, gre }))).toBe(wanted);
      for (const tags of [0, 1, 2]) {
        expect(ethernet.verdict(frameOf({ ...plain, gre, tags, padding: 6 }))).toBe(wanted);
      }
    }
    expect(seen.has("passed") && seen.has("gre-truncated") && seen.has("gre-flags")).toBe(true);
  });

  test("20,000 packets that are nearly right (seed 26): as the data worker says", () => {
    using ethernet = new Run("ethernet");
    const chance = random(26);
    const seen: Record<string, number> = {};
    for (let i = 0; i < 20_000; i++) {
      const gre = new Uint8Array(chance(41));
      for (let at = 0; at < gre.length; at++) gre[at] = chance(256);
      const whole = new Uint8Array(48);
      whole.set(gre);
      const view = new DataView(whole.buffer);
      if (chance(4) > 0) whole[0] = [0x30, 0x20][chance(2)]!;
      if (chance(4) > 0) whole[1] = [0x01, 0x81][chance(2)]!;
      if (chance(5) > 0) view.setUint16(2, 0x880b);
      if (chance(3) > 0) view.setUint16(4, chance(24));
      if (chance(3) > 0) view.setUint16(6, LIVE);
      const shape = {
        gre: whole.subarray(0, gre.length),
        source: chance(5) > 0 ? A : chance(2 ** 32),
        destination: chance(8) > 0 ? B : ELSEWHERE,
        ...{ options: chance(3) * chance(6), tags: chance(3), padding: chance(20) },
      };
      const wanted = expected(shape);
      seen[wanted] = (seen[wanted] ?? 0) + 1;
      expect([i, ethernet.verdict(frameOf(shape))]).toEqual([i, wanted]);
    }
    const ours = FILTER_REASONS.filter((reason) => !FOREIGN.includes(reason));
    expect(Object.keys(seen).sort()).toEqual(["passed", ...ours].sort());
  });

  for (const mode of ["native", "generic"] as const) {
    test(`${mode}, before the socket filter: each is counted once, calls that live pass`, async () => {
      using cable = joined(["198.51.100.1/24"], ["198.51.100.9/24"]);
      using sender = held(cable.a.inside(openGreSockets));
      using receiver = held(cable.b.inside(openGreSockets));
      using filter = bothFilters();
      expect(filter.attach(receiver.descriptors.receive, 0)).toBe(0);
      expect(filter.addAddress(B)).toBe(0);
      const { index } = held(cable.b.inside(() => findInterface("veth0")));
      const link = held(cable.b.inside(() => filter.attachXdp(index, "ethernet", mode)));
      expect(interfaceOfXdp(link)).toBe(index);
      const shown = () => cable.b.ip("link", "show", "veth0");
      expect(/ xdp(generic)? /.exec(shown())?.[0].trim()).toBe(
        mode === "native" ? "xdp" : "xdpgeneric",
      );
      const slots = new ReceiveSlots();
      const packets: readonly (readonly [string, Uint8Array])[] = [
        ["gre-version", vector("GRE-V0")],
        ["gre-protocol", vector("GRE-PROTO-IP")],
        ["gre-truncated", vector("GRE-TRUNC-5")],
        ["gre-no-key", vector("GRE-NOKEY")],
        ["gre-flags", vector("GRE-R")],
        ["gre-payload-over", vector("GRE-PAYLEN-65535")],
        ["unknown-call", ofCall(LIVE + 1)],
      ];
      const sent: Record<string, number> = {};
      const send = (packet: Uint8Array) =>
        expect(sender.send(packet, 0, packet.length, A, B, true)).toBe(packet.length);
      for (const [place, [reason, packet]] of packets.entries()) {
        for (let i = 0; i <= place; i++) send(packet);
        sent[reason] = place + 1;
      }
      expect(filter.add(CALL)).toBe(0);
      for (let i = 0; i < 5; i++) send(ofCall(LIVE));
      let received = 0;
      await eventually(() => {
        received += Math.max(0, receiver.readBatch(slots));
        return received >= 5 || undefined;
      });
      expect(filter.counts()).toEqual(sent);
      expect(filter.takeSources()).toContain(A);
      // The interface did that, all but other tunnels': without the call's key its packets end there, too.
      expect(filter.remove(CALL)).toBe(0);
      send(ofCall(LIVE));
      await eventually(
        () => filter.counts()["unknown-call"] === sent["unknown-call"]! + 1 || undefined,
      );
      // Not our address any more: it is the socket filter that refuses, and counts.
      expect(filter.removeAddress(B)).toBe(0);
      send(ofCall(LIVE));
      await eventually(
        () => filter.counts()["unknown-call"] === sent["unknown-call"]! + 2 || undefined,
      );
      expect(receiver.readBatch(slots)).toBe(-11);
      expect(received).toBe(5);
      link[Symbol.dispose]();
      expect(shown()).not.toMatch(/ xdp|prog\/xdp/);
    });
  }

  test("it goes with its interface, and with its process, killed or not", async () => {
    using cable = joined(["198.51.100.1/24"], ["198.51.100.9/24"]);
    using filter = bothFilters();
    const { index } = held(cable.b.inside(() => findInterface("veth0")));
    using link = held(cable.b.inside(() => filter.attachXdp(index, "ethernet", "generic")));
    const second = cable.b.inside(() => filter.attachXdp(index, "ethernet", "generic"));
    expect(second).toMatchObject({ kind: "OsError", errno: "EBUSY" });
    cable.b.ip("link", "delete", "veth0");
    expect(interfaceOfXdp(link)).toBe(0);
    cable.b.ip("link", "add", "veth9", "type", "veth", "peer", "name", "veth8");
    using os = new CompiledOs();
    const script = os.script(
      "attach.ts",
      `import { CallFilter, loadGreFilter, loadXdpFilter } from "./os/gre-filter.js";
      import { findInterface } from "./os/interface.js";
      const filter = CallFilter.of(loadXdpFilter(loadGreFilter(1)), 1);
      globalThis.link = filter.attachXdp(findInterface("veth9").index, "ethernet", "native");
      console.log(globalThis.link.kind ?? "attached");
      setInterval(() => filter, 1000);`,
    );
    const words = ["netns", "exec", cable.b.name, process.execPath, script];
    const child = spawn("ip", words, { stdio: ["ignore", "pipe", "inherit"] });
    const [said] = await once(child.stdout, "data");
    expect(String(said).trim()).toBe("attached");
    const shown = () => cable.b.ip("link", "show", "veth9");
    expect(shown()).toContain("prog/xdp");
    child.kill("SIGKILL");
    await once(child, "exit");
    await eventually(() => !shown().includes("prog/xdp") || undefined);
  });
});
