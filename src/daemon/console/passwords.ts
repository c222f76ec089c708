// Passwords of console users: what is kept is made by scrypt, and few are looked at at once, since one
// look takes 32 MiB and a tenth of a second of a thread that the disk needs too.
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { web as limits } from "../../limits/web.js";

const blockSize = 8;
const parallel = 3;
const keyOctets = 32;
const cost = limits.scryptOctets / (128 * blockSize);

/** `scrypt$cost$block size$parallel$salt$key`, the last two in base64. */
export async function verifierOf(password: string): Promise<string> {
  const salt = randomBytes(16);
  const key = await derive(password, salt, cost, blockSize, parallel);
  const parts = ["scrypt", cost, blockSize, parallel, salt.toString("base64")];
  return [...parts, key.toString("base64")].join("$");
}

async function matches(password: string, verifier: string): Promise<boolean> {
  const [kind, n, r, p, salt = "", kept = ""] = verifier.split("$");
  const [costOf, blockSizeOf, parallelOf] = [Number(n), Number(r), Number(p)];
  if (kind !== "scrypt" || !(costOf * blockSizeOf * 128 <= limits.scryptOctets)) return false;
  const expected = Buffer.from(kept, "base64");
  const key = await derive(password, Buffer.from(salt, "base64"), costOf, blockSizeOf, parallelOf);
  return expected.length === keyOctets && timingSafeEqual(key, expected);
}

function derive(
  password: string,
  salt: Buffer,
  N: number,
  r: number,
  p: number,
): Promise<Buffer<ArrayBufferLike>> {
  const options = { N, r, p, maxmem: 2 * limits.scryptOctets };
  return new Promise((done, fail) => {
    scrypt(password.normalize("NFC"), salt, keyOctets, options, (error, key) => {
      if (error === null) done(key);
      else fail(error);
    });
  });
}

/** Looks at a bounded number of passwords at once; `busy` when too many wait already. */
export class PasswordChecks {
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  /** Of nobody: an unknown name costs what a known one does. */
  #nobodys: Promise<string> | undefined;

  async check(password: string, verifier: string | undefined): Promise<boolean | "busy"> {
    if (!(await this.#turn())) return "busy";
    try {
      if (verifier !== undefined) return await matches(password, verifier);
      this.#nobodys ??= verifierOf(randomBytes(16).toString("hex"));
      await matches(password, await this.#nobodys);
      return false;
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  async #turn(): Promise<boolean> {
    if (this.#running >= limits.checksMax) {
      if (this.#waiting.length >= limits.checksWaitingMax) return false;
      await new Promise<void>((go) => this.#waiting.push(go));
    }
    this.#running++;
    return true;
  }
}
