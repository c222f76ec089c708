// Chance from the operating system, for everything a peer must not be able to guess.
import { randomBytes, randomInt } from "node:crypto";
import type { Rng } from "../base/rng.js";

export function systemRng(): Rng {
  return {
    challenge: (octets) => new Uint8Array(randomBytes(octets)),
    magicNumber: () => randomInt(1, 0x1_0000_0000),
    callId: () => randomInt(1, 0x1_0000),
    interfaceIdentifier() {
      const identifier = new Uint8Array(randomBytes(8));
      // RFC 5072 §4.1: the u-bit is 0 for a number that is not from a universal EUI-64.
      identifier[0] = identifier[0]! & 0xfd;
      if (identifier.every((octet) => octet === 0)) identifier[7] = 1;
      return identifier;
    },
    echoData: (octets) => new Uint8Array(randomBytes(octets)),
    jitter: () => randomInt(0, 2 ** 32) / 2 ** 32,
  };
}
