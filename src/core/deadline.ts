import type { Instant } from "../base/instant.js";

/** When a machine next wants `handleTimeout`, and which of its named timers it is. */
export type Deadline = { readonly at: Instant; readonly why: string };

export function earliest(a: Deadline | undefined, b: Deadline | undefined): Deadline | undefined {
  if (a === undefined) return b;
  if (b === undefined) return a;
  return b.at < a.at ? b : a;
}
