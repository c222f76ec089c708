// What a changed configuration does to a running server, in one table. Nothing here ends a session:
// what would is left for the next start, and said.
import type { Settings } from "./schema.js";

export type Change = "applied" | "needs restart";

/** The longest prefix of a key decides. */
export const reloadTable: Readonly<Record<string, readonly [Change, why: string]>> = {
  instance: ["needs restart", "names the nftables table"],
  state: ["needs restart", "the store is open in it"],
  user: ["needs restart", "settled before the server starts"],
  workers: ["needs restart", "they hold the flows"],
  engine: ["needs restart", "the data workers have chosen theirs"],
  filter: ["needs restart", "it is loaded before privileges are dropped"],
  xdp: ["applied", "at once"],
  listen: ["needs restart", "calls are bound to the address they came to"],
  announce: ["applied", "told to the next caller"],
  defaultProfile: ["applied", "for the next log-in"],
  profiles: ["applied", "for the next log-in"],
  addresses: ["needs restart", "leases and the route of the pool are out"],
  client: ["applied", "told to the next session, by DHCP at once"],
  "network.tun": ["needs restart", "the interface carries the sessions"],
  "network.mtu": ["needs restart", "set on the interface"],
  "network.mru": ["applied", "for the next session"],
  "network.forwarding": ["applied", "the kernel's settings are recorded and put back"],
  "network.nat": ["applied", "the table is written anew in one transaction"],
  "network.proxyArp": ["needs restart", "neighbour entries of leased addresses are out"],
  "network.clientToClient": ["applied", "at once"],
  "network.reachHost": ["applied", "at once"],
  gre: ["applied", "for the next call"],
  calls: ["applied", "for the next connection"],
  users: ["applied", "for the next log-in"],
  "users.rateUp": ["applied", "at once"],
  "users.rateDown": ["applied", "at once"],
  guard: ["applied", "for the next connection; blocks that are in force stay"],
  accounting: ["applied", "for the next record"],
  hooks: ["applied", "for the next session"],
  log: ["applied", "at once"],
  console: ["needs restart", "it listens already"],
  "console.names": ["applied", "at once"],
  "console.metricsFrom": ["applied", "at once"],
  notices: ["applied", "for the next notice"],
  "limits.control": ["applied", "for the next connection"],
  "limits.control.connectionsMax": ["needs restart", "weighed against the descriptors at start"],
  "limits.control.connectionsLeavingMax": [
    "needs restart",
    "weighed against the descriptors at start",
  ],
  "limits.control.acceptQueueMax": ["needs restart", "the sockets listen already"],
  "limits.control.callIdsPerPeerMax": ["needs restart", "Call IDs are out already"],
  "limits.control.callIdsMax": ["needs restart", "Call IDs are out already"],
  "limits.control.callIdQuarantineMs": ["needs restart", "Call IDs rest already"],
  "limits.ppp": ["applied", "for the next session"],
  "limits.plane": ["needs restart", "the data worker has taken them"],
  "limits.guard": ["needs restart", "places and rates are counted by them"],
  "limits.incident": ["needs restart", "the watch has taken them"],
  "limits.access": ["needs restart", "queues are sized by them"],
  "limits.hooks": ["needs restart", "queues are sized by them"],
  "limits.admin": ["needs restart", "the socket and the log have taken them"],
};

export type Changed = {
  readonly key: string;
  readonly change: Change;
  /** Why it needs a restart, or from when on it counts. */
  readonly why: string;
};

export type Comparison = {
  /** Keys that count from now on. */
  readonly applied: readonly string[];
  /** Keys that keep their old value until the next start. */
  readonly needsRestart: readonly string[];
  readonly changes: readonly Changed[];
};

export function compareConfig(old: Settings, next: Settings): Comparison {
  const [before, after] = [leaves(old), leaves(next)];
  const keys = new Set([...before.keys(), ...after.keys()]);
  const changes = [...keys]
    .filter((key) => before.get(key) !== after.get(key))
    .sort()
    .map((key) => ({ key, ...classify(key) }));
  const of = (wanted: Change) =>
    changes.filter(({ change }) => change === wanted).map(({ key }) => key);
  return { applied: of("applied"), needsRestart: of("needs restart"), changes };
}

/** The configuration that runs after a reload: `next` where it applies, `old` where it must wait. */
export function mergeApplicable(old: Settings, next: Settings): Settings {
  const merged = structuredClone(next) as unknown as Record<string, unknown>;
  for (const key of Object.keys(reloadTable)) {
    if (classify(key).change === "applied") continue;
    const path = key.split(".");
    const parent = path.slice(0, -1).reduce<unknown>(into, merged);
    const kept = path.reduce<unknown>(into, old);
    if (!isSection(parent)) continue;
    const last = path[path.length - 1] ?? "";
    if (kept === undefined) delete parent[last];
    else parent[last] = structuredClone(kept);
  }
  return merged as unknown as Settings;
}

export function classify(key: string): { change: Change; why: string } {
  for (let at = key; at !== ""; at = at.slice(0, Math.max(0, at.lastIndexOf(".")))) {
    const entry = reloadTable[at];
    if (entry !== undefined) return { change: entry[0], why: entry[1] };
  }
  return { change: "needs restart", why: "not known to apply while running" };
}

/** Lists are one value: that an item moved is a change of the list. */
function leaves(settings: object): Map<string, string> {
  const found = new Map<string, string>();
  const walk = (value: unknown, key: string) => {
    if (isSection(value)) {
      for (const [name, inner] of Object.entries(value)) {
        walk(inner, key === "" ? name : `${key}.${name}`);
      }
    } else if (value !== undefined) {
      found.set(key, JSON.stringify(value));
    }
  };
  walk(settings, "");
  return found;
}

function into(value: unknown, key: string): unknown {
  return isSection(value) ? value[key] : undefined;
}

function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
