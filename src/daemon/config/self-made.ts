// The configuration a first start makes for itself: a pool that collides with nothing this host can
// see, and a commented file to change later. A file that exists is never touched.

import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { formatIpv4, type Ipv4, type Prefix4 } from "../../base/ip.js";
import { formatPrefix4, overlap, rangeOf } from "../../base/range4.js";

export type Choice = {
  readonly pool: Prefix4;
  readonly gateway: Ipv4;
  /** Whether sessions shall go out under this host's address. */
  readonly nat: boolean;
};

/** Candidates in order: seldom used corners of RFC 1918 first. */
function* candidates(): IterableIterator<Prefix4> {
  const block = (a: number, b: number, c: number): Prefix4 => ({
    address: ((a << 24) | (b << 16) | (c << 8)) >>> 0,
    length: 24,
  });
  for (let third = 0; third < 256; third++) yield block(10, 99, third);
  for (let third = 0; third < 256; third++) yield block(172, 29, third);
  for (let third = 0; third < 256; third++) yield block(192, 168, third);
  for (let second = 0; second < 256; second++) yield block(10, second, 99);
}

/**
 * `localPrefixes`: of every address and route of this host but the default route. Undefined when all
 * private space is taken: then only its administrator can choose.
 */
export function chooseDefaults(
  localPrefixes: readonly Prefix4[],
  nat: boolean,
): Choice | undefined {
  const taken = localPrefixes.filter(({ length }) => length > 0).map(rangeOf);
  for (const pool of candidates()) {
    const range = rangeOf(pool);
    if (taken.some((other) => overlap(range, other))) continue;
    return { pool, gateway: pool.address + 1, nat };
  }
  return undefined;
}

export function selfMadeConfig({ pool, gateway, nat }: Choice): string {
  return `# holdfast made this file at its first start and never changes it again.
# Every key: holdfast config show. Check a change: holdfast config check. Apply it: holdfast reload.

addresses:
  # Sessions get their addresses from here: private, and used by nothing else on this host then.
  pool: [${formatPrefix4(pool)}]
  # The server's end of every session.
  gateway: ${formatIpv4(gateway)}
  # A prefix of yours to give each session a /64 of:
  # ipv6Prefix: 2001:db8:99::/48

client:
  # Name servers clients are told: host means the ones of this host.
  dns: host
  # Networks behind this server that clients shall reach through it:
  # routes: [192.168.0.0/16]

network:
  nat:
    # true: sessions go out under this host's address (nftables).
    enabled: ${nat}

# MS-CHAPv2 with 128-bit encryption is the default. Old clients of one network may log in otherwise:
# profiles:
#   - name: legacy-9x
#     enabled: true
#     from: [192.0.2.0/28]
`;
}

/** False when the file exists already, whatever is in it. Throws what the system throws else. */
export function writeSelfMade(path: string, text: string): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(path, "wx", 0o600);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  return true;
}
