// RFC 3078 §2: which MPPE strengths a server takes, after a log-in: one Configure-Request for each,
// and its answer. The server's own request is never acknowledged, so that CCP never opens. Packets in,
// packets out.
import { ppp } from "../../limits.js";
import { CcpOption, decodeMppeOption, encodeMppeOption } from "../../wire/ppp/ccp.js";
import { LcpCode } from "../../wire/ppp/lcp.js";
import { decodeOptions, encodeOptions } from "../../wire/ppp/options.js";
import { encodePacket, type PppPacket } from "../../wire/ppp/packet.js";
import type { Strength, StrengthAsked } from "./facts.js";

/** Stateful mode is asked for with the strength that most servers have. */
const asked: readonly StrengthAsked[] = [
  { bits: 128, stateless: true },
  { bits: 56, stateless: true },
  { bits: 40, stateless: true },
  { bits: 128, stateless: false },
];

export class StrengthWalk {
  readonly #answers: Strength[] = [];
  #identifier = 1;
  #insisted = false;

  get done(): boolean {
    return this.#answers.length === asked.length;
  }

  get result(): readonly Strength[] {
    return asked.map(
      (one, at) => this.#answers[at] ?? { ...one, answer: "unanswered", instead: [] },
    );
  }

  /** The Configure-Request that waits for its answer: the same until it has one. */
  request(): Uint8Array | undefined {
    const strength = asked[this.#answers.length];
    if (strength === undefined) return undefined;
    const { bits, stateless } = strength;
    const option = encodeMppeOption({ stateless, strengths: [bits] });
    return encodePacket(LcpCode.configureRequest, this.#identifier, encodeOptions([option]));
  }

  /** True when it was the answer: there may be a next request. */
  handle({ code, identifier, data }: PppPacket): boolean {
    const strength = asked[this.#answers.length];
    if (strength === undefined || identifier !== this.#identifier) return false;
    if (code === LcpCode.configureAck) {
      this.#answers.push({ ...strength, answer: "accepted", instead: [] });
    } else if (code === LcpCode.configureNak && !strength.stateless && !this.#insisted) {
      // Some, ours among them, take stateful mode from whoever asks for it twice.
      this.#insisted = true;
    } else if (code === LcpCode.configureNak || code === LcpCode.configureReject) {
      const instead = code === LcpCode.configureNak ? offers(data) : [];
      this.#answers.push({ ...strength, answer: "refused", instead });
    } else return false;
    this.#identifier++;
    return true;
  }
}

function offers(data: Uint8Array): readonly StrengthAsked[] {
  const options = decodeOptions(data, ppp.optionsMax);
  const option = options.ok && options.value.find(({ type }) => type === CcpOption.microsoft);
  const mppe = option ? decodeMppeOption(option) : undefined;
  if (mppe?.ok !== true) return [];
  const { strengths, stateless } = mppe.value;
  return strengths.map((bits) => ({ bits, stateless }));
}
