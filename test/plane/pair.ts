// Two engines and the path between them, under simulated time: what the plane's tests drive.
import { type Instant, instant } from "../../src/base/instant.js";
import type { Ipv4 } from "../../src/base/ip.js";
import { type Bounds, plane } from "../../src/limits.js";
import { Batches } from "../../src/plane/batches.js";
import type { Sinks } from "../../src/plane/context.js";
import { Engine } from "../../src/plane/engine.js";
import { PlaneMemory } from "../../src/plane/memory.js";
import { GRE_PROTOCOL } from "../../src/wire/gre.js";
import { read32 } from "../../src/wire/ip-octets.js";
import { ICMP, UDP, writeIpv4 } from "../../src/wire/ipv4.js";
import { ICMPV6, writeIpv6 } from "../../src/wire/ipv6.js";
import type {
  EncryptionTerms,
  GatewayTerms,
  PlaneCommand,
  PlaneEvent,
} from "../../src/wire/worker-link.js";
import { laneOf, MemoryKernel, segmentsOf } from "./lane.js";

export const SERVER: Ipv4 = 0xc6120101;
export const CLIENT: Ipv4 = 0xc6120102;
export const GATEWAY: Ipv4 = 0x0a630001;
export const LEASED: Ipv4 = 0x0a630002;
export const OUTSIDE: Ipv4 = 0x08080808;
/** As many as any test installs. */
const FLOWS = 1_024;
export const FLOW = { slot: 0, generation: 1 };

export const TERMS: GatewayTerms = {
  gatewayAddress: GATEWAY,
  dns: [GATEWAY],
  nbns: [],
  domain: "example.test",
  routes: [],
  clientToClient: false,
  reachHost: false,
  hostAddresses: [SERVER],
  hostAddresses6: [],
  dns6: [],
  sendWindow: "off",
  clampMss: true,
};

/** Which engine the suite is run with: with the compiled lane before it, or alone. */
export const ENGINE = process.env.HOLDFAST_TEST_ENGINE === "wasm" ? "wasm" : "typescript";

/** One engine with everything it put out kept; `kind` as above. */
export class Bench {
  readonly engine: Engine;
  readonly gre: Uint8Array[] = [];
  readonly tun: Uint8Array[] = [];
  /** Writes to the TUN: fewer than its packets where some were joined. */
  writes = 0;
  readonly events: PlaneEvent[] = [];
  /** What the next sends answer instead of their length. */
  sendErrors: number[] = [];
  /** The same of writes to the TUN. */
  writeErrors: number[] = [];
  dontFragment: boolean[] = [];
  eventRoom = Number.POSITIVE_INFINITY;
  /** The same for frames of calls that have not logged in. */
  strangersRoom = Number.POSITIVE_INFINITY;
  readonly #kernel: MemoryKernel;
  readonly #batches: Batches;

  constructor(
    public now: Instant = instant(0),
    limits: Bounds<typeof plane> = plane,
    kind: "typescript" | "wasm" = ENGINE,
  ) {
    const { memory, lane } =
      kind === "wasm" ? laneOf(FLOWS) : { memory: new PlaneMemory(FLOWS), lane: undefined };
    this.#kernel = new MemoryKernel(memory);
    this.engine = new Engine(this.#sinks(), memory, limits);
    this.#batches = new Batches(this.engine, memory, lane, {
      writeCoalesced: (index, vectors) => this.#writeCoalesced(index, vectors),
      sendSlots: (from, to) => this.#sendSlots(from, to),
    });
  }

  command(command: PlaneCommand): void {
    this.engine.handleCommand(command, this.now);
  }

  datagram(octets: Uint8Array): void {
    this.datagrams([octets]);
  }

  /** At most 64 that came in one go. */
  datagrams(all: readonly Uint8Array[]): void {
    for (const [slot, octets] of all.entries()) this.#kernel.putDatagram(slot, octets);
    this.#batches.received(all.length, this.now);
  }

  packet(octets: Uint8Array): void {
    this.packets([octets]);
  }

  /** Packets of the TUN in one go, each with a virtio header where that says something. */
  packets(all: readonly (Uint8Array | { header: Uint8Array; packet: Uint8Array })[]): void {
    for (const one of all) {
      const length =
        "packet" in one
          ? this.#kernel.putPacket(one.packet, one.header)
          : this.#kernel.putPacket(one);
      this.#batches.read(length, this.now);
    }
    this.#batches.sendQueued(this.now);
  }

  /** Moves the time, timers fired on the way. */
  pass(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const at = this.engine.pollTimeout();
      if (at === undefined || at > until) break;
      if (at > this.now) this.now = at;
      this.engine.handleTimeout(this.now);
    }
    this.now = instant(until);
  }

  of<K extends PlaneEvent["kind"]>(kind: K): Extract<PlaneEvent, { kind: K }>[] {
    return this.events.filter(
      (event): event is Extract<PlaneEvent, { kind: K }> => event.kind === kind,
    );
  }

  #sinks(): Sinks {
    return {
      sendGre: (localAddress, peerAddress, octets, start, end, dontFragment) => {
        this.dontFragment.push(dontFragment);
        const error = this.sendErrors.shift();
        if (error !== undefined && error < 0) return error;
        this.gre.push(datagram(localAddress, peerAddress, octets.slice(start, end)));
        return end - start;
      },
      writeTun: (octets, start, end) => {
        const error = this.writeErrors.shift();
        if (error !== undefined && error < 0) return error;
        this.tun.push(octets.slice(start, end));
        this.writes++;
        return end - start;
      },
      emit: (event, by) => {
        if (this.events.length >= (by === "stranger" ? this.strangersRoom : this.eventRoom)) {
          return false;
        }
        this.events.push(event);
        return true;
      },
    };
  }

  #writeCoalesced(index: number, vectors: number): number {
    const error = this.writeErrors.shift();
    if (error !== undefined && error < 0) return error;
    const { header, packet } = this.#kernel.coalesced(index, vectors);
    this.tun.push(...segmentsOf(header, packet));
    this.writes++;
    return header.length + packet.length;
  }

  #sendSlots(from: number, to: number): number {
    for (let slot = from; slot < to; slot++) {
      const error = this.sendErrors[0] ?? 0;
      if (error < 0 && slot > from) return slot - from;
      this.sendErrors.shift();
      this.dontFragment.push(true);
      if (error < 0) return error;
      const { source, destination, octets } = this.#kernel.queued(slot);
      this.gre.push(datagram(source, destination, octets));
    }
    return to - from;
  }
}

export type Setting = {
  readonly terms?: Partial<GatewayTerms>;
  readonly encryption?: { readonly bits: 40 | 56 | 128; readonly stateful: boolean } | undefined;
  readonly install?: Partial<Extract<PlaneCommand, { kind: "Install" }>>;
  readonly mru?: number;
  readonly network?: boolean;
};

const COMPRESSED = { acfc: true, pfc: true };

/** The server's engine with one session, ready for data. */
export function installServer(bench: Bench, setting: Setting = {}, serial = 0): void {
  const { encryption } = setting;
  bench.command({ kind: "Configure", gateway: { ...TERMS, ...setting.terms } });
  bench.command({
    kind: "Install",
    flow: FLOW,
    localAddress: SERVER,
    peerAddress: CLIENT,
    callId: 0x5678,
    peersCallId: 0x1234,
    peersWindow: 64,
    peersProcessingDelay: 0,
    end: "gateway",
    encryptionRequired: encryption !== undefined,
    ...setting.install,
  });
  open(bench, setting, "server", serial);
}

export function installClient(bench: Bench, setting: Setting = {}, serial = 0): void {
  const { encryption } = setting;
  bench.command({ kind: "Configure", gateway: { ...TERMS, ...setting.terms } });
  bench.command({
    kind: "Install",
    flow: FLOW,
    localAddress: CLIENT,
    peerAddress: SERVER,
    callId: 0x1234,
    peersCallId: 0x5678,
    peersWindow: 64,
    peersProcessingDelay: 0,
    end: "host",
    encryptionRequired: encryption !== undefined,
  });
  open(bench, setting, "client", serial);
}

function open(bench: Bench, setting: Setting, side: "server" | "client", serial: number): void {
  const mru = setting.mru ?? 1_400;
  bench.command({ kind: "Link", flow: FLOW, peersMru: mru, mru, ...COMPRESSED });
  if (setting.encryption !== undefined) {
    const terms = encryptionTerms(setting.encryption, side, serial);
    bench.command({ kind: "Encrypt", flow: FLOW, terms });
  }
  if (setting.network === false) return;
  const network = { address: LEASED, routes: [] };
  bench.command({ kind: "Network4", flow: FLOW, network });
}

/** Start keys that both ends agree on; another `serial`, other keys. */
export function encryptionTerms(
  { bits, stateful }: { bits: 40 | 56 | 128; stateful: boolean },
  side: "server" | "client",
  serial = 0,
): EncryptionTerms {
  const length = bits === 128 ? 16 : 8;
  const down = Uint8Array.from({ length }, (_, i) => 7 * i + 1 + serial);
  const up = Uint8Array.from({ length }, (_, i) => 11 * i + 2 + serial);
  const [sendStart, receiveStart] = side === "server" ? [down, up] : [up, down];
  return { bits, stateful, sendStart, receiveStart };
}

export function datagram(source: Ipv4, destination: Ipv4, gre: Uint8Array): Uint8Array {
  const octets = new Uint8Array(20 + gre.length);
  octets.set(gre, 20);
  writeIpv4(octets, 0, octets.length, GRE_PROTOCOL, source, destination);
  return octets;
}

/** A UDP packet whose last four octets carry `tag`. */
export function udp(source: Ipv4, destination: Ipv4, tag = 0, length = 100, port = 9): Uint8Array {
  const octets = new Uint8Array(length);
  octets[22] = port >>> 8;
  octets[23] = port;
  octets[24] = (length - 20) >>> 8;
  octets[25] = length - 20;
  new DataView(octets.buffer).setUint32(length - 4, tag);
  writeIpv4(octets, 0, length, UDP, source, destination);
  return octets;
}

export function tagOf(packet: Uint8Array): number {
  return read32(packet, packet.length - 4);
}

export function echo(source: Ipv4, destination: Ipv4): Uint8Array {
  const octets = new Uint8Array(60);
  octets[20] = 8;
  writeIpv4(octets, 0, octets.length, ICMP, source, destination);
  return octets;
}

export function packet6(
  source: Uint8Array,
  destination: Uint8Array,
  nextHeader = ICMPV6,
  payload = 40,
  hopLimit = 64,
): Uint8Array {
  const octets = new Uint8Array(40 + payload);
  writeIpv6(octets, 0, payload, nextHeader, hopLimit, source, destination);
  return octets;
}

/** A small seeded generator: a failing run is run again with its seed. */
export function chance(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 0x1_0000_0000;
  };
}
