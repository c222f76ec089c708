// The names of all scenarios.
import { cutScenarios } from "./cut-scenarios.js";
import { fragmentScenarios } from "./fragment-scenarios.js";
import { packetScenarios } from "./packet-scenarios.js";
import type { Scenario } from "./scenario.js";
import { segmentScenarios } from "./segment-scenarios.js";
import { sessionScenarios } from "./session-scenarios.js";
import { talkScenarios } from "./talk-scenarios.js";

export const scenarios: readonly Scenario[] = [
  ...packetScenarios,
  ...fragmentScenarios,
  ...segmentScenarios,
  ...talkScenarios,
  ...cutScenarios,
  ...sessionScenarios,
];

/** Those that a name means: one scenario, or all that stand for a row of the threats, G-09. */
export function scenariosOf(name: string): readonly Scenario[] {
  const all = scenarios.filter((one) => one.name === name || one.threats.includes(name));
  const unnamed = all.filter(({ byName }) => byName !== true);
  return unnamed.length > 0 ? unnamed : all;
}

export function scenarioOf(name: string): Scenario | undefined {
  return scenarios.find((one) => one.name === name);
}
