// Log-ins of console users that are in force: in memory alone, bounded, each known by the digest of
// its cookie. A restart ends them all.
import { createHash, randomBytes } from "node:crypto";
import type { Role } from "../../console/console-contract.js";
import { web as limits } from "../../limits/web.js";

export type LogIn = {
  readonly name: string;
  readonly role: Role;
  /** Sent along with whatever changes something: a foreign page does not know it. */
  readonly csrf: string;
  /** Monotonic ms: when it ends, whatever is done with it. */
  readonly until: number;
};

type Kept = LogIn & { usedAt: number; ended: boolean };

export class LogIns {
  /** In order of their last use. */
  readonly #byDigest = new Map<string, Kept>();

  /** Monotonic ms. */
  constructor(readonly clock: () => number) {}

  /** The cookie's value. */
  open(name: string, role: Role): { readonly cookie: string; readonly logIn: LogIn } {
    const now = this.clock();
    this.#prune(now);
    if (this.countOf(name) >= limits.logInsPerUserMax)
      this.#endOldest((kept) => kept.name === name);
    if (this.#byDigest.size >= limits.logInsMax) this.#endOldest(() => true);
    const cookie = randomBytes(32).toString("base64url");
    const csrf = randomBytes(32).toString("base64url");
    const logIn = { name, role, csrf, until: now + limits.logInMs, usedAt: now, ended: false };
    this.#byDigest.set(digestOf(cookie), logIn);
    return { cookie, logIn };
  }

  /** As it is used; undefined: there is none, or none any more. */
  use(cookie: string): LogIn | undefined {
    const digest = digestOf(cookie);
    const found = this.#byDigest.get(digest);
    if (found === undefined || !this.isLive(found)) return undefined;
    found.usedAt = this.clock();
    this.#byDigest.delete(digest);
    this.#byDigest.set(digest, found);
    return found;
  }

  isLive(logIn: LogIn): boolean {
    const now = this.clock();
    const { until, usedAt, ended } = logIn as Kept;
    return !ended && now < until && now - usedAt < limits.logInIdleMs;
  }

  end(cookie: string): void {
    this.#end(digestOf(cookie));
  }

  endOf(name: string): void {
    for (const [digest, kept] of [...this.#byDigest]) if (kept.name === name) this.#end(digest);
  }

  countOf(name: string): number {
    let count = 0;
    for (const kept of this.#byDigest.values())
      if (kept.name === name && this.isLive(kept)) count++;
    return count;
  }

  get size(): number {
    return this.#byDigest.size;
  }

  #end(digest: string): void {
    const kept = this.#byDigest.get(digest);
    if (kept !== undefined) kept.ended = true;
    this.#byDigest.delete(digest);
  }

  #endOldest(which: (kept: Kept) => boolean): void {
    for (const [digest, kept] of this.#byDigest) {
      if (which(kept)) return this.#end(digest);
    }
  }

  #prune(now: number): void {
    for (const [digest, { until, usedAt }] of [...this.#byDigest]) {
      if (now >= until || now - usedAt >= limits.logInIdleMs) this.#end(digest);
    }
  }
}

/** What is kept of a secret that is random: nothing that could be guessed back. */
export function digestOf(secret: string): string {
  return createHash("sha256").update(secret).digest("base64url");
}
