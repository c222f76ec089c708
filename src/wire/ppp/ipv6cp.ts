// RFC 5072 §4: IPV6CP's options.
import { type Decoded, decoded, malformed } from "../../base/decoded.js";
import type { ConfigurationOption } from "./options.js";

export const Ipv6cpOption = { interfaceIdentifier: 1 } as const;

export const INTERFACE_IDENTIFIER_OCTETS = 8;

/** A copy: identifiers outlive the packet they came in. */
export function decodeInterfaceIdentifier({ data }: ConfigurationOption): Decoded<Uint8Array> {
  if (data.length !== INTERFACE_IDENTIFIER_OCTETS) {
    return malformed("Interface-Identifier", data.length);
  }
  return decoded(data.slice());
}

export function encodeInterfaceIdentifier(identifier: Uint8Array): ConfigurationOption {
  return { type: Ipv6cpOption.interfaceIdentifier, data: identifier.slice() };
}

export function isZero(identifier: Uint8Array): boolean {
  return identifier.every((octet) => octet === 0);
}
