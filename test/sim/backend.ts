// Accounts and addresses behind asynchronous ports: answers late, too late, never or "unavailable".

import type { Chance } from "../../src/base/chance.js";
import type { Ipv4 } from "../../src/base/ip.js";
import { AddressPool } from "../../src/core/access/address-pool.js";
import type { AccountTerms, Verdict } from "../../src/core/access/ports.js";
import { PrefixPool } from "../../src/core/access/prefix-pool.js";
import type { AddressAnswer, ServerEvent } from "../../src/core/server-ports.js";
import { verdictOf } from "../ppp/pair.js";
import type { Schedule } from "./schedule.js";

export type Trouble = "verdict-late" | "verdict-never" | "address-late" | "address-never";

export type Account = {
  readonly terms: AccountTerms;
  readonly password: string;
  readonly trouble: Trouble | undefined;
};

type Asked<Kind extends ServerEvent["kind"]> = Extract<ServerEvent, { kind: Kind }>;

export const GATEWAY: Ipv4 = 0x0a630001;
const POOL = { first: 0x0a630002, last: 0x0a630009 };
const PREFIX = Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
/** Beyond every deadline of a log-in. */
const TOO_LATE_MS = 45_000;

export class Backend {
  readonly pool = new AddressPool({ ranges: [POOL], exclusions: [] });
  readonly prefixes = new PrefixPool({ address: PREFIX, length: 56 });
  readonly accounts = new Map<string, Account>();
  /** Leases on their way in an answer. */
  inFlight = 0;

  constructor(
    readonly schedule: Schedule,
    readonly chance: Chance,
    readonly unavailability: number,
  ) {}

  add(account: Account): void {
    this.accounts.set(account.terms.name, account);
  }

  authenticate(asked: Asked<"AuthenticationAsked">, answer: (verdict: Verdict) => void): void {
    const account = this.accounts.get(asked.name);
    if (account?.trouble === "verdict-never") return;
    const delay = this.#delay(account?.trouble === "verdict-late");
    if (this.chance.happens(this.unavailability)) {
      return this.schedule.in(delay, () => answer({ ok: false, code: "unavailable" }));
    }
    const verdict = this.#verdict(account, asked);
    this.schedule.in(delay, () => answer(verdict));
  }

  address(asked: Asked<"AddressAsked">, answer: (answer: AddressAnswer) => void): void {
    const account = this.accounts.get(asked.account.name);
    if (account?.trouble === "address-never") return;
    // Leased at once and told late: what comes too late has something to be given back.
    const given = this.#lease(asked);
    if (given.ok) this.inFlight++;
    this.schedule.in(this.#delay(account?.trouble === "address-late"), () => {
      if (given.ok) this.inFlight--;
      answer(given);
    });
  }

  #verdict(account: Account | undefined, { name, proof }: Asked<"AuthenticationAsked">): Verdict {
    if (account === undefined) return { ok: false, code: 691 };
    const verdict = verdictOf(name, proof, { name, password: account.password });
    return verdict.ok ? { ...verdict, account: account.terms } : verdict;
  }

  #lease({ account, ipv6 }: Asked<"AddressAsked">): AddressAnswer {
    const address = this.pool.lease(account.name, account.staticAddress);
    if (address === undefined) return { ok: false, why: "pool-empty" };
    return {
      ok: true,
      ipv4: { ours: GATEWAY, peers: address.address, dns: [GATEWAY], nbns: [], lease: address },
      ipv6: ipv6 ? this.prefixes.lease() : undefined,
    };
  }

  #delay(late: boolean): number {
    if (late) return this.chance.int(11_000, TOO_LATE_MS);
    return this.chance.happens(0.9) ? this.chance.int(0, 40) : this.chance.int(40, 2_500);
  }
}
