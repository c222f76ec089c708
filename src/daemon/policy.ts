// From the configuration to what the core works by.
import { type Ipv4, type Ipv6, inPrefix4 } from "../base/ip.js";
import type { PppPolicy } from "../core/ppp/ports.js";
import type { Profile, ServerPolicy } from "../core/server-ports.js";
import type { GatewayTerms } from "../wire/worker-link.js";
import type { AccessTerms } from "./access-backend.js";
import type { Config, Profile as ConfiguredProfile } from "./config/resolve.js";

/** GRE packets we tell peers they may send ahead of our acknowledgments. */
const packetRecvWindowSize = 64;

export function serverPolicy(config: Config, firmwareRevision: number): ServerPolicy {
  const { control, ppp, access } = config.limits;
  const profiles = config.profiles.map((profile) => ({
    profile,
    answer: { name: profile.name, ppp: pppPolicy(config, profile) },
  }));
  const fallback: Profile = { name: "default", ppp: pppPolicy(config, config.defaultProfile) };
  return {
    control: {
      hostName: config.announce.hostName,
      vendorString: config.announce.vendorString,
      firmwareRevision,
      callsPerConnectionMax: control.callsPerConnectionMax,
      takeIncomingCalls: config.calls.incoming,
      takeOutgoingCalls: true,
      packetRecvWindowSize,
      limits: control,
    },
    sessionsMax: access.sessionsMax,
    interimMs: config.accounting.interimSeconds * 1_000,
    rate: config.rate,
    profileFor: (localAddress, peerAddress) =>
      profiles.find(({ profile }) => matches(profile, localAddress, peerAddress))?.answer ??
      fallback,
  };

  function pppPolicy(
    { network, announce, addresses }: Config,
    terms: ConfiguredProfile,
  ): PppPolicy {
    return {
      mru: network.mru,
      mtu: network.mtu,
      authentication: terms.authentication,
      encryption: {
        require: terms.encryption.required,
        bits: terms.encryption.bits,
        stateful: terms.encryption.stateful,
      },
      ipv4: true,
      ipv6: addresses.ipv6Prefix !== undefined,
      echoIntervalMs: ppp.echoIntervalMs,
      echoFailuresMax: ppp.echoFailuresMax,
      name: announce.hostName,
      authenticationTriesMax: ppp.authenticationTriesMax,
      limits: ppp,
    };
  }
}

function matches(profile: ConfiguredProfile, localAddress: Ipv4, peerAddress: Ipv4): boolean {
  const { from, on } = profile;
  const fromMatches = from.length === 0 || from.some((prefix) => inPrefix4(peerAddress, prefix));
  return fromMatches && (on.length === 0 || on.includes(localAddress));
}

export type HostAddresses = { readonly ipv4: readonly Ipv4[]; readonly ipv6: readonly Ipv6[] };

/** `hostDns` and `hostAddresses` are read from this host when it starts and at each reload. */
export function gatewayTerms(
  config: Config,
  hostDns: readonly Ipv4[],
  { ipv4: hostAddresses, ipv6: hostAddresses6 }: HostAddresses,
): GatewayTerms {
  const { client, network, addresses, gre } = config;
  return {
    gatewayAddress: addresses.gateway,
    dns: dnsFor(config, hostDns),
    nbns: client.wins,
    domain: client.domain,
    routes: client.routes.map((prefix) => ({ prefix, via: addresses.gateway })),
    clientToClient: network.clientToClient,
    reachHost: network.reachHost,
    hostAddresses,
    hostAddresses6,
    dns6: client.dns6,
    sendWindow: gre.sendWindow,
    clampMss: true,
  };
}

export function dnsFor(config: Config, hostDns: readonly Ipv4[]): readonly Ipv4[] {
  return config.client.dns === "host" ? hostDns : config.client.dns;
}

/** What sessions are told of the way out. */
export function accessTerms(config: Config, hostDns: readonly Ipv4[]): AccessTerms {
  return {
    gateway: config.addresses.gateway,
    dns: dnsFor(config, hostDns),
    nbns: config.client.wins,
    pendingMax: config.limits.access.backendPendingMax,
  };
}
