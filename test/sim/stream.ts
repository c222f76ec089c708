// A TCP connection: octets in order, cut anywhere, and its sudden ends.
import type { Chance } from "../../src/base/chance.js";
import { Pipe, type Schedule } from "./schedule.js";

export interface StreamUser {
  octets(octets: Uint8Array): void;
  /** Until when nothing is read, if it is not read now; for ever: until `resume`. */
  pausedUntil(): number | undefined;
  /** The socket is closed: the last that is heard of it. */
  closed(): void;
}

const LINGER_MS = 2_000;

/** One end; `far` is the other. */
export class StreamEnd {
  far!: StreamEnd;
  user: StreamUser | undefined;
  /** Nothing gets through either way, and nobody is told. */
  dark = false;
  #closed = false;
  #finSent = false;
  #dead = false;
  readonly #out: Pipe;
  readonly #inbox: (Uint8Array | "fin")[] = [];

  constructor(
    readonly schedule: Schedule,
    readonly chance: Chance,
    readonly latencyMs: number,
  ) {
    this.#out = new Pipe(schedule);
  }

  write(octets: Uint8Array): void {
    if (this.#closed || this.#finSent) return;
    for (let at = 0; at < octets.length; ) {
      const whole = this.chance.happens(0.6);
      const length = whole ? octets.length - at : this.chance.int(1, octets.length - at);
      const segment = octets.slice(at, at + length);
      at += length;
      this.#send(() => this.far.#deliver(segment));
    }
  }

  /** FIN behind all that was written; who does not answer it is cut off. */
  end(): void {
    if (this.#closed || this.#finSent) return;
    this.#finSent = true;
    this.#send(() => this.far.#finReceived());
    this.schedule.in(LINGER_MS, () => this.#close());
  }

  reset(): void {
    if (this.#closed) return;
    const { far } = this;
    this.schedule.in(this.latencyMs, () => {
      if (this.dark || far.dark) return;
      far.#dead = true;
      far.#close();
    });
    this.#close();
  }

  /** Reads what came while nobody did. */
  resume(): void {
    this.#read();
  }

  /** Octets that came and were not read. */
  get unread(): number {
    return this.#inbox.reduce((sum, piece) => sum + (piece === "fin" ? 0 : piece.length), 0);
  }

  #send(run: () => void): void {
    this.#out.in(this.latencyMs + this.chance.int(0, 20), () => {
      if (!this.dark && !this.far.dark) run();
    });
  }

  #deliver(segment: Uint8Array): void {
    if (this.#dead) return;
    this.#inbox.push(segment);
    this.#read();
  }

  #finReceived(): void {
    this.#inbox.push("fin");
    this.#read();
  }

  #read(): void {
    while (!this.#closed && this.#inbox.length > 0) {
      const until = this.user?.pausedUntil() ?? 0;
      if (until === Number.POSITIVE_INFINITY) return;
      if (until > this.schedule.now) {
        this.schedule.at(until, () => this.#read());
        return;
      }
      const next = this.#inbox.shift()!;
      if (next !== "fin") {
        this.user?.octets(next);
        continue;
      }
      // As node:net does without allowHalfOpen: our own end follows.
      this.end();
      this.#close();
    }
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.user?.closed();
  }
}

export function connectStream(
  schedule: Schedule,
  chance: Chance,
  latencyMs: number,
): { near: StreamEnd; far: StreamEnd } {
  const near = new StreamEnd(schedule, chance, latencyMs);
  const far = new StreamEnd(schedule, chance, latencyMs);
  near.far = far;
  far.far = near;
  return { near, far };
}
