// What an account's terms may be, before the database is asked: types, bounds, spelling (T-36).

import type { AccountTerms } from "../core/access/ports.js";
import { access } from "../limits.js";
import { parseHours } from "./allowed-hours.js";
import {
  type Account,
  type AccountChange,
  type AccountLimits,
  type Refusal,
  refused,
} from "./port.js";

export const NO_LIMITS: AccountLimits = {
  staticAddress: undefined,
  routes: [],
  sessionsMax: undefined,
  atSessionLimit: undefined,
  sessionSecondsMax: undefined,
  idleSecondsMax: undefined,
  octetsMax: undefined,
  upBitsPerSecond: undefined,
  downBitsPerSecond: undefined,
  dialIn: true,
  validFrom: undefined,
  validUntil: undefined,
  hours: undefined,
};

const COUNTS = ["sessionsMax", "sessionSecondsMax", "idleSecondsMax", "octetsMax"] as const;
const RATES = ["upBitsPerSecond", "downBitsPerSecond"] as const;
const TIMES = ["validFrom", "validUntil"] as const;

function isAddress(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) > 0 && Number(value) <= 0xffffffff;
}

function isRate(value: number): boolean {
  if (value === 0) return true;
  const { rateBitsPerSecondMin: least, rateBitsPerSecondMax: most } = access;
  return Number.isSafeInteger(value) && value >= least && value <= most;
}

/** The first thing wrong with `change`, whatever its types claim: it may come from a socket. */
export function limitsFault(change: AccountChange): Refusal | undefined {
  const bad = (message: string, remedy: string) => refused("bad-terms", message, remedy);
  for (const key of COUNTS) {
    const value = change[key];
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0)) {
      return bad(`${key} is not a whole number above 0`, "give a number, or none for no limit");
    }
  }
  for (const key of RATES) {
    const value = change[key];
    if (value !== undefined && !isRate(value)) {
      const { rateBitsPerSecondMin: least, rateBitsPerSecondMax: most } = access;
      return bad(
        `${key} is neither 0 nor a whole number from ${least} to ${most}`,
        "give bits a second; 0 is no limit, none the server's default",
      );
    }
  }
  for (const key of TIMES) {
    const value = change[key];
    if (value !== undefined && !(Number.isSafeInteger(value) && Math.abs(value) <= 8.64e15)) {
      return bad(`${key} is not a time`, "give a date such as 2027-01-31");
    }
  }
  const { validFrom, validUntil, hours, routes, staticAddress, atSessionLimit } = change;
  if (validFrom !== undefined && validUntil !== undefined && validFrom >= validUntil) {
    return bad("the account would end before it begins", "give an end after the begin");
  }
  if (hours !== undefined && (hours.length > 512 || parseHours(hours) === undefined)) {
    return bad(
      "the hours are not understood",
      "write them as `mon-fri 08:00-18:00, sat 09:00-12:00`",
    );
  }
  if (staticAddress !== undefined && !isAddress(staticAddress)) {
    return bad("the static address is not an IPv4 address", "write it as 192.168.1.10");
  }
  if (routes !== undefined && routes.length > access.routesPerAccountMax) {
    return bad(
      `more than ${access.routesPerAccountMax} routes`,
      "sum prefixes up into shorter ones",
    );
  }
  if (routes?.some(({ address }) => !isAddress(address))) {
    return bad("a route is not an IPv4 prefix", "write it as 192.168.1.0/24");
  }
  if (atSessionLimit !== undefined && !["refuse-new", "end-oldest"].includes(atSessionLimit)) {
    return bad("atSessionLimit is neither refuse-new nor end-oldest", "give one of the two");
  }
  return undefined;
}

export type TermDefaults = Pick<AccountTerms, "sessionsMax" | "atSessionLimit"> &
  Pick<AccountLimits, "sessionSecondsMax" | "idleSecondsMax" | "octetsMax">;

/** What the core is told of an account; where it says nothing the server's defaults hold. */
export function termsOf(account: Account, defaults: TermDefaults): AccountTerms {
  return {
    accountId: account.accountId,
    name: account.name,
    staticAddress: account.staticAddress,
    routes: account.routes,
    sessionsMax: account.sessionsMax ?? defaults.sessionsMax,
    atSessionLimit: account.atSessionLimit ?? defaults.atSessionLimit,
    sessionSecondsMax: account.sessionSecondsMax ?? defaults.sessionSecondsMax,
    idleSecondsMax: account.idleSecondsMax ?? defaults.idleSecondsMax,
    octetsMax: account.octetsMax ?? defaults.octetsMax,
    // Their default may change under a running session: the core has it.
    upBitsPerSecond: account.upBitsPerSecond,
    downBitsPerSecond: account.downBitsPerSecond,
  };
}
