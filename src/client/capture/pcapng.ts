// The pcapng file format (draft-ietf-opsawg-pcapng): as much of it as one section with a few interfaces
// needs. Little-endian throughout, options after the packet, times in nanoseconds.

/** LINKTYPE_ numbers of tcpdump.org. */
export const LinkType = { ppp: 9, ipv4: 228 } as const;

/** epb_flags: which way it went. */
export type Direction = "received" | "sent";

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** The two block lengths and the type. */
const BLOCK_OCTETS = 12;
const IF_NAME = 2;
const IF_DESCRIPTION = 3;
const IF_TSRESOL = 9;
const EPB_FLAGS = 2;
const NANOSECONDS = 9;

export function sectionHeader(): Uint8Array {
  const body = new Uint8Array(16);
  const view = new DataView(body.buffer);
  view.setUint32(0, BYTE_ORDER_MAGIC, true);
  view.setUint16(4, 1, true);
  // The section's length is not known beforehand: -1 says so.
  view.setBigInt64(8, -1n, true);
  return block(SECTION_HEADER, body);
}

export function interfaceDescription(
  linkType: number,
  name: string,
  description: string,
): Uint8Array {
  const head = new Uint8Array(8);
  new DataView(head.buffer).setUint16(0, linkType, true);
  const text = new TextEncoder();
  return block(
    INTERFACE_DESCRIPTION,
    head,
    option(IF_NAME, text.encode(name)),
    option(IF_DESCRIPTION, text.encode(description)),
    option(IF_TSRESOL, Uint8Array.of(NANOSECONDS)),
    new Uint8Array(4),
  );
}

/** One whole packet of interface `index`, in the order of the descriptions; nanoseconds since 1970. */
export function enhancedPacket(
  index: number,
  nanoseconds: bigint,
  packet: Uint8Array,
  direction: Direction,
): Uint8Array {
  const head = new Uint8Array(20);
  const view = new DataView(head.buffer);
  view.setUint32(0, index, true);
  view.setUint32(4, Number(nanoseconds >> 32n), true);
  view.setUint32(8, Number(nanoseconds & 0xffff_ffffn), true);
  view.setUint32(12, packet.length, true);
  view.setUint32(16, packet.length, true);
  const flags = Uint8Array.of(direction === "received" ? 1 : 2, 0, 0, 0);
  return block(ENHANCED_PACKET, head, padded(packet), option(EPB_FLAGS, flags), new Uint8Array(4));
}

function option(code: number, value: Uint8Array): Uint8Array {
  const head = new Uint8Array(4);
  const view = new DataView(head.buffer);
  view.setUint16(0, code, true);
  view.setUint16(2, value.length, true);
  return joined(head, padded(value));
}

function block(type: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const body = joined(...parts);
  const length = BLOCK_OCTETS + body.length;
  const octets = new Uint8Array(length);
  const view = new DataView(octets.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, length, true);
  octets.set(body, 8);
  view.setUint32(length - 4, length, true);
  return octets;
}

function padded(octets: Uint8Array): Uint8Array {
  const length = (octets.length + 3) & ~3;
  return length === octets.length ? octets : joined(octets, new Uint8Array(length - octets.length));
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const octets = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    octets.set(part, at);
    at += part.length;
  }
  return octets;
}
