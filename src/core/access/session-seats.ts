// Simultaneous sessions of a user: a seat each, and at the limit the oldest session is asked whether
// it still lives before a new one is turned away, so that a lost line never locks its user out.
import { lease } from "../../base/lease.js";
import type { AccountTerms } from "./ports.js";

/** A seat that was asked for while all are taken. Disposed without a decision it changes nothing. */
export type Claim<Session> = Disposable & {
  /** To be asked (LCP Echo-Request); `decide` hears the answer. */
  readonly oldest: Session;
  /**
   * Silent or gone: the claimant takes the seat and `oldest` must be ended. Alive: `policy` decides.
   */
  decide(
    alive: boolean,
    policy: AccountTerms["atSessionLimit"],
  ): { readonly kind: "granted"; readonly seat: Disposable } | { readonly kind: "refused" };
};

export type SeatAnswer<Session> =
  | { readonly kind: "granted"; readonly seat: Disposable }
  | { readonly kind: "ask-oldest"; readonly claim: Claim<Session> }
  /** Each seat is being asked about already, for somebody who came before. */
  | { readonly kind: "refused" };

type Seat<Session> = { readonly session: Session; claimed: boolean };

export class SessionSeats<Session> {
  /** By account, oldest first. */
  readonly #seats = new Map<number, Set<Seat<Session>>>();

  taken(accountId: number): number {
    return this.#seats.get(accountId)?.size ?? 0;
  }

  /** A seat for `session`. A lowered limit ends nobody: it holds for who comes next. */
  request(accountId: number, session: Session, sessionsMax: number): SeatAnswer<Session> {
    if (this.taken(accountId) < sessionsMax) {
      return { kind: "granted", seat: this.#sit(accountId, session) };
    }
    const oldest = this.#oldestUnclaimed(accountId);
    if (oldest === undefined) return { kind: "refused" };
    oldest.claimed = true;
    return { kind: "ask-oldest", claim: this.#claim(accountId, session, oldest, sessionsMax) };
  }

  #claim(
    accountId: number,
    session: Session,
    oldest: Seat<Session>,
    sessionsMax: number,
  ): Claim<Session> {
    let open = true;
    const settle = (): boolean => {
      const was = open;
      open = false;
      oldest.claimed = false;
      return was;
    };
    return {
      oldest: oldest.session,
      decide: (alive, policy) => {
        if (!settle()) return { kind: "refused" };
        const sits = this.#seats.get(accountId)?.has(oldest) ?? false;
        if (sits && alive && policy === "refuse-new") return { kind: "refused" };
        if (sits) this.#rise(accountId, oldest);
        else if (this.taken(accountId) >= sessionsMax) return { kind: "refused" };
        return { kind: "granted", seat: this.#sit(accountId, session) };
      },
      [Symbol.dispose]: () => {
        settle();
      },
    };
  }

  #oldestUnclaimed(accountId: number): Seat<Session> | undefined {
    for (const seat of this.#seats.get(accountId) ?? []) if (!seat.claimed) return seat;
    return undefined;
  }

  #sit(accountId: number, session: Session): Disposable {
    const seat: Seat<Session> = { session, claimed: false };
    const seats = this.#seats.get(accountId);
    if (seats === undefined) this.#seats.set(accountId, new Set([seat]));
    else seats.add(seat);
    return lease(() => this.#rise(accountId, seat));
  }

  /** No effect on a seat that was taken over. */
  #rise(accountId: number, seat: Seat<Session>): void {
    const seats = this.#seats.get(accountId);
    if (seats === undefined || !seats.delete(seat)) return;
    if (seats.size === 0) this.#seats.delete(accountId);
  }
}
