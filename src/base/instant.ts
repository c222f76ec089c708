/** Monotonic milliseconds. Cores are handed one with every input and never read a clock. */
export type Instant = number & { readonly unit: "monotonic ms" };

export function instant(ms: number): Instant {
  return ms as Instant;
}

export function after(now: Instant, ms: number): Instant {
  return (now + ms) as Instant;
}
