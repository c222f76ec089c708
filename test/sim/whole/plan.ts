// What a run of a whole server is made of, drawn from its seed.
import type { Chance } from "../../../src/base/chance.js";
import type { PppPolicy } from "../../../src/core/ppp/ports.js";
import { NO_LIMITS } from "../../../src/store/account-rules.js";
import type { Account } from "../../../src/store/port.js";
import { POLICY } from "../../ppp/pair.js";
import type { EngineKind } from "../memories.js";
import type { PathTerms } from "../network.js";
import { drawSpoils, type StreamSpoils } from "../stream.js";
import { START_FAULTS, type StartFault } from "./machine.js";

export const ENDINGS = [
  ...["stop", "stop", "clear", "stop-control", "fin", "rst", "vanish"],
  ...["lcp-silence", "administrator", "client-worker", "none"],
] as const;
export type Ending = (typeof ENDINGS)[number];

export type CallerPlan = {
  readonly atMs: number;
  readonly name: string;
  readonly password: string;
  readonly policy: PppPolicy;
  readonly ending: Ending;
  readonly forMs: number;
  /** That long from its session's beginning, so that there is one; else from the call's. */
  readonly fromUp: boolean;
  readonly packets: number;
  /** Calls after another. */
  readonly calls: number;
  /** Of its GRE, how much is changed by somebody who hates PPP: itself. */
  readonly mangles: number;
  /** What befalls its control connection. */
  readonly spoils: StreamSpoils | undefined;
};

export const TALKS = ["rubbish", "half-open", "dribble", "orders", "deaf", "flood"] as const;
export type Talk = (typeof TALKS)[number];
export const WOES = [
  ...["kill", "stall", "rave", "crash", "store", "store", "tun", "late", "reload"],
  ...["bad-reload", "account", "rate", "block", "unblock", "looks", "all-away"],
] as const;
export type Woe = (typeof WOES)[number];

export type Plan = {
  readonly lastsMs: number;
  readonly config: string;
  /** The file as an operator may have written it anew: whatever may change while the server runs, and some that may not. */
  readonly rewritten: (chance: Chance) => string;
  /** Of every data worker, the callers' too. */
  readonly engine: EngineKind;
  readonly encrypted: boolean;
  readonly path: PathTerms;
  readonly accounts: readonly { readonly account: Account; readonly password: string }[];
  readonly callers: readonly CallerPlan[];
  readonly talks: readonly { readonly atMs: number; readonly talk: Talk }[];
  readonly forgeries: readonly { readonly atMs: number; readonly packets: number }[];
  readonly woes: readonly { readonly atMs: number; readonly woe: Woe }[];
  readonly sendErrors: number;
  readonly troubles: number;
  readonly startFault: StartFault | undefined;
  /** So long after the first signal comes a second. */
  readonly impatientMs: number | undefined;
};

export const POOL_SIZE = 253;
const SESSIONS_MAX = 400;

export function configText(
  chance: Chance,
  encrypted: boolean,
  workers: number,
  ipv6: boolean,
): string {
  const required = `{required: ${encrypted}, bits: [${encrypted ? "128, 56, 40" : ""}], stateful: true}`;
  return [
    "listen: {addresses: [198.18.1.1, 198.18.1.2]}",
    `workers: ${workers}`,
    "engine: typescript",
    'filter: "off"',
    `addresses: {pool: [10.99.0.0/24], gateway: 10.99.0.1${ipv6 ? ', ipv6Prefix: "2001:db8:99::/48"' : ""}}`,
    `accounting: {interimSeconds: ${chance.of([60, 600])}}`,
    `users: {atSessionLimit: ${chance.of(["refuse-new", "end-oldest"])}, rateDown: ${chance.of(["unlimited", "1M"])}}`,
    "hooks: {ipUp: /hooks/up, ipDown: /hooks/down}",
    `gre: {sendWindow: ${chance.of(['"off"', "rfc"])}}`,
    `defaultProfile: {authentication: [ms-chap-v2], encryption: ${required}}`,
    "console: {enabled: false}",
    `limits: {access: {sessionsMax: ${SESSIONS_MAX}}}`,
    "",
  ].join("\n");
}

function rewrittenText(chance: Chance, encrypted: boolean, workers: number, ipv6: boolean): string {
  const either = () => chance.happens(0.5);
  // One that needs a restart is left for it, and said.
  const base = configText(chance, encrypted, either() ? workers : 3 - workers, ipv6);
  const more = [
    `log: {level: ${chance.of(["info", "warn"])}}`,
    `client: {dns: [${chance.of(["", "192.0.2.53", "192.0.2.53, 192.0.2.54"])}]}`,
    `network: {clientToClient: ${either()}, mru: ${chance.of([1_300, 1_400])}}`,
    `guard: {block: ${either()}, allow: [${chance.of(["", "11.0.0.0/8"])}]}`,
    `announce: {hostName: ${chance.of(["one", "other"])}}`,
  ];
  return [base, ...more.filter(either), ""].join("\n");
}

export function drawPlan(chance: Chance, callers: number): Plan {
  const encrypted = chance.happens(0.8);
  const ipv6 = chance.happens(0.3);
  const rough = chance.happens(0.5);
  const workers = chance.happens(0.3) ? 2 : 1;
  // About fifty at once, however many there are.
  const lastsMs = 60_000 + callers * 250;
  const accounts = Array.from({ length: Math.ceil(callers / 3) }, (_, i) => drawAccount(chance, i));
  const times = (count: number) => Array.from({ length: count }, () => chance.int(0, lastsMs));
  const calm = chance.happens(0.15);
  const some = (of: number) => (calm ? 0 : Math.ceil((callers / 100) * of));
  return {
    ...{ lastsMs, encrypted, accounts },
    config: configText(chance, encrypted, workers, ipv6),
    rewritten: (drawn) => rewrittenText(drawn, encrypted, workers, ipv6),
    path: {
      latencyMs: chance.int(1, 60),
      loss: rough ? chance.unit() * 0.05 : 0,
      duplication: rough ? chance.unit() * 0.05 : 0,
      reordering: rough ? chance.unit() * 0.1 : 0,
      truncation: rough ? chance.unit() * 0.01 : 0,
      forgery: encrypted && rough ? 0.02 : 0,
      corruption: chance.happens(0.3) ? chance.unit() * 0.02 : 0,
    },
    callers: times(callers).map((atMs) => drawCaller(chance, atMs, accounts, encrypted, ipv6)),
    talks: times(some(15)).map((atMs) => ({ atMs, talk: chance.of(TALKS) })),
    forgeries: times(some(6)).map((atMs) => ({ atMs, packets: chance.int(10, 200) })),
    woes: times(some(8)).map((atMs) => ({ atMs, woe: chance.of(WOES) })),
    sendErrors: rough ? 0.005 : 0,
    troubles: rough ? 0.02 : 0,
    engine: chance.happens(0.5) ? "wasm" : "typescript",
    startFault: chance.happens(0.04) ? chance.of(START_FAULTS) : undefined,
    impatientMs: chance.happens(0.2) ? chance.int(0, 3_000) : undefined,
  };
}

function drawAccount(chance: Chance, index: number): Plan["accounts"][number] {
  const account: Account = {
    ...NO_LIMITS,
    accountId: index + 1,
    name: `user${index}`,
    enabled: !chance.happens(0.03),
    createdAt: 0,
    changedAt: 0,
    hasClearText: false,
    sessionsMax: chance.int(1, 3),
    atSessionLimit: chance.of(["refuse-new", "end-oldest", undefined] as const),
    staticAddress: chance.happens(0.05) ? 0x0a640000 + index : undefined,
    routes: chance.happens(0.05) ? [{ address: 0xac100000 + (index << 8), length: 24 }] : [],
    sessionSecondsMax: chance.happens(0.1) ? chance.int(1, 30) : undefined,
    idleSecondsMax: chance.happens(0.1) ? chance.int(2, 30) : undefined,
    octetsMax: chance.happens(0.1) ? chance.int(0, 6_000) : undefined,
    upBitsPerSecond: chance.happens(0.2) ? 8_000 : undefined,
    downBitsPerSecond: chance.happens(0.2) ? 8_000 : undefined,
    dialIn: !chance.happens(0.02),
  };
  return { account, password: `Pw-${index}-${chance.int(0, 9_999)}` };
}

/** Three of ten calls end while they log in, or soon after. */
function drawLength(chance: Chance): Pick<CallerPlan, "forMs" | "fromUp"> {
  return chance.happens(0.3)
    ? { forMs: chance.int(0, 3_000), fromUp: false }
    : { forMs: chance.int(0, 10_000), fromUp: true };
}

function drawCaller(
  chance: Chance,
  atMs: number,
  accounts: Plan["accounts"],
  encrypted: boolean,
  ipv6: boolean,
): CallerPlan {
  const { account, password } = chance.of(accounts);
  const stateful = encrypted && chance.happens(0.2);
  const bits = chance.of([[128], [128], [40], [56, 128]] as const);
  const encryption = encrypted
    ? { require: true, bits, stateful, askStateful: stateful }
    : { require: false, bits: [], stateful: false };
  return {
    atMs,
    name: chance.happens(0.03) ? "nobody" : account.name,
    password: chance.happens(0.05) ? "wrong" : password,
    policy: { ...POLICY, encryption, ipv6, echoIntervalMs: chance.of([0, 10_000, 30_000]) },
    ending: chance.of(ENDINGS) as Ending,
    ...drawLength(chance),
    packets: chance.happens(0.5) ? chance.int(0, 20) : 0,
    calls: chance.happens(0.8) ? 1 : chance.int(2, 4),
    mangles: chance.happens(0.05) ? chance.unit() * 0.4 : 0,
    spoils: drawSpoils(chance),
  };
}
