// A storm's result, version 1: what was sent, what was measured, and a verdict an invariant.

import type { Measured, PerMillion } from "./measure.js";
import type { Sample } from "./timeline.js";
import type { Verdict } from "./verdicts.js";
import { describe } from "./words.js";

/** One scenario. */
export type Ran = {
  readonly name: string;
  readonly threats: readonly string[];
  readonly about: string;
  /** Asked for; `measured.sent` says what went. */
  readonly perSecond: number;
  readonly measured: Measured;
  readonly perMillion: PerMillion;
  readonly verdicts: readonly Verdict[];
};

export type StormReport = {
  readonly version: 1;
  readonly holdfast: string;
  /** RFC 3339, when it began. */
  readonly at: string;
  /** Address and port. */
  readonly server: string;
  /** Of the honest sessions, in turn. */
  readonly locals: readonly string[];
  /** Of the stream. */
  readonly sources: readonly string[];
  /** The same one makes the same stream. */
  readonly seed: number;
  /** Each scenario. */
  readonly seconds: number;
  readonly perSecond: number;
  readonly sessions: number;
  /** Before all scenarios were through. */
  readonly interrupted: boolean;
  readonly notes: readonly string[];
  /** Over all scenarios. */
  readonly verdicts: readonly Verdict[];
  readonly scenarios: readonly Ran[];
  readonly samples: readonly Sample[];
};

/** Nothing broke, and all was run. */
export function allHeld({ verdicts, interrupted }: StormReport): boolean {
  return !interrupted && verdicts.every(({ outcome }) => outcome !== "broken");
}

export function reportJson(report: StormReport): string {
  return `${JSON.stringify(report, undefined, 2)}\n`;
}

export function reportText(report: StormReport): string {
  const lines = [`holdfast storm: ${report.server}, seed ${report.seed}`, ""];
  for (const { name, measured, verdicts } of report.scenarios) {
    lines.push(`${name}: ${describe(measured)}`);
    for (const { invariant, outcome, said } of verdicts) {
      if (outcome === "broken") lines.push(`    BROKEN  ${invariant}: ${said}`);
    }
  }
  lines.push("");
  const width = Math.max(...report.verdicts.map(({ invariant }) => invariant.length));
  for (const { invariant, outcome, said } of report.verdicts) {
    const word = outcome === "broken" ? "BROKEN" : outcome.replace("-", " ");
    lines.push(`${invariant.padEnd(width)}  ${word.padEnd(12)}  ${said}`);
  }
  for (const note of report.notes) lines.push("", `Note: ${note}.`);
  if (report.interrupted) lines.push("", "Interrupted: not all scenarios ran.");
  return `${lines.join("\n")}\n`;
}
