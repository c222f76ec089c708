// RFC 1661 §6: which LCP options we ask for and what we say to the peer's.
import type { Rng } from "../../base/rng.js";
import { ppp } from "../../limits.js";
import {
  decodeAuthenticationProtocol,
  encodeAuthenticationProtocol,
  LcpOption,
} from "../../wire/ppp/lcp.js";
import {
  type ConfigurationOption,
  optionUint16,
  optionUint32,
  readUint16,
  readUint32,
} from "../../wire/ppp/options.js";
import { DEFAULT_MRU } from "../../wire/ppp/protocols.js";
import type { AuthenticationMethod } from "../access/ports.js";
import type { Note } from "./context.js";
import type { Judgement, OptionPolicy } from "./control-protocol.js";
import { judgeEach, type Opinion } from "./judging.js";
import type { PppRole } from "./ports.js";

const ENDPOINT_DISCRIMINATOR_OCTETS_MAX = 21;

export type LcpFailure = "loopback" | "authentication" | "server-not-proven" | "not-converging";

/** What the peer asked for and we acknowledged. */
export type PeersLcp = {
  /** Never above what we ever send. */
  readonly mru: number;
  readonly authentication: AuthenticationMethod | undefined;
  readonly magicNumber: number;
  readonly pfc: boolean;
  readonly acfc: boolean;
};

const NONE: readonly AuthenticationMethod[] = [];
const DEFAULTS: PeersLcp = {
  mru: DEFAULT_MRU,
  authentication: undefined,
  magicNumber: 0,
  pfc: false,
  acfc: false,
};

export type LcpTerms = {
  readonly role: PppRole;
  readonly mru: number;
  /** Asked for in this order (authenticator), acceptable in this order (peer). */
  readonly methods: readonly AuthenticationMethod[];
  readonly rng: Rng;
  readonly note: (reason: Note) => void;
};

export class LcpOptions implements OptionPolicy {
  #peers = DEFAULTS;
  #mru: number | undefined;
  #magicNumber = 0;
  #pfc = true;
  #acfc = true;
  #authentication: AuthenticationMethod | undefined;
  #agreed: AuthenticationMethod | undefined;
  #looped = 0;
  #refused: readonly AuthenticationMethod[] = NONE;
  /** Why there is no agreement, once there is none. */
  failure: LcpFailure = "not-converging";

  /** The terms are read at every start: a renegotiation may allow fewer methods. */
  constructor(readonly source: { lcpTerms(): LcpTerms }) {
    this.restart();
  }

  terms(): LcpTerms {
    return this.source.lcpTerms();
  }

  get peers(): PeersLcp {
    return this.#peers;
  }

  /** Ours; 0 when the peer would not have one. */
  get magicNumber(): number {
    return this.#magicNumber;
  }

  /** The method by which we (authenticator) or the peer's end (peer) will check the other. */
  get authentication(): AuthenticationMethod | undefined {
    return this.terms().role === "authenticator" ? this.#agreed : this.#peers.authentication;
  }

  restart(): void {
    const { role, mru, methods, rng } = this.terms();
    this.#mru = mru;
    this.#pfc = true;
    this.#acfc = true;
    this.#magicNumber = rng.magicNumber();
    this.#refused = NONE;
    this.#authentication = role === "authenticator" ? methods[0] : undefined;
    this.#agreed = undefined;
  }

  request(): readonly ConfigurationOption[] {
    const options: ConfigurationOption[] = [];
    if (this.#mru !== undefined)
      options.push(optionUint16(LcpOption.maximumReceiveUnit, this.#mru));
    if (this.#authentication !== undefined) {
      options.push(encodeAuthenticationProtocol(this.#authentication));
    }
    if (this.#magicNumber !== 0)
      options.push(optionUint32(LcpOption.magicNumber, this.#magicNumber));
    if (this.#pfc) options.push(empty(LcpOption.protocolFieldCompression));
    if (this.#acfc) options.push(empty(LcpOption.addressAndControlFieldCompression));
    return options;
  }

  judge(options: readonly ConfigurationOption[]): Judgement {
    const magic = options.find(({ type }) => type === LcpOption.magicNumber);
    const value = magic === undefined ? undefined : readUint32(magic);
    const ours = value?.ok === true && value.value !== 0 && value.value === this.#magicNumber;
    this.#looped = ours ? this.#looped + 1 : 0;
    if (this.#looped >= ppp.loopedRequestsMax) {
      this.failure = "loopback";
      return { kind: "fail" };
    }
    const judgement = judgeEach(
      options,
      (option) => this.#opinion(option),
      (seen) => this.#missing(seen),
    );
    // Only what the driver makes of too many Naks can fail from here on.
    const { role } = this.terms();
    const proofMissing = role === "peer" && judgement.kind === "nak";
    this.failure = proofMissing ? "server-not-proven" : "not-converging";
    return judgement;
  }

  accept(options: readonly ConfigurationOption[]): void {
    const peers: { -readonly [K in keyof PeersLcp]: PeersLcp[K] } = { ...DEFAULTS };
    for (const option of options) {
      switch (option.type) {
        case LcpOption.maximumReceiveUnit: {
          const mru = readUint16(option);
          // We never send more than our own cap, whatever the peer would take.
          if (mru.ok) peers.mru = Math.min(mru.value, ppp.mruMax);
          break;
        }
        case LcpOption.authenticationProtocol: {
          const method = this.#acceptable(option);
          if (method !== undefined) peers.authentication = method;
          break;
        }
        case LcpOption.magicNumber: {
          const magic = readUint32(option);
          if (magic.ok) peers.magicNumber = magic.value;
          break;
        }
        case LcpOption.protocolFieldCompression:
          peers.pfc = true;
          break;
        case LcpOption.addressAndControlFieldCompression:
          peers.acfc = true;
          break;
      }
    }
    this.#peers = peers;
  }

  acked(): boolean {
    this.#agreed = this.#authentication;
    return true;
  }

  naked(options: readonly ConfigurationOption[]): boolean {
    for (const option of options) {
      switch (option.type) {
        case LcpOption.maximumReceiveUnit: {
          const mru = readUint16(option);
          const most = this.terms().mru;
          if (mru.ok) this.#mru = Math.min(Math.max(mru.value, ppp.mruMin), most);
          break;
        }
        case LcpOption.authenticationProtocol:
          if (this.#authentication === undefined) break;
          if (!this.#nextMethod(option)) return false;
          break;
        case LcpOption.magicNumber:
          // RFC 1661 §6.4: a new one, chosen by ourselves.
          if (this.#magicNumber !== 0) this.#magicNumber = this.terms().rng.magicNumber();
          break;
        case LcpOption.protocolFieldCompression:
          this.#pfc = false;
          break;
        case LcpOption.addressAndControlFieldCompression:
          this.#acfc = false;
          break;
      }
    }
    return true;
  }

  rejected(options: readonly ConfigurationOption[]): boolean {
    for (const { type } of options) {
      if (type === LcpOption.maximumReceiveUnit) this.#mru = undefined;
      if (type === LcpOption.magicNumber) this.#magicNumber = 0;
      if (type === LcpOption.protocolFieldCompression) this.#pfc = false;
      if (type === LcpOption.addressAndControlFieldCompression) this.#acfc = false;
      if (type === LcpOption.authenticationProtocol) {
        this.failure = "authentication";
        this.terms().note("authentication-rejected");
        return false;
      }
    }
    return true;
  }

  /** The peer will not do the method asked for: its own hint if we allow it, else our next one. */
  #nextMethod(option: ConfigurationOption): boolean {
    const { methods, note } = this.terms();
    if (this.#authentication !== undefined)
      this.#refused = [...this.#refused, this.#authentication];
    const left = methods.filter((method) => !this.#refused.includes(method));
    const hint = decodeAuthenticationProtocol(option);
    const hinted = hint.ok ? left.find((method) => method === hint.value) : undefined;
    this.#authentication = hinted ?? left[0];
    if (this.#authentication !== undefined) return true;
    this.failure = "authentication";
    note("authentication-none-left");
    return false;
  }

  #opinion(option: ConfigurationOption): Opinion {
    switch (option.type) {
      case LcpOption.maximumReceiveUnit: {
        const mru = readUint16(option);
        if (mru.ok && mru.value >= ppp.mruMin) return undefined;
        return optionUint16(option.type, mru.ok ? ppp.mruMin : DEFAULT_MRU);
      }
      case LcpOption.asyncControlCharacterMap:
        // Means nothing on GRE (RFC 2637 §2.15): any map will do.
        return option.data.length === 4 ? undefined : optionUint32(option.type, 0);
      case LcpOption.authenticationProtocol:
        return this.#authenticationOpinion(option);
      case LcpOption.magicNumber: {
        const magic = readUint32(option);
        if (magic.ok && magic.value !== 0 && magic.value !== this.#magicNumber) return undefined;
        return optionUint32(option.type, this.terms().rng.magicNumber());
      }
      case LcpOption.protocolFieldCompression:
      case LcpOption.addressAndControlFieldCompression:
        return option.data.length === 0 ? undefined : empty(option.type);
      case LcpOption.endpointDiscriminator: {
        const size = option.data.length;
        return size >= 1 && size <= ENDPOINT_DISCRIMINATOR_OCTETS_MAX ? undefined : "reject";
      }
      default:
        // Quality-Protocol, Callback, Multilink MRRU and all we have never heard of.
        return "reject";
    }
  }

  #authenticationOpinion(option: ConfigurationOption): Opinion {
    const { role, methods } = this.terms();
    // An access server does not log in to its clients.
    if (role === "authenticator" || methods.length === 0) return "reject";
    if (this.#acceptable(option) !== undefined) return undefined;
    return encodeAuthenticationProtocol(methods[0]!);
  }

  #acceptable(option: ConfigurationOption): AuthenticationMethod | undefined {
    const method = decodeAuthenticationProtocol(option);
    if (!method.ok) return undefined;
    return this.terms().methods.find((candidate) => candidate === method.value);
  }

  /** DEVIATION 51, peer: a server that asks for no authentication never proves itself (T-42). */
  #missing(seen: ReadonlySet<number>): readonly ConfigurationOption[] {
    const { role, methods, note } = this.terms();
    if (role === "authenticator" || methods.length === 0) return [];
    if (seen.has(LcpOption.authenticationProtocol)) return [];
    note("authentication-not-offered");
    return [encodeAuthenticationProtocol(methods[0]!)];
  }
}

function empty(type: number): ConfigurationOption {
  return { type, data: new Uint8Array() };
}
