// Where a packet belongs. From outside: (our address, peer's address, our Call ID), never the Call ID
// alone. From inside: the framed address, an account's routes by longest prefix, a leased /64, or a
// link-local address.
import { type Ipv4, type Ipv6, inPrefix4, mask4, type Prefix4 } from "../base/ip.js";
import type { FlowRef } from "../wire/worker-link.js";
import { Destinations } from "./destinations.js";
import type { Flow, Install } from "./flow.js";
import { CALL_HEADS, CALL_IDS, NEXT_FLOW } from "./layout.js";
import type { PlaneMemory } from "./memory.js";

/**
 * Flows chain from a place a Call ID, in the plane's memory: a look-up allocates nothing and hashes
 * nothing. Our Call IDs are random, so chains stay near one flow long, and no peer chooses which one
 * it is in.
 */
export class FlowTable {
  readonly #memory: PlaneMemory;
  readonly destinations: Destinations;
  readonly #slots: (Flow | undefined)[] = [];
  readonly #byAddress = new Map<number, Flow>();
  /** By prefix length, 0..32, then by the masked address. */
  readonly #routes: (Map<number, Flow> | undefined)[] = new Array(33).fill(undefined);
  readonly #byPrefix6 = new Map64();
  readonly #byInterface6 = new Map64();
  #size = 0;

  constructor(memory: PlaneMemory) {
    this.#memory = memory;
    this.destinations = new Destinations(memory);
  }

  get size(): number {
    return this.#size;
  }

  /** Every flow, in the order of slots. */
  *flows(): IterableIterator<Flow> {
    for (const flow of this.#slots) if (flow !== undefined) yield flow;
  }

  /** Undefined when that slot is empty or of another generation. */
  bySlot({ slot, generation }: FlowRef): Flow | undefined {
    const flow = this.#slots[slot];
    return flow?.ref.generation === generation ? flow : undefined;
  }

  inSlot(slot: number): Flow | undefined {
    return this.#slots[slot];
  }

  byCall(localAddress: Ipv4, peerAddress: Ipv4, callId: number): Flow | undefined {
    let next = this.#memory.cell(CALL_HEADS + 4 * callId);
    while (next !== 0) {
      const flow = this.#slots[next - 1]!;
      if (flow.peerAddress === peerAddress && flow.localAddress === localAddress) return flow;
      next = flow.cells.uint32(NEXT_FLOW);
    }
    return undefined;
  }

  /** Why a flow of these terms cannot be added, or undefined when it can. */
  refusal({ flow, localAddress, peerAddress, callId }: Install): string | undefined {
    const { slot } = flow;
    if (!Number.isInteger(slot) || slot < 0 || slot >= this.#memory.flows) return "no such slot";
    if (this.#slots[slot] !== undefined) return "slot in use";
    if (!Number.isInteger(callId) || callId < 0 || callId >= CALL_IDS) return "no such Call ID";
    const taken = this.byCall(localAddress, peerAddress, callId) !== undefined;
    return taken ? "Call ID in use" : undefined;
  }

  add(flow: Flow): void {
    const { slot } = flow.ref;
    this.#slots[slot] = flow;
    const head = CALL_HEADS + 4 * flow.callId;
    flow.cells.setUint32(NEXT_FLOW, this.#memory.cell(head));
    this.#memory.setCell(head, slot + 1);
    this.#size++;
  }

  remove(flow: Flow): void {
    this.closeNetwork4(flow);
    this.closeNetwork6(flow);
    this.#unchain(flow);
    this.#slots[flow.ref.slot] = undefined;
    this.#size--;
  }

  #unchain(flow: Flow): void {
    const own = flow.ref.slot + 1;
    const after = flow.cells.uint32(NEXT_FLOW);
    const head = CALL_HEADS + 4 * flow.callId;
    if (this.#memory.cell(head) === own) return this.#memory.setCell(head, after);
    for (let at = this.#memory.cell(head); at !== 0; ) {
      const { cells } = this.#slots[at - 1]!;
      at = cells.uint32(NEXT_FLOW);
      if (at === own) return cells.setUint32(NEXT_FLOW, after);
    }
  }

  openNetwork4(flow: Flow, address: Ipv4, routes: readonly Prefix4[]): void {
    this.closeNetwork4(flow);
    flow.network4 = { address, routes };
    this.#unlearn(flow.network4);
    this.#byAddress.set(address | 0, flow);
    for (const route of routes) {
      this.#routes[route.length] ??= new Map();
      this.#routes[route.length]!.set((route.address & mask4(route.length)) | 0, flow);
    }
  }

  closeNetwork4(flow: Flow): void {
    const network = flow.network4;
    if (network === undefined) return;
    flow.network4 = undefined;
    this.#unlearn(network);
    forget(this.#byAddress, network.address | 0, flow);
    for (const { address, length } of network.routes) {
      const routes = this.#routes[length];
      if (routes === undefined) continue;
      forget(routes, (address & mask4(length)) | 0, flow);
      if (routes.size === 0) this.#routes[length] = undefined;
    }
  }

  /** What was found out of a network's addresses no longer holds. */
  #unlearn({ address, routes }: NonNullable<Flow["network4"]>): void {
    if (routes.length > 0) this.destinations.forgetAll();
    else this.destinations.forget(address);
  }

  openNetwork6(flow: Flow, network: NonNullable<Flow["network6"]>): void {
    this.closeNetwork6(flow);
    flow.network6 = network;
    this.#byInterface6.set(network.linkLocal, 8, flow);
    if (network.prefix !== undefined) this.#byPrefix6.set(network.prefix, 0, flow);
  }

  closeNetwork6(flow: Flow): void {
    const network = flow.network6;
    if (network === undefined) return;
    flow.network6 = undefined;
    this.#byInterface6.delete(network.linkLocal, 8, flow);
    if (network.prefix !== undefined) this.#byPrefix6.delete(network.prefix, 0, flow);
  }

  /** The flow an inner IPv4 destination belongs to. */
  toward4(destination: Ipv4): Flow | undefined {
    const flow = this.#findToward4(destination);
    if (flow !== undefined) this.destinations.lead(destination, flow.ref.slot);
    return flow;
  }

  #findToward4(destination: Ipv4): Flow | undefined {
    const exact = this.#byAddress.get(destination | 0);
    if (exact !== undefined) return exact;
    for (let length = 32; length >= 0; length--) {
      const flow = this.#routes[length]?.get((destination & mask4(length)) | 0);
      if (flow !== undefined) return flow;
    }
    return undefined;
  }

  /** The flow whose leased /64 the address at `at` lies in. */
  toward6(octets: Uint8Array, at: number): Flow | undefined {
    return this.#byPrefix6.get(octets, at);
  }

  /** The flow whose peer negotiated the link-local address at `at`. */
  towardLinkLocal6(octets: Uint8Array, at: number): Flow | undefined {
    return this.#byInterface6.get(octets, at + 8);
  }
}

/** Whether `address` is the flow's own or behind it. */
export function owns4(flow: Flow, address: Ipv4): boolean {
  const network = flow.network4;
  if (network === undefined) return false;
  if (network.address === address) return true;
  for (const route of network.routes) if (inPrefix4(address, route)) return true;
  return false;
}

function forget(map: Map<number, Flow>, key: number, flow: Flow): void {
  if (map.get(key) === flow) map.delete(key);
}

/** Flows by 8 octets, as two 32-bit keys, so that no look-up composes a string. */
class Map64 {
  readonly #high = new Map<number, Map<number, Flow>>();

  get(octets: Uint8Array, at: number): Flow | undefined {
    return this.#high.get(int32(octets, at))?.get(int32(octets, at + 4));
  }

  set(octets: Ipv6, at: number, flow: Flow): void {
    const high = int32(octets, at);
    let low = this.#high.get(high);
    if (low === undefined) {
      low = new Map();
      this.#high.set(high, low);
    }
    low.set(int32(octets, at + 4), flow);
  }

  delete(octets: Ipv6, at: number, flow: Flow): void {
    const high = int32(octets, at);
    const low = this.#high.get(high);
    if (low === undefined) return;
    forget(low, int32(octets, at + 4), flow);
    if (low.size === 0) this.#high.delete(high);
  }
}

function int32(octets: Uint8Array, at: number): number {
  return (octets[at]! << 24) | (octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!;
}
