/** An IPv4 address as an unsigned 32-bit number, 0xC0A80A01 = 192.168.10.1. */
export type Ipv4 = number;

export type Prefix4 = { readonly address: Ipv4; readonly length: number };
/** 16 octets, network order. */
export type Ipv6 = Uint8Array;
export type Prefix6 = { readonly address: Ipv6; readonly length: number };

export function formatIpv4(address: Ipv4): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

/** Dotted quad only, no leading zeros; undefined when `text` is anything else. */
export function parseIpv4(text: string): Ipv4 | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let address = 0;
  for (const part of parts) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return undefined;
    address = address * 256 + Number(part);
  }
  return address;
}

/** Could be an interface's address: not 0/8, loopback, multicast or above. */
export function isHost(address: Ipv4): boolean {
  const first = address >>> 24;
  return first !== 0 && first !== 127 && first < 224;
}

export function mask4(length: number): number {
  return length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0;
}

export function inPrefix4(address: Ipv4, prefix: Prefix4): boolean {
  return ((address ^ prefix.address) & mask4(prefix.length)) === 0;
}

/** RFC 5952 text of 16 octets. */
export function formatIpv6(address: Ipv6): string {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((address[i]! << 8) | address[i + 1]!);
  let best = { at: -1, length: 1 };
  for (let i = 0; i < 8; i++) {
    let length = 0;
    while (i + length < 8 && groups[i + length] === 0) length++;
    if (length > best.length) best = { at: i, length };
  }
  const text = (part: number[]) => part.map((group) => group.toString(16)).join(":");
  if (best.at < 0) return text(groups);
  return `${text(groups.slice(0, best.at))}::${text(groups.slice(best.at + best.length))}`;
}
