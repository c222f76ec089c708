// RFC 3078 §2: agreeing on MPPE: one strength, one mode, the same in both directions.
import { CcpOption, decodeMppeOption, encodeMppeOption } from "../../wire/ppp/ccp.js";
import type { ConfigurationOption } from "../../wire/ppp/options.js";
import type { Judgement, OptionPolicy } from "./control-protocol.js";
import { judgeEach, type Opinion } from "./judging.js";
import type { MppeBits } from "./ports.js";

export type Mppe = { readonly bits: MppeBits; readonly stateful: boolean };

export type MppeTerms = {
  /** Strongest first, never empty. */
  readonly bits: readonly MppeBits[];
  /** Whether stateful mode may be agreed on. */
  readonly stateful: boolean;
  readonly askStateful: boolean;
};

/**
 * DEVIATION 42: CCP options describe what each end can receive, yet both directions of a session
 * use one strength and one mode here: whatever side settles first binds the other.
 */
export class CcpOptions implements OptionPolicy {
  /** What we ask for: all that is allowed until the peer or its Nak narrows it. */
  #bits: readonly MppeBits[] = [];
  #stateful = false;
  #acked = false;
  /** What the peer asked for last and got acknowledged. */
  #peers: Mppe | undefined;
  #modeNaks = 0;
  #modeInsisted = 0;
  /** The request on the wire, as opposed to the one we would send now. */
  #asked: { readonly bits: readonly MppeBits[]; readonly stateful: boolean } = {
    bits: [],
    stateful: false,
  };

  constructor(readonly terms: MppeTerms) {
    this.restart();
  }

  /** Once both directions are acknowledged. */
  get agreed(): Mppe | undefined {
    return this.#acked ? this.#peers : undefined;
  }

  restart(): void {
    this.#bits = this.terms.bits;
    this.#stateful = this.terms.stateful && this.terms.askStateful;
    this.#acked = false;
    this.#peers = undefined;
    this.#modeNaks = 0;
    this.#modeInsisted = 0;
  }

  request(): readonly ConfigurationOption[] {
    this.#asked = { bits: this.#bits, stateful: this.#stateful };
    return [encodeMppeOption({ stateless: !this.#stateful, strengths: this.#bits })];
  }

  judge(options: readonly ConfigurationOption[]): Judgement {
    return judgeEach(
      options,
      (option) => (option.type === CcpOption.microsoft ? this.#opinion(option) : "reject"),
      (seen) => (seen.has(CcpOption.microsoft) ? [] : [this.#exactly(this.#best([]))]),
    );
  }

  accept(options: readonly ConfigurationOption[]): void {
    const option = options.find(({ type }) => type === CcpOption.microsoft);
    const mppe = option === undefined ? undefined : decodeMppeOption(option);
    const bits = mppe?.ok ? mppe.value.strengths[0] : undefined;
    if (bits === undefined || !mppe?.ok) return;
    this.#peers = { bits, stateful: !mppe.value.stateless };
    this.#bits = [bits];
    this.#stateful = this.#peers.stateful;
    // What was asked for meanwhile may differ: `acked` then asks again.
  }

  acked(): boolean {
    const asked = this.#asked;
    // RFC 3078 §2: exactly one strength is agreed on; an Ack of several settles nothing.
    if (asked.bits.length !== 1) {
      this.#bits = asked.bits.slice(0, 1);
      return false;
    }
    const peers = this.#peers;
    if (peers !== undefined) {
      if (asked.bits[0] !== peers.bits || asked.stateful !== peers.stateful) return false;
    }
    this.#acked = true;
    return true;
  }

  naked(options: readonly ConfigurationOption[]): boolean {
    const option = options.find(({ type }) => type === CcpOption.microsoft);
    if (option === undefined) return true;
    const mppe = decodeMppeOption(option);
    if (!mppe.ok) return true;
    const bits = this.#bits.find((own) => mppe.value.strengths.includes(own));
    // The peer's suggestion may lie outside what we asked for, yet inside what we allow.
    const allowed = bits ?? this.terms.bits.find((own) => mppe.value.strengths.includes(own));
    if (allowed === undefined) return false;
    this.#bits = [allowed];
    if (!mppe.value.stateless) {
      this.#stateful = this.terms.stateful;
    } else if (this.#stateful && this.#modeInsisted++ > 0) {
      // Asked for twice, refused twice: stateless it is.
      this.#stateful = false;
    }
    return true;
  }

  rejected(): boolean {
    return false;
  }

  #opinion(option: ConfigurationOption): Opinion {
    const mppe = decodeMppeOption(option);
    if (!mppe.ok) return this.#exactly(this.#best([]));
    const { strengths, stateless, others } = mppe.value;
    const bits = this.#best(strengths);
    const exact = strengths.length === 1 && strengths[0] === bits && !others;
    const stateful = this.#mode(!stateless);
    if (exact && stateful === !stateless) return undefined;
    return encodeMppeOption({ stateless: !stateful, strengths: [bits] });
  }

  /** The strongest common one; where there is none, the strongest we would take. */
  #best(offered: readonly MppeBits[]): MppeBits {
    const ours = this.#acked ? this.#bits : this.terms.bits;
    return ours.find((bits) => offered.includes(bits)) ?? ours[0]!;
  }

  /** What we answer to the mode the peer asks for: ours once, the peer's if it insists. */
  #mode(stateful: boolean): boolean {
    if (stateful === this.#stateful) return stateful;
    if (this.#acked || (stateful && !this.terms.stateful)) return this.#stateful;
    return this.#modeNaks++ === 0 ? this.#stateful : stateful;
  }

  #exactly(bits: MppeBits): ConfigurationOption {
    return encodeMppeOption({ stateless: !this.#stateful, strengths: [bits] });
  }
}
