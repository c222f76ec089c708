// RFC 5072 §4.1: Interface-Identifiers: two that differ, neither of them zero.
import {
  decodeInterfaceIdentifier,
  encodeInterfaceIdentifier,
  INTERFACE_IDENTIFIER_OCTETS,
  Ipv6cpOption,
  isZero,
} from "../../wire/ppp/ipv6cp.js";
import { type ConfigurationOption, sameOctets } from "../../wire/ppp/options.js";
import type { Judgement, OptionPolicy } from "./control-protocol.js";
import { judgeEach, type Opinion } from "./judging.js";
import type { PppOutput } from "./ports.js";

export class Ipv6cpOptions implements OptionPolicy {
  #ours: Uint8Array;
  #peers: Uint8Array = new Uint8Array(INTERFACE_IDENTIFIER_OCTETS);

  /**
   * `suggested`: what a peer without an identifier is given. `fresh` makes one that is not zero and
   * has its u-bit 0.
   */
  constructor(
    ours: Uint8Array,
    readonly suggested: Uint8Array | undefined,
    readonly fresh: () => Uint8Array,
  ) {
    this.#ours = ours.slice();
  }

  get ours(): Uint8Array {
    return this.#ours.slice();
  }

  get peers(): Uint8Array {
    return this.#peers.slice();
  }

  announcement(): PppOutput {
    return { kind: "Ipv6Up", ours: this.ours, peers: this.peers };
  }

  restart(): void {
    // Our identifier stays: addresses made from it may be in use.
  }

  request(): readonly ConfigurationOption[] {
    return [encodeInterfaceIdentifier(this.#ours)];
  }

  judge(options: readonly ConfigurationOption[]): Judgement {
    return judgeEach(
      options,
      (option) => this.#opinion(option),
      (seen) => (seen.has(Ipv6cpOption.interfaceIdentifier) ? [] : [this.#suggestion()]),
    );
  }

  accept(options: readonly ConfigurationOption[]): void {
    for (const option of options) {
      const identifier = decodeInterfaceIdentifier(option);
      if (identifier.ok) this.#peers = identifier.value;
    }
  }

  acked(): boolean {
    return true;
  }

  naked(options: readonly ConfigurationOption[]): boolean {
    const option = options.find(({ type }) => type === Ipv6cpOption.interfaceIdentifier);
    const hint = option === undefined ? undefined : decodeInterfaceIdentifier(option);
    if (!hint?.ok) return true;
    // RFC 5072 §4.1: a hint equal to the last one we sent, or useless, gets a new random value.
    const useful = !isZero(hint.value) && !sameOctets(hint.value, this.#ours);
    this.#ours = useful ? hint.value : this.fresh();
    return true;
  }

  rejected(): boolean {
    return false;
  }

  #opinion(option: ConfigurationOption): Opinion {
    if (option.type !== Ipv6cpOption.interfaceIdentifier) return "reject";
    const identifier = decodeInterfaceIdentifier(option);
    if (!identifier.ok || isZero(identifier.value)) return this.#suggestion();
    if (sameOctets(identifier.value, this.#ours)) return this.#suggestion();
    return undefined;
  }

  #suggestion(): ConfigurationOption {
    const { suggested } = this;
    const usable = suggested !== undefined && !sameOctets(suggested, this.#ours);
    return encodeInterfaceIdentifier(usable ? suggested : this.fresh());
  }
}
