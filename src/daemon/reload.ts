// SIGHUP and `holdfast reload`: the file anew, whole or not at all; no session ends by it.
import type { Reloaded } from "../console/contract.js";
import type { AdminAnswer } from "./admin/port.js";
import { adminFault } from "./admin/port.js";
import { formatProblems, readConfigFile } from "./config/load.js";
import { formatProblem } from "./config/problems.js";
import { compareConfig, mergeApplicable } from "./config/reload.js";
import { resolveSettings } from "./config/resolve.js";
import type { RunningServer } from "./running-server.js";

export type ReloadOutcome = AdminAnswer<Reloaded>;

export async function reloadConfig(running: RunningServer): Promise<ReloadOutcome> {
  const { configFile } = running.terms;
  if (configFile === undefined) {
    const remedy = "write one and start with --config";
    return adminFault("refused", "no-file", "this server runs on defaults, without a file", remedy);
  }
  const loaded = readConfigFile(configFile);
  if (!loaded.ok) {
    const remedy = "mend the file; the old configuration goes on";
    return adminFault("refused", "configuration", formatProblems(loaded.problems), remedy);
  }
  const old = running.config.settings;
  const { changes } = compareConfig(old, loaded.config.settings);
  const merged = resolveSettings(mergeApplicable(old, loaded.config.settings), loaded.source);
  if (merged.problems.length > 0) {
    const remedy = "restart the server to use this file";
    return adminFault("refused", "configuration", formatProblems(merged.problems), remedy);
  }
  const fault = await running.apply(merged.config);
  if (fault !== undefined) return adminFault("trouble", "not-applied", fault.message, fault.remedy);
  const of = (wanted: "applied" | "needs restart") =>
    changes.filter(({ change }) => change === wanted).map(({ key, why }) => ({ key, why }));
  return {
    ok: true,
    value: {
      applied: of("applied"),
      needsRestart: of("needs restart"),
      warnings: loaded.warnings.map(formatProblem),
    },
  };
}

/** For the log, which keeps out whatever is called a key. */
export function reloadFields({ applied, needsRestart, warnings }: Reloaded) {
  const texts = (all: Reloaded["applied"]) => all.map(({ key, why }) => `${key}: ${why}`);
  return { applied: texts(applied), needsRestart: texts(needsRestart), warnings };
}
