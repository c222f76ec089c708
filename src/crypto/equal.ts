// Comparison of authentication values (RFC 1994 §4.1, RFC 2759 §5) without telling where they differ.
import { timingSafeEqual } from "node:crypto";

/** Only the lengths, which are public, may show in the time this takes. */
export function equalInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
