import { expect, test } from "vitest";
import { nodeEndOfLife, runtimeWarning } from "./runtime-support.js";

const day = (text: string) => new Date(`${text}T12:00:00Z`);

test.each([
  ["v20.20.2", "2026-04-30", false],
  ["v20.20.2", "2026-05-01", true],
  ["v24.21.0", "2026-11-22", false],
  ["v24.21.0", "2028-05-01", true],
  ["v25.1.0", "2026-11-22", true],
  ["v99.0.0", "2026-11-22", false],
  ["unknown", "2026-11-22", false],
])("%s on %s: warned %s", (version, today, warned) => {
  expect(runtimeWarning(version, day(today)) !== undefined).toBe(warned);
});

test("the warning names the release, since when, and what to do", () => {
  const warning = runtimeWarning("v20.20.2", day("2026-11-22"));
  expect(warning).toContain("Node 20");
  expect(warning).toContain("2026-04-30");
  expect(warning).toContain("README");
});

test("every date is a date", () => {
  for (const end of Object.values(nodeEndOfLife)) expect(day(end).toJSON()).toContain(end);
});
