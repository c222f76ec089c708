// A TCP connection: octets in order, cut anywhere, its sudden ends, and what its checksum let through.
import type { Chance } from "../../src/base/chance.js";
import { Pipe, type Schedule } from "./schedule.js";

export interface StreamUser {
  octets(octets: Uint8Array): void;
  /** Until when nothing is read, if it is not read now; for ever: until `resume`. */
  pausedUntil(): number | undefined;
  /** The socket is closed: the last that is heard of it. */
  closed(): void;
}

/**
 * What befalls what is written, per segment: an octet of it is another one, as where a middlebox spoilt it behind
 * the checksum or somebody guessed the window; or half of it comes, and then the connection is closed.
 */
export type StreamSpoils = { readonly flips: number; readonly cuts: number };

/** One of ten has such a connection. */
export function drawSpoils(chance: Chance): StreamSpoils | undefined {
  if (!chance.happens(0.1)) return undefined;
  const flips = chance.unit() * 0.2;
  return { flips, cuts: chance.happens(0.5) ? chance.unit() * 0.1 : 0 };
}

/** How often that was, of all that shares it. */
export type SpoilCount = { flips: number; cuts: number };

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
  /** Of what is written now nothing arrives; the RST is on its way. */
  #cut = false;
  #spoils: StreamSpoils | undefined;
  #count: SpoilCount = { flips: 0, cuts: 0 };
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
    if (this.#closed || this.#finSent || this.#cut) return;
    for (let at = 0; at < octets.length; ) {
      const whole = this.chance.happens(0.6);
      const length = whole ? octets.length - at : this.chance.int(1, octets.length - at);
      const segment = octets.slice(at, at + length);
      at += length;
      if (this.#spoils !== undefined && this.#spoil(segment, this.#spoils)) return;
      this.#send(() => this.far.#deliver(segment));
    }
  }

  /** Both directions, from now on. */
  spoil(spoils: StreamSpoils, count: SpoilCount): void {
    for (const end of [this, this.far]) {
      end.#spoils = spoils;
      end.#count = count;
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
      far.#lost();
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

  /** True: it is not sent, the connection having been cut in its middle. */
  #spoil(segment: Uint8Array, { flips, cuts }: StreamSpoils): boolean {
    const { chance } = this;
    if (chance.happens(flips)) {
      const at = chance.int(0, segment.length - 1);
      segment[at] = segment[at]! ^ chance.int(1, 255);
      this.#count.flips++;
    }
    if (!chance.happens(cuts)) return false;
    this.#cutShort(segment.slice(0, chance.int(0, segment.length - 1)));
    this.#count.cuts++;
    return true;
  }

  /** Each end hears it of the other; by FIN, or by RST. */
  #cutShort(segment: Uint8Array): void {
    this.#send(() => this.far.#deliver(segment));
    const { far } = this;
    if (this.chance.happens(0.5)) {
      this.end();
      // Sent by nobody, so behind whatever is on its way.
      far.#send(() => this.#finReceived());
      return;
    }
    this.#cut = true;
    this.#send(() => far.#lost());
    far.#send(() => this.#lost());
  }

  #lost(): void {
    this.#dead = true;
    this.#close();
  }

  #send(run: () => void): void {
    this.#out.in(this.latencyMs + this.chance.int(0, 20), () => {
      if (!this.dark && !this.far.dark) run();
    });
  }

  #deliver(segment: Uint8Array): void {
    if (this.#dead || segment.length === 0) return;
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
