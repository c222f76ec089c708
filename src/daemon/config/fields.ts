// The kinds of value a configuration file may hold. Each carries what it expects and an example, so
// that a message about any key can name its remedy.
import { isIP } from "node:net";
import * as z from "zod";

export type FieldHelp = {
  /** Completes "expected …". */
  readonly expected: string;
  /** What a right value looks like in YAML. */
  readonly example: string;
};

/** Expectations by schema node; the explanations of problems look keys up here. */
export const fieldHelp = z.registry<FieldHelp>();

export function field<S extends z.ZodType>(
  schema: S,
  description: string,
  expected: string,
  example: string,
): S {
  const described = schema.describe(description) as S;
  fieldHelp.add(described, { expected, example });
  return described;
}

/** `min` and `max` are part of the text: nobody should have to look them up. */
export function wholeNumber(description: string, min: number, max: number, example: number) {
  const expected = min === max ? `${min}` : `a whole number from ${min} to ${max}`;
  return field(z.number().int().min(min).max(max), description, expected, String(example));
}

export function yesNo(description: string) {
  return field(z.boolean(), description, "true or false", "true");
}

export function oneOf<const T extends readonly [string, ...string[]]>(
  values: T,
  description: string,
) {
  const expected = values.length === 1 ? values[0] : `one of ${values.join(", ")}`;
  return field(z.enum(values), description, expected, values[0]);
}

/** Shape only: addresses are read and judged by addresses.ts, with the same message format. */
export function addressText(description: string, example: string, expected: string) {
  return field(z.string().min(1).max(64), description, expected, example);
}

export function listOf<S extends z.ZodType>(
  element: S,
  max: number,
  description: string,
  expected: string,
  example: string,
) {
  return field(
    z.array(element).max(max),
    description,
    `a list of at most ${max} (${expected})`,
    example,
  );
}

/** Linux: an interface name has at most 15 octets, no white space, no slash. */
export function interfaceName(description: string, example: string) {
  return field(
    z.string().regex(/^(?!\.{1,2}$)[A-Za-z0-9_.-]{1,15}$/),
    description,
    "an interface name: 1 to 15 letters, digits, '-', '_' or '.'",
    example,
  );
}

/** RFC 2637 §2.1: 64 octets of ASCII on the wire. */
export function wireName(description: string, example: string) {
  return field(
    z.string().regex(/^[\x20-\x7e]{0,63}$/),
    description,
    "at most 63 printable ASCII characters",
    example,
  );
}

export function systemUser(description: string, example: string) {
  return field(
    z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/),
    description,
    "the name of a system user",
    example,
  );
}

export function absolutePath(description: string, example: string) {
  return field(
    z
      .string()
      .max(4096)
      .regex(/^\/[^\0]*$/),
    description,
    "an absolute path",
    example,
  );
}

/** A name of the DNS, without a port. */
export function domainName(description: string, example: string) {
  return field(
    z
      .string()
      .max(253)
      .regex(
        /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/,
      ),
    description,
    "a host name",
    example,
  );
}

/** Of either version, to listen on. */
export function ownAddress(description: string, example: string) {
  const expected = "an IPv4 or IPv6 address of this host";
  return field(
    z
      .string()
      .max(45)
      .refine((text) => isIP(text) !== 0),
    description,
    expected,
    example,
  );
}
