/** A lease from a plain function: runs once, however often it is disposed, unless it throws. */
export function lease(giveBack: () => void): Disposable {
  let out = true;
  return {
    [Symbol.dispose]() {
      if (!out) return;
      giveBack();
      out = false;
    },
  };
}

/** Key octets as a lease: wiped when given back. */
export function wipe(...keys: Uint8Array[]): Disposable {
  return lease(() => {
    for (const key of keys) key.fill(0);
  });
}
