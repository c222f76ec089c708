// What a server that is only a port tells of its past and of its configuration's fields.
import {
  slotBegin,
  type TrendPeak,
  type TrendSlot,
  type TrendSum,
  trendLengths,
  trendPeaks,
  trendSums,
} from "../../src/base/trend-slot.js";
import type { ConfigField } from "../../src/console/config-contract.js";
import type { TrendsQuery } from "../../src/console/trends-contract.js";
import type { AdminPort } from "../../src/daemon/admin/port.js";

export async function fakeTrends(
  { resolution, from }: TrendsQuery,
  now: number,
  asked: string[],
): ReturnType<AdminPort["trends"]> {
  asked.push(`trends ${resolution}`);
  const lengthMs = trendLengths[resolution];
  // An hour in which it did not run, and one with a storm in it.
  const slots = Array.from({ length: 200 }, (_, back) => 199 - back)
    .filter((back) => back < 60 || back >= 70)
    .map((back) => trendSlot(now - back * lengthMs, lengthMs, back))
    .filter(({ at }) => at >= from);
  return { ok: true, value: { resolution, lengthMs, slots } };
}

function trendSlot(time: number, lengthMs: number, back: number): TrendSlot {
  const sums = Object.fromEntries(trendSums.map((name) => [name, 0]));
  const peaks = Object.fromEntries(trendPeaks.map((name) => [name, 0]));
  const tide = 1 + Math.sin(back / 15);
  return {
    ...(sums as Record<TrendSum, number>),
    ...(peaks as Record<TrendPeak, number>),
    at: slotBegin(time, lengthMs),
    coveredMs: lengthMs,
    sessionMs: Math.round(3 * tide * lengthMs),
    heldMs: Math.round(30 * tide * lengthMs),
    receivedOctets: Math.round(400 * tide * lengthMs),
    sentOctets: Math.round(900 * tide * lengthMs),
    processorMs: Math.round(0.02 * lengthMs),
    logIns: Math.round(4 * tide),
    refused: back > 20 && back < 30 ? 5 * lengthMs : 0,
    refusedPerSecondMax: back > 20 && back < 30 ? 9_000 : 0,
    residentOctetsMax: 1e8,
  };
}

const FIELDS: ConfigField[] = [
  ["log.level", "choice", "info", ["error", "warn", "info", "debug", "trace"]] as const,
  ["network.nat.enabled", "yes-no", "false", []] as const,
  ["limits.ppp.restartMs", "number", "3000", []] as const,
  ["addresses.pool", "text", "[10.99.0.0/24]", []] as const,
].map(([key, kind, text, choices], at) => ({
  ...{ key, kind, text, choices: [...choices], description: "What it is.", expected: "a value" },
  ...{ example: "5", byDefault: at > 1, change: at === 3 ? "needs restart" : "applied" },
  ...{
    min: kind === "number" ? 500 : null,
    max: kind === "number" ? 30_000 : null,
    why: "at once",
  },
}));

/** `wrong` is a wrong value of any field. */
export function fakeConfigEditor(
  asked: string[],
): Pick<AdminPort, "configFields" | "changeConfig"> {
  return {
    configFields: () => ({
      ok: true,
      value: { file: "/etc/holdfast/holdfast.yaml", writable: true, digest: "d1", fields: FIELDS },
    }),
    changeConfig: async ({ changes, apply }) => {
      asked.push(`config ${apply ? "change" : "try"} ${JSON.stringify(changes)}`);
      const wrong = changes.filter(({ text }) => text === "wrong");
      const problems = wrong.map(({ key }) => {
        return { key, found: '"wrong"', message: "expected a number", remedy: "write 5" };
      });
      const applied = changes.map(({ key }) => ({ key, why: "at once" }));
      const rest = { needsRestart: [], warnings: [] };
      const written = apply && problems.length === 0;
      return { ok: true, value: { written, problems, applied: written ? applied : [], ...rest } };
    },
  };
}
