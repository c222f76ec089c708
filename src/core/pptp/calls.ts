// RFC 2637 §3.2: the calls of one control connection: who asks for one, which one a message names, and
// how it ends. Each has a scope of its own inside the connection's that gives its Call ID back.
import type { Instant } from "../../base/instant.js";
import type { Scope } from "../../base/scope.js";
import type { PacCallId, PnsCallId } from "../../wire/pptp/call-id.js";
import { type ControlMessage, layoutOf } from "../../wire/pptp/index.js";
import type { EndCause } from "../access/ports.js";
import { type Deadline, earliest } from "../deadline.js";
import type { Call, CallStep } from "./call.js";
import { incomingCallRefused, PacIncomingCall, PnsIncomingCall } from "./incoming-call.js";
import { outgoingCallRefused, PacOutgoingCall, PnsOutgoingCall } from "./outgoing-call.js";
import type { Outputs } from "./outputs.js";
import type { CallIdLease, CallRefusal, ControlPolicy } from "./ports.js";

type Message<K extends ControlMessage["kind"]> = Extract<ControlMessage, { kind: K }>;
type Refusal = CallRefusal | "bad-value" | "bad-call-id";

export type LeaseCallId = (now: Instant) => CallIdLease | undefined;

export class Calls {
  readonly #entries = new Map<number, { readonly call: Call; readonly scope: Scope }>();
  readonly #policy: ControlPolicy;
  readonly #leaseCallId: LeaseCallId;
  readonly #scope: Scope;
  readonly #outputs: Outputs;
  #serialNumber = 0;

  constructor(policy: ControlPolicy, leaseCallId: LeaseCallId, scope: Scope, outputs: Outputs) {
    this.#policy = policy;
    this.#leaseCallId = leaseCallId;
    this.#scope = scope;
    this.#outputs = outputs;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(callId: number): Call | undefined {
    return this.#entries.get(callId)?.call;
  }

  all(): Call[] {
    return [...this.#entries.values()].map(({ call }) => call);
  }

  get deadline(): Deadline | undefined {
    let next: Deadline | undefined;
    for (const { call } of this.#entries.values()) next = earliest(next, call.deadline);
    return next;
  }

  /** False when a call is stuck, which closes the whole connection (§3.2). */
  handleTimeout(now: Instant): boolean {
    let moving = true;
    for (const call of this.all()) {
      if (call.deadline === undefined || call.deadline.at > now) continue;
      this.#outputs.note(`deadline ${call.machine} ${call.state}`);
      const step = call.handleTimeout();
      if (step.stuck) moving = false;
      else this.#apply(call, step);
    }
    return moving;
  }

  /** We ask as PNS. */
  place(number: string, now: Instant): number | undefined {
    const policy = this.#policy;
    const call = this.#open((callId) => new PnsOutgoingCall(callId, number, policy, now), now);
    if (call !== undefined) this.#outputs.send(call.request(this.#nextSerialNumber()));
    return call?.callId;
  }

  /** We ask as PAC. */
  offer(now: Instant): number | undefined {
    const call = this.#open((callId) => new PacIncomingCall(callId, this.#policy, now), now);
    if (call !== undefined) this.#outputs.send(call.request(this.#nextSerialNumber()));
    return call?.callId;
  }

  /** The peer asks as PNS. */
  askedOutgoing(message: Message<"OutgoingCallRequest">, now: Instant): void {
    const policy = this.#policy;
    const why = this.#barred(policy.takeOutgoingCalls, "PAC", message.callId);
    if (why !== undefined) return this.refuseOutgoing(message.callId, why);
    const call = this.#open((callId) => new PacOutgoingCall(callId, message, policy, now), now);
    if (call === undefined) return this.refuseOutgoing(message.callId, "no-resource");
    this.#outputs.tell({ kind: "CallAsked", terms: call.terms });
  }

  /** The peer asks as PAC. */
  askedIncoming(message: Message<"IncomingCallRequest">, now: Instant): void {
    const policy = this.#policy;
    const why = this.#barred(policy.takeIncomingCalls, "PNS", message.callId);
    if (why !== undefined) return this.refuseIncoming(message.callId, why);
    const call = this.#open((callId) => new PnsIncomingCall(callId, message, policy, now), now);
    if (call === undefined) return this.refuseIncoming(message.callId, "no-resource");
    this.#outputs.tell({ kind: "CallAsked", terms: call.terms });
  }

  refuseOutgoing(peersCallId: PnsCallId, why: Refusal): void {
    this.#outputs.note(`refused OCRQ ${why}`);
    this.#outputs.send(outgoingCallRefused(peersCallId, why));
  }

  refuseIncoming(peersCallId: PacCallId, why: Refusal): void {
    this.#outputs.note(`refused ICRQ ${why}`);
    this.#outputs.send(incomingCallRefused(peersCallId, why));
  }

  /** A message about a call there should be. */
  route(message: ControlMessage, now: Instant): void {
    const { abbreviation } = layoutOf(message.kind);
    const found = this.#find(message);
    // DEVIATION 7: a Call-Clear-Request of no call has no Call ID of ours to be answered with.
    if (found === undefined) return this.#outputs.note(`${abbreviation} of no call`);
    const { call, quirk } = found;
    if (quirk) this.#outputs.note("CDN with our Call ID");
    const before = `${abbreviation} in ${call.machine} ${call.state}`;
    const step = call.handle(message, now);
    if (step.outOfState) this.#outputs.note(before);
    this.#apply(call, step);
  }

  /** A wish of the composer's. One that comes too late is counted. */
  command(callId: number, wish: string, act: (call: Call) => CallStep | undefined): void {
    const call = this.get(callId);
    const step = call && act(call);
    if (call === undefined || step === undefined) return this.#outputs.note(`late ${wish}`);
    this.#apply(call, step);
  }

  /** Ends all. `aloud`: established calls where we are the PAC get their Call-Disconnect-Notify. */
  endAll(why: EndCause, aloud: boolean, now: Instant): void {
    for (const call of this.all()) {
      if (aloud && call.role === "PAC") this.#apply(call, call.clear(why, now));
      else this.#end(call, why);
    }
  }

  #apply(call: Call, step: CallStep): void {
    for (const message of step.send ?? []) this.#outputs.send(message);
    for (const event of step.events ?? []) this.#outputs.tell(event);
    if (step.ended !== undefined) this.#end(call, step.ended);
  }

  #end(call: Call, cause: EndCause): void {
    const { callId } = call;
    const entry = this.#entries.get(callId);
    if (entry === undefined) return;
    this.#entries.delete(callId);
    try {
      entry.scope[Symbol.dispose]();
    } catch {
      // The Ledger keeps it as stuck with its failure, and the daemon retries; the call is over.
      this.#outputs.note("call lease stuck");
    }
    this.#outputs.tell({ kind: "CallEnded", callId, cause });
  }

  /** Undefined at the limit of calls, or when no Call ID is to be had. */
  #open<C extends Call>(make: (callId: number) => C, now: Instant): C | undefined {
    if (this.#entries.size >= this.#policy.callsPerConnectionMax) return undefined;
    if (!this.#scope.open) return undefined;
    const lease = this.#leaseCallId(now);
    if (lease === undefined) return undefined;
    const { callId } = lease;
    const scope = this.#scope.child("call", callId);
    scope.hold("callId", lease, String(callId));
    const call = make(callId);
    this.#entries.set(callId, { call, scope });
    return call;
  }

  #barred(taken: boolean, ourRole: "PAC" | "PNS", peersCallId: number): Refusal | undefined {
    if (!taken) return "not-authorised";
    // DEVIATION 12: Call-Clear-Request and Call-Disconnect-Notify could not tell the two apart.
    return this.#byPeers(ourRole, peersCallId) === undefined ? undefined : "bad-call-id";
  }

  /**
   * Call-Clear-Request carries the PNS's Call ID and Call-Disconnect-Notify the PAC's, each its
   * sender's; all others the receiver's. `quirk` (DEVIATION 8): some PACs put the PNS's there.
   */
  #find(message: ControlMessage): { readonly call: Call; readonly quirk: boolean } | undefined {
    let call: Call | undefined;
    let quirk = false;
    if (message.kind === "CallClearRequest") {
      call = this.#byPeers("PAC", message.callId);
    } else if (message.kind === "CallDisconnectNotify") {
      call = this.#byPeers("PNS", message.callId);
      quirk = call === undefined;
      call ??= this.get(message.callId);
    } else if ("peersCallId" in message) {
      call = this.get(message.peersCallId);
    }
    return call && { call, quirk };
  }

  #byPeers(ourRole: "PAC" | "PNS", peersCallId: number): Call | undefined {
    for (const { call } of this.#entries.values()) {
      if (call.role === ourRole && call.peersCallId === peersCallId) return call;
    }
    return undefined;
  }

  #nextSerialNumber(): number {
    this.#serialNumber = (this.#serialNumber + 1) & 0xffff;
    return this.#serialNumber;
  }
}
