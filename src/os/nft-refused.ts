// What the classic filter refuses, by reason: it counts nothing itself, so a table of our own does, where nft
// works. The rules see what comes to the socket, count what the filter will refuse, and drop nothing.
import { isOsError, type OsError, osError } from "./errors.js";
import type { FilterReason } from "./gre-filter-ebpf.js";
import { NftTable, type NftTableOptions } from "./nft.js";
import { NftCounters } from "./nft-counters.js";

const REASONS = [
  "gre-truncated",
  "gre-no-key",
  "gre-flags",
  "gre-payload-over",
  "gre-payload-unsequenced",
] as const satisfies readonly FilterReason[];

/** IPv4 headers without options and with, in words of 4 octets: nft adds no two fields, so each length is named. */
const WITHOUT_OPTIONS = [5];
const WITH_OPTIONS = [6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

const count = (reason: (typeof REASONS)[number]) => `counter name "${reason}" return`;

/**
 * In the order in which wire/gre.ts looks. Nor does nft compare two fields: a Payload Length beyond the datagram
 * is told where it is beyond any of that size, and where it is beyond by less, as refused without a reason. It
 * could be told by a set that names each length of a datagram with what is too much for it, 1,473 entries for
 * each of three lengths of GRE's header, asked for every good packet too.
 */
function enhancedRules(headers: readonly number[]): string {
  const isOnly = headers.length === 1;
  const shorter = (octets: number, fields = "") =>
    headers.map((words) => {
      const header = isOnly ? "" : `ip hdrlength ${words} `;
      return `${header}${fields}ip length < ${4 * words + octets} ${count("gre-truncated")}`;
    });
  return [
    ...shorter(8),
    `@th,2,1 0 ${count("gre-no-key")}`,
    `@th,0,16 & 0xcf78 != 0 ${count("gre-flags")}`,
    ...shorter(16, "@th,3,1 1 @th,8,1 1 "),
    ...shorter(12, "@th,3,1 1 "),
    ...shorter(12, "@th,8,1 1 "),
    `ip length <= 1500 @th,32,16 > 1472 ${count("gre-payload-over")}`,
    `@th,3,1 0 @th,32,16 != 0 ${count("gre-payload-unsequenced")}`,
  ].join("\n");
}

export function refusedRules(): string {
  return `${REASONS.map((reason) => `counter ${reason} { }`).join("\n")}
chain options {
${enhancedRules(WITH_OPTIONS)}
}
chain enhanced {
@th,13,3 != 1 return
@th,16,16 != 0x880b return
ip hdrlength > 5 goto options
${enhancedRules(WITHOUT_OPTIONS)}
}
chain input {
type filter hook input priority 300; policy accept;
ip protocol 47 jump enhanced
}`;
}

export class NftRefused {
  readonly #table: NftTable;
  #counters: NftCounters | undefined;
  #last: Readonly<Record<string, number>> = {};

  constructor(options: NftTableOptions) {
    this.#table = new NftTable({ ...options, instance: `${options.instance}-refused` });
  }

  get name(): string {
    return this.#table.name;
  }

  /** An earlier run's is there. */
  left(): Promise<boolean> {
    return this.#table.left();
  }

  /** Counting from now on, whatever was there of ours. */
  async begin(): Promise<OsError | undefined> {
    const failure = await this.#table.apply(refusedRules());
    if (failure !== undefined) return failure;
    const counters = NftCounters.open(this.name);
    if (isOsError(counters)) return counters;
    this.#counters = counters;
    const counts = counters.read();
    if (isOsError(counts)) return counts;
    const missing = REASONS.some((reason) => counts[reason] === undefined);
    return missing ? osError("NFT_MSG_GETOBJ", "ENOENT", this.name) : undefined;
  }

  /** Since the begin; as last told where the table was taken away. */
  counts(): Readonly<Record<string, number>> {
    const counts = this.#counters?.read();
    const told = counts !== undefined && !isOsError(counts) && Object.keys(counts).length > 0;
    if (told) this.#last = counts;
    return this.#last;
  }

  async end(): Promise<OsError | undefined> {
    this.#counters?.[Symbol.dispose]();
    this.#counters = undefined;
    return this.#table.delete();
  }
}
