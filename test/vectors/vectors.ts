// Typed access to vectors.json: RFC-derived values, each with its source and how it was verified.
import { readFileSync } from "node:fs";
import { fromHex } from "../../src/base/hex.js";

export type Values = { readonly [name: string]: unknown };
export type CryptoVector = {
  readonly id: string;
  readonly source: string;
  readonly input: Values;
  readonly output: Values;
};
export type ControlMessageVector = {
  readonly type: number;
  readonly name: string;
  readonly hex: string;
  readonly length: number;
  readonly fields: readonly {
    readonly name: string;
    readonly offset: number;
    readonly size: number;
    readonly value: number | string;
  }[];
};
export type Vectors = {
  readonly control_messages: readonly ControlMessageVector[];
  readonly gre_ppp_frames: readonly {
    readonly name: string;
    readonly gre_hex: string;
    readonly note: string;
  }[];
  readonly mppe_stateless128: readonly {
    readonly coherency: number;
    readonly session_key: string;
    readonly plaintext: string;
    readonly mppe: string;
  }[];
  readonly crypto: readonly CryptoVector[];
  readonly radius: readonly CryptoVector[];
  readonly ato: {
    readonly ppd_seconds: number;
    readonly sequence: readonly {
      readonly sample: number | "timeout";
      readonly rtt: number;
      readonly dev: number;
      readonly ato_unclamped: number;
    }[];
  };
  readonly negative: readonly {
    readonly id: string;
    readonly layer: string;
    readonly send: readonly string[];
    readonly expect: string;
  }[];
};

export const vectors = JSON.parse(
  readFileSync(new URL("./vectors.json", import.meta.url), "utf8"),
) as Vectors;

/** The octets of a hexadecimal string of vectors.json; throws on anything else. */
export function octets(hex: unknown): Uint8Array {
  const value = typeof hex === "string" ? fromHex(hex) : undefined;
  if (value === undefined) throw new Error(`not hexadecimal: ${String(hex)}`);
  return value;
}

export function cryptoVector(id: string): CryptoVector {
  const found = vectors.crypto.find((vector) => vector.id === id);
  if (found === undefined) throw new Error(`no vector ${id}`);
  return found;
}
