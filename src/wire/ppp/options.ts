// RFC 1661 §6: Configuration Options, Type, Length (header included), Data.
import { type Decoded, decoded, malformed } from "../../base/decoded.js";
import { invariant } from "../../base/invariant.js";

const HEADER_OCTETS = 2;

export type ConfigurationOption = { readonly type: number; readonly data: Uint8Array };

/**
 * Every option in order; one bad Length makes the whole list malformed, as does a list longer than
 * `optionsMax`. Each `data` is a view of `octets`.
 */
export function decodeOptions(
  octets: Uint8Array,
  optionsMax: number,
): Decoded<ConfigurationOption[]> {
  const options: ConfigurationOption[] = [];
  for (let at = 0; at < octets.length; ) {
    const remaining = octets.length - at;
    if (remaining < HEADER_OCTETS) return malformed("Option", remaining);
    const length = octets[at + 1]!;
    if (length < HEADER_OCTETS || length > remaining) return malformed("Option Length", length);
    if (options.length === optionsMax) return malformed("Options", "too many");
    options.push({
      type: octets[at]!,
      data: octets.subarray(at + HEADER_OCTETS, at + length),
    });
    at += length;
  }
  return decoded(options);
}

export function encodeOptions(options: readonly ConfigurationOption[]): Uint8Array {
  let size = 0;
  for (const { data } of options) size += HEADER_OCTETS + data.length;
  const octets = new Uint8Array(size);
  let at = 0;
  for (const { type, data } of options) {
    invariant(data.length <= 253, `option ${type} of ${data.length} octets`);
    octets[at] = type;
    octets[at + 1] = HEADER_OCTETS + data.length;
    octets.set(data, at + HEADER_OCTETS);
    at += HEADER_OCTETS + data.length;
  }
  return octets;
}

export function sameOctets(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The value of an option of exactly two octets. */
export function readUint16({ data }: ConfigurationOption): Decoded<number> {
  if (data.length !== 2) return malformed("Option Length", data.length + HEADER_OCTETS);
  return decoded((data[0]! << 8) | data[1]!);
}

/** The value of an option of exactly four octets, unsigned. */
export function readUint32({ data }: ConfigurationOption): Decoded<number> {
  if (data.length !== 4) return malformed("Option Length", data.length + HEADER_OCTETS);
  return decoded(uint32At(data, 0));
}

export function optionUint16(type: number, value: number): ConfigurationOption {
  return { type, data: Uint8Array.of(value >>> 8, value & 255) };
}

export function optionUint32(type: number, value: number): ConfigurationOption {
  return { type, data: octetsOfUint32(value) };
}

/** The caller has checked that four octets are there. */
export function uint32At(octets: Uint8Array, at: number): number {
  const [a, b, c, d] = [octets[at]!, octets[at + 1]!, octets[at + 2]!, octets[at + 3]!];
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}

export function octetsOfUint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
}
