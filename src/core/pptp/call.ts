// RFC 2637 §3.2: what the four call machines have in common. The role is the call's, not the
// connection's: who asked by Outgoing-Call-Request is the PNS, by Incoming-Call-Request the PAC.
import { after, type Instant } from "../../base/instant.js";
import { type Bounds, control } from "../../limits.js";
import { DisconnectResult, GeneralError } from "../../wire/pptp/codes.js";
import type { ControlMessage } from "../../wire/pptp/index.js";
import type { EndCause } from "../access/ports.js";
import type { Deadline } from "../deadline.js";
import type { CallRefusal, CallTerms, ControlEvent, ControlPolicy } from "./ports.js";
import { type CallAction, type CallMachine, type CallState, callAction } from "./state-table.js";

/** What an input to a call puts out, in this order. */
export type CallStep = {
  readonly send?: readonly ControlMessage[];
  readonly events?: readonly ControlEvent[];
  /** The call is over: its scope is disposed and CallEnded told. */
  readonly ended?: EndCause;
  /** The message had no place in this state. */
  readonly outOfState?: true;
  /** §3.2: a state not left within a minute closes the whole control connection. */
  readonly stuck?: true;
};

export const NOTHING: CallStep = {};
export const OUT_OF_STATE: CallStep = { outOfState: true };

/** An "any" link: the RFC wants a speed, the tunnel has none. */
export const SPEED_BPS = 100_000_000;

export abstract class Call {
  abstract readonly machine: CallMachine;
  abstract readonly role: "PAC" | "PNS";
  #state: CallState;
  #deadline: Deadline | undefined;
  /** Undefined until the peer told it; may be 0. */
  protected peers: number | undefined;
  protected peersWindow = 0;
  protected peersProcessingDelay = 0;
  protected number = "";

  protected constructor(
    /** Ours. */
    readonly callId: number,
    protected readonly policy: ControlPolicy,
    state: CallState,
  ) {
    this.#state = state;
  }

  abstract handle(message: ControlMessage, now: Instant): CallStep;
  /** The data path has the flow: say yes to the peer. Undefined where nothing was asked. */
  accept(_now: Instant): CallStep | undefined {
    return undefined;
  }
  refuse(_refusal: CallRefusal): CallStep | undefined {
    return undefined;
  }
  /** Set-Link-Info of this call, or undefined where it has no place. */
  linkInfo(): ControlMessage | undefined {
    return undefined;
  }
  /** Ends the call from our side. */
  abstract clear(why: EndCause, now: Instant): CallStep;
  /** Its deadline has come. */
  abstract handleTimeout(): CallStep;

  get state(): CallState {
    return this.#state;
  }

  get deadline(): Deadline | undefined {
    return this.#deadline;
  }

  get peersCallId(): number | undefined {
    return this.peers;
  }

  get terms(): CallTerms {
    return {
      callId: this.callId,
      peersCallId: this.peers ?? 0,
      role: this.role,
      peersWindow: this.peersWindow,
      peersProcessingDelay: this.peersProcessingDelay,
      number: this.number,
    };
  }

  protected get limits(): Bounds<typeof control> {
    return this.policy.limits ?? control;
  }

  protected action(message: ControlMessage): CallAction {
    return callAction(this.machine, this.#state, message.kind);
  }

  protected enter(state: CallState, now?: Instant, ms = 0): void {
    this.#state = state;
    this.#deadline = now === undefined ? undefined : { at: after(now, ms), why: `call ${state}` };
  }

  /** Call-Disconnect-Notify carries the PAC's own Call ID. */
  protected disconnectNotify(why: EndCause): ControlMessage {
    const { resultCode, errorCode } = disconnectCodes(why);
    return {
      kind: "CallDisconnectNotify",
      callId: this.callId as never,
      resultCode,
      errorCode,
      causeCode: 0,
      callStatistics: "",
    };
  }
}

type Codes = { readonly resultCode: number; readonly errorCode: number };

/** §2.13: the Result Code that says `why`. */
export function disconnectCodes(why: EndCause): Codes {
  switch (why) {
    case "call-cleared":
      return { resultCode: DisconnectResult.request, errorCode: GeneralError.none };
    case "administrator":
    case "shutdown":
    case "account-changed":
    case "session-limit":
    case "time-limit":
    case "idle-limit":
    case "octet-limit":
      return { resultCode: DisconnectResult.adminShutdown, errorCode: GeneralError.none };
    case "address-unavailable":
      return { resultCode: DisconnectResult.generalError, errorCode: GeneralError.noResource };
    case "worker-lost":
    case "internal-error":
      return { resultCode: DisconnectResult.generalError, errorCode: GeneralError.pacError };
    default:
      return { resultCode: DisconnectResult.lostCarrier, errorCode: GeneralError.none };
  }
}
