// One real session against a peer written packet by packet: what a well-behaved pair never sends.
import { type Instant, instant } from "../../src/base/instant.js";
import type { AuthenticationMethod } from "../../src/core/access/ports.js";
import type { PppCredentials, PppPolicy, PppRole } from "../../src/core/ppp/ports.js";
import { ntPasswordHash, ntResponseV2 } from "../../src/crypto/ms-chap.js";
import { ppp } from "../../src/limits.js";
import { encodeMppeOption } from "../../src/wire/ppp/ccp.js";
import {
  ChapCode,
  decodeValueAndName,
  encodeMsChapV2Response,
  encodeValueAndName,
} from "../../src/wire/ppp/chap.js";
import { decodeFrame } from "../../src/wire/ppp/frame.js";
import { IpcpOption } from "../../src/wire/ppp/ipcp.js";
import { encodeAuthenticationProtocol, LcpCode, LcpOption } from "../../src/wire/ppp/lcp.js";
import {
  type ConfigurationOption,
  decodeOptions,
  encodeOptions,
  optionUint16,
  optionUint32,
} from "../../src/wire/ppp/options.js";
import { decodePacket, encodePacket, type PppPacket } from "../../src/wire/ppp/packet.js";
import { Protocol } from "../../src/wire/ppp/protocols.js";
import { ADDRESSES, CREDENTIALS, End, verdictOf } from "./pair.js";

export const PEERS_MAGIC = 0x11223344;

export class Scripted {
  readonly end: End;
  /** What the peer logs in with, or what the backend knows. */
  readonly account: PppCredentials;
  now: Instant = instant(0);
  #identifier = 0x40;

  constructor(
    role: PppRole,
    policy: Partial<PppPolicy> = {},
    ...credentials: (PppCredentials | undefined)[]
  ) {
    const [given] = credentials.length === 0 ? [CREDENTIALS] : credentials;
    this.account = given ?? CREDENTIALS;
    this.end = new End(role, policy, 7, role === "peer" ? given : undefined);
    this.end.session.start(this.now);
    this.end.drain();
  }

  /** Everything the session sent since `from` of one protocol, as packets. */
  sent(protocol: number, from = 0): PppPacket[] {
    return this.end.sent
      .slice(from)
      .filter((frame) => frame.protocol === protocol)
      .map(({ information }) => {
        const packet = decodePacket(information);
        if (!packet.ok) throw new Error(`we sent a malformed packet: ${packet.field}`);
        return packet.value;
      });
  }

  last(protocol: number, code?: number): PppPacket {
    const found = this.sent(protocol).findLast(
      (packet) => code === undefined || packet.code === code,
    );
    if (found === undefined) throw new Error(`nothing of ${protocol.toString(16)} was sent`);
    return found;
  }

  options(packet: PppPacket): ConfigurationOption[] {
    const options = decodeOptions(packet.data, 64);
    if (!options.ok) throw new Error(`we sent malformed options: ${options.field}`);
    return options.value;
  }

  frame(octets: Uint8Array): this {
    const frame = decodeFrame(octets);
    if (frame.ok)
      this.end.session.handleFrame(frame.value.protocol, frame.value.information, this.now);
    this.end.drain();
    return this;
  }

  raw(protocol: number, information: Uint8Array): this {
    this.end.session.handleFrame(protocol, information, this.now);
    this.end.drain();
    return this;
  }

  packet(
    protocol: number,
    code: number,
    identifier: number,
    data: Uint8Array = new Uint8Array(),
  ): this {
    return this.raw(protocol, encodePacket(code, identifier, data));
  }

  request(protocol: number, options: readonly ConfigurationOption[], identifier?: number): this {
    this.#identifier = identifier ?? (this.#identifier + 1) & 255;
    return this.packet(
      protocol,
      LcpCode.configureRequest,
      this.#identifier,
      encodeOptions(options),
    );
  }

  /** Acknowledges the session's last Configure-Request. */
  ack(protocol: number): this {
    const { identifier, data } = this.last(protocol, LcpCode.configureRequest);
    return this.packet(protocol, LcpCode.configureAck, identifier, data);
  }

  answer(protocol: number, code: number, options: readonly ConfigurationOption[]): this {
    const { identifier } = this.last(protocol, LcpCode.configureRequest);
    return this.packet(protocol, code, identifier, encodeOptions(options));
  }

  wait(ms: number): this {
    const until = this.now + ms;
    for (let steps = 0; steps < 10_000; steps++) {
      const next = this.end.session.pollTimeout();
      if (next === undefined || next.at > until) break;
      this.now = instant(Math.max(this.now, next.at));
      this.end.session.handleTimeout(this.now);
      this.end.drain();
    }
    this.now = instant(until);
    return this;
  }

  /** The peer is asked whether it said that, and does not answer. */
  doubted(): this {
    return this.wait(ppp.doubtMs);
  }

  openLcp(options?: readonly ConfigurationOption[]): this {
    if (this.end.session.snapshot().lcp === "Opened") return this;
    this.request(Protocol.lcp, options ?? this.peersLcp());
    return this.ack(Protocol.lcp);
  }

  peersLcp(method: AuthenticationMethod = "ms-chap-v2"): ConfigurationOption[] {
    const options = [
      optionUint16(LcpOption.maximumReceiveUnit, 1_400),
      optionUint32(LcpOption.magicNumber, PEERS_MAGIC),
    ];
    return this.end.role === "peer" ? [...options, encodeAuthenticationProtocol(method)] : options;
  }

  /** Authenticator under test: answers its last Challenge as MS-CHAPv2 peer. */
  respond(password = this.account.password, name = this.account.name, identifier?: number): this {
    const challenge = this.last(Protocol.chap, ChapCode.challenge);
    const value = decodeValueAndName(challenge.data);
    if (!value.ok) throw new Error("we sent a malformed Challenge");
    return this.respondTo(value.value.value, identifier ?? challenge.identifier, password, name);
  }

  respondTo(challenge: Uint8Array, identifier: number, password: string, name: string): this {
    const peerChallenge = new Uint8Array(16).fill(0x5a);
    const ntResponse = ntResponseV2(challenge, peerChallenge, name, ntPasswordHash(password));
    const data = encodeValueAndName({
      value: encodeMsChapV2Response({ peerChallenge, ntResponse }),
      name: new TextEncoder().encode(name),
    });
    return this.packet(Protocol.chap, ChapCode.response, identifier, data);
  }

  /** The backend answers what was asked last. */
  verdict(): this {
    const asked = this.end.last("AuthenticationAsked");
    if (asked === undefined) throw new Error("no verdict was asked for");
    const verdict = verdictOf(asked.name, asked.proof, this.account);
    this.end.session.handleVerdict(asked.generation, verdict, this.now);
    this.end.drain();
    return this;
  }

  authenticate(): this {
    return this.openLcp().respond().verdict();
  }

  openCcp(): this {
    this.request(Protocol.ccp, [encodeMppeOption({ stateless: true, strengths: [128] })]);
    return this.ack(Protocol.ccp);
  }

  addresses(terms = ADDRESSES): this {
    const asked = this.end.last("AddressesAsked");
    if (asked === undefined) throw new Error("no addresses were asked for");
    this.end.session.handleAddresses(asked.generation, terms, this.now);
    this.end.drain();
    return this;
  }

  openIpcp(): this {
    this.request(Protocol.ipcp, [optionUint32(IpcpOption.ipAddress, ADDRESSES.ipv4!.peers)]);
    return this.ack(Protocol.ipcp);
  }

  /** Authenticator under test, all the way: encrypted and with an address. */
  openAll(): this {
    return this.authenticate().openCcp().addresses().openIpcp();
  }

  act(does: (session: End["session"]) => void): this {
    does(this.end.session);
    this.end.drain();
    return this;
  }

  count(note: string): number {
    return this.end.notes.filter((noted) => noted === note).length;
  }
}
