// One call's life on top of its control connection: flow in the data path, PPP, account, addresses.
// Composes RFC 2637 §1.4's call with RFC 1661's phases; ends in one place whichever way it ends.
import { after, type Instant } from "../base/instant.js";
import { never } from "../base/invariant.js";
import { formatIpv4, formatIpv6, type Ipv4, type Ipv6 } from "../base/ip.js";
import { wipe } from "../base/lease.js";
import { printable } from "../base/printable.js";
import type { Rng } from "../base/rng.js";
import type { Scope } from "../base/scope.js";
import { session as bounds, worker } from "../limits.js";
import type { FlowCounters, FlowRef, PlaneCommand } from "../wire/worker-link.js";
import type { AccountTerms, EndCause, Rate, Verdict } from "./access/ports.js";
import { type Deadline, earliest } from "./deadline.js";
import { isPlaneOutput, planeCommand, type SessionOutput } from "./plane-outputs.js";
import type { AddressTerms, PppOutput } from "./ppp/ports.js";
import { PppSession } from "./ppp/session.js";
import type { CallTerms } from "./pptp/ports.js";
import type { OwnRate } from "./rates.js";
import type {
  AddressAnswer,
  ConnectionId,
  Profile,
  ServerEvent,
  SessionId,
  SessionInfo,
} from "./server-ports.js";
import { SessionHistory } from "./session-history.js";
import { SessionLimits } from "./session-limits.js";

const noCounters: FlowCounters = {
  receivedPackets: 0,
  receivedOctets: 0,
  sentPackets: 0,
  sentOctets: 0,
  dropped: 0,
  overRateUp: 0,
  overRateDown: 0,
  lost: 0,
  reordered: 0,
  roundTripMs: 0,
  idleMs: 0,
};

const noRate: Rate = { upBitsPerSecond: 0, downBitsPerSecond: 0 };
/** The same strings for every session. */
const encryptionNames = {
  40: { stateful: "MPPE-40 stateful", stateless: "MPPE-40 stateless" },
  56: { stateful: "MPPE-56 stateful", stateless: "MPPE-56 stateless" },
  128: { stateful: "MPPE-128 stateful", stateless: "MPPE-128 stateless" },
} as const;

/** What a session asks of the server that composes it; all of it only queues. */
export interface SessionSurroundings {
  plane(command: PlaneCommand): void;
  event(event: ServerEvent): void;
  noted(reason: string): void;
  /** The control connection is told that the call is over (CDN or CCR), unless it said so itself. */
  clearCall(session: CallSession, cause: EndCause): void;
  /** Its account is known, or known anew. */
  authenticated(session: CallSession): void;
  /** A seat under the account's limit; answered by `seated`, at once or after a probe. */
  seatAsked(session: CallSession, account: AccountTerms): void;
  probed(session: CallSession, alive: boolean): void;
}

export type SessionOrigin = {
  readonly connection: ConnectionId;
  readonly localAddress: Ipv4;
  readonly peerAddress: Ipv4;
  readonly peersHostName: string;
  readonly peersVendorString: string;
  readonly profile: Profile;
};

export class CallSession {
  #state: "installing" | "open" | "removing" | "ended" = "installing";
  #ppp: PppSession | undefined;
  #account: AccountTerms | undefined;
  /** What a good verdict said; the account's once the session has taken the verdict in time. */
  #proven: AccountTerms | undefined;
  #name: string | undefined;
  #method: SessionInfo["method"];
  #encryption: string = "none";
  #cause: EndCause | undefined;
  #counters = noCounters;
  #upAt: Instant | undefined;
  /** Generations of what the session asked for and has no answer to. */
  #pendingVerdict: number | undefined;
  #pendingAddresses: number | undefined;
  #seat: "none" | "asked" | "granted" = "none";
  /** What the account was given: the same again when the peer negotiates anew. */
  #addresses: AddressTerms | undefined;
  #keys: Disposable | undefined;
  #ipv6Prefix: Ipv6 | undefined;
  #linkInfo: SessionInfo["linkInfo"];
  #wanErrors: SessionInfo["wanErrors"];
  /** In force, and its user's bucket in the data path; rates.ts sets them. */
  rate: Rate = noRate;
  bucket: number | undefined;
  #place: Disposable | undefined;
  /** Its lines in one string, which is a fifth of what they take each by itself. */
  #dialogue = "";
  readonly #limits: SessionLimits;
  #history: SessionHistory | undefined;
  /** Until then the data path is waited for. */
  #removedBy: Instant | undefined;

  constructor(
    readonly id: SessionId,
    readonly terms: CallTerms,
    readonly origin: SessionOrigin,
    readonly flow: FlowRef,
    readonly scope: Scope,
    readonly around: SessionSurroundings,
    readonly rng: Rng,
    interimMs: number,
    readonly calledAt: Instant,
  ) {
    this.#limits = new SessionLimits(interimMs);
    around.plane({
      kind: "Install",
      flow,
      localAddress: origin.localAddress,
      peerAddress: origin.peerAddress,
      callId: terms.callId,
      peersCallId: terms.peersCallId,
      peersWindow: terms.peersWindow,
      peersProcessingDelay: terms.peersProcessingDelay,
      end: "gateway",
      encryptionRequired: origin.profile.ppp.encryption.require,
    });
    this.#note(
      calledAt,
      `call from ${printable(origin.peersVendorString)}, window ${terms.peersWindow}`,
    );
  }

  get account(): AccountTerms | undefined {
    return this.#account;
  }

  get ending(): EndCause | undefined {
    return this.#cause;
  }

  /** Not logged in yet: its frames are a stranger's. */
  get isStranger(): boolean {
    return this.#place !== undefined;
  }

  /** As `Connection.stand`. */
  stand(place: Disposable | undefined): void {
    if (this.#place !== undefined) this.scope.release(this.#place);
    this.#place = place && this.scope.hold("strangersPlace", place);
  }

  /** The account's own rate is another from now on. */
  amend(rate: OwnRate): void {
    if (this.#account !== undefined) this.#account = { ...this.#account, ...rate };
  }

  /** Nothing of it is left: the server forgets it. */
  get over(): boolean {
    return this.#state === "ended";
  }

  /** The data path has the flow: PPP may begin. */
  installed(now: Instant): void {
    if (this.#state !== "installing") return;
    this.#state = "open";
    this.#ppp = new PppSession({
      role: "authenticator",
      policy: this.origin.profile.ppp,
      rng: this.rng,
      now,
    });
    this.#ppp.start(now);
    this.#drain(now);
  }

  handleFrame(protocol: number, information: Uint8Array, now: Instant): void {
    this.#ppp?.handleFrame(protocol, information, now);
    this.#drain(now);
  }

  handleVerdict(generation: number, verdict: Verdict, now: Instant): void {
    if (this.#ppp === undefined || generation !== this.#pendingVerdict) {
      return this.around.noted("verdict-late");
    }
    this.#pendingVerdict = undefined;
    if (verdict.ok) {
      // Seat, addresses and accounting are one account's.
      if (this.#account !== undefined && this.#account.accountId !== verdict.account.accountId) {
        this.around.noted("account-switched");
        return this.terminate("authentication-failed", now);
      }
      this.#proven = verdict.account;
    }
    this.#ppp.handleVerdict(generation, verdict, now);
    this.#drain(now);
  }

  /** The seat was granted or refused (the answer to `seatAsked`). */
  seated(granted: boolean, now: Instant): void {
    this.#seat = granted ? "granted" : "none";
    if (!granted) return this.terminate("session-limit", now);
    this.#askAddress();
  }

  #askAddress(): void {
    const generation = this.#pendingAddresses;
    if (generation === undefined || this.#account === undefined) return;
    this.around.event({
      kind: "AddressAsked",
      session: this.id,
      generation,
      account: this.#account,
      ipv6: this.origin.profile.ppp.ipv6,
    });
  }

  handleAddress(generation: number, answer: AddressAnswer, now: Instant): void {
    const late =
      this.#ppp === undefined || this.#cause !== undefined || generation !== this.#pendingAddresses;
    if (late) {
      this.around.noted("address-answer-late");
      if (answer.ok) {
        answer.ipv4?.lease[Symbol.dispose]();
        answer.ipv6?.lease[Symbol.dispose]();
      }
      return;
    }
    this.#pendingAddresses = undefined;
    if (!answer.ok) {
      this.#note(now, `no address: ${answer.why}`);
      return this.terminate("address-unavailable", now);
    }
    const { ipv4, ipv6 } = answer;
    if (ipv4 !== undefined) this.scope.hold("address", ipv4.lease, formatIpv4(ipv4.peers));
    if (ipv6 !== undefined) this.scope.hold("prefix", ipv6.lease, formatIpv6(ipv6.prefix));
    this.#ipv6Prefix = ipv6?.prefix;
    this.#addresses = {
      ipv4,
      ipv6: ipv6 && {
        ours: this.rng.interfaceIdentifier(),
        peers: this.rng.interfaceIdentifier(),
      },
    };
    this.#ppp!.handleAddresses(generation, this.#addresses, now);
    this.#drain(now);
  }

  /** Asked again after LCP or authentication began anew: seat and leases are still this session's. */
  #askAddresses(generation: number, now: Instant): void {
    if (this.#account === undefined) return this.terminate("internal-error", now);
    this.#pendingAddresses = generation;
    if (this.#addresses !== undefined) {
      this.#pendingAddresses = undefined;
      return this.#ppp?.handleAddresses(generation, this.#addresses, now);
    }
    if (this.#seat === "granted") return this.#askAddress();
    if (this.#seat === "asked") return;
    this.#seat = "asked";
    this.around.seatAsked(this, this.#account);
  }

  handleCounters(counters: FlowCounters, now: Instant): void {
    this.#history = SessionHistory.counted(this.#history, this.#counters, counters, now);
    this.#counters = counters;
    const reached = this.#limits.counted(counters, this.#account ?? {}, now);
    if (reached !== undefined) this.terminate(reached, now);
  }

  handleResyncNeeded(now: Instant): void {
    this.#ppp?.handleResyncNeeded(now);
    this.#drain(now);
  }

  handleDataProven(now: Instant): void {
    this.#ppp?.proven("data");
    this.#drain(now);
  }

  handleKeysLost(now: Instant): void {
    this.#ppp?.handleKeysLost(now);
    this.#drain(now);
  }

  handleResetNeeded(now: Instant): void {
    this.#ppp?.handleResetNeeded(now);
    this.#drain(now);
  }

  handleLinkInfo(sendAccm: number, receiveAccm: number): void {
    this.#linkInfo = { sendAccm, receiveAccm };
  }

  handleWanErrors(errors: Readonly<Record<string, number>>): void {
    this.#wanErrors = errors;
  }

  /** Asks the peer whether it is alive; `probed` tells. */
  probe(now: Instant): void {
    if (this.#ppp === undefined) return this.around.probed(this, false);
    this.#ppp.probe(now);
    this.#drain(now);
  }

  /** Ends in order: LCP Terminate first, where LCP got that far. */
  terminate(cause: EndCause, now: Instant): void {
    if (this.#cause !== undefined) return;
    if (this.#ppp === undefined) return this.end(cause, now, "tell");
    this.#ppp.terminate(cause, now);
    this.#drain(now);
  }

  /** Ends at once. `tell`: the control connection still has to say so; `told`: it did. */
  end(cause: EndCause, now: Instant, control: "tell" | "told"): void {
    if (this.#cause !== undefined) return;
    this.#cause = this.#ppp?.abort(cause) ?? cause;
    this.#ppp = undefined;
    this.#note(now, `ended: ${this.#cause}`);
    this.#state = "removing";
    this.#limits.clear();
    this.#removedBy = after(now, worker.removedMs);
    this.scope.returning("data path removes the flow");
    this.around.plane({ kind: "Remove", flow: this.flow });
    if (control === "tell") this.around.clearCall(this, this.#cause);
  }

  /** The flow is out of the data path (or its worker is gone): the last of everything goes back. */
  removed(counters: FlowCounters | undefined, now: Instant): void {
    if (this.#state === "ended") return;
    if (this.#cause === undefined) this.end("worker-lost", now, "tell");
    this.#state = "ended";
    this.#counters = counters ?? this.#counters;
    this.#removedBy = undefined;
    try {
      this.scope[Symbol.dispose]();
    } catch {
      // Stays in the ledger as stuck, with its failure, until a retry succeeds.
      this.around.noted("lease-stuck");
    }
    this.around.event({ kind: "SessionEnded", info: this.info(), cause: this.#cause! });
  }

  handleTimeout(now: Instant): void {
    if (this.#removedBy !== undefined && this.#removedBy <= now) {
      this.around.noted("flow-removal-late");
      return this.removed(undefined, now);
    }
    for (let due = this.#limits.takeDue(now); due !== undefined; due = this.#limits.takeDue(now)) {
      if (due !== "interim") this.terminate(due, now);
      else this.around.event({ kind: "SessionInterim", info: this.info() });
    }
    this.#ppp?.handleTimeout(now);
    this.#drain(now);
  }

  pollTimeout(): Deadline | undefined {
    const removal = this.#removedBy && { at: this.#removedBy, why: "session removed" };
    return earliest(removal, earliest(this.#ppp?.pollTimeout(), this.#limits.next));
  }

  info(): SessionInfo {
    const { connection, localAddress, peerAddress, peersHostName, peersVendorString } = this.origin;
    return {
      session: this.id,
      connection,
      localAddress,
      peerAddress,
      callId: this.terms.callId,
      peersCallId: this.terms.peersCallId,
      profile: this.origin.profile.name,
      user: this.#account?.name ?? this.#name,
      account: this.#account,
      method: this.#method,
      encryption: this.#encryption,
      framedAddress: this.#addresses?.ipv4?.peers,
      framedPrefix: this.#ipv6Prefix,
      routes: this.#account?.routes ?? [],
      calledAt: this.calledAt,
      upAt: this.#upAt,
      counters: this.#counters,
      history: this.#history,
      rate: this.rate,
      peersHostName,
      peersVendorString,
      ppp: this.#ppp?.snapshot(),
      ending: this.#cause,
      dialogue: this.#dialogue.split("\n"),
      linkInfo: this.#linkInfo,
      wanErrors: this.#wanErrors,
    };
  }

  #drain(now: Instant): void {
    for (
      let output = this.#ppp?.pollOutput();
      output !== undefined;
      output = this.#ppp?.pollOutput()
    ) {
      this.#handleOutput(output, now);
    }
  }

  #handleOutput(output: PppOutput, now: Instant): void {
    if (!isPlaneOutput(output)) return this.#handleSessionOutput(output, now);
    const command = planeCommand(output, {
      flow: this.flow,
      mru: this.origin.profile.ppp.mru,
      mtu: this.origin.profile.ppp.mtu,
      end: "gateway",
      routes: this.#account?.routes ?? [],
      prefix: this.#ipv6Prefix,
    });
    if (command !== undefined) this.around.plane(command);
    switch (output.kind) {
      case "LinkUp":
        return this.#note(now, `LCP open, peer's MRU ${output.peersMru}`);
      case "EncryptionUp": {
        const { bits, stateful, sendStart, receiveStart } = output.keys;
        this.#dropKeys();
        const keys = wipe(sendStart, receiveStart);
        this.#keys = this.scope.hold("key", keys, `MPPE-${bits}`);
        this.#encryption = encryptionNames[bits][stateful ? "stateful" : "stateless"];
        return this.#note(now, `encryption: ${this.#encryption}`);
      }
      case "EncryptionDown":
        this.#encryption = "none";
        return this.#dropKeys();
      case "Ipv4Up":
      case "Ipv6Up":
        return this.#up(now);
      default:
        return;
    }
  }

  #dropKeys(): void {
    if (this.#keys !== undefined) this.scope.release(this.#keys);
    this.#keys = undefined;
  }

  #handleSessionOutput(output: SessionOutput, now: Instant): void {
    const { around } = this;
    switch (output.kind) {
      case "AuthenticationAsked":
        this.#name = output.name;
        this.#pendingVerdict = output.generation;
        return around.event({
          ...output,
          session: this.id,
          peerAddress: this.origin.peerAddress,
          profile: this.origin.profile.name,
        });
      case "Authenticated":
        this.#name = output.name;
        this.#method = output.method;
        this.#account = this.#proven;
        this.#note(now, `authenticated as ${printable(output.name)} by ${output.method}`);
        return around.authenticated(this);
      case "AuthenticationRefused":
        this.#note(now, `refused ${printable(output.name)} (${output.method}, ${output.code})`);
        return around.event({ ...output, kind: "LoginRefused", info: this.info() });
      case "AddressesAsked":
        return this.#askAddresses(output.generation, now);
      case "ProbeAnswered":
        return around.probed(this, output.alive);
      case "Noted":
        return around.noted(output.reason);
      case "Ended":
        return this.end(output.cause, now, "tell");
      default:
        never(output);
    }
  }

  #up(now: Instant): void {
    if (this.#upAt !== undefined) return;
    this.#upAt = now;
    this.#note(now, "network open");
    this.#limits.begin(this.#account ?? {}, now);
    this.around.event({ kind: "SessionUp", info: this.info() });
  }

  #note(now: Instant, line: string): void {
    const lines = this.#dialogue === "" ? [] : this.#dialogue.split("\n");
    if (lines.length >= bounds.dialogueLinesMax) lines.splice(1, 1);
    lines.push(`+${((now - this.calledAt) / 1_000).toFixed(3)} s ${line}`);
    this.#dialogue = lines.join("\n");
  }
}
