// Rates as people write them: bits a second, with k, M and G for thousands.
import { access } from "../../limits.js";
import type { Read } from "./addresses.js";

/** The word for 0, which is no limit. */
const UNLIMITED = "unlimited";
const UNITS = { "": 1, k: 1e3, m: 1e6, g: 1e9 } as const;

export const rateExpected =
  "unlimited, or bits a second from 8k to 100G with k, M or G for thousands";

/** `10M`, `1.5G`, `512000`; 0 for `unlimited`. */
export function readRate(text: string): Read<number> {
  if (text === UNLIMITED) return { ok: true, value: 0 };
  const fault = (remedy: string): Read<number> => ({ ok: false, expected: rateExpected, remedy });
  const parts = /^([0-9]{1,12}(?:\.[0-9]{1,9})?)([kmg]?)$/i.exec(text);
  if (parts === null) return fault("write for example 10M, which is ten million bits a second");
  const [, number = "", unit = ""] = parts;
  const value = Math.round(Number(number) * UNITS[unit.toLowerCase() as keyof typeof UNITS]);
  if (value === 0) return fault(`write ${UNLIMITED} for no limit`);
  if (value < access.rateBitsPerSecondMin) {
    return fault(`${text} is below 8k: write ${number}M if you mean megabits a second`);
  }
  if (value <= access.rateBitsPerSecondMax) return { ok: true, value };
  return fault(`${text} is above 100G: write ${UNLIMITED} for no limit`);
}

/** As readRate reads it: in the largest unit that says it exactly. */
export function formatRate(bitsPerSecond: number): string {
  if (bitsPerSecond === 0) return UNLIMITED;
  for (const [unit, value] of [
    ["G", 1e9],
    ["M", 1e6],
    ["k", 1e3],
  ] as const) {
    const digits = bitsPerSecond / value;
    if (bitsPerSecond >= value && Math.round(digits * 1e3) / 1e3 === digits) {
      return `${digits}${unit}`;
    }
  }
  return String(bitsPerSecond);
}
