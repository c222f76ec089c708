// RFC 2637 §1.4, §2: from one table of fields a message comes its type, decoder, encoder, printer and
// the malformed cases of its test. Tables are compared by eye with the RFC's figures.
//
// One choice for all 15: a Length, cookie or type that is not exactly right is malformed, and so is a
// count above `max`; reserved octets that are set and values the RFC does not list are taken, since
// peers in the field send them, and named by `oddities` so that they are counted (DEVIATION 1).
import { type Decoded, decoded, malformed } from "../../base/decoded.js";
import { printable } from "../../base/printable.js";

export const HEADER_OCTETS = 12;
export const MAGIC_COOKIE = 0x1a2b3c4d;
export const CONTROL_MESSAGE = 1;

type Place = { readonly name: string; readonly offset: number; readonly width: number };

export type NumberField<V extends number = number> = Place & {
  readonly form: "number";
  /** Values of the RFC by its words. */
  readonly listed: Readonly<Record<string, number>> | undefined;
  /** Anything above is malformed. */
  readonly max: number;
  readonly of: (value: number) => V;
};
/** Latin-1, zero-filled, cut at the first NUL; it need not have one. */
export type TextField = Place & { readonly form: "text" };
export type ReservedField = Place & { readonly form: "reserved" };
export type Field = NumberField | TextField | ReservedField;

export type MessageLayout<
  K extends string = string,
  F extends Readonly<Record<string, Field>> = Readonly<Record<string, Field>>,
> = {
  readonly kind: K;
  /** Of logs and metrics. */
  readonly abbreviation: string;
  /** Control Message Type. */
  readonly type: number;
  /** Of the whole message, exactly. */
  readonly length: number;
  readonly fields: F;
};

type ValueOf<F> = F extends NumberField<infer V> ? V : F extends TextField ? string : never;

/** The value a layout describes: its kind and every field but the reserved ones. */
export type MessageOf<L> =
  L extends MessageLayout<infer K, infer F>
    ? { readonly kind: K } & {
        readonly [N in keyof F as F[N] extends ReservedField ? never : N]: ValueOf<F[N]>;
      }
    : never;

export function layout<const K extends string, F extends Readonly<Record<string, Field>>>(
  table: MessageLayout<K, F>,
): MessageLayout<K, F> {
  return table;
}

export function number<V extends number = number>(
  name: string,
  offset: number,
  width: 1 | 2 | 4,
  bounds: { listed?: Readonly<Record<string, number>>; max?: number } = {},
): NumberField<V> {
  const { listed, max = 2 ** (8 * width) - 1 } = bounds;
  return { form: "number", name, offset, width, listed, max, of: (value) => value as V };
}

export function text(name: string, offset: number, width: number): TextField {
  return { form: "text", name, offset, width };
}

export function reserved(name: string, offset: number, width: 1 | 2): ReservedField {
  return { form: "reserved", name, offset, width };
}

export function readNumber(octets: Uint8Array, offset: number, width: number): number {
  let value = 0;
  for (let i = 0; i < width; i++) value = value * 256 + octets[offset + i]!;
  return value;
}

export function writeNumber(octets: Uint8Array, at: Omit<Place, "name">, value: number): void {
  let rest = value;
  for (let i = at.width - 1; i >= 0; i--) {
    octets[at.offset + i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

function readText(octets: Uint8Array, { offset, width }: TextField): string {
  let read = "";
  for (let i = offset; i < offset + width && octets[i] !== 0; i++) {
    read += String.fromCharCode(octets[i]!);
  }
  return read;
}

function writeText(octets: Uint8Array, { offset, width }: TextField, value: string): void {
  for (let i = 0; i < width && i < value.length; i++) {
    const code = value.charCodeAt(i);
    octets[offset + i] = code <= 0xff ? code : 0x3f;
  }
}

/** `octets` is exactly `table.length` long and has a good header: see decodeControlHeader. */
export function decodeFields<L extends MessageLayout>(
  table: L,
  octets: Uint8Array,
): Decoded<MessageOf<L>> {
  const values: Record<string, number | string> = { kind: table.kind };
  for (const [key, field] of Object.entries(table.fields)) {
    if (field.form === "reserved") continue;
    if (field.form === "text") {
      values[key] = readText(octets, field);
      continue;
    }
    const value = readNumber(octets, field.offset, field.width);
    if (value > field.max) return malformed(field.name, value);
    values[key] = field.of(value);
  }
  return decoded(values as MessageOf<L>);
}

export function encodeFields(
  table: MessageLayout,
  values: Readonly<Record<string, unknown>>,
): Uint8Array {
  const octets = new Uint8Array(table.length);
  writeNumber(octets, { offset: 0, width: 2 }, table.length);
  writeNumber(octets, { offset: 2, width: 2 }, CONTROL_MESSAGE);
  writeNumber(octets, { offset: 4, width: 4 }, MAGIC_COOKIE);
  writeNumber(octets, { offset: 8, width: 2 }, table.type);
  for (const [key, field] of Object.entries(table.fields)) {
    const value = values[key];
    if (field.form === "text") writeText(octets, field, value as string);
    else if (field.form === "number") writeNumber(octets, field, value as number);
  }
  return octets;
}

/** One line: the abbreviation, then every field; peers' strings through printable(). */
export function printFields(
  table: MessageLayout,
  values: Readonly<Record<string, unknown>>,
): string {
  let line = table.abbreviation;
  for (const [key, field] of Object.entries(table.fields)) {
    if (field.form === "reserved") continue;
    const value = values[key];
    if (field.form === "text") {
      line += ` ${key}="${printable(String(value))}"`;
      continue;
    }
    const word = Object.entries(field.listed ?? {}).find(([, listed]) => listed === value);
    line += ` ${key}=${String(value)}${word === undefined ? "" : `(${word[0]})`}`;
  }
  return line;
}

/** Names of fields taken although not as the RFC wants them: reserved but set, or not listed. */
export function oddFields(table: MessageLayout, octets: Uint8Array): string[] {
  const odd = readNumber(octets, 10, 2) === 0 ? [] : ["Reserved0"];
  for (const field of Object.values(table.fields)) {
    if (field.form === "text") continue;
    const value = readNumber(octets, field.offset, field.width);
    if (field.form === "reserved") {
      if (value !== 0) odd.push(field.name);
    } else if (field.listed !== undefined && !Object.values(field.listed).includes(value)) {
      odd.push(field.name);
    }
  }
  return odd;
}
