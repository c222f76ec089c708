// RFC 1962, RFC 3078: CCP as a layer: MPPE up and down, resets of its stateful mode.
import { after, type Instant } from "../../base/instant.js";
import { ppp } from "../../limits.js";
import { CcpCode } from "../../wire/ppp/ccp.js";
import { encodePacket, type PppPacket } from "../../wire/ppp/packet.js";
import { Protocol } from "../../wire/ppp/protocols.js";
import type { MppeStartKeys } from "../access/ports.js";
import type { State } from "./automaton.js";
import { CcpOptions, type Mppe, type MppeTerms } from "./ccp.js";
import { limitsOf, type PppContext } from "./context.js";
import { ControlProtocol, type Layer } from "./control-protocol.js";
import type { MppeKeys } from "./ports.js";
import { RateLimit } from "./rate-limit.js";

export interface EncryptionUser {
  encryptionUp(mppe: Mppe, now: Instant): void;
  encryptionDown(now: Instant): void;
  /** CCP will not open (again) by itself. */
  encryptionFailed(now: Instant): void;
}

export class Encryption implements Layer {
  readonly #options: CcpOptions;
  readonly #automaton: ControlProtocol;
  #up: Mppe | undefined;
  #resetIdentifier = 0;
  /** Times the outstanding Reset-Request was sent; undefined when none is. */
  #resetSends: number | undefined;
  /** One that only asks whether the peer has its keys. */
  #questionIdentifier: number | undefined;
  /** Made when first asked. */
  #resetAcks: RateLimit | undefined;

  constructor(
    readonly context: PppContext,
    terms: MppeTerms,
    /** Borrowed: whoever made them wipes them. */
    readonly keys: MppeStartKeys,
    readonly user: EncryptionUser,
  ) {
    this.#options = new CcpOptions(terms);
    this.#automaton = new ControlProtocol(
      Protocol.ccp,
      "ccp-restart",
      context,
      this.#options,
      this,
    );
  }

  get state(): State {
    return this.#automaton.state;
  }

  get mppe(): Mppe | undefined {
    return this.#up;
  }

  start(now: Instant): void {
    this.#automaton.start(now);
  }

  close(now: Instant): void {
    this.#automaton.close(now);
  }

  handle(packet: PppPacket, now: Instant): void {
    if (this.#automaton.handle(packet, now)) {
      // The peer ends it: no need to wait until it has got our Terminate-Ack.
      if (this.#automaton.state === "Stopping") this.user.encryptionFailed(now);
      return;
    }
    if (packet.code === CcpCode.resetRequest) return this.#handleResetRequest(packet, now);
    if (packet.code === CcpCode.resetAck) return this.#handleResetAck(packet);
    this.#automaton.unknownCode(packet, now);
  }

  protocolRejected(now: Instant): void {
    this.#automaton.protocolRejected(now);
    this.user.encryptionFailed(now);
  }

  /** Too much is missing for the keys to be found again. */
  renegotiate(now: Instant): void {
    if (this.#up !== undefined) this.#automaton.renegotiate(now);
  }

  /** Stateful mode lost its place (RFC 3078 §5): one Reset-Request, repeated with back-off. */
  requestReset(now: Instant): void {
    if (this.#up?.stateful !== true) return this.context.note("reset-unasked");
    if (this.#resetSends !== undefined) return;
    this.#resetSends = 0;
    this.#resetIdentifier = (this.#resetIdentifier + 1) & 255;
    this.#sendResetRequest(now);
  }

  /**
   * DEVIATION 53: an end whose CCP is Opened acknowledges a reset, one that negotiates anew does not.
   * Where there is nothing to reset it does no more.
   */
  question(): void {
    if (this.#up === undefined || this.#up.stateful) return;
    this.#resetIdentifier = (this.#resetIdentifier + 1) & 255;
    this.#questionIdentifier = this.#resetIdentifier;
    this.#sendReset();
  }

  handleTimeout(timer: "ccp-restart" | "reset", now: Instant): void {
    if (timer === "ccp-restart") return this.#automaton.handleTimeout(now);
    if (this.#resetSends === undefined) return;
    if (this.#resetSends < ppp.resetTriesMax) return this.#sendResetRequest(now);
    // MPPE finds its place again without a Reset-Ack (RFC 3078 §5), or the data path asks anew.
    this.#resetSends = undefined;
  }

  end(): void {
    this.context.timers.clear("ccp-restart");
    this.#down();
  }

  opening(): void {
    const mppe = this.#options.agreed;
    const pair = mppe?.bits === 128 ? this.keys.bits128 : this.keys.bits64;
    if (mppe === undefined || pair === undefined) return;
    this.#up = mppe;
    const keys: MppeKeys = {
      ...mppe,
      sendStart: pair.send.slice(),
      receiveStart: pair.receive.slice(),
    };
    this.context.emit({ kind: "EncryptionUp", keys });
  }

  up(now: Instant): void {
    if (this.#up === undefined) return this.user.encryptionFailed(now);
    this.user.encryptionUp(this.#up, now);
  }

  down(now: Instant): void {
    this.#down();
    this.user.encryptionDown(now);
  }

  finished(_why: unknown, now: Instant): void {
    this.user.encryptionFailed(now);
  }

  failed(now: Instant): void {
    this.user.encryptionFailed(now);
  }

  #down(): void {
    this.#resetSends = undefined;
    this.#questionIdentifier = undefined;
    this.context.timers.clear("reset");
    if (this.#up === undefined) return;
    this.#up = undefined;
    this.context.emit({ kind: "EncryptionDown" });
  }

  #handleResetRequest(packet: PppPacket, now: Instant): void {
    const { context } = this;
    if (this.#up === undefined) return context.note("reset-unasked");
    this.#resetAcks ??= new RateLimit(limitsOf(context).resetAcksPerSecond);
    if (!this.#resetAcks.take(now)) return context.note("reset-suppressed");
    // Flushed first: the Ack says that what follows starts afresh (RFC 1962 §3.1).
    if (this.#up.stateful) context.emit({ kind: "FlushNeeded", side: "send" });
    context.send(Protocol.ccp, encodePacket(CcpCode.resetAck, packet.identifier, new Uint8Array()));
  }

  #handleResetAck(packet: PppPacket): void {
    if (packet.identifier === this.#questionIdentifier) {
      this.#questionIdentifier = undefined;
      return this.context.proven("data");
    }
    if (this.#resetSends === undefined || packet.identifier !== this.#resetIdentifier) {
      return this.context.note("reset-unasked");
    }
    this.#resetSends = undefined;
    this.context.timers.clear("reset");
    this.context.emit({ kind: "FlushNeeded", side: "receive" });
  }

  #sendResetRequest(now: Instant): void {
    const sends = this.#resetSends ?? 0;
    this.#resetSends = sends + 1;
    this.context.timers.set("reset", after(now, ppp.resetRetryMs * 2 ** sends));
    this.#sendReset();
  }

  #sendReset(): void {
    const packet = encodePacket(CcpCode.resetRequest, this.#resetIdentifier, new Uint8Array());
    this.context.send(Protocol.ccp, packet);
  }
}
