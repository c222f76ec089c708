// Where a packet belongs. From outside: (our address, peer's address, our Call ID), never the Call ID
// alone. From inside: the framed address, an account's routes by longest prefix, a leased /64, or a
// link-local address.
import { type Ipv4, type Ipv6, inPrefix4, mask4, type Prefix4 } from "../base/ip.js";
import { plane as limits } from "../limits.js";
import type { FlowRef } from "../wire/worker-link.js";
import type { Flow } from "./flow.js";

const CALL_IDS = 65_536;

/**
 * Flows chain from an array indexed by Call ID: a look-up allocates nothing and hashes nothing. Our
 * Call IDs are random, so chains stay near one flow long, and no peer chooses which one it is in.
 */
export class FlowTable {
  readonly #slots: (Flow | undefined)[] = [];
  readonly #byCallId = new Array<Flow | undefined>(CALL_IDS).fill(undefined);
  readonly #byAddress = new Map<number, Flow>();
  /** By prefix length, 0..32, then by the masked address. */
  readonly #routes: (Map<number, Flow> | undefined)[] = new Array(33).fill(undefined);
  readonly #byPrefix6 = new Map64();
  readonly #byInterface6 = new Map64();
  #size = 0;

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

  byCall(localAddress: Ipv4, peerAddress: Ipv4, callId: number): Flow | undefined {
    let flow = this.#byCallId[callId];
    while (flow !== undefined) {
      if (flow.peerAddress === peerAddress && flow.localAddress === localAddress) return flow;
      flow = flow.next;
    }
    return undefined;
  }

  /** Why it cannot be added, or undefined when it was. */
  add(flow: Flow): string | undefined {
    const { slot } = flow.ref;
    if (!Number.isInteger(slot) || slot < 0 || slot >= limits.flowsMax) return "no such slot";
    if (this.#slots[slot] !== undefined) return "slot in use";
    if (!Number.isInteger(flow.callId) || flow.callId < 0 || flow.callId >= CALL_IDS) {
      return "no such Call ID";
    }
    if (this.byCall(flow.localAddress, flow.peerAddress, flow.callId) !== undefined) {
      return "Call ID in use";
    }
    this.#slots[slot] = flow;
    flow.next = this.#byCallId[flow.callId];
    this.#byCallId[flow.callId] = flow;
    this.#size++;
    return undefined;
  }

  remove(flow: Flow): void {
    this.closeNetwork4(flow);
    this.closeNetwork6(flow);
    this.#slots[flow.ref.slot] = undefined;
    let at = this.#byCallId[flow.callId];
    if (at === flow) this.#byCallId[flow.callId] = flow.next;
    while (at !== undefined) {
      if (at.next === flow) at.next = flow.next;
      at = at.next;
    }
    flow.next = undefined;
    this.#size--;
  }

  openNetwork4(flow: Flow, address: Ipv4, routes: readonly Prefix4[]): void {
    this.closeNetwork4(flow);
    flow.network4 = { address, routes };
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
    forget(this.#byAddress, network.address | 0, flow);
    for (const { address, length } of network.routes) {
      const routes = this.#routes[length];
      if (routes === undefined) continue;
      forget(routes, (address & mask4(length)) | 0, flow);
      if (routes.size === 0) this.#routes[length] = undefined;
    }
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
