// An account on a screen, and the options that say what it may have.
import { type Command, InvalidArgumentError, Option } from "commander";
import type { AccountShown, AccountTermsGiven } from "../console/contract.js";
import { formatRate, readRate } from "../daemon/config/rates.js";
import { duration, moment, octets, pairs } from "./table.js";

export function showAccount(account: AccountShown): string {
  const { sessionSecondsMax, idleSecondsMax, octetsMax } = account;
  const rate = (bitsPerSecond: number | null) => {
    if (bitsPerSecond === null) return "the server's default";
    return bitsPerSecond === 0 ? "no limit" : `${formatRate(bitsPerSecond)}bit/s`;
  };
  return pairs([
    ["name", account.name],
    ["enabled", account.enabled ? "yes" : "no"],
    ["may dial in", account.dialIn ? "yes" : "no"],
    ["static address", account.staticAddress],
    ["routes", account.routes],
    ["sessions at once", account.sessionsMax ?? "the server's default"],
    ["at that limit", account.atSessionLimit ?? "the server's default"],
    [
      "longest session",
      sessionSecondsMax === null ? "no limit" : duration(sessionSecondsMax * 1000),
    ],
    ["longest silence", idleSecondsMax === null ? "no limit" : duration(idleSecondsMax * 1000)],
    ["traffic a session", octetsMax === null ? "no limit" : `${octets(octetsMax)} octets`],
    ["rate from it", rate(account.upBitsPerSecond)],
    ["rate towards it", rate(account.downBitsPerSecond)],
    ["valid from", moment(account.validFrom)],
    ["valid until", moment(account.validUntil)],
    ["hours", account.hours ?? "always"],
    ["clear text kept", account.hasClearText ? "yes" : "no"],
    ["made", moment(account.createdAt)],
    ["changed", moment(account.changedAt)],
  ]);
}

/** commander would make an empty text of null: the word itself stands for "take it away". */
type OrNone<T> = T | "none";

export type TermOptions = {
  readonly address?: string;
  readonly route?: readonly string[];
  readonly sessions?: OrNone<number>;
  readonly atLimit?: OrNone<"refuse-new" | "end-oldest">;
  readonly sessionSeconds?: OrNone<number>;
  readonly idleSeconds?: OrNone<number>;
  readonly octets?: OrNone<number>;
  readonly rateUp?: OrNone<number>;
  readonly rateDown?: OrNone<number>;
  readonly hours?: string;
  readonly validFrom?: OrNone<number>;
  readonly validUntil?: OrNone<number>;
};

export function addTermOptions(made: Command): Command {
  return made
    .option("--address <ipv4>", "static address; none takes it away")
    .option(
      "--route <prefix>",
      "a prefix behind the client; again for more; none takes all away",
      (text: string, before: readonly string[] = []) => (text === "none" ? [] : [...before, text]),
    )
    .option("--sessions <n>", "sessions at once; none: the server's default", orNone(whole))
    .addOption(
      new Option("--at-limit <what>", "at that limit; none: the server's default").choices([
        "refuse-new",
        "end-oldest",
        "none",
      ]),
    )
    .option("--session-seconds <n>", "longest session; none: no limit", orNone(whole))
    .option("--idle-seconds <n>", "longest silence; none: no limit", orNone(whole))
    .option("--octets <n>", "traffic of one session, both ways together; none", orNone(whole))
    .option(
      "--rate-up <rate>",
      "bits a second from the client, such as 10M; unlimited; none: the server's default",
      orNone(rate),
    )
    .option("--rate-down <rate>", "bits a second towards the client, likewise", orNone(rate))
    .option("--hours <hours>", "such as 'mon-fri 08:00-18:00'; none: always")
    .option("--valid-from <date>", "such as 2027-01-31, UTC; none", orNone(date))
    .option("--valid-until <date>", "such as 2027-12-31T18:00Z; none", orNone(date));
}

export function termsOf(options: TermOptions): AccountTermsGiven {
  const terms: AccountTermsGiven = {};
  if (options.address !== undefined) terms.staticAddress = given(options.address);
  if (options.route !== undefined) terms.routes = [...options.route];
  if (options.sessions !== undefined) terms.sessionsMax = given(options.sessions);
  if (options.atLimit !== undefined) terms.atSessionLimit = given(options.atLimit);
  if (options.sessionSeconds !== undefined) terms.sessionSecondsMax = given(options.sessionSeconds);
  if (options.idleSeconds !== undefined) terms.idleSecondsMax = given(options.idleSeconds);
  if (options.octets !== undefined) terms.octetsMax = given(options.octets);
  if (options.rateUp !== undefined) terms.upBitsPerSecond = given(options.rateUp);
  if (options.rateDown !== undefined) terms.downBitsPerSecond = given(options.rateDown);
  if (options.hours !== undefined) terms.hours = given(options.hours);
  if (options.validFrom !== undefined) terms.validFrom = given(options.validFrom);
  if (options.validUntil !== undefined) terms.validUntil = given(options.validUntil);
  return terms;
}

function given<T>(value: OrNone<T>): Exclude<T, "none"> | null {
  return value === "none" ? null : (value as Exclude<T, "none">);
}

function orNone<T>(read: (text: string) => T): (text: string) => OrNone<T> {
  return (text) => (text === "none" ? "none" : read(text));
}

export function whole(text: string): number {
  const number = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new InvalidArgumentError("Not a whole number above 0.");
}

function rate(text: string): number {
  const read = readRate(text);
  if (read.ok) return read.value;
  throw new InvalidArgumentError(`Expected ${read.expected}, or none; ${read.remedy}.`);
}

function date(text: string): number {
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(time)) return time;
  throw new InvalidArgumentError("Not a date such as 2027-01-31 or 2027-01-31T18:00Z.");
}
