// What a simulated run is made of, drawn from its seed: the network's manners, the accounts, who calls
// when, and how each call is to end.

import type { Chance } from "../../src/base/chance.js";
import type { AccountTerms } from "../../src/core/access/ports.js";
import type { PppPolicy } from "../../src/core/ppp/ports.js";
import { POLICY } from "../ppp/pair.js";
import type { Account, Trouble } from "./backend.js";
import type { EngineKind } from "./memories.js";
import type { PathTerms } from "./network.js";
import { drawSpoils, type StreamSpoils } from "./stream.js";

export const ENDINGS = [
  "stop",
  "clear",
  "stop-control",
  "fin",
  "rst",
  "lcp-silence",
  "vanish",
  "idle",
  "time",
  "octets",
  "administrator",
  "server-worker",
  "client-worker",
  "stalled-stop",
  "second-login",
  "none",
] as const;
export type Ending = (typeof ENDINGS)[number];

export type CallPlan = {
  readonly afterMs: number;
  readonly ending: Ending;
  readonly forMs: number;
};

export type ClientPlan = {
  readonly account: Account;
  readonly password: string;
  readonly policy: PppPolicy;
  readonly calls: readonly CallPlan[];
  readonly packets: number;
  /** What befalls its control connections. */
  readonly spoils: StreamSpoils | undefined;
};

export type Scenario = {
  readonly path: PathTerms;
  readonly encrypted: boolean;
  readonly engine: EngineKind;
  readonly serverPolicy: PppPolicy;
  readonly clients: readonly ClientPlan[];
  readonly sessionsMax: number;
  readonly sendErrors: number;
  readonly unavailability: number;
  readonly sendWindow: "off" | "rfc";
  readonly stopAtMs: number;
  readonly stopAtOnce: boolean;
};

const TROUBLES: readonly Trouble[] = [
  "verdict-late",
  "verdict-never",
  "address-late",
  "address-never",
];

export function drawScenario(chance: Chance): Scenario {
  const encrypted = chance.happens(0.8);
  const stateful = encrypted && chance.happens(0.25);
  const ipv6 = chance.happens(0.3);
  const bits = chance.of([[128], [128], [40], [56, 128]] as const);
  const encryption = encrypted
    ? { require: true, bits, stateful, askStateful: stateful }
    : { require: false, bits: [], stateful: false };
  const policy: PppPolicy = { ...POLICY, encryption, ipv6, echoIntervalMs: 30_000 };
  const rough = chance.happens(0.5);
  const clients = Array.from({ length: chance.int(1, 5) }, (_, index) =>
    drawClient(chance, index, policy),
  );
  return {
    path: {
      latencyMs: chance.int(1, 60),
      loss: rough ? chance.unit() * 0.08 : 0,
      duplication: rough ? chance.unit() * 0.05 : 0,
      reordering: rough ? chance.unit() * 0.1 : 0,
      truncation: rough ? chance.unit() * 0.02 : 0,
      forgery: encrypted && rough ? 0.05 : 0,
    },
    encrypted,
    engine: chance.happens(0.5) ? "wasm" : "typescript",
    serverPolicy: policy,
    clients,
    sessionsMax: chance.happens(0.1) ? 2 : 32,
    sendErrors: rough ? 0.005 : 0,
    unavailability: chance.happens(0.1) ? 0.3 : 0,
    sendWindow: chance.happens(0.2) ? "rfc" : "off",
    stopAtMs: chance.int(20_000, 400_000),
    stopAtOnce: chance.happens(0.2),
  };
}

function drawClient(chance: Chance, index: number, server: PppPolicy): ClientPlan {
  const calls = Array.from({ length: chance.int(1, 3) }, () => ({
    afterMs: chance.int(0, 15_000),
    ending: chance.of(ENDINGS),
    forMs: chance.int(0, 20_000),
  }));
  const endings = calls.map(({ ending }) => ending);
  const name = `user${index}`;
  const terms: AccountTerms = {
    accountId: index + 1,
    name,
    staticAddress: chance.happens(0.2) ? 0x0a640000 + index : undefined,
    routes: [],
    sessionsMax: 1,
    atSessionLimit: chance.of(["refuse-new", "end-oldest"]),
    sessionSecondsMax: endings.includes("time") ? chance.int(1, 60) : undefined,
    idleSecondsMax: endings.includes("idle") ? chance.int(2, 60) : undefined,
    octetsMax: endings.includes("octets") ? chance.int(0, 6_000) : undefined,
    upBitsPerSecond: index % 2 === 1 ? 8_000 : undefined,
    downBitsPerSecond: index % 3 === 1 ? 8_000 : undefined,
  };
  const password = `Pw-${index}-${chance.int(0, 9_999)}`;
  return {
    account: { terms, password, trouble: chance.happens(0.15) ? chance.of(TROUBLES) : undefined },
    password: chance.happens(0.05) ? "wrong" : password,
    policy: { ...server, echoIntervalMs: chance.of([0, 10_000, 30_000]) },
    calls,
    packets: chance.int(0, 60),
    spoils: drawSpoils(chance),
  };
}
