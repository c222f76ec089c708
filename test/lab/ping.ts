// ping(8), counted so that a late answer is no lost one: once it has had an answer it waits for the
// last only as long as two round trips, unless it has a deadline; then it asks on until `count` came.
const deadlineS = 3;

export function pingWords(
  address: string,
  { count = 3, intervalS = 0.1, options = [] as readonly string[] } = {},
): string[] {
  const wait = `${deadlineS + Math.ceil(count * intervalS)}`;
  return ["ping", "-n", "-c", `${count}`, "-i", `${intervalS}`, "-w", wait, ...options, address];
}

/** How many of the first `count` echo requests were answered, by what ping said. */
export function pingsAnswered(text: string, count = 3): number {
  const answered = new Set<number>();
  for (const [, sequence] of text.matchAll(/ bytes from .* icmp_seq=(\d+) .*time=/g)) {
    if (Number(sequence) <= count) answered.add(Number(sequence));
  }
  return answered.size;
}
