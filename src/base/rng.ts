/** Chance, one method a purpose: the daemon gives operating-system entropy, the simulation a seed. */
export interface Rng {
  /** CHAP, MS-CHAP challenge value of `octets` octets (RFC 1994 §2.3: unpredictable). */
  challenge(octets: number): Uint8Array;
  /** LCP Magic-Number, 32 bits, never 0 (RFC 1661 §6.4). */
  magicNumber(): number;
  /** A candidate Call ID, uniform in 1..65535. */
  callId(): number;
  /** IPV6CP Interface-Identifier: 8 octets, not all zero, u-bit 0 (RFC 5072 §4.1). */
  interfaceIdentifier(): Uint8Array;
  /** Data of an Echo-Request that only its receiver can know. */
  echoData(octets: number): Uint8Array;
  /** Uniform in [0, 1), to spread timers. */
  jitter(): number;
}
