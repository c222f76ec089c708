// The asynchronous ports of the core answered by this host's own account store and address pools.
// What comes back late meets a generation that has moved on, and is dropped there.
import type { Counters } from "../base/counters.js";
import type { Ipv4 } from "../base/ip.js";
import type { AddressPool } from "../core/access/address-pool.js";
import type { Proof, Verdict } from "../core/access/ports.js";
import { PrefixPool } from "../core/access/prefix-pool.js";
import type { Guard } from "../core/guard/guard.js";
import type { AddressAnswer, ServerEvent } from "../core/server-ports.js";
import { LocalAuthenticator } from "../store/local-authenticator.js";
import { lookupNames } from "../store/user-name.js";
import type { CoreLoop } from "./core-loop.js";
import type { RunningServer } from "./running-server.js";

export interface Authenticator {
  /** Never rejects: what it can't answer is "unavailable". `source` is the outer address. */
  authenticate(name: string, proof: Proof, source: Ipv4): Promise<Verdict>;
}

export type AccessTerms = {
  readonly gateway: Ipv4;
  readonly dns: readonly Ipv4[];
  readonly nbns: readonly Ipv4[];
  readonly pendingMax: number;
};

type Asked<Kind extends ServerEvent["kind"]> = Extract<ServerEvent, { kind: Kind }>;

export class AccessBackend {
  #pending = 0;

  constructor(
    readonly authenticator: Authenticator,
    readonly pool: AddressPool,
    /** Undefined where no IPv6 is carried. */
    public prefixes: PrefixPool | undefined,
    public terms: AccessTerms,
    readonly reasons: Counters,
    readonly guard: Guard,
  ) {}

  get pending(): number {
    return this.#pending;
  }

  authentication(asked: Asked<"AuthenticationAsked">, loop: CoreLoop): void {
    const { session, generation, name, proof, peerAddress } = asked;
    const answer = (verdict: Verdict) =>
      loop.input((server, now) => server.handleVerdict(session, generation, verdict, now));
    if (this.#pending >= this.terms.pendingMax) {
      this.reasons.add("backend-pending-max");
      return answer({ ok: false, code: "unavailable" });
    }
    // As its account is looked up: with another domain each time it would be another user's guess.
    const [, user] = lookupNames(name);
    const refused = this.guard.refusesLogIn(user, peerAddress, loop.clock());
    if (refused !== undefined) {
      this.reasons.add(refused);
      return answer({ ok: false, code: "unavailable" });
    }
    this.#pending++;
    this.authenticator.authenticate(name, proof, peerAddress).then(
      (verdict) => {
        this.#pending--;
        // Of an account whose password was right (646 to 649), or that nobody could look at: nothing.
        if (verdict.ok || verdict.code === 691) {
          if (!verdict.ok) this.reasons.add("failed log-in");
          this.guard.loggedIn(user, peerAddress, verdict.ok, loop.clock());
        }
        answer(verdict);
      },
      () => {
        this.#pending--;
        this.reasons.add("backend-failed");
        answer({ ok: false, code: "unavailable" });
      },
    );
  }

  address(asked: Asked<"AddressAsked">, loop: CoreLoop): void {
    const answer = this.#address(asked);
    loop.input((server, now) => server.handleAddress(asked.session, asked.generation, answer, now));
  }

  #address({ account, ipv6 }: Asked<"AddressAsked">): AddressAnswer {
    const { gateway, dns, nbns } = this.terms;
    const address = this.pool.lease(account.name, account.staticAddress);
    if (address === undefined) {
      const why = account.staticAddress === undefined ? "pool-empty" : "static-address-taken";
      this.reasons.add(why);
      return { ok: false, why };
    }
    const prefix = ipv6 ? this.prefixes?.lease() : undefined;
    if (ipv6 && prefix === undefined) this.reasons.add("prefix-pool-empty");
    return {
      ok: true,
      ipv4: { ours: gateway, peers: address.address, dns, nbns, lease: address },
      ipv6: prefix,
    };
  }
}

/** That of a server: accounts of its store, addresses of its pool. */
export function backendOf(running: RunningServer): AccessBackend {
  const { config, terms, pool, server, guard } = running;
  const { ipv6Prefix } = config.addresses;
  return new AccessBackend(
    new LocalAuthenticator({
      accounts: terms.store.accounts,
      defaults: () => ({
        sessionsMax: running.config.users.sessionsPerUser,
        atSessionLimit: running.config.users.atSessionLimit,
        sessionSecondsMax: undefined,
        idleSecondsMax: undefined,
        octetsMax: undefined,
      }),
      report: ({ message }) => terms.log.error({ reason: message }, "log-ins cannot be checked"),
    }),
    pool,
    ipv6Prefix === undefined ? undefined : new PrefixPool(ipv6Prefix),
    running.accessTerms(),
    server.reasons,
    guard,
  );
}
