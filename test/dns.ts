// A name server's answers (RFC 1035 §4.1), for tests.
export type DnsRecord = {
  readonly owner: string;
  readonly type: number;
  /** Seconds; 60 unless it is given. */
  readonly ttl?: number | undefined;
  readonly data: readonly number[];
};

export function encodedName(name: string): Uint8Array {
  const labels = name.split(".").filter((label) => label !== "");
  return Uint8Array.of(...labels.flatMap((label) => [label.length, ...Buffer.from(label)]), 0);
}

/** The question for `name`'s address, and `records`. */
export function answered(
  id: number,
  name: string,
  records: readonly DnsRecord[],
  flags = 0x8180,
): Uint8Array {
  const words = [id, flags, 1, records.length, 0, 0].flatMap((word) => [word >> 8, word & 255]);
  const answers = records.flatMap(({ owner, type, data, ttl = 60 }) => [
    ...encodedName(owner),
    ...[0, type, 0, 1, ttl >>> 24, (ttl >>> 16) & 255, (ttl >>> 8) & 255, ttl & 255],
    ...[data.length >> 8, data.length & 255],
    ...data,
  ]);
  return Uint8Array.of(...words, ...encodedName(name), 0, 1, 0, 1, ...answers);
}
