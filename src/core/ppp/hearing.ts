// What a server's PPP frames tell of it, beside what the machines make of them: for whoever has to say
// why there is no session. Reads, answers nothing, and remembers only what it has told already.

import { ppp } from "../../limits.js";
import { CcpOption, decodeMppeOption } from "../../wire/ppp/ccp.js";
import {
  decodeAuthenticationProtocol,
  decodeProtocolReject,
  LcpCode,
  LcpOption,
} from "../../wire/ppp/lcp.js";
import { type ConfigurationOption, decodeOptions } from "../../wire/ppp/options.js";
import { decodePacket, type PppPacket } from "../../wire/ppp/packet.js";
import { Protocol } from "../../wire/ppp/protocols.js";
import type { AuthenticationMethod } from "../access/ports.js";
import type { MppeBits } from "./ports.js";

export type Heard =
  /** The first frame of the call. */
  | { readonly kind: "FrameReceived" }
  /** The first answer to a Configure-Request of ours: what we send gets there. */
  | { readonly kind: "RequestAnswered" }
  /** By which method the server wants to check us, each time it asks for another one. */
  | { readonly kind: "MethodAsked"; readonly method: AuthenticationMethod | "other" | "none" }
  /** The strengths of MPPE the server spoke of last; none when it rejects CCP or MPPE itself. */
  | { readonly kind: "EncryptionOffered"; readonly bits: readonly MppeBits[] };

const NONE: readonly Heard[] = [];

export class Hearing {
  #received = false;
  #answered = false;
  #method: string | undefined;
  #bits: string | undefined;

  handleFrame(protocol: number, information: Uint8Array): readonly Heard[] {
    const first: readonly Heard[] = this.#received ? NONE : [{ kind: "FrameReceived" }];
    this.#received = true;
    if (protocol !== Protocol.lcp && protocol !== Protocol.ccp) return first;
    const packet = decodePacket(information);
    if (!packet.ok) return first;
    const { value } = packet;
    return [...first, ...(protocol === Protocol.lcp ? this.#lcp(value) : this.#ccp(value))];
  }

  #lcp(packet: PppPacket): readonly Heard[] {
    switch (packet.code) {
      case LcpCode.configureRequest:
        return this.#asked(optionsOf(packet));
      case LcpCode.configureAck:
      case LcpCode.configureNak:
      case LcpCode.configureReject:
        if (this.#answered) return NONE;
        this.#answered = true;
        return [{ kind: "RequestAnswered" }];
      case LcpCode.protocolReject: {
        const reject = decodeProtocolReject(packet.data);
        const ccp = reject.ok && reject.value.rejectedProtocol === Protocol.ccp;
        return ccp ? this.#offered([]) : NONE;
      }
      default:
        return NONE;
    }
  }

  #ccp(packet: PppPacket): readonly Heard[] {
    const { code } = packet;
    const mppe = optionsOf(packet)?.find(({ type }) => type === CcpOption.microsoft);
    if (mppe === undefined) return NONE;
    if (code === LcpCode.configureReject) return this.#offered([]);
    if (code !== LcpCode.configureRequest && code !== LcpCode.configureNak) return NONE;
    const decoded = decodeMppeOption(mppe);
    return decoded.ok ? this.#offered(decoded.value.strengths) : NONE;
  }

  #asked(options: readonly ConfigurationOption[] | undefined): readonly Heard[] {
    if (options === undefined) return NONE;
    const option = options.find(({ type }) => type === LcpOption.authenticationProtocol);
    const decoded = option && decodeAuthenticationProtocol(option);
    const method = decoded === undefined ? "none" : methodOf(decoded);
    if (method === this.#method) return NONE;
    this.#method = method;
    return [{ kind: "MethodAsked", method }];
  }

  #offered(bits: readonly MppeBits[]): readonly Heard[] {
    const text = bits.join();
    if (text === this.#bits) return NONE;
    this.#bits = text;
    return [{ kind: "EncryptionOffered", bits }];
  }
}

function optionsOf(packet: PppPacket): readonly ConfigurationOption[] | undefined {
  const options = decodeOptions(packet.data, ppp.optionsMax);
  return options.ok ? options.value : undefined;
}

/** EAP and what nobody knows are "other". */
function methodOf(
  decoded: ReturnType<typeof decodeAuthenticationProtocol>,
): AuthenticationMethod | "other" {
  const known = decoded.ok && decoded.value !== "unknown" && decoded.value !== "eap";
  return known ? decoded.value : "other";
}
