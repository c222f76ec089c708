// What is well written and still cannot work, or works otherwise than its writer may think: found
// before the server starts, because afterwards it looks like a client that cannot connect.

import { formatIpv4, inPrefix4, type Prefix4 } from "../../base/ip.js";
import { overlap } from "../../base/range4.js";
import type { AuthenticationMethod } from "../../core/access/ports.js";
import { isLoopback } from "../console/names.js";
import { addressCount, formatRange4, notUnicast, readAddress4, readRange4 } from "./addresses.js";
import { checkNotices } from "./notices.js";
import type { Path, Problem } from "./problems.js";
import { type LogInTerms, readyMadeTerms } from "./ready-made.js";
import type { Config, Profile } from "./resolve.js";
import { isOn } from "./resolve.js";
import type { ConfigSource } from "./source.js";

export type Findings = { readonly problems: Problem[]; readonly warnings: Problem[] };

type Say = (path: Path, message: string, remedy: string) => void;
type Both = { readonly refuse: Say; readonly warn: Say };

/** Addresses a pool may hold: its bitmap and its leases stay small. */
export const poolAddressesMax = 1_048_576;

const withKeys: readonly AuthenticationMethod[] = ["ms-chap-v1", "ms-chap-v2"];

/** Whether logging in this way needs the password itself, not only its NT hash. */
export function needsClearText({ authentication, encryption }: LogInTerms): boolean {
  if (authentication.includes("chap-md5")) return true;
  // RFC 3079 §2: 40- and 56-bit keys after MS-CHAPv1 come from the LAN Manager hash.
  return authentication.includes("ms-chap-v1") && encryption.bits.some((bits) => bits < 128);
}

export function checkConfig(config: Config, source: ConfigSource): Findings {
  const findings: Findings = { problems: [], warnings: [] };
  const say = (into: Problem[]) => (path: Path, message: string, remedy: string) => {
    into.push(source.problem(path, "", message, remedy));
  };
  const both = { refuse: say(findings.problems), warn: say(findings.warnings) };
  checkTerms(config.defaultProfile, ["defaultProfile"], both);
  checkProfiles(config, both);
  checkListening(config, both);
  checkPool(config, both);
  checkClientSettings(config, both);
  checkNetwork(config, both);
  checkXdp(config, both);
  checkConsole(config, both);
  checkNotices(config.notices, both);
  checkLimits(config, both);
  return findings;
}

function checkTerms(terms: LogInTerms, path: Path, { refuse, warn }: Both): void {
  const { authentication, encryption } = terms;
  if (new Set(authentication).size < authentication.length) {
    refuse([...path, "authentication"], "a method is listed twice", "list each once");
  }
  const keyed = authentication.filter((method) => withKeys.includes(method));
  const keyless = authentication.filter((method) => !withKeys.includes(method));
  if (encryption.required && keyed.length === 0) {
    refuse(
      [...path, "authentication"],
      `no client can ever connect: encryption is required and ${keyless.join(", ")} gives no keys`,
      "add ms-chap-v2, or write encryption: {required: false}",
    );
  } else if (encryption.required && keyless.length > 0) {
    warn(
      [...path, "authentication"],
      `a client that settles for ${keyless.join(" or ")} is turned away: it gives no keys`,
      `remove ${keyless.join(", ")}, or write encryption: {required: false}`,
    );
  }
  if (encryption.required && encryption.bits.length === 0) {
    refuse(
      [...path, "encryption", "bits"],
      "no client can ever connect: encryption is required and no strength is allowed",
      "write bits: [128], or required: false",
    );
  }
  if (new Set(encryption.bits).size < encryption.bits.length) {
    refuse([...path, "encryption", "bits"], "a strength is listed twice", "list each once");
  }
  if (needsClearText(terms)) {
    const which = authentication.includes("chap-md5")
      ? "chap-md5"
      : "ms-chap-v1 with 40 or 56 bits";
    warn(
      [...path, "authentication"],
      `${which} needs passwords in clear: they are then kept, encrypted, beside their hash, and accounts made before must be given their password again`,
      "use ms-chap-v2 where clients can",
    );
  }
}

function checkProfiles(config: Config, both: Both): void {
  const { refuse, warn } = both;
  const seen = new Map<string, number>();
  const on: { profile: Profile; path: Path }[] = [];
  config.settings.profiles.forEach((written, index) => {
    const path: Path = ["profiles", index];
    if (written.name === "default") {
      refuse([...path, "name"], "the name is taken", "use the section defaultProfile");
    }
    if (seen.has(written.name)) {
      refuse([...path, "name"], `a second profile ${written.name}`, "rename or remove one");
    }
    seen.set(written.name, index);
    if (!isOn(written)) return;
    const profile = config.profiles[on.length];
    if (profile === undefined) return;
    checkTerms(profile, path, both);
    checkReach(config, profile, path, both);
    const before = on.find((other) => covers(other.profile, profile));
    if (before !== undefined) {
      refuse(
        path,
        `never reached: ${before.profile.name}, written before it, matches all it matches`,
        `write it before ${before.profile.name}`,
      );
    }
    on.push({ profile, path });
    if (readyMadeTerms(written.name) === undefined) return;
    warn(
      path,
      `${written.name} is on: its log-ins and its encryption give nearly no protection`,
      "keep its from: and on: narrow, and remove it when the last such client is gone",
    );
  });
}

function checkReach(config: Config, profile: Profile, path: Path, { refuse }: Both): void {
  if (profile.from.length === 0 && profile.on.length === 0) {
    refuse(path, "it says neither from: nor on:", "name prefixes, or change defaultProfile");
  }
  const listening = config.listen.addresses;
  profile.on.forEach((address, index) => {
    if (listening === "all" || listening.includes(address)) return;
    refuse(
      [...path, "on", index],
      `${formatIpv4(address)} is not listened on`,
      "add it to listen.addresses",
    );
  });
}

function covers(a: Profile, b: Profile): boolean {
  const inside = (inner: Prefix4, outer: Prefix4) =>
    inner.length >= outer.length && inPrefix4(inner.address, outer);
  const from =
    a.from.length === 0 ||
    (b.from.length > 0 && b.from.every((inner) => a.from.some((outer) => inside(inner, outer))));
  const on =
    a.on.length === 0 || (b.on.length > 0 && b.on.every((address) => a.on.includes(address)));
  return from && on;
}

function checkListening(config: Config, { refuse }: Both): void {
  const { addresses } = config.listen;
  if (addresses === "all") return;
  addresses.forEach((address, index) => {
    const path = ["listen", "addresses", index];
    if (addresses.indexOf(address) < index) {
      refuse(path, `${formatIpv4(address)} is listed twice`, "remove one of the two");
    }
    const self = { first: address, last: address };
    if (config.addresses.pool.some((range) => overlap(range, self))) {
      refuse(
        path,
        `${formatIpv4(address)} lies in the pool: a client would be given this host's address`,
        "add it to addresses.exclude",
      );
    }
  });
}

function checkPool(config: Config, { refuse, warn }: Both): void {
  const { pool, exclude, gateway } = config.settings.addresses;
  const read = pool.map((text) => readRange4(text, "leave out"));
  read.forEach((range, index) => {
    if (!range.ok) return;
    const path: Path = ["addresses", "pool", index];
    const special = notUnicast(range.value);
    if (special !== undefined) {
      refuse(path, `${pool[index]} has ${special} addresses`, "write a private range");
    }
    const twin = read.findIndex((other) => other.ok && overlap(other.value, range.value));
    if (twin < index) refuse(path, `overlaps ${pool[twin]}`, "join the two or shorten one");
  });
  const left = addressCount(config.addresses.pool);
  if (left === 0 && read.every((range) => range.ok)) {
    const taken = exclude.length > 0 ? "exclusions and the gateway" : "the gateway";
    refuse(
      ["addresses", "pool"],
      `nothing is left for sessions after ${taken}`,
      "write a larger pool",
    );
  }
  if (left > poolAddressesMax) {
    refuse(
      ["addresses", "pool"],
      `${left} addresses are more than ${poolAddressesMax}`,
      "write a smaller pool; a session takes one address",
    );
  }
  const outer = readAddress4(gateway);
  const listening = config.listen.addresses;
  if (outer.ok && listening !== "all" && listening.includes(outer.value)) {
    refuse(
      ["addresses", "gateway"],
      `${gateway} is listened on: GRE to it would loop into its own tunnel`,
      "write auto, or an address of its own",
    );
  }
  checkIpv6(config, left, { refuse, warn });
}

function checkIpv6(config: Config, poolSize: number, { refuse, warn }: Both): void {
  const { ipv6Prefix } = config.addresses;
  if (ipv6Prefix === undefined) return;
  const path = ["addresses", "ipv6Prefix"];
  const { length, address } = ipv6Prefix;
  if (length > 64 || length < 32) {
    refuse(path, `its length is ${length}`, "write a prefix of length 32 to 64");
    return;
  }
  if ((address[0]! & 0xe0) !== 0x20 && (address[0]! & 0xfe) !== 0xfc) {
    refuse(
      path,
      "neither a global nor a unique local prefix",
      "write one from 2000::/3 or fd00::/8",
    );
  }
  const prefixes = 2 ** (64 - length);
  if (prefixes < Math.min(poolSize, config.limits.access.sessionsMax)) {
    warn(
      path,
      `${prefixes} prefixes of length 64 for ${poolSize} addresses: the last sessions get no IPv6`,
      "write a shorter prefix",
    );
  }
  for (const key of ["mtu", "mru"] as const) {
    if (config.network[key] >= 1_280) continue;
    refuse(
      ["network", key],
      `${config.network[key]} is less than IPv6 needs`,
      "write at least 1280, or remove addresses.ipv6Prefix",
    );
  }
}

function checkClientSettings(config: Config, { refuse, warn }: Both): void {
  const { dns, dns6 } = config.client;
  if (dns !== "host" && dns.length > 2) {
    warn(
      ["client", "dns"],
      `${dns.length} servers: IPCP carries two, the others only reach clients that ask by DHCP`,
      "put the two that matter first",
    );
  }
  if (dns6.length > 0 && config.addresses.ipv6Prefix === undefined) {
    refuse(["client", "dns6"], "no session has IPv6", "add addresses.ipv6Prefix, or remove dns6");
  }
}

function checkXdp({ xdp, filter, network }: Config, { refuse, warn }: Both): void {
  if (xdp === "off") return;
  if (filter !== "auto") {
    warn(["xdp"], `filter is ${filter}: it has no effect`, "write filter: auto");
  }
  if (xdp === "auto") return;
  xdp.forEach((name, index) => {
    if (xdp.indexOf(name) < index) {
      refuse(["xdp", index], `${name} is listed twice`, "remove one of the two");
    }
    if (name !== network.tun) return;
    refuse(
      ["xdp", index],
      `${name} is the interface of the sessions themselves`,
      "name the interface that clients' packets come in by",
    );
  });
}

function checkNetwork(config: Config, { refuse, warn }: Both): void {
  const { network, hooks } = config;
  if (network.nat.uplink === network.tun || network.proxyArp === network.tun) {
    const path = network.proxyArp === network.tun ? ["proxyArp"] : ["nat", "uplink"];
    refuse(
      ["network", ...path],
      `${network.tun} is the interface of the sessions themselves`,
      "name the interface towards the other network",
    );
  }
  if (network.nat.uplink !== undefined && !network.nat.enabled) {
    warn(["network", "nat", "uplink"], "NAT is off: it has no effect", "write enabled: true");
  }
  if (network.nat.enabled && network.forwarding === "off") {
    warn(
      ["network", "forwarding"],
      "NAT without forwarding works only where someone else turns forwarding on",
      "write forwarding: auto",
    );
  }
  if (network.nat.enabled && network.proxyArp !== undefined) {
    warn(
      ["network", "proxyArp"],
      "with NAT on, hosts of that LAN see this host's address, not the session's",
      "turn one of the two off",
    );
  }
  if (network.mtu > 1_456) {
    warn(
      ["network", "mtu"],
      `${network.mtu} makes outer packets larger than 1500 octets: they are fragmented`,
      "write at most 1456",
    );
  }
  if (hooks.user === "root" && (hooks.ipUp ?? hooks.ipDown) !== undefined) {
    refuse(["hooks", "user"], "hooks never run as root", "name a user made for them");
  }
}

function checkConsole({ console }: Config, { refuse, warn }: Both): void {
  const { certificate, key, tls, address, enabled } = console;
  if ((certificate === undefined) !== (key === undefined)) {
    const lacks = certificate === undefined ? "certificate" : "key";
    refuse(["console", lacks], "one of certificate and key alone", `name the ${lacks} too`);
  }
  if (tls === "off" && certificate !== undefined) {
    refuse(["console", "tls"], "off, with a certificate", "write auto, or leave certificate out");
  }
  if (enabled && tls === "off" && !isLoopback(address)) {
    warn(
      ["console", "tls"],
      `passwords of the console pass ${address} in the clear`,
      "write auto, unless a proxy on this host is all that gets there",
    );
  }
}

function checkLimits(config: Config, { refuse }: Both): void {
  const { control, ppp, guard } = config.limits;
  if (control.startDeadlineMs > control.authenticatedDeadlineMs) {
    refuse(
      ["limits", "control", "startDeadlineMs"],
      `later than authenticatedDeadlineMs (${control.authenticatedDeadlineMs})`,
      "write a smaller one",
    );
  }
  if (control.messagesBurst < control.messagesPerSecond) {
    refuse(
      ["limits", "control", "messagesBurst"],
      `smaller than messagesPerSecond (${control.messagesPerSecond})`,
      "write at least that",
    );
  }
  if (ppp.restartMs > ppp.phaseDeadlineMs) {
    refuse(
      ["limits", "ppp", "restartMs"],
      `longer than phaseDeadlineMs (${ppp.phaseDeadlineMs}): nothing would ever be repeated`,
      "write a smaller one",
    );
  }
  for (const [least, most] of [
    ["logInHoldMinMs", "logInHoldMaxMs"],
    ["blockMinMs", "blockMaxMs"],
  ] as const) {
    if (guard[least] <= guard[most]) continue;
    const message = `longer than ${most} (${guard[most]})`;
    refuse(["limits", "guard", least], message, "write a smaller one");
  }
}

/** For lists shown to people. */
export function showPool(config: Config): string {
  return config.addresses.pool.map(formatRange4).join(", ");
}
