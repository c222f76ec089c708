// An honest peer's PPP: MS-CHAPv2, MPPE-128 stateless, an IPv4 address. As small as an ordinary log-in
// needs, and written apart from the server's machines, so that it does not share their mistakes. Frames
// in, frames out; whatever waits for an answer is sent again by `resend`.

import type { Ipv4 } from "../../base/ip.js";
import type { Rng } from "../../base/rng.js";
import { type StartKeys, startKeysMsChapV2 } from "../../crypto/mppe-keys.js";
import { authenticatorResponse, ntPasswordHash, ntResponseV2 } from "../../crypto/ms-chap.js";
import { CcpOption, decodeMppeOption, encodeMppeOption } from "../../wire/ppp/ccp.js";
import {
  ChapCode,
  decodeAuthenticatorResponse,
  decodeMsChapFailure,
  decodeValueAndName,
  encodeMsChapV2Response,
  encodeValueAndName,
} from "../../wire/ppp/chap.js";
import { IpcpOption } from "../../wire/ppp/ipcp.js";
import {
  decodeAuthenticationProtocol,
  encodeAuthenticationProtocol,
  encodeProtocolReject,
  LcpCode,
  LcpOption,
} from "../../wire/ppp/lcp.js";
import {
  type ConfigurationOption,
  decodeOptions,
  encodeOptions,
  optionUint32,
  readUint32,
  uint32At,
} from "../../wire/ppp/options.js";
import { decodePacket, encodePacket, type PppPacket } from "../../wire/ppp/packet.js";
import { Protocol } from "../../wire/ppp/protocols.js";

export type Credentials = { readonly name: string; readonly password: string };
export type OutFrame = { readonly protocol: number; readonly information: Uint8Array };

/** A failure of the password begins so. */
export const LOG_IN_REFUSED = "log-in refused";
const OPTIONS_MAX = 64;
const REJECT_OCTETS_MAX = 200;
const FRAMES_WAITING_MAX = 16;
const MPPE_WANTED = encodeMppeOption({ stateless: true, strengths: [128] });
/** Of the server's LCP options, taken as they come. */
const LCP_TAKEN: readonly number[] = [
  LcpOption.maximumReceiveUnit,
  LcpOption.asyncControlCharacterMap,
  LcpOption.magicNumber,
  LcpOption.protocolFieldCompression,
  LcpOption.addressAndControlFieldCompression,
];

/** One protocol's two halves: what we ask for, and whether each side agreed. */
class Negotiation {
  identifier = 1;
  ours = false;
  theirs = false;

  constructor(
    readonly protocol: number,
    public options: readonly ConfigurationOption[],
  ) {}

  get open(): boolean {
    return this.ours && this.theirs;
  }

  request(): OutFrame {
    const data = encodeOptions(this.options);
    const { protocol, identifier } = this;
    return { protocol, information: encodePacket(LcpCode.configureRequest, identifier, data) };
  }

  /** A Configure-Nak or -Reject: the next request takes what it wants, or leaves the option out. */
  refused(data: Uint8Array, nak: boolean, takes: (type: number) => boolean): void {
    const read = decodeOptions(data, OPTIONS_MAX);
    if (!read.ok) return;
    this.identifier = (this.identifier + 1) & 255;
    const told = new Map(read.value.map((option) => [option.type, option]));
    this.options = this.options.flatMap((option) => {
      const other = told.get(option.type);
      if (other === undefined) return [option];
      return nak && takes(option.type) ? [{ type: other.type, data: other.data.slice() }] : [];
    });
  }
}

export class PppPeer {
  readonly #credentials: Credentials;
  readonly #rng: Rng;
  readonly #lcp: Negotiation;
  readonly #ccp = new Negotiation(Protocol.ccp, [MPPE_WANTED]);
  readonly #ipcp = new Negotiation(Protocol.ipcp, [optionUint32(IpcpOption.ipAddress, 0)]);
  readonly #out: OutFrame[] = [];
  #response:
    | { readonly frame: OutFrame; readonly proof: string; readonly keys: StartKeys }
    | undefined;
  #authenticated = false;
  /** Why there is no session, or no longer. */
  failure: string | undefined;
  keys: StartKeys | undefined;
  peersAddress: Ipv4 = 0;

  constructor(credentials: Credentials, rng: Rng) {
    this.#credentials = credentials;
    this.#rng = rng;
    const magic = optionUint32(LcpOption.magicNumber, rng.magicNumber());
    this.#lcp = new Negotiation(Protocol.lcp, [magic]);
  }

  get up(): boolean {
    return this.failure === undefined && this.#authenticated && this.#ccp.open && this.#ipcp.open;
  }

  get stage(): "establish" | "authenticate" | "network" | "up" {
    if (this.up) return "up";
    if (this.#authenticated) return "network";
    return this.#lcp.open ? "authenticate" : "establish";
  }

  get address(): Ipv4 {
    const [option] = this.#ipcp.options;
    return option === undefined || option.data.length !== 4 ? 0 : uint32At(option.data, 0);
  }

  pollSend(): OutFrame | undefined {
    return this.#out.shift();
  }

  /** What waits for an answer; at the beginning, and then as often as the caller likes. */
  resend(): void {
    if (this.failure !== undefined) return;
    if (!this.#lcp.ours) this.#send(this.#lcp.request());
    else if (!this.#authenticated && this.#response !== undefined) this.#send(this.#response.frame);
    if (!this.#authenticated) return;
    for (const protocol of [this.#ccp, this.#ipcp]) {
      if (!protocol.ours) this.#send(protocol.request());
    }
  }

  /** Takes leave (RFC 1661 §5.5). */
  terminate(): void {
    const information = encodePacket(LcpCode.terminateRequest, 1, new Uint8Array());
    this.#send({ protocol: Protocol.lcp, information });
  }

  handle(protocol: number, information: Uint8Array): void {
    if (this.failure !== undefined) return;
    if (protocol === Protocol.lcp)
      return this.#packet(information, (packet) => this.#onLcp(packet));
    if (protocol === Protocol.chap) {
      return this.#packet(information, (packet) => this.#onChap(packet));
    }
    if (protocol === Protocol.ccp && this.#authenticated) {
      return this.#packet(information, (packet) => this.#onCcp(packet));
    }
    if (protocol === Protocol.ipcp && this.#authenticated) {
      return this.#packet(information, (packet) => this.#onIpcp(packet));
    }
    if (protocol === Protocol.ccp || protocol === Protocol.ipcp) return;
    if ((protocol & 0x8000) === 0 || !this.#lcp.open) return;
    const reject = { rejectedProtocol: protocol, rejectedInformation: information };
    this.#reply(
      Protocol.lcp,
      LcpCode.protocolReject,
      1,
      encodeProtocolReject(reject, REJECT_OCTETS_MAX),
    );
  }

  #packet(information: Uint8Array, take: (packet: PppPacket) => void): void {
    const packet = decodePacket(information);
    if (packet.ok) take(packet.value);
  }

  #onLcp(packet: PppPacket): void {
    const { code, identifier, data } = packet;
    if (code === LcpCode.echoRequest && data.length >= 4) {
      const magic = this.#lcp.options[0]?.data ?? new Uint8Array(4);
      const octets = new Uint8Array(data);
      octets.set(magic, 0);
      return this.#reply(Protocol.lcp, LcpCode.echoReply, identifier, octets);
    }
    if (code === LcpCode.terminateRequest) {
      this.#reply(Protocol.lcp, LcpCode.terminateAck, identifier, data);
      this.failure = "terminated by the server";
      return;
    }
    this.#negotiate(this.#lcp, packet, {
      takes: () => false,
      nak: (option) => {
        if (option.type !== LcpOption.authenticationProtocol) return undefined;
        const read = decodeAuthenticationProtocol(option);
        const fits = read.ok && read.value === "ms-chap-v2";
        return fits ? undefined : encodeAuthenticationProtocol("ms-chap-v2");
      },
      known: (type) => type === LcpOption.authenticationProtocol || LCP_TAKEN.includes(type),
    });
  }

  #onChap({ code, identifier, data }: PppPacket): void {
    if (code === ChapCode.challenge) return this.#answer(identifier, data);
    const response = this.#response;
    if (response === undefined || this.#authenticated) return;
    if (code === ChapCode.success) {
      const proof = decodeAuthenticatorResponse(data);
      if (!proof.ok || proof.value !== response.proof) {
        this.failure = "the server did not prove that it knows the password";
        return;
      }
      this.#authenticated = true;
      this.keys = response.keys;
      this.resend();
    } else if (code === ChapCode.failure) {
      this.failure = `${LOG_IN_REFUSED} (${decodeMsChapFailure(data).code ?? "no code"})`;
    }
  }

  #answer(identifier: number, data: Uint8Array): void {
    const challenge = decodeValueAndName(data);
    if (!challenge.ok || challenge.value.value.length !== 16 || !this.#lcp.open) return;
    const { name, password } = this.#credentials;
    const theirs = challenge.value.value.slice();
    const ours = this.#rng.challenge(16);
    const ntHash = ntPasswordHash(password);
    const ntResponse = ntResponseV2(theirs, ours, name, ntHash);
    const value = encodeMsChapV2Response({ peerChallenge: ours, ntResponse });
    const body = encodeValueAndName({ value, name: new TextEncoder().encode(name) });
    const information = encodePacket(ChapCode.response, identifier, body);
    this.#response = {
      frame: { protocol: Protocol.chap, information },
      proof: authenticatorResponse(ntHash, ntResponse, ours, theirs, name),
      keys: startKeysMsChapV2(ntHash, ntResponse, "client").bits128,
    };
    ntHash.fill(0);
    this.#send(this.#response.frame);
  }

  #onCcp(packet: PppPacket): void {
    this.#negotiate(this.#ccp, packet, {
      takes: () => false,
      nak: (option) => {
        const read = decodeMppeOption(option);
        const one = read.ok && read.value.strengths.length === 1 && read.value.strengths[0] === 128;
        return one && read.value.stateless && !read.value.others ? undefined : MPPE_WANTED;
      },
      known: (type) => type === CcpOption.microsoft,
    });
    if (this.#ccp.options.length === 0) this.failure = "encryption refused";
  }

  #onIpcp(packet: PppPacket): void {
    this.#negotiate(this.#ipcp, packet, {
      takes: (type) => type === IpcpOption.ipAddress,
      nak: (option) => {
        const address = readUint32(option);
        if (address.ok) this.peersAddress = address.value;
        return undefined;
      },
      known: (type) => type === IpcpOption.ipAddress,
    });
  }

  /** RFC 1661 §4.3 as far as it goes: the reply to a request, and what a reply to ours changes. */
  #negotiate(
    negotiation: Negotiation,
    { code, identifier, data }: PppPacket,
    rules: {
      readonly takes: (type: number) => boolean;
      readonly nak: (option: ConfigurationOption) => ConfigurationOption | undefined;
      readonly known: (type: number) => boolean;
    },
  ): void {
    const { protocol } = negotiation;
    if (code === LcpCode.configureRequest) {
      const options = decodeOptions(data, OPTIONS_MAX);
      if (!options.ok) return;
      const unknown = options.value.filter(({ type }) => !rules.known(type));
      const naks = options.value.flatMap((option) => rules.nak(option) ?? []);
      if (unknown.length > 0) {
        return this.#reply(protocol, LcpCode.configureReject, identifier, encodeOptions(unknown));
      }
      if (naks.length > 0) {
        return this.#reply(protocol, LcpCode.configureNak, identifier, encodeOptions(naks));
      }
      negotiation.theirs = true;
      return this.#reply(protocol, LcpCode.configureAck, identifier, data);
    }
    if (identifier !== negotiation.identifier || negotiation.ours) return;
    if (code === LcpCode.configureAck) negotiation.ours = true;
    else if (code === LcpCode.configureNak || code === LcpCode.configureReject) {
      negotiation.refused(data, code === LcpCode.configureNak, rules.takes);
      this.#send(negotiation.request());
    }
  }

  #reply(protocol: number, code: number, identifier: number, data: Uint8Array): void {
    this.#send({ protocol, information: encodePacket(code, identifier, data) });
  }

  #send(frame: OutFrame): void {
    if (this.#out.length < FRAMES_WAITING_MAX) this.#out.push(frame);
  }
}
