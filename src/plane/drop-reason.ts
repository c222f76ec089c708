// Why a packet went no further: a closed union, one count each. Nobody throws over a packet.
import type { GreFault } from "../wire/gre.js";
import type { Ipv4Fault } from "../wire/ipv4.js";
import { DROPS, DROPS_CHANGED } from "./layout.js";
import type { PlaneMemory } from "./memory.js";

export const DROP_REASONS = [
  // The outer datagram and its GRE header (RFC 2637 §4.1). Version and protocol: other tunnels'.
  "outer-ip",
  "gre-truncated",
  "gre-version",
  "gre-protocol",
  "gre-no-key",
  "gre-flags",
  "gre-payload-over",
  "gre-payload-unsequenced",
  "gre-payload-large",
  "unknown-call",
  "login-rate",
  // Sequence and acknowledgment.
  "ack-out-of-range",
  "late",
  "duplicate",
  "out-of-window",
  // PPP.
  "empty-payload",
  "ppp-truncated",
  "frame-large",
  "frame-ring-full",
  "plaintext-refused",
  // MPPE (RFC 3078).
  "mppe-not-open",
  "mppe-empty",
  "mppe-not-encrypted",
  "mppe-not-flushed",
  "mppe-late",
  "mppe-jump",
  "mppe-key-budget",
  "mppe-implausible",
  "mppe-discarding",
  "mppe-keys-lost",
  // The packet inside.
  "ip-truncated",
  "ip-version",
  "ip-header",
  "ip-length",
  "ip-checksum",
  "network-closed",
  "source-refused",
  "destination-refused",
  "tunnel-endpoint",
  "client-to-client",
  "host-refused",
  "broadcast",
  "dhcp-not-inform",
  "answer-rate",
  // The user's rate, from and towards the client.
  "rate-up",
  "rate-down",
  // Towards the peer.
  "no-flow",
  "not-encrypted",
  "over-mru",
  "send-queue-full",
  "send-full",
  "send-failed",
  "tun-write-failed",
  // Commands and their frames.
  "stale-generation",
  "event-ring-full",
  // Frames of calls that have not logged in.
  "strangers-ring-full",
] as const;

export type DropReason = (typeof DROP_REASONS)[number];

/** Datagrams of other tunnels on this host: never answered, never counted as hostile. */
export const FOREIGN: readonly DropReason[] = ["gre-version", "gre-protocol"];

/** Every fault of a codec is a drop reason of its own; this does not compile otherwise. */
export type CodecFaults = Extract<DropReason, GreFault | Ipv4Fault>;

const PLACES = new Map(DROP_REASONS.map((reason, place) => [reason, place]));

/** Counts in the plane's memory, each at its reason's place in DROP_REASONS. */
export class DropCounts {
  readonly #memory: PlaneMemory;

  constructor(memory: PlaneMemory) {
    this.#memory = memory;
  }

  add(reason: DropReason): void {
    const { float64 } = this.#memory;
    const at = DROPS / 8 + PLACES.get(reason)!;
    float64[at] = float64[at]! + 1;
    this.#memory.setCell(DROPS_CHANGED, 1);
  }

  get(reason: DropReason): number {
    return this.#memory.float64[DROPS / 8 + PLACES.get(reason)!]!;
  }

  get total(): number {
    return DROP_REASONS.reduce((total, reason) => total + this.get(reason), 0);
  }

  /** Something was counted since the last snapshot. */
  get changed(): boolean {
    return this.#memory.cell(DROPS_CHANGED) !== 0;
  }

  /** The reasons that occurred, in the union's order. */
  snapshot(): Record<string, number> {
    this.#memory.setCell(DROPS_CHANGED, 0);
    const counts: Record<string, number> = {};
    for (const reason of DROP_REASONS) {
      const count = this.get(reason);
      if (count > 0) counts[reason] = count;
    }
    return counts;
  }
}
