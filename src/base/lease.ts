/** Runs once, however often it is disposed, unless it throws. */
export class Lease implements Disposable {
  #giveBack: (() => void) | undefined;

  constructor(giveBack: () => void) {
    this.#giveBack = giveBack;
  }

  [Symbol.dispose](): void {
    this.#giveBack?.();
    this.#giveBack = undefined;
  }
}

/** A lease from a plain function. */
export function lease(giveBack: () => void): Disposable {
  return new Lease(giveBack);
}

/** Key octets as a lease: wiped when given back. */
export function wipe(...keys: Uint8Array[]): Disposable {
  return lease(() => {
    for (const key of keys) key.fill(0);
  });
}
