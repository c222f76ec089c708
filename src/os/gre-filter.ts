// What stands between the network and the raw GRE sockets: an eBPF filter that knows the live calls,
// where this process may load one, else a classic one that knows the form alone.
import type { Ipv4 } from "../base/ip.js";
import { incident, plane, xdp } from "../limits.js";
import {
  ARRAY_MAP,
  attachProgram,
  attachXdp,
  BpfArray,
  BpfMap,
  createMap,
  HASH_MAP,
  loadProgram,
  type XdpMode,
} from "./bpf.js";
import type { Descriptor } from "./descriptor.js";
import { isOsError, type OsError, osError } from "./errors.js";
import { classicGreFilter } from "./gre-filter-classic.js";
import {
  CALL_KEY_OCTETS,
  FILTER_REASONS,
  type FilterReason,
  greFilter,
  type Shard,
} from "./gre-filter-ebpf.js";
import { type FrameStart, xdpGreFilter } from "./gre-filter-xdp.js";
import { attachFilter } from "./socket-filter.js";

export type Call = {
  readonly localAddress: Ipv4;
  readonly peerAddress: Ipv4;
  readonly callId: number;
};

/** As they are handed through an exec: maps, and a program for each data worker. */
export type FilterDescriptors = Readonly<Record<string, Descriptor>>;

const CALLS = "filter-calls";
const REFUSED = "filter-refused";
const SOURCES = "filter-sources";
const program = (index: number) => `filter-${index}`;
const ADDRESSES = "filter-addresses";
const XDP: Readonly<Record<FrameStart, string>> = {
  ethernet: "filter-xdp-ethernet",
  ip: "filter-xdp-ip",
};

/** Needs CAP_BPF, or a kernel that lets everybody. Nothing is left behind by a failure. */
export function loadGreFilter(workers: number): FilterDescriptors | OsError {
  const loaded: Record<string, Descriptor> = {};
  const failure = load(loaded, [
    [CALLS, () => createMap(HASH_MAP, CALL_KEY_OCTETS, 4, plane.flowsMax)],
    [REFUSED, () => createMap(ARRAY_MAP, 4, 8, FILTER_REASONS.length)],
    [SOURCES, () => createMap(ARRAY_MAP, 4, 4, incident.samplesMax)],
    ...Array.from(
      { length: workers },
      (_, index): Step => [
        program(index),
        () => {
          const fd = (name: string) => loaded[name]?.fd ?? -1;
          const maps = { calls: fd(CALLS), refused: fd(REFUSED), sources: fd(SOURCES) };
          return loadProgram("socket filter", greFilter(maps, { index, of: workers }));
        },
      ],
    ),
  ]);
  return failure ?? loaded;
}

/**
 * The same for interfaces, over the maps of `filter`; the whole of both. Needs CAP_NET_ADMIN besides. An
 * error leaves `filter` as it was.
 */
export function loadXdpFilter(filter: FilterDescriptors): FilterDescriptors | OsError {
  const loaded: Record<string, Descriptor> = {};
  const fd = (name: string) => (filter[name] ?? loaded[name])?.fd ?? -1;
  const step = (start: FrameStart): Step => [
    XDP[start],
    () => {
      const maps = { calls: fd(CALLS), refused: fd(REFUSED), sources: fd(SOURCES) };
      return loadProgram("XDP", xdpGreFilter({ ...maps, addresses: fd(ADDRESSES) }, start));
    },
  ];
  const failure = load(loaded, [
    [ADDRESSES, () => createMap(HASH_MAP, 4, 4, xdp.addressesMax)],
    step("ethernet"),
    step("ip"),
  ]);
  return failure ?? { ...filter, ...loaded };
}

type Step = [name: string, () => Descriptor | OsError];

/** Into `loaded`; the first error, and nothing in there then. */
function load(loaded: Record<string, Descriptor>, steps: readonly Step[]): OsError | undefined {
  for (const [name, step] of steps) {
    const result = step();
    if (!isOsError(result)) {
      loaded[name] = result;
      continue;
    }
    closeAll(loaded);
    return result;
  }
  return undefined;
}

/** Of what was handed to this process; undefined where there is none of it. */
export function passedGreFilter(
  passed: ReadonlyMap<string, Descriptor>,
): FilterDescriptors | undefined {
  const ours = [...passed].filter(([name]) => name.startsWith("filter-"));
  return ours.length === 0 ? undefined : Object.fromEntries(ours);
}

export function closeAll(descriptors: FilterDescriptors): void {
  for (const one of Object.values(descriptors)) one[Symbol.dispose]();
}

/** Knows the live calls. Every kernel call of it can fail; what to do then is the caller's. */
export class CallFilter implements Disposable {
  readonly #descriptors: FilterDescriptors;
  readonly #calls: BpfMap;
  readonly #refused: BpfArray;
  readonly #sources: BpfMap;
  readonly #addresses: BpfMap | undefined;

  private constructor(
    descriptors: FilterDescriptors,
    maps: Readonly<Record<"calls" | "refused" | "sources", Descriptor>>,
  ) {
    this.#descriptors = descriptors;
    this.#calls = new BpfMap(maps.calls, CALL_KEY_OCTETS, 4);
    this.#refused = new BpfArray(maps.refused, 8, FILTER_REASONS.length);
    this.#sources = new BpfMap(maps.sources, 4, 4);
    const addresses = descriptors[ADDRESSES];
    this.#addresses = addresses === undefined ? undefined : new BpfMap(addresses, 4, 4);
  }

  /**
   * Takes the descriptors over. An error where they are not enough for `workers`, or this process may
   * not change the maps: before Linux 5.19 that needs CAP_BPF too.
   */
  static of(descriptors: FilterDescriptors, workers: number): CallFilter | OsError {
    const { [CALLS]: calls, [REFUSED]: refused, [SOURCES]: sources } = descriptors;
    const whole = Array.from({ length: workers }, (_, index) => descriptors[program(index)]);
    if (calls === undefined || refused === undefined || sources === undefined) {
      return incomplete(descriptors);
    }
    if (whole.includes(undefined)) return incomplete(descriptors);
    const filter = new CallFilter(descriptors, { calls, refused, sources });
    const nobody = { localAddress: 0, peerAddress: 0, callId: 0 };
    const result = Math.min(filter.add(nobody), filter.remove(nobody));
    if (result >= 0) return filter;
    filter[Symbol.dispose]();
    return osError("bpf BPF_MAP_UPDATE_ELEM", result, "before Linux 5.19 it needs CAP_BPF");
  }

  /** 0 or -errno. */
  attach(fd: number, index: number): number {
    const one = this.#descriptors[program(index)];
    return one === undefined ? -1 : attachProgram(fd, one);
  }

  /** Whether it can be put before interfaces, too. */
  get hasXdp(): boolean {
    return Object.values(XDP).every((name) => this.#descriptors[name] !== undefined);
  }

  /** Before an interface, until the descriptor is closed: what it refuses never gets to the sockets. */
  attachXdp(interfaceIndex: number, start: FrameStart, mode: XdpMode): Descriptor | OsError {
    const one = this.#descriptors[XDP[start]];
    return one === undefined
      ? osError("XDP filter", "ENOENT")
      : attachXdp(one, interfaceIndex, mode);
  }

  /** At an interface only GRE to these is judged. 0 or -errno: E2BIG where they are too many. */
  addAddress(address: Ipv4): number {
    this.#addresses?.key.view.setUint32(0, address, true);
    return this.#addresses?.update() ?? 0;
  }

  removeAddress(address: Ipv4): number {
    this.#addresses?.key.view.setUint32(0, address, true);
    return this.#addresses?.delete() ?? 0;
  }

  /** Its packets pass from now on. 0 or -errno. */
  add(call: Call): number {
    this.#name(call);
    return this.#calls.update();
  }

  /** Its packets are refused from now on. 0 or -errno: ENOENT where it was not there. */
  remove(call: Call): number {
    this.#name(call);
    return this.#calls.delete();
  }

  /** Datagrams refused since the start, by reason; those that occurred. */
  counts(): Partial<Record<FilterReason, number>> {
    const counts: Partial<Record<FilterReason, number>> = {};
    if (this.#refused.read() < 0) return counts;
    for (const [place, reason] of FILTER_REASONS.entries()) {
      const count = Number(this.#refused.values.view.getBigUint64(8 * place, true));
      if (count > 0) counts[reason] = count;
    }
    return counts;
  }

  /** Where some of what was refused since the last call came from: a sample, and it may be forged. */
  takeSources(): Ipv4[] {
    const { key, value } = this.#sources;
    const found: Ipv4[] = [];
    for (let place = 0; place < incident.samplesMax; place++) {
      key.view.setUint32(0, place, true);
      if (this.#sources.lookUp() < 0) continue;
      const source = value.view.getUint32(0, true);
      if (source === 0) continue;
      found.push(source);
      value.view.setUint32(0, 0, true);
      this.#sources.update();
    }
    return found;
  }

  #name({ localAddress, peerAddress, callId }: Call): void {
    const { view } = this.#calls.key;
    view.setUint32(0, localAddress, true);
    view.setUint32(4, peerAddress, true);
    view.setUint32(8, callId, true);
  }

  [Symbol.dispose](): void {
    closeAll(this.#descriptors);
  }
}

function incomplete(descriptors: FilterDescriptors): OsError {
  closeAll(descriptors);
  return osError("eBPF filter", "ENOENT", "not all of it was handed on");
}

/** 0 or -errno. */
export function attachClassicFilter(fd: number, shard: Shard): number {
  return attachFilter(fd, classicGreFilter(shard));
}
