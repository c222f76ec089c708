// RFC 1661 §5.8: LCP Echo, as keep-alive, as question "are you there", and as the way back into a
// lost GRE sequence (THREATS G-10, G-22, G-24).
import { after, type Instant, instant } from "../../base/instant.js";
import { ppp } from "../../limits.js";
import { decodeMagicAndData, encodeMagicAndData, LcpCode } from "../../wire/ppp/lcp.js";
import { sameOctets } from "../../wire/ppp/options.js";
import { encodePacket, PACKET_HEADER_OCTETS, type PppPacket } from "../../wire/ppp/packet.js";
import { Protocol } from "../../wire/ppp/protocols.js";
import { limitsOf, type PppContext } from "./context.js";
import { RateLimit } from "./rate-limit.js";

const MAGIC_OCTETS = 4;
const RANDOM_OCTETS = 8;
/** Requests whose answer is still good news. */
const REMEMBERED = 16;

export type EchoMagic = { readonly ours: number; readonly peers: number };
const NONE: readonly number[] = [];

/** The link, as its echo sees it. */
export interface EchoUser {
  magic(): EchoMagic;
  /** The peer has not answered for too long. */
  echoDead(now: Instant): void;
}

export class Echo {
  #identifier = 0;
  #open = false;
  /** Keep-alives sent since the last answer to anything. */
  #silent = 0;
  #probing = false;
  #unanswered: readonly number[] = NONE;
  /** The last question whose data nobody can guess: our Echo-Request, and its answer. */
  #question: { readonly echoRequest: Uint8Array; readonly echoReply: Uint8Array } | undefined;
  /** Made when first asked. */
  #replies: RateLimit | undefined;
  #resyncs: RateLimit | undefined;

  constructor(
    readonly context: PppContext,
    readonly user: EchoUser,
  ) {}

  /** LCP is Opened. */
  open(now: Instant): void {
    this.#open = true;
    this.#silent = 0;
    this.#unanswered = NONE;
    this.#arm(this.context.policy.echoIntervalMs, now);
  }

  close(): void {
    this.#open = false;
    this.#question = undefined;
    this.context.timers.clear("echo");
    if (this.#probing) this.#answerProbe(false);
  }

  handleRequest(packet: PppPacket, now: Instant): void {
    const { context } = this;
    if (!this.#open) return context.note("before-lcp-opened");
    const body = decodeMagicAndData(packet.data);
    if (!body.ok) return context.note("echo-malformed");
    const { ours } = this.user.magic();
    if (ours !== 0 && body.value.magicNumber === ours) return context.note("echo-looped");
    // Who asks is there: one end's keep-alives are enough, unless its answers are missing.
    if (this.#silent === 0) this.#arm(context.policy.echoIntervalMs, now);
    this.#replies ??= new RateLimit(limitsOf(context).echoRepliesPerSecond);
    if (!this.#replies.take(now)) return context.note("echo-suppressed");
    const room = context.peersMru() - PACKET_HEADER_OCTETS - MAGIC_OCTETS;
    const reply = encodeMagicAndData({
      magicNumber: ours,
      data: body.value.data.subarray(0, room),
    });
    context.send(Protocol.lcp, encodePacket(LcpCode.echoReply, packet.identifier, reply));
  }

  handleReply(packet: PppPacket): void {
    const { context } = this;
    const body = decodeMagicAndData(packet.data);
    if (!body.ok) return context.note("echo-malformed");
    const { ours } = this.user.magic();
    if (ours !== 0 && body.value.magicNumber === ours) return context.note("echo-looped");
    const answers = this.#answersQuestion(packet);
    if (!this.#open || !(answers || this.#unanswered.includes(packet.identifier))) {
      return context.note("echo-unasked");
    }
    this.#silent = 0;
    this.#unanswered = NONE;
    if (this.#probing) this.#answerProbe(true);
    if (!answers) return;
    this.#question = undefined;
    context.proven("link");
  }

  #answersQuestion({ code, identifier, data }: PppPacket): boolean {
    const expected = this.#question?.echoReply;
    return expected !== undefined && sameOctets(encodePacket(code, identifier, data), expected);
  }

  /** Is the peer there? `ProbeAnswered` tells, within `probeMs`. */
  probe(now: Instant): void {
    if (!this.#open) return this.context.emit({ kind: "ProbeAnswered", alive: false });
    this.#probing = true;
    this.context.timers.set("probe", after(now, limitsOf(this.context).probeMs));
    this.#send(new Uint8Array());
  }

  /** The data path lost its place: only who gets this request can answer with its data. */
  resync(now: Instant): void {
    const { context } = this;
    this.#resyncs ??= new RateLimit(limitsOf(context).resyncsPerSecond);
    if (!this.#open || !this.#resyncs.take(now)) return context.note("resync-suppressed");
    this.question(false);
  }

  /**
   * Asks so that only the peer can answer, whatever place in the sequence a forger has taken it to.
   * `again`: the same question, either of whose answers will do.
   */
  question(again: boolean): void {
    if (!again || this.#question === undefined) this.#question = this.#newQuestion();
    const { echoRequest, echoReply } = this.#question;
    // Expected first: the answer must not be able to overtake the question.
    this.context.emit({ kind: "ResyncExpected", echoReply });
    this.context.send(Protocol.lcp, echoRequest);
  }

  #newQuestion(): { readonly echoRequest: Uint8Array; readonly echoReply: Uint8Array } {
    const { ours, peers } = this.user.magic();
    const data = this.context.rng.echoData(RANDOM_OCTETS);
    const identifier = this.#remembered();
    const body = (magicNumber: number) => encodeMagicAndData({ magicNumber, data });
    return {
      echoRequest: encodePacket(LcpCode.echoRequest, identifier, body(ours)),
      echoReply: encodePacket(LcpCode.echoReply, identifier, body(peers)),
    };
  }

  /** The timers `echo` and `probe`. */
  handleTimeout(timer: "echo" | "probe", now: Instant): void {
    if (timer === "probe") return this.#answerProbe(false);
    const { echoFailuresMax, echoIntervalMs } = this.context.policy;
    const most = Math.max(1, echoFailuresMax);
    if (this.#silent >= most) return this.user.echoDead(now);
    // Where an answer is missing, the place in the sequence may be lost: the next answer sets it anew.
    if (this.#silent++ > 0) this.question(true);
    else this.#send(new Uint8Array());
    const last = this.#silent >= most;
    this.#arm(last ? Math.min(echoIntervalMs, ppp.echoLastWaitMs) : echoIntervalMs, now);
  }

  /**
   * A server's are due in steps: those of many sessions go out, and their answers come back, together.
   * Rounded down, so that a peer with the same interval is asked before it asks.
   */
  #arm(ms: number, now: Instant): void {
    const { role, timers } = this.context;
    if (ms <= 0) return;
    const at = after(now, ms);
    const early = role === "authenticator" ? at % ppp.echoStepMs : 0;
    timers.set("echo", instant(at - early));
  }

  #answerProbe(alive: boolean): void {
    this.#probing = false;
    this.context.timers.clear("probe");
    this.context.emit({ kind: "ProbeAnswered", alive });
  }

  #send(data: Uint8Array): void {
    const identifier = this.#remembered();
    const body = encodeMagicAndData({ magicNumber: this.user.magic().ours, data });
    this.context.send(Protocol.lcp, encodePacket(LcpCode.echoRequest, identifier, body));
  }

  /** The next Identifier, whose answer is expected. */
  #remembered(): number {
    this.#identifier = (this.#identifier + 1) & 255;
    this.#unanswered = [...this.#unanswered, this.#identifier].slice(-REMEMBERED);
    return this.#identifier;
  }
}
