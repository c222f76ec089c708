// Secrets at rest: AES-256-GCM (NIST SP 800-38D), a random 96-bit nonce a value; account, column and
// key are associated data, so a value moved to another row, column or key does not open.
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

export type SecretColumn = "nt_hash" | "clear_text" | "check";

/** `octets` is 32 long. The id stands in each row, so that two keys can live side by side. */
export type StoreKey = { readonly id: number; readonly octets: Uint8Array };

const NONCE = 12;
const TAG = 16;

function associated(keyId: number, accountId: number, column: SecretColumn): Buffer {
  return Buffer.from(`holdfast account_secrets ${column} account=${accountId} key=${keyId}`);
}

export function newKey(id: number): StoreKey {
  return { id, octets: new Uint8Array(randomBytes(32)) };
}

/** Nonce, ciphertext, tag. */
export function seal(
  key: StoreKey,
  accountId: number,
  column: SecretColumn,
  plain: Uint8Array,
): Uint8Array {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv("aes-256-gcm", key.octets, nonce, { authTagLength: TAG });
  cipher.setAAD(associated(key.id, accountId, column));
  const body = cipher.update(plain);
  return new Uint8Array(Buffer.concat([nonce, body, cipher.final(), cipher.getAuthTag()]));
}

/** Undefined when it was not sealed with this key for this account and column, or was changed. */
export function unseal(
  key: StoreKey,
  accountId: number,
  column: SecretColumn,
  sealed: Uint8Array,
): Uint8Array | undefined {
  if (sealed.length < NONCE + TAG) return undefined;
  const end = sealed.length - TAG;
  const nonce = sealed.subarray(0, NONCE);
  const cipher = createDecipheriv("aes-256-gcm", key.octets, nonce, { authTagLength: TAG });
  cipher.setAAD(associated(key.id, accountId, column));
  cipher.setAuthTag(sealed.subarray(end));
  const plain = cipher.update(sealed.subarray(NONCE, end));
  try {
    cipher.final();
  } catch {
    plain.fill(0);
    return undefined;
  }
  const octets = new Uint8Array(plain);
  plain.fill(0);
  return octets;
}

/** A value only the right key opens, kept in the settings: a wrong key file is told at the start. */
export function checkValue(key: StoreKey): string {
  return Buffer.from(seal(key, 0, "check", Buffer.from("holdfast"))).toString("hex");
}

export function keyFits(key: StoreKey, check: string): boolean {
  return unseal(key, 0, "check", Buffer.from(check, "hex")) !== undefined;
}
