// From the file's text to the values the server works with. What cannot be read is a problem at its
// own key; what is readable but cannot work is checks.ts's.

import { availableParallelism } from "node:os";
import type { Ipv4, Prefix4, Prefix6 } from "../../base/ip.js";
import type { Range4 } from "../../base/range4.js";
import type { Rate } from "../../core/access/ports.js";
import { worker } from "../../limits.js";
import type { EngineChoice } from "../../worker/engine-choice.js";
import type { FilterChoice } from "../filter-choice.js";
import {
  notUnicast,
  type Read,
  readAddress4,
  readAddress6,
  readPrefix4,
  readPrefix6,
  readRange4,
  subtractRanges,
} from "./addresses.js";
import { effectiveLimits, type Limits } from "./limits.js";
import { type Path, type Problem, showValue } from "./problems.js";
import { readRate } from "./rates.js";
import { type LogInTerms, readyMadeTerms } from "./ready-made.js";
import type { ProfileSettings, Settings } from "./schema.js";
import type { ConfigSource } from "./source.js";

/** How many workers there are; `auto` is one for each processor this process may use. */
function workersFor(written: Settings["workers"]): number {
  return written === "auto" ? Math.min(availableParallelism(), worker.workersMax) : written;
}

export type Profile = LogInTerms & {
  readonly name: string;
  /** Ready-made for clients that cannot do better: named loudly while it is on. */
  readonly legacy: boolean;
  /** Empty: from anywhere. */
  readonly from: readonly Prefix4[];
  /** Empty: on any listening address. */
  readonly on: readonly Ipv4[];
};

export type Config = {
  /** As the file says it, defaults filled in. */
  readonly settings: Settings;
  readonly instance: string;
  readonly state: string | undefined;
  readonly user: string;
  /** At least 1: `auto` is settled. */
  readonly workers: number;
  readonly engine: EngineChoice;
  readonly filter: FilterChoice;
  readonly xdp: Settings["xdp"];
  readonly listen: { readonly addresses: "all" | readonly Ipv4[]; readonly port: number };
  readonly announce: Settings["announce"];
  readonly defaultProfile: Profile;
  /** Those that are on, in the order of the file; the first that matches counts. */
  readonly profiles: readonly Profile[];
  readonly addresses: {
    /** Without exclusions and without the gateway; never empty. */
    readonly pool: readonly Range4[];
    readonly gateway: Ipv4;
    readonly ipv6Prefix: Prefix6 | undefined;
  };
  readonly client: {
    readonly dns: "host" | readonly Ipv4[];
    /** 16 octets each. */
    readonly dns6: readonly Uint8Array[];
    readonly wins: readonly Ipv4[];
    readonly domain: string;
    readonly routes: readonly Prefix4[];
  };
  readonly network: Settings["network"];
  readonly gre: Settings["gre"];
  readonly calls: Settings["calls"];
  readonly users: Settings["users"];
  /** Of accounts that say nothing else. */
  readonly rate: Rate;
  readonly guard: { readonly block: boolean; readonly allow: readonly Prefix4[] };
  readonly accounting: Settings["accounting"];
  readonly hooks: Settings["hooks"];
  readonly log: Settings["log"];
  readonly console: Omit<Settings["console"], "metricsFrom"> & {
    readonly metricsFrom: readonly Prefix4[];
  };
  readonly notices: Settings["notices"];
  readonly limits: Limits;
};

/** Reads every address of `settings`; undefined when one could not be read. */
export function resolveSettings(
  settings: Settings,
  source: ConfigSource,
): { readonly config: Config; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const one = <T>(path: Path, text: string, reader: (text: string) => Read<T>): T | undefined => {
    const result = reader(text);
    if (result.ok) return result.value;
    problems.push(
      source.problem(path, showValue(text), `expected ${result.expected}`, result.remedy),
    );
    return undefined;
  };
  const all = <T>(path: Path, texts: readonly string[], reader: (text: string) => Read<T>): T[] =>
    texts.flatMap((text, index) => {
      const value = one([...path, index], text, reader);
      return value === undefined ? [] : [value];
    });

  const { listen, addresses, client } = settings;
  const written = all(["addresses", "pool"], addresses.pool, (text) =>
    readRange4(text, "leave out"),
  );
  const excluded = all(["addresses", "exclude"], addresses.exclude, (text) =>
    readRange4(text, "keep"),
  );
  const gateway =
    addresses.gateway === "auto"
      ? subtractRanges(written, excluded)[0]?.first
      : one(["addresses", "gateway"], addresses.gateway, readUnicast);
  const holes = gateway === undefined ? excluded : [...excluded, { first: gateway, last: gateway }];
  const { instance, state, user, announce, network, gre, calls } = settings;
  const { users, accounting, hooks, log } = settings;
  const config: Config = {
    settings,
    workers: workersFor(settings.workers),
    engine: settings.engine,
    filter: settings.filter,
    xdp: settings.xdp,
    ...{
      instance,
      state,
      user,
      announce,
      network,
      gre,
      calls,
      users,
      accounting,
      hooks,
      log,
    },
    listen: {
      addresses:
        listen.addresses === "all"
          ? "all"
          : all(["listen", "addresses"], listen.addresses, readListening),
      port: listen.port,
    },
    defaultProfile: {
      name: "default",
      legacy: false,
      from: [],
      on: [],
      ...settings.defaultProfile,
    },
    profiles: settings.profiles.flatMap((profile, index) => {
      const path = ["profiles", index];
      const from = all([...path, "from"], profile.from, readPrefix4);
      const on = all([...path, "on"], profile.on, readUnicast);
      return isOn(profile) ? [{ ...termsOf(profile, settings), from, on }] : [];
    }),
    addresses: {
      pool: subtractRanges(written, holes),
      gateway: gateway ?? 0,
      ipv6Prefix:
        addresses.ipv6Prefix === undefined
          ? undefined
          : one(["addresses", "ipv6Prefix"], addresses.ipv6Prefix, readPrefix6),
    },
    client: {
      dns: client.dns === "host" ? "host" : all(["client", "dns"], client.dns, readUnicast),
      dns6: all(["client", "dns6"], client.dns6, readAddress6),
      wins: all(["client", "wins"], client.wins, readUnicast),
      domain: client.domain,
      routes: all(["client", "routes"], client.routes, readPrefix4),
    },
    rate: {
      upBitsPerSecond: one(["users", "rateUp"], String(users.rateUp), readRate) ?? 0,
      downBitsPerSecond: one(["users", "rateDown"], String(users.rateDown), readRate) ?? 0,
    },
    guard: {
      block: settings.guard.block,
      allow: all(["guard", "allow"], settings.guard.allow, readPrefix4),
    },
    console: {
      ...settings.console,
      metricsFrom: all(["console", "metricsFrom"], settings.console.metricsFrom, readPrefix4),
    },
    notices: settings.notices,
    limits: effectiveLimits(settings.limits),
  };
  return { config, problems };
}

/** Ready-made profiles are off until a file says otherwise; one's own are on. */
export function isOn({ name, enabled }: ProfileSettings): boolean {
  return enabled ?? readyMadeTerms(name) === undefined;
}

function termsOf(profile: ProfileSettings, settings: Settings): Omit<Profile, "from" | "on"> {
  const made = readyMadeTerms(profile.name);
  const base: LogInTerms = made ?? settings.defaultProfile;
  return {
    name: profile.name,
    legacy: made !== undefined,
    authentication: profile.authentication ?? base.authentication,
    encryption: {
      required: profile.encryption.required ?? base.encryption.required,
      bits: profile.encryption.bits ?? base.encryption.bits,
      stateful: profile.encryption.stateful ?? base.encryption.stateful,
    },
  };
}

function readUnicast(text: string): Read<Ipv4> {
  const address = readAddress4(text);
  if (!address.ok) return address;
  const special = notUnicast({ first: address.value, last: address.value });
  if (special === undefined) return address;
  return {
    ok: false,
    expected: "an address a host can have",
    remedy: `${text} is ${special}: write another`,
  };
}

/** Loopback is fine to listen on; `0.0.0.0` has a name of its own here. */
function readListening(text: string): Read<Ipv4> {
  const address = readAddress4(text);
  if (!address.ok || address.value === 0x7f000001) return address;
  if (address.value === 0) {
    return { ok: false, expected: "an address of this host", remedy: "write addresses: all" };
  }
  return address.value >>> 24 === 127 ? address : readUnicast(text);
}
