// The names of all scenarios.
import { cutScenarios } from "./cut-scenarios.js";
import { packetScenarios } from "./packet-scenarios.js";
import type { Scenario } from "./scenario.js";
import { talkScenarios } from "./talk-scenarios.js";

export const scenarios: readonly Scenario[] = [
  ...packetScenarios,
  ...talkScenarios,
  ...cutScenarios,
];

export function scenarioOf(name: string): Scenario | undefined {
  return scenarios.find((one) => one.name === name);
}
