// Figures with or without a bar, as the table and the bars of a report.
import { figure, made, type Reach, report, type Table } from "./results.js";

export type Figure = {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** At most so much. */
  readonly most?: number;
};

/** Taken when the benchmark begins. */
export const from = made;

export function tell(
  name: string,
  begun: ReturnType<typeof made>,
  {
    title,
    notes,
    figures,
  }: { title: string; notes: readonly string[]; figures: readonly Figure[] },
  keep: boolean,
): void {
  const shown = ({ value, unit }: Figure) => `${figure(value)} ${unit}`;
  const reach = figures.flatMap((one): Reach[] => {
    if (one.most === undefined) return [];
    const bar = `at most ${one.most} ${one.unit}`;
    return [{ what: one.what, bar, found: shown(one), reached: one.value <= one.most }];
  });
  const table: Table = {
    title,
    columns: ["what", "figure"],
    rows: figures.map((one) => [one.what, shown(one)]),
    notes: notes.map((note) => `- ${note}`),
  };
  report(name, { made: begun, reach, tables: [table], data: { figures } }, keep);
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
