// RFC 1332 §3, RFC 1877: addresses and name servers: what we hand out, or what we are handed.
import { type Ipv4, isHost } from "../../base/ip.js";
import { IpcpOption } from "../../wire/ppp/ipcp.js";
import { type ConfigurationOption, optionUint32, readUint32 } from "../../wire/ppp/options.js";
import type { Judgement, OptionPolicy } from "./control-protocol.js";
import { judgeEach, type Opinion } from "./judging.js";
import type { AddressTerms, PppOutput } from "./ports.js";

const NAME_SERVERS = [
  IpcpOption.primaryDns,
  IpcpOption.primaryNbns,
  IpcpOption.secondaryDns,
  IpcpOption.secondaryNbns,
] as const;
type NameServer = (typeof NAME_SERVERS)[number];

/** The end that gives: the leased address and nothing else. */
export class IpcpGiver implements OptionPolicy {
  #askAddress = true;

  constructor(readonly terms: NonNullable<AddressTerms["ipv4"]>) {}

  restart(): void {
    this.#askAddress = true;
  }

  request(): readonly ConfigurationOption[] {
    return this.#askAddress ? [optionUint32(IpcpOption.ipAddress, this.terms.ours)] : [];
  }

  judge(options: readonly ConfigurationOption[]): Judgement {
    return judgeEach(
      options,
      (option) => this.#opinion(option),
      (seen) => (seen.has(IpcpOption.ipAddress) ? [] : [this.#leased()]),
    );
  }

  accept(): void {
    // What is acceptable is what we gave.
  }

  announcement(): PppOutput {
    const { ours, peers } = this.terms;
    return { kind: "Ipv4Up", ours, peers, dns: [], nbns: [] };
  }

  acked(): boolean {
    return true;
  }

  naked(): boolean {
    // Our address is not the peer's to choose: asked for again as it is.
    return true;
  }

  rejected(): boolean {
    this.#askAddress = false;
    return true;
  }

  #opinion(option: ConfigurationOption): Opinion {
    if (option.type === IpcpOption.ipAddress) return wants(option, this.terms.peers);
    const given = this.#nameServer(option.type);
    // VJ compression, the deprecated IP-Addresses, unknown ones, and servers we have none of.
    return given === undefined ? "reject" : wants(option, given);
  }

  #leased(): ConfigurationOption {
    return optionUint32(IpcpOption.ipAddress, this.terms.peers);
  }

  #nameServer(type: number): Ipv4 | undefined {
    const { dns, nbns } = this.terms;
    switch (type) {
      case IpcpOption.primaryDns:
        return dns[0];
      case IpcpOption.secondaryDns:
        return dns[1];
      case IpcpOption.primaryNbns:
        return nbns[0];
      case IpcpOption.secondaryNbns:
        return nbns[1];
      default:
        return undefined;
    }
  }
}

/** The end that takes: an address, and name servers where there are any. */
export class IpcpTaker implements OptionPolicy {
  #address: Ipv4 = 0;
  #servers = new Map<NameServer, Ipv4>();
  #peers: Ipv4 = 0;

  constructor() {
    this.restart();
  }

  get address(): Ipv4 {
    return this.#address;
  }

  get peers(): Ipv4 {
    return this.#peers;
  }

  get dns(): readonly Ipv4[] {
    return this.#given(IpcpOption.primaryDns, IpcpOption.secondaryDns);
  }

  get nbns(): readonly Ipv4[] {
    return this.#given(IpcpOption.primaryNbns, IpcpOption.secondaryNbns);
  }

  announcement(): PppOutput {
    const { address, peers, dns, nbns } = this;
    return { kind: "Ipv4Up", ours: address, peers, dns, nbns };
  }

  /** An address we had is asked for again. */
  restart(): void {
    this.#servers = new Map(NAME_SERVERS.map((type) => [type, 0]));
  }

  request(): readonly ConfigurationOption[] {
    const servers = [...this.#servers].map(([type, address]) => optionUint32(type, address));
    return [optionUint32(IpcpOption.ipAddress, this.#address), ...servers];
  }

  judge(options: readonly ConfigurationOption[]): Judgement {
    return judgeEach(options, (option) => {
      if (option.type !== IpcpOption.ipAddress) return "reject";
      const address = readUint32(option);
      // We have none to give; a server that does not know its own goes without.
      return address.ok && isHost(address.value) ? undefined : "reject";
    });
  }

  accept(options: readonly ConfigurationOption[]): void {
    const option = options.find(({ type }) => type === IpcpOption.ipAddress);
    const address = option === undefined ? undefined : readUint32(option);
    this.#peers = address?.ok ? address.value : 0;
  }

  acked(): boolean {
    // An Ack of 0.0.0.0 is no address: asked for again, within the bounds of the phase.
    return isHost(this.#address);
  }

  naked(options: readonly ConfigurationOption[]): boolean {
    for (const option of options) {
      const address = readUint32(option);
      if (!address.ok || !isHost(address.value)) continue;
      if (option.type === IpcpOption.ipAddress) this.#address = address.value;
      const server = NAME_SERVERS.find((type) => type === option.type);
      if (server !== undefined && this.#servers.has(server)) {
        this.#servers.set(server, address.value);
      }
    }
    return true;
  }

  rejected(options: readonly ConfigurationOption[]): boolean {
    for (const { type } of options) {
      if (type === IpcpOption.ipAddress) return false;
      const server = NAME_SERVERS.find((candidate) => candidate === type);
      if (server !== undefined) this.#servers.delete(server);
    }
    return true;
  }

  #given(...types: readonly NameServer[]): readonly Ipv4[] {
    const addresses = types.map((type) => this.#servers.get(type) ?? 0);
    return addresses.filter((address) => address !== 0);
  }
}

function wants(option: ConfigurationOption, address: Ipv4): Opinion {
  const asked = readUint32(option);
  return asked.ok && asked.value === address ? undefined : optionUint32(option.type, address);
}
