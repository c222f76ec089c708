// From what was measured to what it means: one verdict an invariant. Pure.
import { storm as bounds } from "../limits/storm.js";
import { keptPercentOf, type Measured, perMillionOf } from "./measure.js";

const TRY = `${bounds.logInWithinMs / 1_000} s`;

export const invariants = {
  "server-answers": "the server takes connections when the stream is over",
  "sessions-kept": "no session is lost",
  "traffic-kept": "sessions carry their traffic while the stream runs",
  latency: "and without undue delay",
  "log-ins":
    `new sessions log in while the stream runs: each within ${TRY}, under floods of connections ` +
    `${bounds.floodLogInsPercent} of 100 within three tries of ${TRY}`,
  "log-ins-after": "and at once when it is over",
  "memory-flat": "memory does not grow with what was sent",
  descriptors: "no descriptor stays open",
  holdings: "whatever the server lent is back: ledger, addresses, sessions",
  "processor-back": "the processor is free again when the stream stops",
} as const;

export type InvariantId = keyof typeof invariants;
export const invariantIds = Object.keys(invariants) as readonly InvariantId[];

export type Verdict = {
  readonly invariant: InvariantId;
  readonly outcome: "held" | "broken" | "not-measured";
  /** Why, in figures. */
  readonly said: string;
};

type Said = Omit<Verdict, "invariant">;

const MEBI = 1_048_576;
const held = (said: string): Said => ({ outcome: "held", said });
const broken = (said: string): Said => ({ outcome: "broken", said });
const notMeasured = (said: string): Said => ({ outcome: "not-measured", said });
const judged = (holds: boolean, said: string): Said => (holds ? held(said) : broken(said));

const NO_USER = "no user was named (-u)";
const NO_SESSION = "no session was up";
const NO_PROCESS = "its process cannot be seen (--pid, or its admin socket by --state)";
const NO_ADMIN = "it has no admin socket of ours";

const judges: Readonly<Record<InvariantId, (measured: Measured) => Said>> = {
  "server-answers": ({ answers }) =>
    answers ? held("a connection is taken") : broken("no connection is taken"),
  "sessions-kept": ({ honest }) => {
    if (honest === undefined) return notMeasured(NO_USER);
    const { sessions, lost } = honest;
    if (sessions === 0 && lost.length === 0) return notMeasured(NO_SESSION);
    if (lost.length === 0) return held(`${sessions} of ${sessions} live`);
    return broken(`${lost.length} lost: ${[...new Set(lost)].join(", ")}`);
  },
  "traffic-kept": ({ honest }) => {
    if (honest === undefined) return notMeasured(NO_USER);
    const kept = keptPercentOf(honest.before, honest.during);
    if (kept === undefined) return notMeasured(NO_SESSION);
    const said = `${kept.toFixed(1)} % of the echoes answered that were before (${bounds.trafficKeptPercent} % wanted)`;
    return judged(kept >= bounds.trafficKeptPercent, said);
  },
  latency: ({ honest, answerMs }) => {
    if (honest === undefined) return notMeasured(NO_USER);
    const { p99 } = honest.during;
    if (p99 === undefined) return notMeasured("no echo was answered");
    const before = honest.before.p99;
    const said = `99 of 100 echoes within ${p99} ms (before: ${before ?? "-"} ms; ${bounds.latencyMs} ms wanted)`;
    const loop =
      answerMs === undefined ? "" : `; its admin socket within ${answerMs.toFixed(0)} ms`;
    return judged(p99 <= bounds.latencyMs, `${said}${loop}`);
  },
  "log-ins": logInsVerdict,
  "log-ins-after": ({ honest }) => {
    if (honest === undefined) return notMeasured(NO_USER);
    const { logInAfterMs } = honest;
    if (logInAfterMs === undefined) {
      return broken(`none within ${bounds.recoverMs / 1_000} s of the stream's end`);
    }
    const within = logInAfterMs <= bounds.logInWithinMs;
    return judged(within, `the first ${seconds(logInAfterMs)} after the stream's end`);
  },
  "memory-flat": (measured) => {
    const { process, heap } = measured;
    if (process === undefined) return notMeasured(NO_PROCESS);
    if (process.after === undefined) return broken("the process is gone");
    const { residentOctets, heapOctets } = perMillionOf(measured);
    // What waits in the kernel for the rest of its datagram was sent, too; that it is gone by now is no merit.
    const fragments = (process.after.fragmentOctets ?? 0) - (process.before.fragmentOctets ?? 0);
    const resident = process.after.residentOctets - process.before.residentOctets;
    const kept = resident + Math.max(0, fragments);
    const said = `${mebi(process.before.residentOctets)} before, ${mebi(process.after.residentOctets)} after: ${mebi(residentOctets ?? 0)} for a million of what was sent (below ${mebi(bounds.memoryNoiseOctets)} in all nothing can be told)`;
    const inside =
      heap === undefined
        ? ""
        : `; ${change("heap", heap.before, heap.after)}, ${mebi(heapOctets ?? 0)} for a million`;
    const kernel = change("kernel slabs", process.before.slabOctets, process.after.slabOctets);
    const { before, after, most } = process;
    const waiting =
      after.fragmentOctets === undefined
        ? ""
        : `; ${change("fragments that wait in it", before.fragmentOctets, after.fragmentOctets)}, ` +
          `${mebi(most.fragmentOctets ?? 0)} at most`;
    return judged(kept <= bounds.memoryNoiseOctets, `${said}${inside}; ${kernel}${waiting}`);
  },
  descriptors: ({ process }) => {
    if (process === undefined) return notMeasured(NO_PROCESS);
    const [before, after] = [process.before.descriptors, process.after?.descriptors];
    if (process.after === undefined) return broken("the process is gone");
    if (before === undefined || after === undefined) return notMeasured("they may not be listed");
    return judged(after <= before, `${before} before, ${after} after`);
  },
  holdings: ({ holdings }) => {
    if (holdings === undefined) return notMeasured(NO_ADMIN);
    const differences = differencesOf(holdings.before, holdings.after);
    return judged(differences.length === 0, differences.join(", ") || "as before");
  },
  "processor-back": ({ process }) => {
    if (process === undefined) return notMeasured(NO_PROCESS);
    const { processorBefore, processorDuring, processorAfterMs } = process;
    const levels = `${percent(processorBefore)} of a core before, ${percent(processorDuring)} during`;
    if (process.after === undefined) return broken("the process is gone");
    if (processorAfterMs === undefined) {
      return broken(`${levels}, not back within ${bounds.recoverMs / 1_000} s`);
    }
    const within = bounds.recoveredWithinMs + bounds.sampleMs;
    return judged(processorAfterMs <= within, `${levels}, back ${seconds(processorAfterMs)} after`);
  },
};

export function verdicts(measured: Measured): Verdict[] {
  return invariantIds.map((invariant) => ({ invariant, ...judges[invariant](measured) }));
}

function logInsVerdict({ honest, floods, exhausts }: Measured): Said {
  if (honest === undefined) return notMeasured(NO_USER);
  const { asked, succeeded, atOnce, slowestMs, failures, eachWithinMs } = honest.logIns;
  if (asked === 0) return notMeasured("none was begun");
  const whys = Object.entries(failures).map(([why, times]) => `${times} × ${why}`);
  const each = `${eachWithinMs / 1_000} s`;
  const what =
    `${succeeded} of ${asked} within three tries of ${each} (${atOnce} at the first), ` +
    `the slowest after ${seconds(slowestMs)}`;
  const wanted = floods ? `${bounds.floodLogInsPercent} % wanted` : "all at the first wanted";
  const said = [`${what}; ${wanted}`, ...whys].join("; ");
  if (exhausts) return notMeasured(`every place was taken on purpose: ${said}`);
  if (floods) return judged((100 * succeeded) / asked >= bounds.floodLogInsPercent, said);
  return judged(atOnce === asked && slowestMs <= bounds.logInWithinMs, said);
}

function differencesOf(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((what) => (before[what] ?? 0) !== (after[what] ?? 0))
    .map((what) => `${what}: ${before[what] ?? 0} before, ${after[what] ?? 0} after`);
}

/** Of all scenarios: broken where one is, held where some held and none broke. */
export function overall(each: readonly (readonly Verdict[])[]): Verdict[] {
  return invariantIds.map((invariant) => {
    const all = each.flatMap((list) => list.filter((one) => one.invariant === invariant));
    const worst = (["broken", "held", "not-measured"] as const).find((outcome) =>
      all.some((one) => one.outcome === outcome),
    );
    const outcome = worst ?? "not-measured";
    const of = all.filter((one) => one.outcome === outcome);
    const said =
      outcome === "not-measured"
        ? (of[0]?.said ?? "nothing ran")
        : `in ${of.length} of ${all.length} scenario${all.length === 1 ? "" : "s"}`;
    return { invariant, outcome, said };
  });
}

function mebi(octets: number): string {
  return `${(octets / MEBI).toFixed(1)} MiB`;
}

function change(what: string, before: number | undefined, after: number | undefined): string {
  const shown = (octets: number | undefined) => (octets === undefined ? "?" : mebi(octets));
  return `${what} ${shown(before)}, then ${shown(after)}`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}

function percent(share: number): string {
  return `${Math.round(share)} %`;
}
