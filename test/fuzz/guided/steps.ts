// A machine that keeps something beside a model of it: an input is a list of steps, three octets each, which both take.
// What the machine says after each is what the model says.
import { type Instant, instant } from "../../../src/base/instant.js";
import type { Target } from "./hunt.js";

export type Step = (a: number, b: number, now: Instant) => void;

/** One step of `machine()`'s list for each three octets: which, and two numbers; `over` looks at what is left. */
export function steps(
  name: string,
  machine: () => readonly Step[] | { readonly steps: readonly Step[]; readonly over: () => void },
  own: readonly Uint8Array[] = [],
): Target {
  const mixed = [0, 1, 2].map((from) =>
    Uint8Array.from({ length: 48 }, (_, at) =>
      at % 3 === 0 ? (from + at / 3) % 6 : (at * 7) & 255,
    ),
  );
  const seeds = [...mixed, ...own];
  const run = (input: Uint8Array) => {
    const made = machine();
    const list = "steps" in made ? made.steps : made;
    let now = 0;
    for (let at = 0; at + 3 <= input.length; at += 3) {
      now += input[at]! >>> 4;
      list[(input[at]! & 15) % list.length]!(input[at + 1]!, input[at + 2]!, instant(now));
    }
    if ("over" in made) made.over();
  };
  return { name, seeds, run };
}
