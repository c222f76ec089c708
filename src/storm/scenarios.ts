// The names of all scenarios.
import { packetScenarios } from "./packet-scenarios.js";
import type { Scenario } from "./scenario.js";
import { talkScenarios } from "./talk-scenarios.js";

export const scenarios: readonly Scenario[] = [...packetScenarios, ...talkScenarios];

export function scenarioOf(name: string): Scenario | undefined {
  return scenarios.find((one) => one.name === name);
}
