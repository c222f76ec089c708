// A password made here, and the one way it is told: on the terminal there is, else in a file only its
// owner may read. Never in a log.
import { randomInt } from "node:crypto";
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";

/** Without letters and digits that look alike: it is read from a screen and typed on another. */
const alphabet = "abcdefghjkmnpqrstuvwxyz23456789";
const groups = 4;
const groupLength = 5;

/** Four groups of five: 99 bits. */
export function randomPassword(random: (below: number) => number = randomInt): string {
  const letter = () => alphabet[random(alphabet.length)] ?? "";
  const group = () => Array.from({ length: groupLength }, letter).join("");
  return Array.from({ length: groups }, group).join("-");
}

/**
 * Writes a new file, 0600, never over one that exists: then the path with a number is taken. Returns
 * the path. Throws what the system throws.
 */
export function writePasswordFile(path: string, name: string, password: string): string {
  for (let number = 1; ; number++) {
    const tried = number === 1 ? path : `${path}-${number}`;
    let descriptor: number;
    try {
      descriptor = openSync(tried, "wx", 0o600);
    } catch (error) {
      const taken = error instanceof Error && "code" in error && error.code === "EEXIST";
      if (taken && number < 100) continue;
      throw error;
    }
    try {
      writeSync(descriptor, `user: ${name}\npassword: ${password}\n`);
      fsyncSync(descriptor);
      return tried;
    } finally {
      closeSync(descriptor);
    }
  }
}
