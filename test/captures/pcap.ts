// The classic pcap file format (libpcap's savefile): reader and writer, for Ethernet or raw IPv4.

export const ETHERNET = 1;
export const RAW_IPV4 = 228;

const MAGIC = 0xa1b2c3d4;
const FILE_HEADER_OCTETS = 24;
const RECORD_HEADER_OCTETS = 16;

export type Captured = { readonly seconds: number; readonly octets: Uint8Array };

/** Every record of a file; throws on anything but a whole classic pcap of the link type asked for. */
export function readPcap(file: Uint8Array, linkType: number): Captured[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const littleEndian = view.getUint32(0, true) === MAGIC;
  if (!littleEndian && view.getUint32(0) !== MAGIC) throw new Error("no classic pcap");
  if (view.getUint32(20, littleEndian) !== linkType) throw new Error("another link type");
  const records: Captured[] = [];
  for (let at = FILE_HEADER_OCTETS; at < file.length; ) {
    const seconds = view.getUint32(at, littleEndian) + view.getUint32(at + 4, littleEndian) / 1e6;
    const captured = view.getUint32(at + 8, littleEndian);
    const start = at + RECORD_HEADER_OCTETS;
    at = start + captured;
    if (at > file.length) throw new Error("cut short");
    records.push({ seconds, octets: file.subarray(start, at) });
  }
  return records;
}

/** One record a millisecond. */
export function writePcap(linkType: number, packets: readonly Uint8Array[]): Uint8Array {
  const size = packets.reduce((sum, one) => sum + RECORD_HEADER_OCTETS + one.length, 0);
  const file = new Uint8Array(FILE_HEADER_OCTETS + size);
  const view = new DataView(file.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, 65_535, true);
  view.setUint32(20, linkType, true);
  let at = FILE_HEADER_OCTETS;
  packets.forEach((packet, index) => {
    view.setUint32(at, 1 + Math.floor(index / 1_000), true);
    view.setUint32(at + 4, (index % 1_000) * 1_000, true);
    view.setUint32(at + 8, packet.length, true);
    view.setUint32(at + 12, packet.length, true);
    file.set(packet, at + RECORD_HEADER_OCTETS);
    at += RECORD_HEADER_OCTETS + packet.length;
  });
  return file;
}
