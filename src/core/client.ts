// The client core: one control connection that we open, one call as PNS, PPP as the calling peer.
// Inputs in, outputs out, like server.ts.
import { after, type Instant } from "../base/instant.js";
import type { Ipv4, Prefix4 } from "../base/ip.js";
import { wipe } from "../base/lease.js";
import type { Ledger } from "../base/ledger.js";
import { Queue } from "../base/queue.js";
import type { Rng } from "../base/rng.js";
import { Scope } from "../base/scope.js";
import { client as bounds, worker } from "../limits.js";
import type { FlowCounters, FlowRef, PlaneCommand, PlaneEvent } from "../wire/worker-link.js";
import type { CallIdPool } from "./access/call-id-pool.js";
import type { AuthenticationMethod, EndCause } from "./access/ports.js";
import { type Deadline, earliest } from "./deadline.js";
import { isPlaneOutput, planeCommand } from "./plane-outputs.js";
import { type Heard, Hearing } from "./ppp/hearing.js";
import type { PppCredentials, PppOutput, PppPolicy, PppSnapshot } from "./ppp/ports.js";
import { PppSession } from "./ppp/session.js";
import { ControlConnection } from "./pptp/control-connection.js";
import type { CallTerms, ControlEvent, ControlPolicy } from "./pptp/ports.js";

export type ClientOptions = {
  readonly control: Omit<ControlPolicy, "side">;
  readonly ppp: PppPolicy;
  readonly credentials: PppCredentials;
  readonly rng: Rng;
  readonly ledger: Ledger;
  readonly callIds: CallIdPool;
  /** Where this session lives in the data worker. */
  readonly flow: FlowRef;
  readonly localAddress: Ipv4;
  readonly serverAddress: Ipv4;
  /** Prefixes behind us, which the server routes into this session. */
  readonly routes?: readonly Prefix4[];
};

export type ClientEvent =
  | { readonly kind: "Established"; readonly hostName: string; readonly vendorString: string }
  | { readonly kind: "CallUp"; readonly terms: CallTerms }
  | Extract<ControlEvent, { kind: "Told" }>
  | Heard
  /** LCP is Opened. */
  | { readonly kind: "LinkUp" }
  /** MS-CHAP's own code where the server gave one (RFC 2433 §6), else 691. */
  | {
      readonly kind: "AuthenticationRefused";
      readonly method: AuthenticationMethod;
      readonly code: number;
    }
  | { readonly kind: "Authenticated"; readonly method: AuthenticationMethod }
  | { readonly kind: "Encrypted"; readonly bits: number; readonly stateful: boolean }
  | {
      readonly kind: "Ipv4Up";
      readonly ours: Ipv4;
      readonly peers: Ipv4;
      readonly dns: readonly Ipv4[];
      readonly nbns: readonly Ipv4[];
    }
  | { readonly kind: "Ipv6Up"; readonly ours: Uint8Array; readonly peers: Uint8Array }
  | { readonly kind: "ProbeAnswered"; readonly alive: boolean }
  /** The last event: everything is given back. */
  | {
      readonly kind: "Ended";
      readonly cause: EndCause;
      readonly counters: FlowCounters | undefined;
    };

export type ClientTransmission =
  | { readonly kind: "Octets"; readonly octets: Uint8Array }
  | { readonly kind: "Close" };

export type StopFrom = "LCP" | "call" | "control connection";

type Frame = { readonly protocol: number; readonly information: Uint8Array };

export class Client {
  readonly #options: ClientOptions;
  readonly #scope: Scope;
  readonly #control: ControlConnection;
  readonly #plane = new Queue<PlaneCommand>();
  readonly #transmissions = new Queue<ClientTransmission>();
  readonly #events = new Queue<ClientEvent>();
  /** LCP of a server whose first packet overtakes its OCRP. */
  readonly #early: Frame[] = [];
  #terms: CallTerms | undefined;
  #ppp: PppSession | undefined;
  #flow: "none" | "installing" | "installed" | "removing" = "none";
  #callId: number | undefined;
  #counters: FlowCounters | undefined;
  #cause: EndCause | undefined;
  #closed = false;
  #ended = false;
  #keys: Disposable | undefined;
  /** Until the network phase is open. */
  #hearing: Hearing | undefined = new Hearing();
  /** Until then a Configure-Request of ours must have been answered: GRE goes both ways. */
  #answeredBy: Instant | undefined;
  /** Until then the data path is waited for. */
  #removedBy: Instant | undefined;

  constructor(options: ClientOptions, now: Instant) {
    const { control, callIds, rng, ledger, localAddress, serverAddress } = options;
    this.#options = options;
    this.#scope = new Scope("client", ledger);
    this.#control = new ControlConnection({
      policy: { ...control, side: "opened" },
      leaseCallId: () => callIds.lease(localAddress, serverAddress, now, rng),
      localAddress,
      peerAddress: serverAddress,
      scope: this.#scope,
      now,
    });
  }

  /** The TCP connection is open. */
  start(now: Instant): void {
    this.#control.start(now);
    this.#settle(now);
  }

  handleOctets(octets: Uint8Array, now: Instant): void {
    if (this.#closed) return;
    this.#control.handleOctets(octets, now);
    this.#settle(now);
  }

  handleDisconnected(now: Instant): void {
    if (!this.#closed) this.#control.handleClosed(now);
    this.#settle(now);
    this.#end("control-closed", now);
    this.#closed = true;
    this.#finish();
  }

  handlePlane(event: PlaneEvent, now: Instant): void {
    if (!("flow" in event)) return;
    switch (event.kind) {
      case "Installed":
        if (this.#flow === "installing") this.#flow = "installed";
        return this.#settle(now);
      case "Removed":
        this.#counters = event.counters;
        return this.#removed();
      case "InstallRefused":
        this.#flow = "none";
        this.#end("worker-lost", now);
        return this.#settle(now);
      case "Frame":
        for (const heard of this.#hearing?.handleFrame(event.protocol, event.information) ?? []) {
          this.#events.push(heard);
          if (heard.kind === "RequestAnswered") this.#answeredBy = undefined;
        }
        if (this.#ppp !== undefined) this.#ppp.handleFrame(event.protocol, event.information, now);
        else if (this.#cause === undefined && this.#early.length < bounds.earlyFramesMax) {
          this.#early.push(event);
        }
        return this.#settle(now);
      case "ResyncNeeded":
        this.#ppp?.handleResyncNeeded(now);
        return this.#settle(now);
      case "KeysLost":
        this.#ppp?.handleKeysLost(now);
        return this.#settle(now);
      case "ResetNeeded":
        this.#ppp?.handleResetNeeded(now);
        return this.#settle(now);
      default:
        return;
    }
  }

  handleWorkerLost(now: Instant): void {
    this.#flow = "none";
    this.#end("worker-lost", now);
    this.#settle(now);
    this.#removed();
  }

  probe(now: Instant): void {
    this.#ppp?.probe(now);
    this.#settle(now);
  }

  /**
   * Ends in order, beginning where `from` says: LCP Terminate, Call-Clear-Request,
   * Stop-Control-Connection-Request.
   */
  stop(now: Instant, from: StopFrom = "LCP"): void {
    if (this.#ppp !== undefined && from === "LCP") this.#ppp.terminate("shutdown", now);
    else if (this.#terms !== undefined && from === "call") {
      this.#control.clearCall(this.#terms.callId, "shutdown", now);
    } else this.#end("shutdown", now, from !== "control connection");
    this.#settle(now);
  }

  handleTimeout(now: Instant): void {
    this.#control.handleTimeout(now);
    this.#ppp?.handleTimeout(now);
    if (this.#answeredBy !== undefined && this.#answeredBy <= now) this.#end("lcp-timeout", now);
    this.#settle(now);
    if (this.#removedBy !== undefined && this.#removedBy <= now) this.#removed();
  }

  pollTimeout(): Deadline | undefined {
    if (this.#ended) return undefined;
    const control = this.#closed ? undefined : this.#control.pollTimeout();
    const removal = this.#removedBy && { at: this.#removedBy, why: "session removed" };
    const answer = this.#answeredBy && { at: this.#answeredBy, why: "first answer" };
    return earliest(earliest(removal, answer), earliest(control, this.#ppp?.pollTimeout()));
  }

  pollPlane(): PlaneCommand | undefined {
    return this.#plane.shift();
  }

  pollTransmit(): ClientTransmission | undefined {
    return this.#transmissions.shift();
  }

  pollEvent(): ClientEvent | undefined {
    return this.#events.shift();
  }

  get ppp(): PppSnapshot | undefined {
    return this.#ppp?.snapshot();
  }

  #settle(now: Instant): void {
    for (let event = this.#control.pollEvent(); event !== undefined; ) {
      this.#handleControlEvent(event, now);
      event = this.#control.pollEvent();
    }
    for (let output = this.#ppp?.pollOutput(); output !== undefined; ) {
      this.#handleOutput(output, now);
      output = this.#ppp?.pollOutput();
    }
    // Asked for only once the flow is there: the server may speak LCP right behind its OCRP.
    if (!this.#closed && this.#flow !== "installing") this.#transmit();
  }

  #transmit(): void {
    for (let octets = this.#control.pollTransmit(); octets !== undefined; ) {
      this.#transmissions.push({ kind: "Octets", octets });
      octets = this.#control.pollTransmit();
    }
  }

  #handleControlEvent(event: ControlEvent, now: Instant): void {
    switch (event.kind) {
      case "Established": {
        const { hostName, vendorString } = event;
        this.#events.push({ kind: "Established", hostName, vendorString });
        this.#callId = this.#control.placeCall(now);
        if (this.#callId === undefined) return this.#end("refused", now);
        this.#flow = "installing";
        return this.#install(this.#callId, undefined);
      }
      case "CallUp":
        this.#terms = event.terms;
        this.#install(event.terms.callId, event.terms);
        this.#events.push({ kind: "CallUp", terms: event.terms });
        this.#answeredBy = after(now, bounds.firstAnswerMs);
        return this.#startPpp(now);
      case "Told":
        this.#events.push(event);
        return;
      case "CallEnded":
        return this.#end(event.cause, now);
      case "CallAsked":
        return this.#control.refuseCall(event.terms.callId, "not-authorised", now);
      case "Close":
        this.#transmit();
        this.#closed = true;
        this.#transmissions.push({ kind: "Close" });
        this.#end(event.cause, now);
        return this.#finish();
      default:
        return;
    }
  }

  #install(callId: number, terms: CallTerms | undefined): void {
    const { flow, localAddress, serverAddress, ppp } = this.#options;
    this.#plane.push({
      kind: "Install",
      flow,
      localAddress,
      peerAddress: serverAddress,
      callId,
      peersCallId: terms?.peersCallId ?? 0,
      peersWindow: terms?.peersWindow ?? 1,
      peersProcessingDelay: terms?.peersProcessingDelay ?? 0,
      end: "host",
      encryptionRequired: ppp.encryption.require,
    });
  }

  #startPpp(now: Instant): void {
    const { ppp: policy, credentials, rng } = this.#options;
    this.#ppp = new PppSession({ role: "peer", policy, credentials, rng, now });
    this.#ppp.start(now);
    for (const { protocol, information } of this.#early.splice(0)) {
      this.#ppp.handleFrame(protocol, information, now);
    }
  }

  #handleOutput(output: PppOutput, now: Instant): void {
    const { flow, ppp, routes = [] } = this.#options;
    if (isPlaneOutput(output)) {
      const { mru, mtu } = ppp;
      const context = { flow, mru, mtu, end: "host", routes, prefix: undefined } as const;
      const command = planeCommand(output, context);
      if (command !== undefined) this.#plane.push(command);
    }
    switch (output.kind) {
      case "LinkUp":
        this.#events.push({ kind: "LinkUp" });
        return;
      case "AuthenticationRefused":
        this.#events.push({ kind: output.kind, method: output.method, code: output.code });
        return;
      case "Authenticated":
        this.#events.push({ kind: "Authenticated", method: output.method });
        return;
      case "EncryptionUp": {
        const { bits, stateful, sendStart, receiveStart } = output.keys;
        this.#dropKeys();
        this.#keys = this.#scope.hold("key", wipe(sendStart, receiveStart), `MPPE-${bits}`);
        this.#events.push({ kind: "Encrypted", bits, stateful });
        return;
      }
      case "EncryptionDown":
        return this.#dropKeys();
      case "Ipv4Up":
      case "Ipv6Up":
        this.#hearing = undefined;
        this.#events.push(output);
        return;
      case "ProbeAnswered":
        this.#events.push(output);
        return;
      case "Ended":
        return this.#end(output.cause, now);
      default:
        return;
    }
  }

  #dropKeys(): void {
    if (this.#keys !== undefined) this.#scope.release(this.#keys);
    this.#keys = undefined;
  }

  #end(cause: EndCause, now: Instant, clearing = true): void {
    if (this.#cause !== undefined) return;
    this.#cause = this.#ppp?.abort(cause) ?? cause;
    this.#answeredBy = undefined;
    this.#ppp = undefined;
    this.#early.length = 0;
    if (this.#flow === "installing" || this.#flow === "installed") {
      this.#flow = "removing";
      this.#removedBy = after(now, worker.removedMs);
      this.#plane.push({ kind: "Remove", flow: this.#options.flow });
    }
    if (this.#closed) return this.#finish();
    if (this.#terms !== undefined && clearing)
      this.#control.clearCall(this.#terms.callId, this.#cause, now);
    this.#control.stop(this.#cause, now);
  }

  /** The flow is out of the data path, or whoever had to say so never will. */
  #removed(): void {
    this.#flow = "none";
    this.#removedBy = undefined;
    this.#finish();
  }

  #finish(): void {
    if (this.#ended || !this.#closed || this.#flow !== "none" || this.#cause === undefined) return;
    this.#ended = true;
    this.#scope[Symbol.dispose]();
    this.#events.push({ kind: "Ended", cause: this.#cause, counters: this.#counters });
  }
}
