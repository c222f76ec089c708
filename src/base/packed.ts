// Octets that only wait to be compared or sent again, as a string: an array costs ten times its few octets.

/** One character an octet; for at most some thousand octets. */
export function pack(octets: Uint8Array): string {
  return String.fromCharCode(...octets);
}

export function unpack(packed: string): Uint8Array {
  const octets = new Uint8Array(packed.length);
  for (let at = 0; at < packed.length; at++) octets[at] = packed.charCodeAt(at);
  return octets;
}
