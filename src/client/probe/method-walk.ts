// RFC 1661 §5.3, §6.2: which authentication methods a server takes, without a log-in: its Configure-
// Request is answered by a Configure-Nak that suggests another method, until each had its turn. Our
// own end never asks for anything, so that LCP never opens. Packets in, packets out.
import { ppp } from "../../limits.js";
import { decodeAuthenticationProtocol, LcpCode, LcpOption } from "../../wire/ppp/lcp.js";
import {
  type ConfigurationOption,
  decodeOptions,
  encodeOptions,
  readUint16,
} from "../../wire/ppp/options.js";
import { encodePacket, type PppPacket } from "../../wire/ppp/packet.js";
import { type Method, type Methods, methods } from "./facts.js";

const OPTION_DATA: Readonly<Record<Method, readonly number[]>> = {
  pap: [0xc0, 0x23],
  "chap-md5": [0xc2, 0x23, 0x05],
  "ms-chap-v1": [0xc2, 0x23, 0x80],
  "ms-chap-v2": [0xc2, 0x23, 0x81],
  eap: [0xc2, 0x27],
};

export class MethodWalk {
  readonly #offered = new Set<Method>();
  readonly #refused = new Set<Method>();
  #none = false;
  #mru: number | undefined;
  /** Suggested in this call, not settled. */
  #suggested: Method | undefined;
  #answered: { readonly identifier: number; readonly reply: Uint8Array } | undefined;
  #requests = 0;
  #over = false;

  get result(): Methods {
    return {
      offered: methods.filter((one) => this.#offered.has(one)),
      refused: methods.filter((one) => this.#refused.has(one)),
      unknown: this.#left,
      none: this.#none,
    };
  }

  /** As the server's first Configure-Request had it. */
  get mru(): number | undefined {
    return this.#mru;
  }

  /** Nothing more to learn in this call. */
  get callOver(): boolean {
    return this.#over || this.done;
  }

  get done(): boolean {
    return this.#none || this.#left.length === 0;
  }

  /** Another call: what was settled stays. */
  nextCall(): void {
    this.#suggested = undefined;
    this.#answered = undefined;
    this.#requests = 0;
    this.#over = false;
  }

  /** The server fell silent, or ended the call: it does not take what was suggested last. */
  callEnded(): void {
    if (this.#suggested !== undefined) this.#refused.add(this.#suggested);
    this.#suggested = undefined;
    this.#over = true;
  }

  /** One LCP packet of the server's; what is to be sent for it. */
  handle({ code, identifier, data }: PppPacket): Uint8Array | undefined {
    if (code === LcpCode.terminateRequest) {
      this.callEnded();
      return encodePacket(LcpCode.terminateAck, identifier, new Uint8Array());
    }
    if (code !== LcpCode.configureRequest || this.callOver) return undefined;
    // A repetition, which crossed our answer on the way: the same answer.
    if (this.#answered?.identifier === identifier) return this.#answered.reply;
    const options = decodeOptions(data, ppp.optionsMax);
    if (!options.ok) return undefined;
    const suggestion = this.#judge(options.value);
    if (suggestion === undefined) return undefined;
    this.#suggested = suggestion;
    const type = LcpOption.authenticationProtocol;
    const option = { type, data: Uint8Array.from(OPTION_DATA[suggestion]) };
    const reply = encodePacket(LcpCode.configureNak, identifier, encodeOptions([option]));
    this.#answered = { identifier, reply };
    return reply;
  }

  get #left(): readonly Method[] {
    return methods.filter((one) => !this.#offered.has(one) && !this.#refused.has(one));
  }

  /** What to suggest next, if there is anything. */
  #judge(options: readonly ConfigurationOption[]): Method | undefined {
    const first = this.#requests++ === 0;
    const mru = options.find(({ type }) => type === LcpOption.maximumReceiveUnit);
    const value = mru === undefined ? undefined : readUint16(mru);
    if (value?.ok === true) this.#mru ??= value.value;
    const asked = options.find(({ type }) => type === LcpOption.authenticationProtocol);
    if (asked === undefined) {
      // Only unasked is it a will of its own: after a Nak it means that there is nothing left.
      if (first) this.#none = true;
      this.callEnded();
      return undefined;
    }
    const method = methodOf(asked);
    if (method !== undefined) this.#offered.add(method);
    if (this.#suggested !== undefined && method !== this.#suggested) {
      this.#refused.add(this.#suggested);
    }
    this.#suggested = undefined;
    return this.#left[0];
  }
}

function methodOf(option: ConfigurationOption): Method | undefined {
  const read = decodeAuthenticationProtocol(option);
  return read.ok && read.value !== "unknown" ? read.value : undefined;
}
