// One fault of a configuration: what must be said of it.
import { expect, test } from "vitest";
import { loadConfig } from "../../src/daemon/config/load.js";
import { formatProblem, type Problem } from "../../src/daemon/config/problems.js";

export function problems(text: string): readonly Problem[] {
  const loaded = loadConfig(text, "holdfast.yaml");
  return loaded.ok ? [] : loaded.problems;
}

/** line, key, a part of the message, a part of the remedy. */
export type Bad = readonly [
  what: string,
  text: string,
  line: number,
  key: string,
  says: string,
  remedy: string,
];

export function testFaults(cases: readonly Bad[]): void {
  test.each(cases)("%s", (_what, text, line, key, says, remedy) => {
    const found = problems(text);
    const hit = found.find((one) => one.key === key && formatProblem(one).includes(says));
    expect(hit, `found ${found.map(formatProblem).join("\n")}`).toBeDefined();
    expect(hit?.line).toBe(line);
    expect(hit?.remedy).toContain(remedy);
    expect(formatProblem(hit as Problem)).toMatch(/^holdfast\.yaml.*\. Remedy: .+\.$/s);
  });
}
