// DNS messages (RFC 1035 §4.1) as far as a client needs them that asks for one name's IPv4 address: the
// question out, the addresses in. Names are lower-case text without the final dot.
import { type Decoded, decoded, malformed } from "../../base/decoded.js";
import type { Ipv4 } from "../../base/ip.js";
import { proxy as limits } from "../../limits.js";

const HEADER_OCTETS = 12;
const NAME_OCTETS_MAX = 255;
const LABEL_OCTETS_MAX = 63;
const QR = 0x8000;
const TC = 0x0200;
const RD = 0x0100;
const TYPE_A = 1;
const TYPE_CNAME = 5;
const CLASS_IN = 1;

export type DnsAnswer = {
  /** RCODE: 0 no error, 3 no such name. */
  readonly code: number;
  /** The answer did not fit: it must be asked for by TCP. */
  readonly truncated: boolean;
  readonly addresses: readonly Ipv4[];
  /** Seconds for which they hold: the least of the records on the way to them. */
  readonly ttlS: number;
};

/** Undefined: no name that DNS can carry. */
export function encodeQuestion(id: number, name: string): Uint8Array | undefined {
  const labels = name.split(".");
  const fits = labels.every((label) => label.length >= 1 && label.length <= LABEL_OCTETS_MAX);
  if (!fits || name.length + 2 > NAME_OCTETS_MAX || !/^[\x21-\x7e]+$/.test(name)) return undefined;
  const message = new Uint8Array(HEADER_OCTETS + name.length + 2 + 4);
  const view = new DataView(message.buffer);
  view.setUint16(0, id);
  view.setUint16(2, RD);
  view.setUint16(4, 1);
  let at = HEADER_OCTETS;
  for (const label of labels) {
    message[at++] = label.length;
    for (let i = 0; i < label.length; i++) message[at++] = label.charCodeAt(i);
  }
  view.setUint16(at + 1, TYPE_A);
  view.setUint16(at + 3, CLASS_IN);
  return message;
}

/** The answer to our question of that number for that name; anything else is malformed. */
export function decodeAnswer(octets: Uint8Array, id: number, name: string): Decoded<DnsAnswer> {
  if (octets.length < HEADER_OCTETS) return malformed("message", octets.length);
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
  const flags = view.getUint16(2);
  if (view.getUint16(0) !== id) return malformed("ID", view.getUint16(0));
  if ((flags & 0xf800) !== QR) return malformed("QR and OPCODE", flags);
  if (view.getUint16(4) !== 1) return malformed("QDCOUNT", view.getUint16(4));
  const question = readName(octets, HEADER_OCTETS);
  if (question === undefined) return malformed("QNAME", "no name");
  if (question.name !== name) return malformed("QNAME", question.name);
  const records = question.end + 4;
  if (records > octets.length) return malformed("question", "cut off");
  if (view.getUint32(question.end) !== ((TYPE_A << 16) | CLASS_IN))
    return malformed("QTYPE and QCLASS", view.getUint32(question.end));
  const truncated = (flags & TC) !== 0;
  const code = flags & 15;
  if (truncated || code !== 0) return decoded({ code, truncated, addresses: [], ttlS: 0 });
  const found = readRecords(octets, records, view.getUint16(6));
  return found.ok ? decoded({ code, truncated, ...follow(found.value, name) }) : found;
}

type Records = {
  readonly addresses: Map<string, Ipv4[]>;
  readonly aliases: Map<string, string>;
  /** The least of an owner's records. */
  readonly ttls: Map<string, number>;
};

function readRecords(octets: Uint8Array, from: number, count: number): Decoded<Records> {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
  const addresses = new Map<string, Ipv4[]>();
  const aliases = new Map<string, string>();
  const ttls = new Map<string, number>();
  let at = from;
  for (let record = 0; record < Math.min(count, limits.nameRecordsMax); record++) {
    const owner = readName(octets, at);
    if (owner === undefined || owner.end + 10 > octets.length) return malformed("NAME", record);
    const type = view.getUint32(owner.end);
    const data = owner.end + 10;
    // RFC 2181 §8: one with the highest bit set is 0.
    const ttlS = Math.max(0, view.getInt32(owner.end + 4));
    ttls.set(owner.name, Math.min(ttlS, ttls.get(owner.name) ?? ttlS));
    const length = view.getUint16(data - 2);
    if (data + length > octets.length) return malformed("RDLENGTH", length);
    if (type === ((TYPE_A << 16) | CLASS_IN)) {
      if (length !== 4) return malformed("RDLENGTH", length);
      addresses.set(owner.name, [...(addresses.get(owner.name) ?? []), view.getUint32(data)]);
    } else if (type === ((TYPE_CNAME << 16) | CLASS_IN)) {
      const alias = readName(octets, data);
      if (alias === undefined) return malformed("CNAME", record);
      aliases.set(owner.name, alias.name);
    }
    at = data + length;
  }
  return decoded({ addresses, aliases, ttls });
}

/** A chain of aliases is no longer than their number: a ring of them ends there. */
function follow(
  { addresses, aliases, ttls }: Records,
  name: string,
): Pick<DnsAnswer, "addresses" | "ttlS"> {
  let current = name;
  let ttlS = Number.POSITIVE_INFINITY;
  for (let step = 0; step <= aliases.size; step++) {
    ttlS = Math.min(ttlS, ttls.get(current) ?? 0);
    const found = addresses.get(current);
    if (found !== undefined) return { addresses: found, ttlS };
    const next = aliases.get(current);
    if (next === undefined) break;
    current = next;
  }
  return { addresses: [], ttlS: 0 };
}

/**
 * The name at `at` and where it ends. Each pointer (§4.1.4) leads before the place where the last one
 * led, so that none can lead in a circle.
 */
function readName(octets: Uint8Array, at: number): { name: string; end: number } | undefined {
  const labels: string[] = [];
  let place = at;
  let lowest = at;
  let end: number | undefined;
  let total = 0;
  for (;;) {
    const length = octets[place];
    if (length === undefined) return undefined;
    if (length >= 0xc0) {
      const low = octets[place + 1];
      if (low === undefined) return undefined;
      end ??= place + 2;
      place = ((length & 0x3f) << 8) | low;
      if (place >= lowest) return undefined;
      lowest = place;
      continue;
    }
    if (length > LABEL_OCTETS_MAX) return undefined;
    total += length + 1;
    if (total > NAME_OCTETS_MAX || place + 1 + length > octets.length) return undefined;
    if (length === 0) return { name: labels.join(".").toLowerCase(), end: end ?? place + 1 };
    labels.push(String.fromCharCode(...octets.subarray(place + 1, place + 1 + length)));
    place += 1 + length;
  }
}
