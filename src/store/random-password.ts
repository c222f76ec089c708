// A password somebody may have to type from a screen: no look-alikes, in groups, over 80 bits.
import { randomInt } from "node:crypto";

/** Without 0 O 1 l I and without vowels, so that no word comes of it. */
const ALPHABET = "bcdfghjkmnpqrstvwxz23456789";
const GROUPS = 5;
const GROUP = 4;

export const PASSWORD_BITS = GROUPS * GROUP * Math.log2(ALPHABET.length);

/** Five groups of four, `dkf7-2mzq-…`: 95 bits. */
export function randomPassword(): string {
  const group = () =>
    Array.from({ length: GROUP }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
  return Array.from({ length: GROUPS }, group).join("-");
}
