/** Our own bug: the only thing the pure rooms throw. Peer data must never be able to cause one. */
export class InvariantBroken extends Error {
  override readonly name = "InvariantBroken";
}

export function invariant(holds: boolean, what: string): asserts holds {
  if (!holds) throw new InvariantBroken(what);
}

/** Closes a switch over a union: a new member does not compile until it is handled. */
export function never(value: never): never {
  throw new InvariantBroken(`unreachable: ${JSON.stringify(value)}`);
}
