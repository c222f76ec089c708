// The simultaneous-session limit at work: at the limit the oldest session is asked (LCP Echo) before
// a newcomer is turned away.
import type { AccountTerms } from "./access/ports.js";
import { type Claim, SessionSeats } from "./access/session-seats.js";
import type { CallSession } from "./call-session.js";

type Waiting = {
  readonly claim: Claim<CallSession>;
  readonly newcomer: CallSession;
  readonly policy: AccountTerms["atSessionLimit"];
};

/** What the server does to a session on our word; it settles and schedules what follows. */
export interface SeatingActs {
  seated(session: CallSession, granted: boolean): void;
  probe(session: CallSession): void;
  /** `silent`: nobody is there to say goodbye to. */
  giveWay(session: CallSession, silent: boolean): void;
}

export class Seating {
  readonly #seats = new SessionSeats<CallSession>();
  /** By the session that is asked whether it lives. */
  readonly #waiting = new Map<CallSession, Waiting>();

  constructor(readonly acts: SeatingActs) {}

  asked(session: CallSession, account: AccountTerms): void {
    const answer = this.#seats.request(account.accountId, session, account.sessionsMax);
    if (answer.kind === "refused") return this.acts.seated(session, false);
    if (answer.kind === "granted") {
      session.scope.hold("seat", answer.seat, account.name);
      return this.acts.seated(session, true);
    }
    // Held by the newcomer: if it ends first, the claim is simply dropped.
    const { claim } = answer;
    session.scope.hold("seatClaim", claim, account.name);
    this.#waiting.set(claim.oldest, { claim, newcomer: session, policy: account.atSessionLimit });
    this.acts.probe(claim.oldest);
  }

  /** `oldest` answered, did not, or is over. No effect when nobody waits for it. */
  probed(oldest: CallSession, alive: boolean): void {
    const waiting = this.#waiting.get(oldest);
    if (waiting === undefined) return;
    this.#waiting.delete(oldest);
    const { claim, newcomer, policy } = waiting;
    if (newcomer.ending !== undefined) return;
    const decision = claim.decide(alive && oldest.ending === undefined, policy);
    newcomer.scope.release(claim);
    if (decision.kind === "granted") {
      newcomer.scope.hold("seat", decision.seat, newcomer.account?.name ?? "");
      this.acts.giveWay(oldest, !alive);
    }
    this.acts.seated(newcomer, decision.kind === "granted");
  }
}
