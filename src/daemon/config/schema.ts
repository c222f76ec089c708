// The configuration file: every key, its default and its meaning. An empty file is a working
// configuration. Addresses stay text here; resolve.ts turns them into values.
import * as z from "zod";
import { worker, xdp } from "../../limits.js";
import { engineChoices } from "../../worker/engine-choice.js";
import { filterChoices } from "../filter-choice.js";
import {
  absolutePath,
  addressText,
  domainName,
  field,
  interfaceName,
  listOf,
  oneOf,
  ownAddress,
  systemUser,
  wholeNumber,
  wireName,
  yesNo,
} from "./fields.js";
import { limitsSchema } from "./limits.js";
import { noticesSchema } from "./notices.js";
import { rateExpected } from "./rates.js";
import { readyMadeNames } from "./ready-made.js";

const methods = ["ms-chap-v2", "ms-chap-v1", "chap-md5", "pap"] as const;

const address4 = (description: string, example: string) =>
  addressText(description, example, "an IPv4 address");
const prefix4 = (description: string, example: string) =>
  addressText(description, example, "an IPv4 prefix such as 192.0.2.0/24");

const authentication = field(
  z.array(oneOf(methods, "A way to log in.")).min(1).max(methods.length),
  "Ways to log in, asked for in this order.",
  `a list of ${methods.join(", ")}`,
  "[ms-chap-v2]",
);

const bits = field(
  z
    .array(
      field(z.union([z.literal(40), z.literal(56), z.literal(128)]), "", "40, 56 or 128", "128"),
    )
    .max(3),
  "MPPE strengths that may be agreed on.",
  "a list of 40, 56 and 128",
  "[128]",
);

const encryptionShape = {
  required: yesNo("No traffic without it: plain packets are neither taken nor sent."),
  bits,
  stateful: yesNo("Whether stateful MPPE may be agreed on with a peer that wants it."),
};

const encryption = z
  .strictObject({
    required: encryptionShape.required.default(true),
    bits: encryptionShape.bits.default([128]),
    stateful: encryptionShape.stateful.default(false),
  })
  .describe("MPPE.")
  .prefault({});

const defaultProfile = z
  .strictObject({
    authentication: authentication.default(["ms-chap-v2"]),
    encryption,
  })
  .describe("For everyone whom no other profile matches.")
  .prefault({});

const profile = z.strictObject({
  name: field(
    z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/),
    `Its name; ${readyMadeNames.join(" and ")} are ready-made.`,
    "lower-case letters, digits and '-'",
    "old-routers",
  ),
  enabled: yesNo("Off: as if it were not there.").optional(),
  from: listOf(
    prefix4("An outer source prefix.", "198.51.100.0/24"),
    64,
    "Clients that come from one of these prefixes.",
    "IPv4 prefixes",
    "[198.51.100.0/24]",
  ).default([]),
  on: listOf(
    address4("A listening address.", "192.0.2.1"),
    64,
    "Clients that come to one of these listening addresses.",
    "IPv4 addresses",
    "[192.0.2.1]",
  ).default([]),
  authentication: authentication.optional(),
  encryption: z
    .strictObject({
      required: encryptionShape.required.optional(),
      bits: encryptionShape.bits.optional(),
      stateful: encryptionShape.stateful.optional(),
    })
    .describe("MPPE; what is left out is as in the default profile, or the ready-made one.")
    .prefault({}),
});

const listen = z
  .strictObject({
    addresses: field(
      z.union([z.literal("all"), z.array(address4("", "192.0.2.1")).min(1).max(64)]),
      "Where to listen: all, or a list of IPv4 addresses of this host.",
      "all, or a list of at most 64 IPv4 addresses",
      "[192.0.2.1]",
    ).default("all"),
    port: wholeNumber("TCP port of the control connection.", 1, 65_535, 1723).default(1723),
  })
  .prefault({});

const announce = z
  .strictObject({
    hostName: wireName("Host Name every caller is told, before any log-in.", "vpn").default("vpn"),
    vendorString: wireName("Vendor Name every caller is told.", "pptp").default("pptp"),
  })
  .describe("What every caller is told before any log-in: keep it neutral.")
  .prefault({});

const addresses = z
  .strictObject({
    pool: field(
      z
        .array(
          addressText("", "10.99.0.0/24", "a prefix or a range such as 10.99.0.10-10.99.0.250"),
        )
        .min(1)
        .max(256),
      "Addresses for sessions: prefixes (their network and broadcast address are left out) and ranges (used whole).",
      "a list of prefixes and ranges",
      "[10.99.0.0/24]",
    ).default(["10.99.0.0/24"]),
    exclude: listOf(
      addressText("", "10.99.0.1", "an address, prefix or range"),
      256,
      "Never given out.",
      "addresses, prefixes and ranges",
      "[10.99.0.1]",
    ).default([]),
    gateway: addressText(
      "The server's end of every session; auto is the pool's first address. Never given out.",
      "10.99.0.1",
      "auto, or an IPv4 address",
    ).default("auto"),
    ipv6Prefix: addressText(
      "Each session gets a /64 of it; without it no IPv6 is carried.",
      "2001:db8:99::/48",
      "an IPv6 prefix of length 32 to 64",
    ).optional(),
  })
  .prefault({});

const client = z
  .strictObject({
    dns: field(
      z.union([z.literal("host"), z.array(address4("", "192.0.2.53")).max(4)]),
      "Name servers: a list, or host for this host's own ones.",
      "host, or a list of at most 4 IPv4 addresses",
      "[192.0.2.53]",
    ).default("host"),
    dns6: listOf(
      addressText("", "2001:db8::53", "an IPv6 address"),
      4,
      "Name servers in router advertisements.",
      "IPv6 addresses",
      "[2001:db8::53]",
    ).default([]),
    wins: listOf(
      address4("", "192.0.2.54"),
      2,
      "WINS servers.",
      "IPv4 addresses",
      "[192.0.2.54]",
    ).default([]),
    domain: field(
      z
        .string()
        .regex(/^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.|$)){0,16}$/)
        .max(253),
      "DNS domain, told to clients that ask by DHCP.",
      "a domain name",
      "example.org",
    ).default(""),
    routes: listOf(
      prefix4("", "192.168.0.0/16"),
      32,
      "Prefixes behind this server, told to clients that ask by DHCP (options 121 and 249).",
      "IPv4 prefixes",
      "[192.168.0.0/16]",
    ).default([]),
  })
  .describe("What clients are told.")
  .prefault({});

const nat = z
  .strictObject({
    enabled: yesNo("Sessions go out under this host's address.").default(false),
    uplink: interfaceName(
      "Only towards this interface; without it, any but ours.",
      "eth0",
    ).optional(),
  })
  .prefault({});

const network = z
  .strictObject({
    tun: interfaceName("Name of the network interface of all sessions.", "holdfast0").default(
      "holdfast0",
    ),
    mtu: wholeNumber("Largest packet sent into a session.", 576, 1_500, 1_400).default(1_400),
    mru: wholeNumber("Largest packet a client is asked to send.", 576, 1_500, 1_400).default(1_400),
    forwarding: oneOf(
      ["auto", "off"],
      "auto: the kernel's forwarding is turned on while needed and put back; off: left alone.",
    ).default("auto"),
    nat,
    proxyArp: interfaceName(
      "Answer ARP for sessions on this interface: the pool lies in its LAN.",
      "eth0",
    ).optional(),
    clientToClient: yesNo("Whether sessions reach each other.").default(false),
    reachHost: yesNo("Whether sessions reach this host itself; DNS they always do.").default(false),
  })
  .prefault({});

const gre = z
  .strictObject({
    sendWindow: oneOf(
      ["off", "rfc"],
      "RFC 2637 section 4.2; off, as in every deployed peer, is much faster.",
    ).default("off"),
  })
  .prefault({});

const calls = z
  .strictObject({
    incoming: yesNo(
      "Whether calls a caller offers itself (Incoming-Call-Request) are taken: an access concentrator passes on who dialled it.",
    ).default(false),
  })
  .prefault({});

/** Of accounts that say nothing else. */
const rate = (description: string) =>
  field(z.union([z.string().min(1).max(32), z.number()]), description, rateExpected, "10M").default(
    "unlimited",
  );

const users = z
  .strictObject({
    firstAccount: field(
      z.string().regex(/^[^\p{C}\p{Zl}\p{Zp}]{1,64}$/u),
      "Name of the account made at the first start.",
      "a user name of 1 to 64 characters",
      "vpn",
    ).default("vpn"),
    sessionsPerUser: wholeNumber(
      "Sessions at once of an account that says nothing else.",
      1,
      65_535,
      1,
    ).default(1),
    atSessionLimit: oneOf(
      ["end-oldest", "refuse-new"],
      "At the limit, with the oldest session still alive.",
    ).default("refuse-new"),
    rateUp: rate("From a client, all sessions of its user together; more is dropped."),
    rateDown: rate("Towards a client, likewise."),
  })
  .describe("Defaults of accounts.")
  .prefault({});

const guard = z
  .strictObject({
    block: yesNo(
      "Sources that fail to log in, send what no client sends or connect too often are blocked for a time.",
    ).default(true),
    allow: listOf(
      prefix4("A source prefix.", "198.51.100.0/24"),
      256,
      "Clients from here are never blocked, nor held to limits by source or /24.",
      "IPv4 prefixes",
      "[198.51.100.0/24]",
    ).default([]),
  })
  .describe("Strangers: whoever has not logged in yet.")
  .prefault({});

const accounting = z
  .strictObject({
    interimSeconds: wholeNumber("Between interim records; 0: none.", 0, 86_400, 600).default(600),
    retentionDays: wholeNumber("Records are kept so long.", 1, 3_650, 400).default(400),
  })
  .prefault({});

const hooks = z
  .strictObject({
    ipUp: absolutePath("Run when a session is up.", "/etc/holdfast/ip-up").optional(),
    ipDown: absolutePath("Run when a session has ended.", "/etc/holdfast/ip-down").optional(),
    user: systemUser("Who hooks run as.", "nobody").default("nobody"),
  })
  .prefault({});

export const logLevels = ["error", "warn", "info", "debug", "trace"] as const;

const log = z
  .strictObject({
    level: oneOf(logLevels, "Least important lines that are written.").default("info"),
    format: oneOf(
      ["auto", "json", "pretty"],
      "auto: readable on a terminal, JSON everywhere else.",
    ).default("auto"),
  })
  .prefault({});

const console = z
  .strictObject({
    enabled: yesNo("Whether it listens; who may use it is kept either way.").default(true),
    address: ownAddress("Where it listens.", "127.0.0.1").default("127.0.0.1"),
    port: wholeNumber("TCP port of it.", 1, 65_535, 8723).default(8723),
    names: listOf(
      domainName("A host name.", "vpn.example.org"),
      16,
      "Names by which it is asked for, besides its addresses and localhost: any other is refused.",
      "host names",
      "[vpn.example.org]",
    ).default([]),
    tls: oneOf(
      ["auto", "on", "off"],
      "auto: with a certificate, and on any address but loopback; off: plain, for a proxy in front.",
    ).default("auto"),
    certificate: absolutePath(
      "PEM file of its certificate and what leads up to it; without one, it makes its own.",
      "/etc/holdfast/console.crt",
    ).optional(),
    key: absolutePath("PEM file of the certificate's key.", "/etc/holdfast/console.key").optional(),
    metricsFrom: listOf(
      prefix4("A source prefix.", "192.0.2.0/28"),
      64,
      "Who may read /metrics and /readyz without a token.",
      "IPv4 prefixes",
      "[192.0.2.0/28]",
    ).default([]),
  })
  .describe("The console: HTTP for people and machines.")
  .prefault({});

export const configSchema = z.strictObject({
  instance: field(
    z.string().regex(/^[a-z0-9][a-z0-9-]{0,23}$/),
    "Name of this server on this host; its nftables table is holdfast-<instance>.",
    "1 to 24 lower-case letters, digits and '-'",
    "main",
  ).default("main"),
  state: absolutePath(
    "State directory, unless --state says another.",
    "/var/lib/holdfast",
  ).optional(),
  user: systemUser("Who the server runs as when it is started by root.", "holdfast").default(
    "holdfast",
  ),
  workers: field(
    z.union([z.literal("auto"), z.number().int().min(1).max(worker.workersMax)]),
    "Data workers, each a process; auto: as many as there are processors.",
    `auto, or a whole number from 1 to ${worker.workersMax}`,
    "auto",
  ).default(1),
  engine: oneOf(
    engineChoices,
    "What carries data: wasm is the compiled lane, typescript goes without; auto: wasm where it works.",
  ).default("auto"),
  filter: oneOf(
    filterChoices,
    "What the kernel refuses of GRE before a data worker wakes: auto, what is malformed or of no live call; classic, what is malformed; off, nothing.",
  ).default("auto"),
  xdp: field(
    z.union([
      z.literal("off"),
      z.literal("auto"),
      z.array(interfaceName("", "eth0")).min(1).max(xdp.interfacesMax),
    ]),
    "Interfaces at which the kernel refuses GRE already, by XDP: auto, those with addresses that are listened on; or a list. No other PPTP of this host, nor PPTP that it translates, may use these addresses.",
    `off, auto, or a list of at most ${xdp.interfacesMax} interfaces`,
    "[eth0]",
  ).default("off"),
  listen,
  announce,
  defaultProfile,
  profiles: field(
    z.array(profile).max(64),
    "Others log in otherwise: the first profile that matches counts.",
    "a list of at most 64 profiles, each with a name",
    "[]",
  ).default([]),
  addresses,
  client,
  network,
  gre,
  calls,
  users,
  guard,
  accounting,
  hooks,
  log,
  console,
  notices: noticesSchema,
  limits: limitsSchema.describe("Bounds that may be changed; see docs/LIMITS.md.").prefault({}),
});

/** As the file says it, defaults filled in. */
export type Settings = z.output<typeof configSchema>;
export type ProfileSettings = Settings["profiles"][number];

/** JSON Schema 2020-12 of the file, for editors. */
export function configJsonSchema(): object {
  return z.toJSONSchema(configSchema, { io: "input" });
}
