// JSON of known shape: one description writes a value and checks it when it comes back.
import { fromHex, toHex } from "../base/hex.js";

/** What a reader answers to anything that is not of its shape. */
export const MISFIT = Symbol("misfit");

export type Shape<T> = {
  readonly write: (value: T) => unknown;
  readonly read: (json: unknown) => T | typeof MISFIT;
};

export type ValueOf<S> = S extends Shape<infer T> ? T : never;

function plain<T>(fits: (json: unknown) => json is T): Shape<T> {
  return { write: (value) => value, read: (json) => (fits(json) ? json : MISFIT) };
}

/** An integer of 0..`most`. */
export function uint(most: number): Shape<number> {
  return plain((json): json is number => {
    return typeof json === "number" && Number.isInteger(json) && json >= 0 && json <= most;
  });
}

export const u16 = uint(0xffff);
export const u32 = uint(0xffffffff);
export const count = uint(Number.MAX_SAFE_INTEGER);
export const flag = plain((json): json is boolean => typeof json === "boolean");

export function text(charactersMax: number): Shape<string> {
  return plain((json): json is string => {
    return typeof json === "string" && json.length <= charactersMax;
  });
}

export function oneOf<const T extends string | number>(...values: readonly T[]): Shape<T> {
  return plain((json): json is T => values.some((value) => value === json));
}

/** Octets as hexadecimal digits. */
export function octets(least: number, most: number): Shape<Uint8Array> {
  return {
    write: toHex,
    read: (json) => {
      if (typeof json !== "string" || json.length > 2 * most) return MISFIT;
      const value = fromHex(json);
      return value === undefined || value.length < least ? MISFIT : value;
    },
  };
}

export function optional<T>(shape: Shape<T>): Shape<T | undefined> {
  return {
    write: (value) => (value === undefined ? null : shape.write(value)),
    read: (json) => (json === null ? undefined : shape.read(json)),
  };
}

export function list<T>(shape: Shape<T>, most: number): Shape<readonly T[]> {
  return {
    write: (values) => values.map(shape.write),
    read: (json) => {
      if (!Array.isArray(json) || json.length > most) return MISFIT;
      const values: T[] = [];
      for (const item of json as unknown[]) {
        const value = shape.read(item);
        if (value === MISFIT) return MISFIT;
        values.push(value);
      }
      return values;
    },
  };
}

type Fields = Readonly<Record<string, Shape<never> | Shape<unknown>>>;
type RecordOf<F> = { readonly [K in keyof F]: ValueOf<F[K]> };

/** An object with exactly these fields, written as an array in their order. */
export function record<const F extends Readonly<Record<string, unknown>>>(
  fields: F,
): Shape<RecordOf<F>> {
  const entries = Object.entries(fields as unknown as Fields) as [string, Shape<unknown>][];
  return {
    write: (value) => {
      const values = value as Readonly<Record<string, unknown>>;
      return entries.map(([name, shape]) => shape.write(values[name]));
    },
    read: (json) => {
      if (!Array.isArray(json) || json.length !== entries.length) return MISFIT;
      const value: Record<string, unknown> = {};
      for (const [at, [name, shape]] of entries.entries()) {
        const field = shape.read(json[at]);
        if (field === MISFIT) return MISFIT;
        value[name] = field;
      }
      return value as RecordOf<F>;
    },
  };
}

/** Counts by name; names bounded in number and length. */
export function counts(namesMax: number): Shape<Readonly<Record<string, number>>> {
  return {
    write: (value) => value,
    read: (json) => {
      if (typeof json !== "object" || json === null || Array.isArray(json)) return MISFIT;
      const entries = Object.entries(json);
      if (entries.length > namesMax) return MISFIT;
      const value: Record<string, number> = {};
      for (const [name, number] of entries) {
        const read = count.read(number);
        if (read === MISFIT || !/^[a-z0-9-]{1,40}$/.test(name)) return MISFIT;
        value[name] = read;
      }
      return value;
    },
  };
}
