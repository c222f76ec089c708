// Whether the Node release this runs on still gets security fixes.

/**
 * Last day of support of each release line, from the release schedule of nodejs/Release
 * (schedule.json, `end`). A line that is not listed is newer than this table.
 */
export const nodeEndOfLife: Readonly<Record<number, string>> = {
  18: "2025-04-30",
  19: "2023-06-01",
  20: "2026-04-30",
  21: "2024-06-01",
  22: "2027-04-30",
  23: "2025-06-01",
  24: "2028-04-30",
  25: "2026-06-01",
  26: "2029-04-30",
};

/** One line for the log and `doctor`, or undefined while the line is supported. `today` is a Date's. */
export function runtimeWarning(version: string, today: Date): string | undefined {
  const line = Number(/^v?(\d+)\./.exec(version)?.[1] ?? Number.NaN);
  const end = nodeEndOfLife[line];
  if (end === undefined || today.toISOString().slice(0, 10) <= end) return undefined;
  return (
    `Node ${line} has had no security fixes since ${end}: ` +
    "holdfast runs, but use a supported release (README, Requirements)"
  );
}
