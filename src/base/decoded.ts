/** What a codec says of hostile octets: a value, never an exception. */
export type Malformed = {
  readonly ok: false;
  /** The RFC's name of the field at fault. */
  readonly field: string;
  readonly found: number | string;
};

export type Decoded<T> = { readonly ok: true; readonly value: T } | Malformed;

export function decoded<T>(value: T): Decoded<T> {
  return { ok: true, value };
}

export function malformed(field: string, found: number | string): Malformed {
  return { ok: false, field, found };
}
