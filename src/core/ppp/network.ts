// RFC 1661 §3.6: the network phase: CCP where encryption may be had, then the network protocols.
// Where encryption is required nothing of IPCP or IPV6CP is sent or acted on before CCP is Opened.
import { after, type Instant } from "../../base/instant.js";
import { LcpCode } from "../../wire/ppp/lcp.js";
import type { PppPacket } from "../../wire/ppp/packet.js";
import { Protocol } from "../../wire/ppp/protocols.js";
import type { EndCause, MppeStartKeys } from "../access/ports.js";
import type { State } from "./automaton.js";
import type { Mppe, MppeTerms } from "./ccp.js";
import { limitsOf, type PppContext } from "./context.js";
import { ControlProtocol, type Layer, type OptionPolicy } from "./control-protocol.js";
import { Encryption, type EncryptionUser } from "./encryption.js";
import { IpcpGiver, IpcpTaker } from "./ipcp.js";
import { Ipv6cpOptions } from "./ipv6cp.js";
import type { AddressTerms, PppOutput } from "./ports.js";

/** The session, as its network phase sees it. */
export interface NetworkUser {
  askAddresses(now: Instant): void;
  /** Everything that will come up is up. */
  settled(): void;
  /** Something that was up is negotiated anew. */
  unsettled(now: Instant): void;
  /** From now on nothing weaker (T-29). */
  encrypted(mppe: Mppe): void;
  terminate(cause: EndCause, now: Instant): void;
}

export type NetworkTerms = {
  readonly mustEncrypt: boolean;
  /** Undefined: CCP is refused. */
  readonly mppe: { readonly terms: MppeTerms; readonly keys: MppeStartKeys } | undefined;
};

type NetworkProtocol = typeof Protocol.ipcp | typeof Protocol.ipv6cp;
type Held = { readonly protocol: NetworkProtocol; readonly packet: PppPacket };
const NOTHING_HELD: readonly Held[] = [];

interface NetworkOptions extends OptionPolicy {
  /** What was agreed on, once it is up. */
  announcement(): PppOutput;
}

/** One network control protocol: up and down as outputs of the session. */
class NetworkLayer implements Layer {
  readonly automaton: ControlProtocol;
  over = false;

  constructor(
    readonly phase: NetworkPhase,
    readonly protocol: NetworkProtocol,
    readonly options: NetworkOptions,
  ) {
    const timer = protocol === Protocol.ipcp ? "ipcp-restart" : "ipv6cp-restart";
    this.automaton = new ControlProtocol(protocol, timer, phase.context, options, this);
  }

  get opened(): boolean {
    return this.automaton.state === "Opened";
  }

  up(): void {
    this.phase.context.emit(this.options.announcement());
    this.phase.evaluate();
  }

  withdraw(): void {
    this.phase.context.emit({ kind: this.protocol === Protocol.ipcp ? "Ipv4Down" : "Ipv6Down" });
  }

  down(now: Instant): void {
    this.withdraw();
    this.phase.user.unsettled(now);
  }

  finished(_why: unknown, now: Instant): void {
    this.over = true;
    this.phase.layerOver(now);
  }

  failed(now: Instant): void {
    this.over = true;
    this.phase.context.note("network-failed");
    this.automaton.close(now);
  }
}

export class NetworkPhase implements EncryptionUser {
  readonly #encryption: Encryption | undefined;
  #layers: readonly NetworkLayer[] = [];
  /** DEVIATION 49: the last Configure-Request of each protocol that came too early: its turn comes. */
  #held: readonly Held[] = NOTHING_HELD;
  #mustEncrypt: boolean;
  #networkAsked = false;
  #addressesSettled = false;
  #layersStarted = false;

  constructor(
    readonly context: PppContext,
    terms: NetworkTerms,
    readonly user: NetworkUser,
  ) {
    this.#mustEncrypt = terms.mustEncrypt;
    this.#encryption =
      terms.mppe && new Encryption(context, terms.mppe.terms, terms.mppe.keys, this);
  }

  get mppe(): Mppe | undefined {
    return this.#encryption?.mppe;
  }

  stateOf(protocol: number): State {
    if (protocol === Protocol.ccp) return this.#encryption?.state ?? "Initial";
    return this.#layerOf(protocol)?.automaton.state ?? "Initial";
  }

  start(now: Instant): void {
    if (this.#encryption === undefined && this.#mustEncrypt) {
      this.context.note("encryption-without-keys");
      return this.user.terminate("encryption-refused", now);
    }
    this.#encryption?.start(now);
    if (!this.#mustEncrypt) this.#openNetwork(now);
  }

  /** False: the protocol is not one of this session, and is to be rejected. */
  handle(protocol: number, packet: PppPacket, now: Instant): boolean {
    if (protocol === Protocol.ccp) {
      this.#encryption?.handle(packet, now);
      return this.#encryption !== undefined;
    }
    if (protocol !== Protocol.ipcp && protocol !== Protocol.ipv6cp) return false;
    if (!this.#wanted(protocol)) return false;
    const layer = this.#layerOf(protocol);
    if (layer === undefined) {
      if (this.#addressesSettled) return false;
      this.#hold(protocol, packet);
      return true;
    }
    // Encryption is being negotiated anew: the peer's restart timer brings it again.
    if (this.#mustWait) this.context.note("network-held");
    else if (!layer.automaton.handle(packet, now)) layer.automaton.unknownCode(packet, now);
    return true;
  }

  /** Undefined: there are none, and the session ends. */
  handleAddresses(terms: AddressTerms | undefined, now: Instant): void {
    const ipv4 = this.context.policy.ipv4 ? terms?.ipv4 : undefined;
    const ipv6 = this.context.policy.ipv6 ? terms?.ipv6 : undefined;
    if (ipv4 === undefined && ipv6 === undefined) {
      return this.user.terminate("address-unavailable", now);
    }
    if (ipv4 !== undefined) {
      this.#add(Protocol.ipcp, new IpcpGiver(ipv4));
    }
    if (ipv6 !== undefined) this.#addIpv6(ipv6.ours, ipv6.peers);
    this.#startLayers(now);
  }

  protocolRejected(protocol: number, now: Instant): void {
    if (protocol === Protocol.ccp) this.#encryption?.protocolRejected(now);
    if (protocol === Protocol.ipcp || protocol === Protocol.ipv6cp) {
      this.#layerOf(protocol)?.automaton.protocolRejected(now);
    }
  }

  /** Whether the peer has its keys: `proven` tells. */
  question(): void {
    this.#encryption?.question();
  }

  handleKeysLost(now: Instant): void {
    this.#encryption?.renegotiate(now);
  }

  handleResetNeeded(now: Instant): void {
    this.#encryption?.requestReset(now);
  }

  handleTimeout(
    timer: "ccp-restart" | "reset" | "ipcp-restart" | "ipv6cp-restart",
    now: Instant,
  ): void {
    if (timer === "ipcp-restart" || timer === "ipv6cp-restart") {
      const protocol = timer === "ipcp-restart" ? Protocol.ipcp : Protocol.ipv6cp;
      if (this.#mustWait)
        this.context.timers.set(timer, after(now, limitsOf(this.context).restartMs));
      else this.#layerOf(protocol)?.automaton.handleTimeout(now);
    } else {
      this.#encryption?.handleTimeout(timer, now);
    }
  }

  /** The phase's time is over: what is up is what there is. */
  handleDeadline(now: Instant): void {
    if (this.#mustWait) {
      return this.user.terminate("encryption-refused", now);
    }
    if (!this.#addressesSettled) return this.user.terminate("address-unavailable", now);
    if (!this.#anyOpened) return this.user.terminate("network-refused", now);
    this.user.settled();
  }

  /** Withdraws what is up, encryption last: nothing may go out in the clear in between. */
  end(): void {
    for (const layer of this.#layers) {
      if (layer.opened) layer.withdraw();
      this.context.timers.clear(layer.automaton.timer);
    }
    this.#layers = [];
    this.#held = NOTHING_HELD;
    this.#encryption?.end();
  }

  encryptionUp(mppe: Mppe, now: Instant): void {
    this.#mustEncrypt = true;
    this.user.encrypted(mppe);
    this.#openNetwork(now);
    if (this.#addressesSettled) this.#startLayers(now);
    this.evaluate();
  }

  encryptionDown(now: Instant): void {
    this.user.unsettled(now);
  }

  encryptionFailed(now: Instant): void {
    if (this.#mustEncrypt) return this.user.terminate("encryption-refused", now);
    this.#encryption?.close(now);
  }

  /** Settled once encryption is as it must be and every network protocol has come to its end. */
  evaluate(): void {
    if (this.#mustWait) return;
    const decided = this.#layers.every((layer) => layer.opened || layer.over);
    if (decided && this.#anyOpened) this.user.settled();
  }

  layerOver(now: Instant): void {
    if (this.#layers.every((layer) => layer.over && !layer.opened)) {
      return this.user.terminate("network-refused", now);
    }
    this.evaluate();
  }

  get #mustWait(): boolean {
    return this.#mustEncrypt && this.mppe === undefined;
  }

  get #anyOpened(): boolean {
    return this.#layers.some((layer) => layer.opened);
  }

  #wanted(protocol: NetworkProtocol): boolean {
    const { policy } = this.context;
    return protocol === Protocol.ipcp ? policy.ipv4 : policy.ipv6;
  }

  #openNetwork(now: Instant): void {
    if (this.#networkAsked) return;
    this.#networkAsked = true;
    const { role, policy, rng } = this.context;
    if (role === "authenticator") return this.user.askAddresses(now);
    if (policy.ipv4) this.#add(Protocol.ipcp, new IpcpTaker());
    if (policy.ipv6) this.#addIpv6(rng.interfaceIdentifier(), undefined);
    this.#startLayers(now);
  }

  #addIpv6(ours: Uint8Array, suggested: Uint8Array | undefined): void {
    const { rng } = this.context;
    this.#add(Protocol.ipv6cp, new Ipv6cpOptions(ours, suggested, () => rng.interfaceIdentifier()));
  }

  #add(protocol: NetworkProtocol, options: NetworkOptions): void {
    this.#layers = [...this.#layers, new NetworkLayer(this, protocol, options)];
  }

  #layerOf(protocol: number): NetworkLayer | undefined {
    return this.#layers.find((layer) => layer.protocol === protocol);
  }

  /** At once, or when encryption that is being negotiated anew is up again. */
  #startLayers(now: Instant): void {
    this.#addressesSettled = true;
    if (this.#layersStarted || this.#mustWait) return;
    this.#layersStarted = true;
    for (const layer of this.#layers) {
      layer.automaton.start(now);
      const held = this.#held.find(({ protocol }) => protocol === layer.protocol);
      if (held !== undefined) layer.automaton.handle(held.packet, now);
    }
    this.#held = NOTHING_HELD;
  }

  #hold(protocol: NetworkProtocol, packet: PppPacket): void {
    this.context.note("network-held");
    if (packet.code !== LcpCode.configureRequest) return;
    const others = this.#held.filter((held) => held.protocol !== protocol);
    this.#held = [...others, { protocol, packet: { ...packet, data: packet.data.slice() } }];
  }
}
