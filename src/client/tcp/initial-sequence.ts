// RFC 6528 §3, RFC 7323 §7.1: where a connection's sequence numbers and its timestamps begin.
import type { Instant } from "../../base/instant.js";
import type { Ipv4 } from "../../base/ip.js";
import { sha1 } from "../../crypto/sha1.js";
import { read32, write16, write32 } from "../../wire/ip-octets.js";

const SECRET_OCTETS = 16;
/** The clock of RFC 9293 §3.4.1 ticks every 4 microseconds. */
const TICKS_PER_MS = 250;

export class InitialSequence {
  /** Addresses and ports, then the secret. */
  readonly #message = new Uint8Array(12 + SECRET_OCTETS);
  readonly #digest = new Uint8Array(20);

  constructor(secret: (octets: number) => Uint8Array) {
    this.#message.set(secret(SECRET_OCTETS), 12);
  }

  /** ISN = M + F(addresses, ports, secret), and another part of F for the timestamps. */
  of(
    local: Ipv4,
    localPort: number,
    remote: Ipv4,
    remotePort: number,
    now: Instant,
  ): { readonly sequence: number; readonly timestamp: number } {
    write32(this.#message, 0, local);
    write32(this.#message, 4, remote);
    write16(this.#message, 8, localPort);
    write16(this.#message, 10, remotePort);
    sha1(this.#message, this.#message.length, this.#digest);
    const ticks = Math.floor(now * TICKS_PER_MS) % 2 ** 32;
    return {
      sequence: (read32(this.#digest, 0) + ticks) >>> 0,
      timestamp: read32(this.#digest, 4),
    };
  }
}
