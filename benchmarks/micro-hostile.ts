// What a packet costs that comes to nothing, beside a good one of 1372 octets with MPPE-128: nobody may
// spend more of the server's time than a client that pays for its packets. Memory in place of the kernel,
// so that no system call is in it: a good packet's write to the TUN would only make it dearer.
import { instant } from "../src/base/instant.js";
import { plane as limits } from "../src/limits.js";
import { write16, write32 } from "../src/wire/ip-octets.js";
import {
  type Bench,
  installClient,
  installServer,
  LEASED,
  OUTSIDE,
  udp,
} from "../test/plane/pair.js";
import type { Case, Measured } from "./micro.js";
import { batchesOf, bench, type EngineKind, engines } from "./micro-engine.js";
import { figure, median, type Reach } from "./results.js";

const OCTETS = 1_372;
const AT_ONCE = 512;
const encryption = { bits: 128, stateful: false } as const;

/** Of a datagram: its GRE header and the fields that follow. */
const GRE = 20;
const CALL_ID = GRE + 6;
const SEQUENCE = GRE + 8;
const STRANGER = 0xc6120163;

const GOOD_IN = "a good packet";
const GOOD_OUT = "a good packet of the TUN";
const groupOf = (kind: EngineKind) => `hostile: ${kind}`;

type Pair = { readonly server: Bench; readonly good: readonly Uint8Array[] };

/** A server in the middle of a session, and the packets its client sends next. */
function pairOf(kind: EngineKind): Pair {
  const [server, client] = [bench(kind), bench(kind)];
  installServer(server, { encryption });
  installClient(client, { encryption });
  for (let tag = 0; tag <= AT_ONCE; tag++) client.packet(udp(LEASED, OUTSIDE, tag, OCTETS));
  const [first, ...good] = client.gre.splice(0);
  server.datagrams([first!]);
  server.tun.length = 0;
  return { server, good };
}

const changed = (packet: Uint8Array, change: (copy: Uint8Array) => void): Uint8Array => {
  const copy = packet.slice();
  change(copy);
  return copy;
};

/** Where the MPPE header is: behind GRE's, which carries no acknowledgment or one, and one octet of PPP. */
const mppeAt = (packet: Uint8Array) => GRE + 12 + ((packet[GRE + 1]! & 0x80) !== 0 ? 4 : 0) + 1;

/** Each made of a good packet; `i` is its place in the run. */
const inbound: Readonly<Record<string, (good: Uint8Array, i: number) => Uint8Array>> = {
  "no IPv4": (good) => changed(good, (it) => it.fill(0x65, 0, 1)),
  "GRE of another version": (good) => changed(good, (it) => it.fill(0, GRE + 1, GRE + 2)),
  "GRE cut short": (good) => changed(good.subarray(0, GRE + 6), (it) => write16(it, 2, GRE + 6)),
  "GRE longer than what came": (good) => changed(good, (it) => write16(it, GRE + 4, 1_532)),
  "Call ID of no call": (good, i) => changed(good, (it) => write16(it, CALL_ID, 0x6000 + i)),
  "a call of another peer": (good) => changed(good, (it) => write32(it, 12, STRANGER)),
  "oversized: longer than any slot": (good) => new Uint8Array(4_000).map((_, i) => good[i] ?? 0),
  "oversized: payload over 1532": (good) => oversized(good),
  "replayed, an earlier sequence number": (good) => changed(good, (it) => write32(it, SEQUENCE, 0)),
  "replayed, the sequence number forged": (good) =>
    changed(good, (it) => write16(it, mppeAt(good), 0x9000)),
  "out of the window": (good, i) => changed(good, (it) => write32(it, SEQUENCE, 0x40000000 + i)),
  "plaintext where MPPE is agreed on": (good) =>
    changed(good, (it) => it.fill(0x21, mppeAt(it) - 1, mppeAt(it))),
  "MPPE, the coherency count 2000 on": (good) =>
    changed(good, (it) => {
      const at = mppeAt(it);
      write16(it, at, 0x9000 | (((((it[at]! & 15) << 8) | it[at + 1]!) + 2_000) & 4_095));
    }),
};

function oversized(good: Uint8Array): Uint8Array {
  const copy = new Uint8Array(good.length + 200);
  copy.set(good);
  write16(copy, 2, copy.length);
  write16(copy, GRE + 4, copy.length - mppeAt(good) + 1);
  return copy;
}

const outbound: Readonly<Record<string, (good: Uint8Array, i: number) => Uint8Array>> = {
  "TUN: no IP": (good) => changed(good, (it) => it.fill(0, 0, 1)),
  "TUN: cut short": (good) => good.slice(0, 12),
  "TUN: its length over what came": (good) => changed(good, (it) => write16(it, 2, 1_400)),
  "TUN: to no session": (good, i) => udp(OUTSIDE, LEASED + 1 + (i & 63), i, good.length),
};

const forged = (good: Uint8Array) => changed(good, (it) => it.fill(0xa5, mppeAt(it) + 2));

/** Sequence and count `ahead` further on, so that the key has to be changed as often. */
const far = (good: Uint8Array, ahead: number) =>
  changed(forged(good), (it) => {
    write32(it, SEQUENCE, ahead);
    write16(it, mppeAt(it), 0x9000 | (ahead & 4_095));
  });

const FORGED = "MPPE, the octets forged";
const BEHIND = "the good packet behind such a one";
const FAR = "MPPE, sequence and count 2000 on, once the key changes for such are spent";
const LASTING = "MPPE, sequence and count 2000 on, 2000 of them a second, lasting";
const ROUNDS = "MPPE, rounds of the count ahead, 2000 of them a second, lasting";
const SPENT = "what counts 2000 on may cost a session at once";
const AHEAD = 2_000;
/** So many of them spend the key changes that there are at once. */
const LOOKED = Math.ceil(limits.keyStepsBurst / AHEAD);
/** For so many are earned until that run ends that one of them is looked into. */
const LASTING_PACKETS = (2_000 * AHEAD) / limits.keyStepsPerSecond;

/** One forged packet between two good ones, in the place of one: it alone is timed, or the next. */
function forgedCase(kind: EngineKind, name: typeof FORGED | typeof BEHIND): Case {
  const prepare = () => {
    const { server, good } = pairOf(kind);
    const packets = good.map((packet, i) => (i % 2 === 0 ? forged(packet) : packet));
    return () => {
      let spent = 0;
      for (const [i, packet] of packets.entries()) {
        const begun = performance.now();
        server.datagram(packet);
        if ((i % 2 === 0) === (name === FORGED)) spent += performance.now() - begun;
      }
      if (server.tun.length !== AT_ONCE / 2) throw new Error(`${server.tun.length} came through`);
      return spent;
    };
  };
  return { group: groupOf(kind), name, atOnce: AT_ONCE / 2, prepare };
}

/** After those that there was enough for at once: what time earns anew goes into one of so many. */
function lastingCase(kind: EngineKind): Case {
  const prepare = () => {
    const { server, good } = pairOf(kind);
    const packet = far(good[0]!, AHEAD);
    for (let i = 0; i < LOOKED; i++) server.datagram(packet);
    return () => {
      for (let i = 0; i < LASTING_PACKETS; i += 2) {
        server.now = instant(server.now + 1);
        server.datagrams([packet, packet]);
      }
      if (server.tun.length > 0) throw new Error("a forged packet came through");
    };
  };
  return { group: groupOf(kind), name: LASTING, atOnce: LASTING_PACKETS, prepare };
}

/** Each elsewhere within what can be walked, after what there was at once for that was spent. */
function roundsCase(kind: EngineKind): Case {
  const atOnce = 20_000;
  const prepare = () => {
    const { server, good } = pairOf(kind);
    const reach = 4_096 * limits.keyWrapsMax - AHEAD;
    const packets = Array.from({ length: 1_000 }, (_, i) =>
      far(good[0]!, AHEAD + 100 + ((i * 104_729) % (reach - 100))),
    );
    const often = Math.ceil(limits.keyWalkBurst / limits.keyWalksBurst);
    for (let i = 0; i < 10 * often; i++) {
      server.now = instant(server.now + 10);
      server.datagram(packets[i % packets.length]!);
    }
    return () => {
      for (let i = 0; i < atOnce; i += 2) {
        server.now = instant(server.now + 1);
        server.datagrams([packets[i % 1_000]!, packets[(i + 1) % 1_000]!]);
      }
      if (server.tun.length > 0) throw new Error("a forged packet came through");
    };
  };
  return { group: groupOf(kind), name: ROUNDS, atOnce, prepare };
}

/** At one moment: those that were looked into at all, together, or one of those that were not. */
function farCase(kind: EngineKind, name: typeof FAR | typeof SPENT): Case {
  const prepare = () => {
    const { server, good } = pairOf(kind);
    const packets = good.map((packet, i) => far(packet, AHEAD + i));
    return () => {
      const begun = performance.now();
      for (const packet of packets.slice(0, LOOKED)) server.datagram(packet);
      const after = performance.now();
      for (const packet of packets.slice(LOOKED)) server.datagram(packet);
      if (server.tun.length > 0) throw new Error("a forged packet came through");
      return name === SPENT ? after - begun : performance.now() - after;
    };
  };
  return { group: groupOf(kind), name, atOnce: name === SPENT ? 1 : AT_ONCE - LOOKED, prepare };
}

function run(
  kind: EngineKind,
  name: string,
  prepare: () => { go: (batch: Uint8Array[]) => void; packets: Uint8Array[]; check: () => boolean },
): Case {
  return {
    group: groupOf(kind),
    name,
    atOnce: AT_ONCE,
    prepare() {
      const { go, packets, check } = prepare();
      const batches = [...batchesOf(packets)];
      return () => {
        for (const batch of batches) go(batch);
        if (!check()) throw new Error(`${kind}: ${name}: not as it should be`);
      };
    },
  };
}

/** Nothing of a hostile class may come through; all of the good ones must. */
function inCase(kind: EngineKind, name: string, make: (typeof inbound)[string] | undefined): Case {
  return run(kind, name, () => {
    const { server, good } = pairOf(kind);
    const packets = make === undefined ? [...good] : good.map((packet, i) => make(packet, i));
    const through = make === undefined ? AT_ONCE : 0;
    return {
      packets,
      go: (all) => server.datagrams(all),
      check: () => server.tun.length === through,
    };
  });
}

function outCase(
  kind: EngineKind,
  name: string,
  make: (typeof outbound)[string] | undefined,
): Case {
  return run(kind, name, () => {
    const { server } = pairOf(kind);
    const good = Array.from({ length: AT_ONCE }, (_, tag) => udp(OUTSIDE, LEASED, tag, OCTETS));
    const packets = make === undefined ? good : good.map((packet, i) => make(packet, i));
    server.gre.length = 0;
    const through = make === undefined ? AT_ONCE : 0;
    return {
      packets,
      go: (all) => server.packets(all),
      check: () => server.gre.length === through,
    };
  });
}

export function hostileCases(): Case[] {
  return engines.flatMap((kind) => [
    inCase(kind, GOOD_IN, undefined),
    ...Object.entries(inbound).map(([name, make]) => inCase(kind, name, make)),
    forgedCase(kind, FORGED),
    forgedCase(kind, BEHIND),
    farCase(kind, FAR),
    lastingCase(kind),
    roundsCase(kind),
    farCase(kind, SPENT),
    outCase(kind, GOOD_OUT, undefined),
    ...Object.entries(outbound).map(([name, make]) => outCase(kind, name, make)),
  ]);
}

/** Each class as a share of a good packet the same way, through the same engine. */
export function hostileReach(data: readonly Measured[]): Reach[] {
  const cost = (kind: EngineKind, name: string) => {
    const found = data.find((one) => one.group === groupOf(kind) && one.name === name);
    return median(found?.nanoseconds ?? []);
  };
  return engines.flatMap((kind) =>
    [
      ...[...Object.keys(inbound), FORGED, FAR, LASTING, ROUNDS].map((name) => ({
        name,
        good: GOOD_IN,
      })),
      ...Object.keys(outbound).map((name) => ({ name, good: GOOD_OUT })),
    ].map(({ name, good }): Reach => {
      const share = cost(kind, name) / cost(kind, good);
      const what = `${kind}: ${name}, of ${good}`;
      return { what, bar: "< 1", found: figure(share), reached: share < 1 };
    }),
  );
}
