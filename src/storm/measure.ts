// What is measured of one scenario, as values: the verdicts and the report are made of nothing else.
import type { Sent } from "./messages.js";

/** Times in ms; undefined of nothing. */
export type Percentiles = {
  readonly p50: number | undefined;
  readonly p90: number | undefined;
  readonly p99: number | undefined;
};

export type Echoes = Percentiles & { readonly answered: number; readonly unanswered: number };

export type LogIns = Percentiles & {
  readonly asked: number;
  /** Each try has so long, ms: one that takes longer has failed. */
  readonly eachWithinMs: number;
  /** Within three such tries, and within the first. */
  readonly succeeded: number;
  readonly atOnce: number;
  /** The slowest of those, from the first try on. */
  readonly slowestMs: number;
  /** Why tries failed, and how often. */
  readonly failures: Readonly<Record<string, number>>;
};

export type Server = {
  readonly residentOctets: number;
  readonly descriptors: number | undefined;
  /** Of the kernel, for all that run on this machine: sockets, queues, tables. */
  readonly slabOctets: number | undefined;
  /** Of the kernel, in the server's network namespace: fragments that wait for the rest of their datagram. */
  readonly fragmentOctets: number | undefined;
};

export type Measured = {
  /** With its floods, a log-in may need three tries. */
  readonly floods: boolean;
  /** It takes every place: no log-in is owed one while it lasts. */
  readonly exhausts: boolean;
  readonly sent: Sent;
  /** Undefined: no user was named. */
  readonly honest:
    | {
        readonly sessions: number;
        readonly lost: readonly string[];
        readonly before: Echoes;
        readonly during: Echoes;
        /** Throughput, as echoes asked for at one pace show it: of the share answered before, in percent. */
        readonly keptPercent: number | undefined;
        readonly logIns: LogIns;
        /** From the stream's end to the first log-in begun after it that succeeded. */
        readonly logInAfterMs: number | undefined;
      }
    | undefined;
  /** Undefined: its process cannot be seen. */
  readonly process:
    | {
        readonly pid: number;
        readonly before: Server;
        readonly most: Server;
        /** Undefined: it is gone. */
        readonly after: Server | undefined;
        /** Of one core: the highest before, while the stream ran on average. */
        readonly processorBefore: number;
        readonly processorDuring: number;
        /** From the stream's end until it was back; undefined: not while it was watched. */
        readonly processorAfterMs: number | undefined;
      }
    | undefined;
  /** Undefined: no admin socket. What the server held, by kind. */
  readonly holdings:
    | {
        readonly before: Readonly<Record<string, number>>;
        readonly after: Readonly<Record<string, number>>;
      }
    | undefined;
  /** Octets in use of its main process's heap, not collected for it; undefined: no admin socket. */
  readonly heap: { readonly before: number; readonly after: number | undefined } | undefined;
  /** The slowest answer of its admin socket meanwhile, ms: so late its event loop was. */
  readonly answerMs: number | undefined;
  /** What our server counted meanwhile, by reason, the most first. */
  readonly counted: Readonly<Record<string, number>> | undefined;
  /** Whether it takes a connection at the end. */
  readonly answers: boolean;
};

/** What was kept, of a million of what was sent; undefined where there is nothing to tell it by. */
export type PerMillion = {
  readonly residentOctets: number | undefined;
  readonly heapOctets: number | undefined;
};

export function perMillionOf({ process, heap, sent }: Measured): PerMillion {
  const units = unitsOf(sent);
  const each = (before: number | undefined, after: number | undefined) =>
    units === 0 || before === undefined || after === undefined
      ? undefined
      : Math.round(((after - before) / units) * 1e6);
  return {
    residentOctets: each(process?.before.residentOctets, process?.after?.residentOctets),
    heapOctets: each(heap?.before, heap?.after),
  };
}

/** Of the share that was answered before; undefined where there was no echo. */
export function keptPercentOf(before: Echoes, during: Echoes): number | undefined {
  const share = ({ answered, unanswered }: Echoes) => answered / (answered + unanswered);
  const [was, is] = [share(before), share(during)];
  if (Number.isNaN(was) || Number.isNaN(is)) return undefined;
  return was === 0 ? 0 : (100 * is) / was;
}

/** Hostile things sent: packets, and connections where it made those. */
export function unitsOf({ packets, connections }: Sent): number {
  return packets + connections;
}
