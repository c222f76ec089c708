// A scenario's figures, each a row of the page.
import type { Echoes, Measured, Percentiles, PerMillion, Server } from "./measure.js";
import { describe, grouped } from "./words.js";

export type Row = readonly [label: string, value: string];

const MEBI = 1_048_576;
/** Reasons of a scenario; the JSON has them all. */
const COUNTED_SHOWN = 16;
const HELD_SHOWN = 24;

export function rowsOf(measured: Measured, perMillion: PerMillion): Row[] {
  return [
    ["sent", describe(measured)],
    ...honestRows(measured),
    ...processRows(measured, perMillion),
    ...insideRows(measured, perMillion),
  ];
}

function honestRows({ honest }: Measured): Row[] {
  if (honest === undefined) return [];
  const { sessions, lost, before, during, keptPercent, logIns, logInAfterMs } = honest;
  const times = `the slowest ${ms(logIns.slowestMs)}, ${spread(logIns)}`;
  return [
    ["sessions lost", `${grouped(lost.length)} of ${grouped(sessions)}`],
    ["echoes before", echoes(before)],
    ["echoes during", echoes(during)],
    ["throughput kept", keptPercent === undefined ? "?" : `${keptPercent.toFixed(1)} % of before`],
    [
      "log-ins",
      `${logIns.succeeded} of ${logIns.asked} within three tries of ${ms(logIns.eachWithinMs)}, ` +
        `${logIns.atOnce} at once, ${times}`,
    ],
    ["a log-in after it", `${ms(logInAfterMs)} after its end`],
  ];
}

function processRows({ process }: Measured, perMillion: PerMillion): Row[] {
  if (process === undefined) return [];
  const { before, most, after, processorBefore, processorDuring, processorAfterMs } = process;
  const three = (of: (server: Server) => number | undefined, show: (value?: number) => string) =>
    `${show(of(before))} before, ${show(of(most))} at most, ${show(after && of(after))} after`;
  const resident = three((server) => server.residentOctets, mebi);
  const level = `${processorBefore.toFixed(0)} % of a core before, ${processorDuring.toFixed(0)} % during`;
  return [
    ["resident memory", `${resident}; ${mebi(perMillion.residentOctets)} for a million sent`],
    ["descriptors", three((server) => server.descriptors, count)],
    ["kernel slabs", three((server) => server.slabOctets, mebi)],
    ["fragments in the kernel", three((server) => server.fragmentOctets, mebi)],
    ["processor", `${level}, back ${ms(processorAfterMs)} after its end`],
  ];
}

function insideRows(
  { heap, holdings, answerMs, counted }: Measured,
  perMillion: PerMillion,
): Row[] {
  const rows: Row[] = [];
  if (heap !== undefined) {
    const kept = `${mebi(heap.before)} before, ${mebi(heap.after)} after`;
    rows.push(["heap", `${kept}; ${mebi(perMillion.heapOctets)} for a million sent`]);
  }
  if (answerMs !== undefined) {
    rows.push(["event loop", `its admin socket answered within ${grouped(answerMs)} ms`]);
  }
  if (holdings !== undefined) {
    const held = Object.entries(holdings.after).filter(([, most]) => most > 0);
    rows.push(["held after it", listed(held, HELD_SHOWN) || "nothing"]);
  }
  const reasons = Object.entries(counted ?? {});
  if (reasons.length > 0) rows.push(["the server counted", listed(reasons, COUNTED_SHOWN)]);
  return rows;
}

function listed(entries: readonly (readonly [string, number])[], most: number): string {
  const shown = entries.slice(0, most).map(([what, times]) => `${what} ${grouped(times)}`);
  return shown.join(", ");
}

function echoes(all: Echoes): string {
  return `${grouped(all.answered)} answered, ${grouped(all.unanswered)} not, ${spread(all)}`;
}

function spread({ p50, p90, p99 }: Percentiles): string {
  if (p50 === undefined) return "no times";
  return `50, 90 and 99 of 100 within ${p50}, ${p90} and ${p99} ms`;
}

function ms(value: number | undefined): string {
  return value === undefined ? "not seen" : `${grouped(value)} ms`;
}

function mebi(octets: number | undefined): string {
  return octets === undefined ? "?" : `${(octets / MEBI).toFixed(1)} MiB`;
}

function count(value: number | undefined): string {
  return value === undefined ? "?" : grouped(value);
}
