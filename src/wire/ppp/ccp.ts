// RFC 1962 §2, RFC 3078 §2, RFC 2118 §2: CCP's own codes and the MPPE/MPPC option.
import { type Decoded, decoded } from "../../base/decoded.js";
import { type ConfigurationOption, optionUint32, readUint32 } from "./options.js";

export const CcpCode = { resetRequest: 14, resetAck: 15 } as const;

export const CcpOption = {
  /** Microsoft PPE/PPC; the only one ever agreed on. */
  microsoft: 18,
} as const;

const STATELESS = 0x0100_0000;
const BITS_56 = 0x80;
const BITS_128 = 0x40;
const BITS_40 = 0x20;

export type MppeStrength = 40 | 56 | 128;

/** The Supported Bits field (RFC 3078 §2). */
export type MppeOption = {
  readonly stateless: boolean;
  /** Strongest first. */
  readonly strengths: readonly MppeStrength[];
  /** D (0x10, obsolete), C (0x01, MPPC) or any bit without a meaning: never agreed on. */
  readonly others: boolean;
};

export function decodeMppeOption(option: ConfigurationOption): Decoded<MppeOption> {
  const bits = readUint32(option);
  if (!bits.ok) return bits;
  const strengths: MppeStrength[] = [];
  if (bits.value & BITS_128) strengths.push(128);
  if (bits.value & BITS_56) strengths.push(56);
  if (bits.value & BITS_40) strengths.push(40);
  const known = STATELESS | BITS_128 | BITS_56 | BITS_40;
  return decoded({
    stateless: (bits.value & STATELESS) !== 0,
    strengths,
    others: (bits.value & ~known) !== 0,
  });
}

export function encodeMppeOption(option: Omit<MppeOption, "others">): ConfigurationOption {
  let bits = option.stateless ? STATELESS : 0;
  for (const strength of option.strengths) {
    bits |= strength === 128 ? BITS_128 : strength === 56 ? BITS_56 : BITS_40;
  }
  return optionUint32(CcpOption.microsoft, bits);
}
