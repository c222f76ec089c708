// RFC 1661 §3: one PPP session through its phases, in either role: establish, authenticate, network,
// terminate. Composes LCP, authentication and the network phase; outputs are queued, never re-enter.
import { after, type Instant } from "../../base/instant.js";
import { never } from "../../base/invariant.js";
import type { Rng } from "../../base/rng.js";
import { access, ppp } from "../../limits.js";
import { encodeFrame } from "../../wire/ppp/frame.js";
import { LcpCode } from "../../wire/ppp/lcp.js";
import { decodePacket, type PppPacket } from "../../wire/ppp/packet.js";
import { DEFAULT_MRU, Protocol } from "../../wire/ppp/protocols.js";
import type {
  AuthenticationMethod,
  EndCause,
  FailureCode,
  MppeStartKeys,
  Proof,
  Verdict,
} from "../access/ports.js";
import type { Deadline } from "../deadline.js";
import { Timers } from "../timers.js";
import { Allowed } from "./allowed.js";
import type { Authentication, AuthenticationUser } from "./authentication.js";
import type { Mppe } from "./ccp.js";
import { limitsOf, type Note, type PppContext } from "./context.js";
import { Doubt, type DoubtUser, type Sign } from "./doubt.js";
import type { LcpTerms } from "./lcp.js";
import { Link, type LinkUser } from "./link.js";
import { authenticationOf } from "./methods.js";
import { NetworkPhase, type NetworkUser } from "./network.js";
import { OutputQueue } from "./outputs.js";
import type {
  AddressTerms,
  PppCredentials,
  PppOutput,
  PppPolicy,
  PppRole,
  PppSnapshot,
} from "./ports.js";
import type { RateLimit } from "./rate-limit.js";
import { copyKeys, dropWeaker, type OwnKeys, wipeKeys } from "./start-keys.js";
import { atLeast, networkTerms } from "./strength.js";
import type { TimerName } from "./timers.js";

export type PppSessionTerms = {
  readonly role: PppRole;
  readonly policy: PppPolicy;
  readonly rng: Rng;
  /** Peer role only. */
  readonly credentials?: PppCredentials;
  readonly now: Instant;
};

/** Its parts see it by their own interfaces: one object instead of many closures a session. */
export class PppSession
  implements PppContext, LinkUser, AuthenticationUser, NetworkUser, DoubtUser
{
  readonly policy: PppPolicy;
  readonly role: PppRole;
  readonly rng: Rng;
  readonly timers = new Timers<TimerName>();
  readonly #outputs = new OutputQueue();
  readonly #link: Link;
  readonly #doubt = new Doubt(this);
  #phase: PppSnapshot["phase"] = "dead";
  #started = false;
  #ended = false;
  #linkUp = false;
  #cause: EndCause | undefined;
  #credentials: PppCredentials | undefined;
  #authentication: Authentication | undefined;
  #authenticated: { method: AuthenticationMethod; name: string } | undefined;
  #keys: OwnKeys | undefined;
  #network: NetworkPhase | undefined;
  /** What was agreed on before bounds what may be agreed on again (T-29). */
  #methodFloor: AuthenticationMethod | undefined;
  #mppeFloor: Mppe | undefined;
  /** Packets of negotiation in this phase (G-15). */
  #packets = 0;
  #generation = 0;
  #verdictAsked: number | undefined;
  #addressesAsked: number | undefined;
  readonly #allowed = new Allowed();

  constructor({ role, policy, rng, credentials }: PppSessionTerms) {
    this.role = role;
    this.policy = policy;
    this.rng = rng;
    this.#credentials = credentials;
    this.#link = new Link(this, this);
  }

  /** The lower layer is up: LCP begins. */
  start(now: Instant): void {
    if (this.#started || this.#ended) return;
    this.#started = true;
    this.#enter("establish", now);
    this.#link.start(now);
  }

  /** One frame from the peer, header already read. */
  handleFrame(protocol: number, information: Uint8Array, now: Instant): void {
    if (!this.#started || this.#ended) return;
    if (information.length > ppp.informationOctetsMax) return this.note("oversized-packet");
    if (protocol === Protocol.lcp) return this.#handleLcp(information, now);
    // RFC 1661 §3.4, §3.7: anything else is silently discarded in these phases.
    if (this.#phase === "establish" || this.#phase === "terminate") {
      return this.note("before-lcp-opened");
    }
    switch (protocol) {
      case Protocol.pap:
      case Protocol.chap:
      case Protocol.eap:
        return this.#handleAuthentication(protocol, information, now);
      case Protocol.ccp:
      case Protocol.ipcp:
      case Protocol.ipv6cp:
        return this.#handleNetwork(protocol, information, now);
      case Protocol.ipv4:
      case Protocol.ipv6:
      case Protocol.compressed:
        // The data path's business; here it is forged or too early, and never ends anything.
        return this.note("data-in-control");
      default:
        this.note("unknown-protocol");
        return this.#link.rejectProtocol(protocol, information, now);
    }
  }

  /** The answer to `AuthenticationAsked`. */
  handleVerdict(generation: number, verdict: Verdict, now: Instant): void {
    if (this.#verdictAsked !== generation) return this.note("stale-verdict");
    this.#verdictAsked = undefined;
    this.timers.clear("verdict");
    this.#authentication?.handleVerdict(verdict, now);
  }

  /** The answer to `AddressesAsked`; undefined where there are none. */
  handleAddresses(generation: number, terms: AddressTerms | undefined, now: Instant): void {
    if (this.#addressesAsked !== generation) return this.note("stale-addresses");
    this.#addressesAsked = undefined;
    this.#network?.handleAddresses(terms, now);
  }

  /** The data path lost its place in the GRE sequence (G-10). */
  handleResyncNeeded(now: Instant): void {
    if (!this.#ended) this.#link.echo.resync(now);
  }

  /** More MPPE packets may be missing than the coherency count can tell. */
  handleKeysLost(now: Instant): void {
    if (this.#network?.mppe === undefined) return;
    if (!this.#allowed.keyLoss(now)) return this.terminate("negotiation-limit", now);
    this.#network.handleKeysLost(now);
  }

  /** Stateful MPPE lost its place. */
  handleResetNeeded(now: Instant): void {
    this.#network?.handleResetNeeded(now);
  }

  /** Asks the peer whether it is there; `ProbeAnswered` tells. */
  probe(now: Instant): void {
    if (!this.#ended) this.#link.echo.probe(now);
  }

  /** Ends in order: LCP Terminate-Request, then `Ended`. The first cause stays. */
  terminate(cause: EndCause, now: Instant): void {
    if (this.#ended || this.#phase === "terminate") return;
    this.#cause = cause;
    if (!this.#started) return this.#end(cause);
    this.#enter("terminate", now);
    this.timers.clear("phase");
    this.#link.close(now);
    if (this.role === "peer" && !this.#ended) this.timers.set("phase", after(now, ppp.farewellMs));
  }

  /** Ends at once; says why: an end under way stays, ours or the peer's (RFC 1661 §4.2: Stopping). */
  abort(cause: EndCause): EndCause {
    const stopping =
      this.#doubt.endsLink || (this.#phase === "terminate" && this.#link.state === "Stopping");
    this.#cause ??= stopping ? "peer-terminated" : cause;
    this.#end(this.#cause);
    return this.#cause;
  }

  handleTimeout(now: Instant): void {
    for (let due = this.timers.due(now); due !== undefined; due = this.timers.due(now)) {
      this.#handleTimer(due, now);
    }
  }

  pollOutput(): PppOutput | undefined {
    return this.#outputs.shift();
  }

  pollTimeout(): Deadline | undefined {
    return this.timers.next();
  }

  snapshot(): PppSnapshot {
    const network = this.#network;
    return {
      phase: this.#phase,
      lcp: this.#link.state,
      ccp: network?.stateOf(Protocol.ccp) ?? "Initial",
      ipcp: network?.stateOf(Protocol.ipcp) ?? "Initial",
      ipv6cp: network?.stateOf(Protocol.ipv6cp) ?? "Initial",
      authentication: this.#authenticated?.method,
      name: this.#authenticated?.name,
      encryption: network?.mppe,
      peersMru: this.#peersMru,
      peersIdentification: this.#link.identification,
    };
  }

  get #peersMru(): number {
    return this.#linkUp ? this.#link.options.peers.mru : DEFAULT_MRU;
  }

  // PppContext: what its parts share.

  emit(output: PppOutput): void {
    if (!this.#ended) this.#outputs.push(output);
  }

  note(reason: Note): void {
    this.emit({ kind: "Noted", reason });
  }

  send(protocol: number, information: Uint8Array): void {
    this.emit({ kind: "Send", frame: encodeFrame(protocol, information) });
  }

  get rejects(): RateLimit {
    return this.#allowed.rejects(limitsOf(this).rejectsPerSecond);
  }

  peersMru(): number {
    return Math.min(this.policy.mtu, this.#peersMru);
  }

  doubts(protocol: number, packet: PppPacket, now: Instant): boolean {
    // Before the network phase there is nothing that shows who a peer is.
    if (this.#network === undefined || this.role !== "authenticator") return false;
    const restarts = packet.code === LcpCode.configureRequest && protocol !== Protocol.lcp;
    // Two ends may need a second request to settle on terms.
    if (restarts && this.timers.at("phase") !== undefined) return false;
    return this.#doubt.holds(protocol, packet, now);
  }

  mayRenegotiate(protocol: number, now: Instant): boolean {
    return this.#allowed.renegotiation(protocol, limitsOf(this).renegotiationsPerHourMax, now);
  }

  proven(sign: Sign): void {
    this.#doubt.proven(sign);
  }

  /** DoubtUser. */
  question(again: boolean): void {
    this.#link.echo.question(again);
    this.#network?.question();
  }

  #enter(phase: PppSnapshot["phase"], now: Instant): void {
    this.#phase = phase;
    this.#restartPhase(now);
  }

  #restartPhase(now: Instant): void {
    this.#packets = 0;
    this.timers.set("phase", after(now, limitsOf(this).phaseDeadlineMs));
  }

  /** Counts only while something is being negotiated: a settled session has its own bounds. */
  #overBudget(now: Instant): boolean {
    const { packetsPerPhaseMax } = limitsOf(this);
    if (this.timers.at("phase") === undefined || ++this.#packets <= packetsPerPhaseMax)
      return false;
    this.note("packets-per-phase");
    this.terminate("negotiation-limit", now);
    return true;
  }

  #handleLcp(information: Uint8Array, now: Instant): void {
    const packet = this.#decode(information);
    if (packet === undefined) return;
    if (packet.code <= LcpCode.codeReject && this.#overBudget(now)) return;
    this.#link.handle(packet, now);
  }

  #handleAuthentication(protocol: number, information: Uint8Array, now: Instant): void {
    // T-12: only what LCP agreed on is ever parsed.
    if (this.#authentication?.protocol !== protocol) {
      this.note("protocol-not-agreed");
      return this.#link.rejectProtocol(protocol, information, now);
    }
    const packet = this.#decode(information);
    if (packet === undefined) return;
    if (this.#phase === "authenticate" && this.#overBudget(now)) return;
    this.#authentication.handle(packet, now);
  }

  #handleNetwork(protocol: number, information: Uint8Array, now: Instant): void {
    if (this.#network === undefined) return this.note("before-network-phase");
    const packet = this.#decode(information);
    if (packet === undefined || this.#overBudget(now)) return;
    if (this.#network.handle(protocol, packet, now)) return;
    this.note("protocol-not-agreed");
    this.#link.rejectProtocol(protocol, information, now);
  }

  #decode(information: Uint8Array): PppPacket | undefined {
    const packet = decodePacket(information);
    if (packet.ok) return packet.value;
    this.note("malformed-packet");
    return undefined;
  }

  #handleTimer(timer: TimerName, now: Instant): void {
    switch (timer) {
      case "lcp-restart":
        return this.#link.handleTimeout(now);
      case "ccp-restart":
      case "ipcp-restart":
      case "ipv6cp-restart":
      case "reset":
        return this.#network?.handleTimeout(timer, now);
      case "authentication-restart":
        return this.#authentication?.handleTimeout(now);
      case "verdict":
        this.#verdictAsked = undefined;
        this.note("authentication-unavailable");
        return this.#authentication?.handleVerdict({ ok: false, code: "unavailable" }, now);
      case "phase":
        // DEVIATION 54: Call-Clear-Request tells it, over TCP.
        if (this.#phase === "terminate") return this.#end(this.#cause ?? "internal-error");
        if (this.#phase === "network") return this.#network?.handleDeadline(now);
        this.note("phase-timeout");
        return this.terminate("phase-timeout", now);
      case "doubt":
        return this.#doubt.handleTimeout(now, ({ protocol, packet }) => {
          if (protocol === Protocol.lcp) this.#link.handle(packet, now);
          else this.#network?.handle(protocol, packet, now);
        });
      case "echo":
      case "probe":
        return this.#link.echo.handleTimeout(timer, now);
      default:
        never(timer);
    }
  }

  // LinkUser.

  lcpTerms(): LcpTerms {
    return {
      role: this.role,
      mru: this.policy.mru,
      methods: atLeast(this.#methodFloor, this.policy.authentication),
      rng: this.rng,
      note: (reason) => this.note(reason),
    };
  }

  linkFinished(cause: EndCause): void {
    this.#end(this.#cause ?? cause);
  }

  linkFailed(now: Instant): void {
    const { failure } = this.#link.options;
    const known = failure === "loopback" || failure === "server-not-proven";
    this.terminate(known ? failure : "lcp-failed", now);
  }

  linkDead(now: Instant): void {
    // DEVIATION 44: told, in case it only cannot speak; not waited for.
    this.terminate("echo-timeout", now);
    this.abort("echo-timeout");
  }

  isOpened(protocol: number): boolean {
    return this.#network?.stateOf(protocol) === "Opened";
  }

  protocolRejected(protocol: number, now: Instant): void {
    if (this.#authentication?.protocol === protocol && this.#phase === "authenticate") {
      return this.terminate("authentication-failed", now);
    }
    this.#network?.protocolRejected(protocol, now);
  }

  linkUp(now: Instant): void {
    const { peers, authentication: method } = this.#link.options;
    const { mru, acfc, pfc } = peers;
    this.#linkUp = true;
    this.emit({ kind: "LinkUp", peersMru: mru, acfc, pfc });
    if (method === undefined) {
      // A peer that is willing to go unauthenticated said so by an empty list.
      if (this.role === "authenticator") return this.terminate("lcp-failed", now);
      return this.#enterNetwork(now);
    }
    this.#enter("authenticate", now);
    this.#authentication = authenticationOf(method, this, this, this.#credentials);
    if (this.#authentication === undefined) return this.terminate("authentication-failed", now);
    this.#authentication.start(now);
  }

  linkDown(now: Instant): void {
    this.#doubt.clear();
    this.#leaveNetwork();
    const ending = this.#link.state === "Closing" || this.#link.state === "Stopping";
    if (!ending) return this.#enter("establish", now);
    this.#phase = "terminate";
    this.timers.clear("phase");
  }

  /** Everything above LCP is taken down, the innermost first. */
  #leaveNetwork(): void {
    this.#network?.end();
    this.#network = undefined;
    this.#authentication?.end();
    this.#authentication = undefined;
    this.#authenticated = undefined;
    this.#verdictAsked = undefined;
    this.#addressesAsked = undefined;
    this.timers.clear("verdict");
    wipeKeys(this.#keys);
    this.#keys = undefined;
    if (this.#linkUp) this.emit({ kind: "LinkDown" });
    this.#linkUp = false;
  }

  // AuthenticationUser.

  askVerdict(name: string, proof: Proof, now: Instant): void {
    this.#verdictAsked = ++this.#generation;
    this.timers.set("verdict", after(now, access.backendDeadlineMs));
    this.emit({ kind: "AuthenticationAsked", generation: this.#generation, name, proof });
  }

  authenticated(name: string, keys: MppeStartKeys | undefined, now: Instant): void {
    const { method } = this.#authentication!;
    this.#authenticated = { method, name };
    this.#methodFloor = method;
    // DEVIATION 48: the first authentication since LCP opened; a later challenge changes nothing.
    this.#keys = keys && copyKeys(keys);
    this.emit({ kind: "Authenticated", method, name });
    this.#enterNetwork(now);
  }

  refused(name: string, code: FailureCode, now: Instant): void {
    this.emit({ kind: "AuthenticationRefused", method: this.#authentication!.method, name, code });
    this.#restartPhase(now);
  }

  #enterNetwork(now: Instant): void {
    this.#enter("network", now);
    const terms = networkTerms(this.policy.encryption, this.#keys, this.#mppeFloor);
    this.#network = new NetworkPhase(this, terms, this);
    this.#network.start(now);
  }

  // NetworkUser.

  askAddresses(): void {
    this.#addressesAsked = ++this.#generation;
    this.emit({ kind: "AddressesAsked", generation: this.#generation });
  }

  settled(): void {
    this.timers.clear("phase");
  }

  unsettled(now: Instant): void {
    if (this.timers.at("phase") === undefined) this.#restartPhase(now);
  }

  encrypted(mppe: Mppe): void {
    this.#mppeFloor = mppe;
    // Never weaker again (T-29), so the weaker keys have no use left.
    if (mppe.bits === 128 && this.#keys !== undefined) dropWeaker(this.#keys);
  }

  #end(cause: EndCause): void {
    if (this.#ended) return;
    this.#cause = cause;
    this.#link.echo.close();
    this.#leaveNetwork();
    this.timers.clearAll();
    this.#credentials = undefined;
    this.#phase = "dead";
    this.emit({ kind: "Ended", cause });
    this.#ended = true;
  }
}
