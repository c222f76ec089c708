// The server's log: JSON lines, or readable ones on a terminal, from this process itself. The text of
// a line is its class: fixed words; whatever varies is a field.
import pino from "pino";
import pretty from "pino-pretty";
import type { Scales } from "../core/guard/scales.js";
import { admin } from "../limits.js";
import { LogBudget } from "./log-budget.js";
import { type LogFields, safeFields, safeText } from "./log-fields.js";
import { LogTail } from "./log-tail.js";

export type Level = "error" | "warn" | "info" | "debug" | "trace";

export type LogTerms = {
  readonly level: Level;
  readonly format: "auto" | "json" | "pretty";
  /** Lines a minute of one class; also the burst. */
  readonly linesPerMinute: number;
  /** Likewise of what strangers bring about, of all classes together: by the field `peer`, its /24, in all. */
  readonly strangersLinesPerMinute?: Scales;
  /** Addresses, and as many /24, of which that is counted. */
  readonly sourcesMax?: number;
  /** Monotonic ms. */
  readonly clock: () => number;
  readonly destination: LogDestination;
};

export type LogDestination = {
  readonly isTerminal: boolean;
  write(line: string): void;
  /** Writes what waits, at once. */
  flush(): void;
};

/** A minute after lines were left out, their number is said even if no further line comes. */
const summaryMs = 60_000;

export class Log implements Disposable {
  readonly #logger: pino.Logger;
  readonly #budget: LogBudget;
  readonly #terms: LogTerms;
  /** The newest lines, for the console. */
  readonly tail = new LogTail();
  #summary: NodeJS.Timeout | undefined;

  constructor(terms: LogTerms) {
    this.#terms = terms;
    const { format, destination, linesPerMinute, strangersLinesPerMinute, sourcesMax } = terms;
    this.#budget = new LogBudget(linesPerMinute, strangersLinesPerMinute, sourcesMax);
    const readable = format === "pretty" || (format === "auto" && destination.isTerminal);
    this.#logger = pino(
      {
        level: terms.level,
        base: null,
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
      },
      readable ? readableStream(destination) : destination,
    );
  }

  get level(): Level {
    return this.#logger.level as Level;
  }

  set level(level: Level) {
    this.#logger.level = level;
  }

  set linesPerMinute(perMinute: number) {
    this.#budget.perMinute = perMinute;
  }

  /** For callers that would have to work to build fields: per-packet lines only exist at trace. */
  writes(level: Level): boolean {
    return this.#logger.isLevelEnabled(level);
  }

  error(fields: LogFields, line: string): void {
    this.#write("error", fields, line);
  }

  warn(fields: LogFields, line: string): void {
    this.#write("warn", fields, line);
  }

  /** `stranger`: nobody who is logged in brought it about. */
  info(fields: LogFields, line: string, by?: "stranger"): void {
    this.#write("info", fields, line, by);
  }

  debug(fields: LogFields, line: string): void {
    this.#write("debug", fields, line);
  }

  trace(fields: LogFields, line: string): void {
    this.#write("trace", fields, line);
  }

  /** Says what was left out, and writes everything out. The log can be used on. */
  flush(): void {
    this.#saySuppressed();
    this.#terms.destination.flush();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#summary);
    this.#summary = undefined;
    this.flush();
  }

  #write(level: Level, fields: LogFields, line: string, by?: "stranger"): void {
    if (!this.#logger.isLevelEnabled(level)) return;
    const strange = level === "warn" || by === "stranger";
    const source = strange && typeof fields.peer === "string" ? fields.peer : undefined;
    const admission = this.#budget.admit(line, this.#terms.clock(), source);
    if (!admission.write) {
      this.#armSummary();
      return;
    }
    if (admission.suppressed > 0) this.#sayCount(line, admission.suppressed);
    const [safe, text] = [safeFields(fields), safeText(line)];
    this.#logger[level](safe, text);
    this.tail.put(level, safe, text);
  }

  #armSummary(): void {
    if (this.#summary !== undefined) return;
    this.#summary = setTimeout(() => {
      this.#summary = undefined;
      this.#saySuppressed();
    }, summaryMs);
    this.#summary.unref();
  }

  #saySuppressed(): void {
    for (const { lineClass, suppressed } of this.#budget.takeSuppressed()) {
      this.#sayCount(lineClass, suppressed);
    }
  }

  #sayCount(lineClass: string, suppressed: number): void {
    const fields = { of: safeText(lineClass), suppressed };
    this.#logger.warn(fields, `${suppressed} lines suppressed`);
    this.tail.put("warn", fields, `${suppressed} lines suppressed`);
  }
}

function readableStream(destination: LogDestination): pino.DestinationStream {
  const formatter = pretty.prettyFactory({
    colorize: destination.isTerminal,
    translateTime: "SYS:HH:MM:ss",
    singleLine: true,
    ignore: "pid,hostname",
  });
  return {
    write: (line) => {
      destination.write(formatter(line) ?? line);
    },
  };
}

/** Standard output. A reader that is gone or slow costs lines, never the server. */
export function standardOutput(): LogDestination {
  // What waits beyond that is dropped, not kept.
  const maxLength = admin.logWaitingOctetsMax;
  const stream = pino.destination({ fd: 1, sync: false, maxLength });
  stream.on("error", () => {});
  return {
    isTerminal: process.stdout.isTTY === true,
    write: (line) => {
      stream.write(line);
    },
    flush: () => {
      try {
        stream.flushSync();
      } catch {
        // Nobody reads any more.
      }
    },
  };
}
