// What a PPTP server tells, one look after the other: a start, calls for the authentication methods,
// one connection of ill-formed messages, one log-in if asked for. All bounded, all given back.
import type { Ipv4 } from "../../base/ip.js";
import { formatIpv4 } from "../../base/ip.js";
import type { Scope } from "../../base/scope.js";
import type { PppCredentials } from "../../core/ppp/ports.js";
import { probe as bounds } from "../../limits.js";
import { monotonicNow } from "../../os/clock.js";
import { systemRng } from "../../os/entropy.js";
import { isOsError, type OsError } from "../../os/errors.js";
import { decodePacket } from "../../wire/ppp/packet.js";
import { Protocol } from "../../wire/ppp/protocols.js";
import { conformance } from "./conformance.js";
import { ControlLine } from "./control-line.js";
import type { Call, Encryption, Facts, Lcp, NotSeen } from "./facts.js";
import { logIn } from "./log-in.js";
import { MethodWalk } from "./method-walk.js";
import { GreLine, type PppLine } from "./ppp-line.js";
import { placeCall, start } from "./talk.js";

export type SurveyTerms = {
  readonly name: string;
  readonly server: Ipv4;
  readonly port: number;
  readonly credentials: PppCredentials | undefined;
  readonly scope: Scope;
};

type Placed = { readonly control: ControlLine; readonly ppp: PppLine; readonly call: Call };

/** An OsError only where there is no TCP connection at all. */
export async function survey(terms: SurveyTerms): Promise<Facts | OsError> {
  return new Survey(terms).run();
}

class Survey {
  readonly #terms: SurveyTerms;
  readonly #rng = systemRng();
  readonly #walk = new MethodWalk();
  readonly #callIds: number[] = [];
  #call: Call | undefined;
  #lcp: Lcp | undefined;
  #gre: GreLine | OsError | undefined;

  constructor(terms: SurveyTerms) {
    this.#terms = terms;
  }

  async run(): Promise<Facts | OsError> {
    const { name, server, port } = this.#terms;
    const first = await this.#open();
    if (isOsError(first)) return first;
    const started = await start(first);
    const about = typeof started === "string" ? undefined : started;
    const cases = about?.resultCode === 1 ? await conformance(first) : [];
    await this.#leave(first);
    const known = about?.resultCode === 1 ? await this.#methods() : "no-start";
    return {
      server: name,
      address: formatIpv4(server),
      port,
      connectMs: Math.round(first.connectMs),
      start: about,
      startFailure: typeof started === "string" ? started : undefined,
      call: this.#call,
      callIds: this.#callIds,
      lcp: this.#lcp,
      methods: known ?? this.#walk.result,
      encryption: await this.#encryption(known),
      conformance: cases,
      silenceClosedMs: about === undefined ? undefined : await this.#silence(),
    };
  }

  #open(): Promise<ControlLine | OsError> {
    const { server, port, scope } = this.#terms;
    return ControlLine.open(server, port, scope);
  }

  async #leave(line: ControlLine): Promise<void> {
    await line.stop();
    this.#terms.scope.release(line);
  }

  /** The last: some servers close a connection that says nothing when another one comes. */
  async #silence(): Promise<number | undefined> {
    const line = await this.#open();
    if (isOsError(line)) return undefined;
    const begun = monotonicNow();
    const heard = await line.hear(bounds.silenceMs);
    this.#terms.scope.release(line);
    return heard.kind === "closed" ? Math.round(monotonicNow() - begun) : undefined;
  }

  /** Undefined: the walk's result stands. */
  async #methods(): Promise<NotSeen | undefined> {
    for (let calls = 0; calls < bounds.callsMax && !this.#walk.done; calls++) {
      const placed = await this.#place();
      if (typeof placed === "string") return calls === 0 ? placed : undefined;
      this.#walk.nextCall();
      const heard = await this.#talk(placed.ppp);
      this.#walk.callEnded();
      await this.#leave(placed.control);
      if (!heard) return calls === 0 ? "no-gre" : undefined;
    }
    return undefined;
  }

  /** Again where the server hung up: pptpd does when a connection before is ending meanwhile. */
  async #place(): Promise<Placed | NotSeen> {
    for (let tries = 1; ; tries++) {
      const placed = await this.#placeOnce();
      if (placed !== "hung-up") return placed;
      if (tries === bounds.placeTriesMax) return "no-call";
      await new Promise((resolve) => setTimeout(resolve, bounds.placeAgainMs));
    }
  }

  async #placeOnce(): Promise<Placed | NotSeen | "hung-up"> {
    this.#gre ??= GreLine.open(this.#terms.scope);
    const control = await this.#open();
    if (isOsError(control)) return "no-call";
    const callId = this.#rng.callId();
    const started = await start(control);
    const call = typeof started === "string" ? undefined : await placeCall(control, callId);
    if (call !== undefined) this.#call ??= call;
    if (call?.resultCode !== 1) {
      const hungUp = call === undefined && control.closed;
      await this.#leave(control);
      return hungUp ? "hung-up" : "no-call";
    }
    this.#callIds.push(call.callId);
    if (isOsError(this.#gre)) {
      await this.#leave(control);
      return "no-privilege";
    }
    const { server } = this.#terms;
    const ends = { local: control.localAddress, server, callId, peersCallId: call.callId };
    return { control, call, ppp: this.#gre.call(ends) };
  }

  /** One call's LCP; false when nothing of it came. */
  async #talk(line: PppLine): Promise<boolean> {
    const begun = monotonicNow();
    let patient = this.#lcp === undefined;
    let first: number | undefined;
    for (let frames = 0; frames < bounds.framesPerCallMax; frames++) {
      const frame = await line.next(bounds.lcpMs);
      if (frame === undefined) break;
      if (frame.protocol !== Protocol.lcp) continue;
      const packet = decodePacket(frame.information);
      if (!packet.ok) continue;
      const now = monotonicNow();
      if (first === undefined) {
        first = now;
        this.#lcp ??= { firstMs: Math.round(now - begun), restartMs: undefined, mru: undefined };
        // Left unanswered once: its repetition tells the Restart timer.
        if (patient) continue;
      }
      const reply = this.#walk.handle(packet.value);
      const restartMs = patient ? Math.round(now - first) : this.#lcp?.restartMs;
      patient = false;
      this.#lcp = { firstMs: this.#lcp?.firstMs ?? 0, restartMs, mru: this.#walk.mru };
      if (reply !== undefined) line.send(Protocol.lcp, reply);
      if (this.#walk.callOver) break;
    }
    return first !== undefined;
  }

  async #encryption(known: NotSeen | undefined): Promise<Encryption> {
    const { credentials } = this.#terms;
    if (credentials === undefined) return { seen: false, why: "no-log-in" };
    if (known !== undefined) return { seen: false, why: known };
    if (!this.#walk.result.offered.includes("ms-chap-v2")) {
      return { seen: false, why: "no-ms-chap-v2" };
    }
    const placed = await this.#place();
    if (typeof placed === "string") return { seen: false, why: placed };
    const seen = await logIn(placed.ppp, credentials);
    await this.#leave(placed.control);
    return seen;
  }
}
