// An input as a list of what is said: [octets, 0 to 255] [so many of them] ...
import { joined } from "../../../src/storm/mutator.js";

export function* units(input: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < input.length; at += 1 + input[at]!) {
    yield input.slice(at + 1, at + 1 + input[at]!);
  }
}

/** Without those that are too long to be listed. */
export function listed(...parts: readonly Uint8Array[]): Uint8Array {
  const fitting = parts.filter(({ length }) => length < 256);
  return joined(...fitting.flatMap((part) => [Uint8Array.of(part.length), part]));
}

/** So many times nothing: time passes. */
export function silence(times: number): Uint8Array[] {
  return Array.from({ length: times }, () => new Uint8Array());
}
