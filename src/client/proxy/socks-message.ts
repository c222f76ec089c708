// SOCKS version 5 (RFC 1928), a server's side: greeting, request, reply, and the header of datagrams.
import { type Decoded, decoded, malformed } from "../../base/decoded.js";
import type { Ipv4 } from "../../base/ip.js";

const VERSION = 5;
const ATYP_IPV4 = 1;
const ATYP_NAME = 3;
const ATYP_IPV6 = 4;

/** §3: no authentication, the one method that is taken; and "no acceptable methods". */
export const METHOD_NONE = 0;
export const METHOD_REFUSED = 0xff;

export const CMD_CONNECT = 1;
export const CMD_UDP_ASSOCIATE = 3;

/** §6. */
export const replies = {
  succeeded: 0,
  failure: 1,
  networkUnreachable: 3,
  hostUnreachable: 4,
  refused: 5,
  expired: 6,
  commandNotSupported: 7,
  addressNotSupported: 8,
} as const;
export type Reply = (typeof replies)[keyof typeof replies];

export type Destination =
  | { readonly kind: "ipv4"; readonly address: Ipv4 }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "ipv6" };

export type Greeting = { readonly methods: readonly number[]; readonly octets: number };
export type Request = {
  readonly command: number;
  readonly destination: Destination;
  readonly port: number;
  readonly octets: number;
};
export type DatagramHeader = {
  readonly fragment: number;
  readonly destination: Destination;
  readonly port: number;
  /** Where its data begins. */
  readonly octets: number;
};

/** Undefined: there is more to come. */
export function decodeGreeting(octets: Uint8Array): Decoded<Greeting> | undefined {
  const [version, count] = octets;
  if (version === undefined) return undefined;
  if (version !== VERSION) return malformed("VER", version);
  if (count === undefined || octets.length < 2 + count) return undefined;
  return decoded({ methods: [...octets.subarray(2, 2 + count)], octets: 2 + count });
}

/** Undefined: there is more to come. */
export function decodeRequest(octets: Uint8Array): Decoded<Request> | undefined {
  const [version, command, reserved] = octets;
  if (version === undefined || command === undefined || reserved === undefined) return undefined;
  if (version !== VERSION) return malformed("VER", version);
  if (reserved !== 0) return malformed("RSV", reserved);
  const place = readPlace(octets, 3);
  if (place === undefined || !place.ok) return place;
  return decoded({ command, ...place.value });
}

/** §7; a datagram is there whole, so what is cut off is malformed. */
export function decodeDatagramHeader(octets: Uint8Array): Decoded<DatagramHeader> {
  const [high, low, fragment] = octets;
  if (high !== 0 || low !== 0) return malformed("RSV", ((high ?? 0) << 8) | (low ?? 0));
  const place = readPlace(octets, 3);
  if (fragment === undefined || place === undefined) return malformed("header", octets.length);
  return place.ok ? decoded({ fragment, ...place.value }) : place;
}

export function encodeMethod(method: number): Uint8Array {
  return Uint8Array.of(VERSION, method);
}

export function encodeReply(reply: Reply, address: Ipv4 = 0, port = 0): Uint8Array {
  const octets = Uint8Array.of(VERSION, reply, 0, ATYP_IPV4, 0, 0, 0, 0, 0, 0);
  writePlace(octets, address, port);
  return octets;
}

/** A datagram that came from `address` and `port`. */
export function encodeDatagram(address: Ipv4, port: number, data: Uint8Array): Uint8Array {
  const octets = new Uint8Array(10 + data.length);
  octets[3] = ATYP_IPV4;
  writePlace(octets, address, port);
  octets.set(data, 10);
  return octets;
}

function writePlace(octets: Uint8Array, address: Ipv4, port: number): void {
  const view = new DataView(octets.buffer);
  view.setUint32(4, address);
  view.setUint16(8, port);
}

type Place = { readonly destination: Destination; readonly port: number; readonly octets: number };

/** ATYP, address and port. */
function readPlace(octets: Uint8Array, at: number): Decoded<Place> | undefined {
  const type = octets[at];
  const first = octets[at + 1];
  if (type === undefined || first === undefined) return undefined;
  if (type !== ATYP_IPV4 && type !== ATYP_NAME && type !== ATYP_IPV6)
    return malformed("ATYP", type);
  if (type === ATYP_NAME && first === 0) return malformed("name", "empty");
  const length = type === ATYP_IPV4 ? 4 : type === ATYP_IPV6 ? 16 : 1 + first;
  const end = at + 1 + length;
  if (octets.length < end + 2) return undefined;
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
  const port = view.getUint16(end);
  const place = { port, octets: end + 2 };
  if (type === ATYP_IPV6) return decoded({ destination: { kind: "ipv6" }, ...place });
  if (type === ATYP_IPV4) {
    const address = view.getUint32(at + 1);
    return decoded({ destination: { kind: "ipv4", address }, ...place });
  }
  const name = Buffer.from(octets.subarray(at + 2, end)).toString("utf8");
  return decoded({ destination: { kind: "name", name }, ...place });
}
