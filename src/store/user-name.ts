// What a user name and a password may be (RFC 1994 §4.1 leaves it open; RFC 2759 §4: at most 256
// characters, an optional `DOMAIN\` before the name), so that one account has one spelling.
import { access } from "../limits.js";
import { type Refusal, refused } from "./port.js";

const encoder = new TextEncoder();

export function octetsOf(text: string): number {
  return encoder.encode(text).length;
}

/** Control characters, line and paragraph separators, invisibles and lone surrogates. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u;

/** NFC: `é` typed as one or two characters is the same account. */
export function normalisedName(name: string): string {
  return name.normalize("NFC");
}

/**
 * Undefined when `name` (normalised) may be an account's. One `DOMAIN\` prefix is allowed: MS-CHAP
 * leaves it out of its hash, and a log-in is looked up with it first, then without.
 */
export function nameFault(name: string): Refusal | undefined {
  const bad = (message: string) =>
    refused("bad-name", message, "give a name of 1 to 256 octets of printable UTF-8");
  if (name.length === 0) return bad("the user name is empty");
  if (octetsOf(name) > access.userNameOctetsMax) {
    return bad(`the user name is longer than ${access.userNameOctetsMax} octets`);
  }
  if (UNPRINTABLE.test(name))
    return bad("the user name is not valid UTF-8 or has a control or invisible character");
  if (name.trim() !== name) return bad("the user name begins or ends with a space");
  const parts = name.split("\\");
  if (parts.length > 2 || parts.includes("")) {
    return bad("the user name has a backslash that is not between a domain and a name");
  }
  return undefined;
}

/** Undefined when `password` may be one. Spaces and any script are fine, control characters not. */
export function passwordFault(password: string): Refusal | undefined {
  const bad = (message: string) =>
    refused(
      "bad-password",
      message,
      "give a password of 1 to 256 octets without control characters",
    );
  if (password.length === 0) return bad("the password is empty");
  if (octetsOf(password) > access.passwordOctetsMax) {
    return bad(`the password is longer than ${access.passwordOctetsMax} octets`);
  }
  if (/[\p{Cc}\p{Cs}]/u.test(password)) {
    return bad("the password has a control character or is not valid UTF-8");
  }
  return undefined;
}

/** What a log-in may mean, best first: as given, then without its domain. */
export function lookupNames(name: string): readonly [string, string] {
  const normal = normalisedName(name);
  return [normal, normal.slice(normal.lastIndexOf("\\") + 1)];
}
