// The load: many lines from many addresses, one raw GRE socket and one timer for all of them. How many
// log-ins are under way at once, and how many begin a second, is bounded.
import { Deadlines } from "../../src/base/deadlines.js";
import type { Ipv4 } from "../../src/base/ip.js";
import { SLOT_OCTETS } from "../../src/base/kernel-layout.js";
import { Ledger } from "../../src/base/ledger.js";
import { clientPolicy } from "../../src/client/policy.js";
import { monotonicNow } from "../../src/os/clock.js";
import { systemRng } from "../../src/os/entropy.js";
import { describeOsError, isOsError } from "../../src/os/errors.js";
import { openGreSockets } from "../../src/os/gre-socket.js";
import { ReceiveSlots } from "../../src/os/packet-memory.js";
import { GreHeader, readGre } from "../../src/wire/gre.js";
import { Line } from "./line.js";

export type LoadOptions = {
  readonly server: Ipv4;
  /** The first source address; each line takes the next. */
  readonly from: Ipv4;
  readonly callsPerConnection: number;
  /** Log-ins under way at once, and begun a second at most (0: no bound). */
  readonly concurrency: number;
  readonly perSecond: number;
  /** `NAME0`, `NAME1`, …: so many accounts take turns; 0: all are NAME. */
  readonly user: string;
  readonly users: number;
  readonly password: string;
};

export type Raised = {
  readonly sessions: number;
  readonly connections: number;
  readonly seconds: number;
  readonly logInsPerSecond: number;
  /** Per log-in in the order they came up: from its SYN (or Outgoing-Call-Request) to IPCP Opened, ms. */
  readonly milliseconds: readonly number[];
  readonly encryption: Readonly<Record<string, number>>;
  readonly failures: Readonly<Record<string, number>>;
};

const SOURCE_AT = 12;
const DESTINATION_AT = 16;

export class Load {
  readonly #options: LoadOptions;
  readonly #gre;
  readonly #slots = new ReceiveSlots();
  readonly #header = new GreHeader();
  readonly #rng = systemRng();
  readonly #ledger = new Ledger(monotonicNow);
  readonly #policy = clientPolicy();
  readonly #lines = new Map<Ipv4, Line>();
  readonly #deadlines = new Deadlines<Line>();
  /** Lines whose next log-in waits for its turn. */
  #waiting: Line[] = [];
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #begun = 0;
  #up = 0;
  #settling = 0;
  #unsettled = 0;
  #wanted = 0;
  #notBefore = 0;
  #milliseconds: number[] = [];
  #encryption: Record<string, number> = {};
  #failures: Record<string, number> = {};
  #changed: () => void = () => {};

  constructor(options: LoadOptions) {
    this.#options = options;
    const gre = openGreSockets();
    if (isOsError(gre)) throw new Error(describeOsError(gre));
    this.#gre = gre;
    gre.attachFormFilter();
    const watch = gre.watch(() => this.#read());
    if (isOsError(watch)) throw new Error(describeOsError(watch));
  }

  get sessions(): number {
    let sessions = 0;
    for (const line of this.#lines.values()) sessions += line.sessions;
    return sessions;
  }

  get failures(): Readonly<Record<string, number>> {
    return this.#failures;
  }

  /** Logs in until there are `sessions`; resolves when all are up or have failed. */
  async raise(sessions: number): Promise<Raised> {
    const { callsPerConnection } = this.#options;
    const begunAt = monotonicNow();
    const before = this.#up;
    this.#milliseconds = [];
    this.#encryption = {};
    this.#failures = {};
    this.#wanted = Math.ceil(sessions / callsPerConnection);
    await this.#until(() => {
      this.#fill();
      return this.#lines.size >= this.#wanted && this.#settling === 0;
    });
    const seconds = (monotonicNow() - begunAt) / 1_000;
    return {
      sessions: this.sessions,
      connections: this.#lines.size,
      seconds,
      logInsPerSecond: (this.#up - before) / seconds,
      milliseconds: this.#milliseconds,
      encryption: this.#encryption,
      failures: this.#failures,
    };
  }

  /** Ends all in order, as many lines at once as log in at once. */
  async end(): Promise<{ readonly seconds: number }> {
    const begunAt = monotonicNow();
    const left = [...this.#lines.values()];
    await this.#until(() => {
      while (left.length > 0 && this.#lines.size - left.length < this.#options.concurrency) {
        left.pop()?.end(monotonicNow());
      }
      return this.#lines.size === 0;
    });
    return { seconds: (monotonicNow() - begunAt) / 1_000 };
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#gre[Symbol.dispose]();
  }

  #until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = setInterval(() => this.#changed(), 100);
      let busy = false;
      this.#changed = () => {
        if (busy) return;
        busy = true;
        const done = holds();
        busy = false;
        if (!done) return;
        clearInterval(check);
        this.#changed = () => {};
        resolve();
      };
      this.#changed();
    });
  }

  #fill(): void {
    for (;;) {
      const waiting = this.#waiting[0];
      if (waiting !== undefined) {
        if (!this.#turn()) return;
        this.#waiting.shift();
        waiting.goOn(monotonicNow());
      } else {
        const room = this.#unsettled < this.#options.concurrency;
        if (!room || this.#lines.size >= this.#wanted || !this.#turn()) return;
        this.#dial();
      }
    }
  }

  /** Whether another log-in may begin by the rate; counts it when so. */
  #turn(): boolean {
    const { perSecond } = this.#options;
    const now = monotonicNow();
    if (perSecond > 0 && now < this.#notBefore) return false;
    if (perSecond > 0) this.#notBefore = Math.max(this.#notBefore, now - 100) + 1_000 / perSecond;
    return true;
  }

  #dial(): void {
    const { server, from, callsPerConnection, user, users, password } = this.#options;
    this.#unsettled++;
    this.#settling++;
    let place = from;
    while (this.#lines.has(place)) place++;
    let fresh = true;
    const line: Line = new Line({
      from: from + this.#begunLines++,
      server,
      calls: callsPerConnection,
      gre: this.#gre,
      rng: this.#rng,
      ledger: this.#ledger,
      policy: this.#policy,
      nextCredentials: () => {
        const place = this.#begun++;
        return { name: users === 0 ? user : `${user}${place % users}`, password };
      },
      mayBegin: (of) => {
        // Its own dialling was its first turn.
        if (fresh || this.#turn()) {
          fresh = false;
          return true;
        }
        this.#waiting.push(of);
        return false;
      },
      up: (_line, call, ms) => {
        this.#up++;
        this.#milliseconds.push(Math.round(ms * 100) / 100);
        this.#encryption[call.encryption] = (this.#encryption[call.encryption] ?? 0) + 1;
      },
      settled: () => {
        this.#unsettled--;
        this.#settling--;
        this.#changed();
      },
      failed: (cause) => {
        this.#failures[cause] = (this.#failures[cause] ?? 0) + 1;
      },
      over: (of) => {
        this.#lines.delete(of.from);
        this.#deadlines.set(of, undefined);
        this.#changed();
      },
      touched: (of) => {
        this.#deadlines.set(of, of.pollTimeout());
        this.#arm();
      },
    });
    this.#lines.set(line.from, line);
  }
  #begunLines = 0;

  #read(): void {
    for (let batch = 0; batch < 4; batch++) {
      const received = this.#gre.readBatch(this.#slots);
      const now = monotonicNow();
      for (let i = 0; i < received; i++) {
        const start = i * SLOT_OCTETS;
        this.#handle(start, start + this.#slots.lengths[i]!, now);
      }
      if (received < this.#slots.count) return;
    }
  }

  #handle(start: number, end: number, now: number): void {
    const { octets } = this.#slots;
    const view = new DataView(octets.buffer, octets.byteOffset + start, end - start);
    if (end - start < 28 || view.getUint32(SOURCE_AT) !== this.#options.server) return;
    const line = this.#lines.get(view.getUint32(DESTINATION_AT));
    const headerOctets = (octets[start]! & 15) * 4;
    if (line === undefined) return;
    if (readGre(octets, start + headerOctets, end, this.#header) !== undefined) return;
    line.handleGre(octets, this.#header, now as never);
  }

  #arm(): void {
    const at = this.#deadlines.next()?.at ?? Number.POSITIVE_INFINITY;
    if (at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    const ms = Math.min(60_000, Math.max(1, Math.ceil(at - monotonicNow())));
    this.#timer = setTimeout(() => {
      this.#timerAt = Number.POSITIVE_INFINITY;
      const now = monotonicNow();
      for (let due = this.#deadlines.due(now); due !== undefined; due = this.#deadlines.due(now)) {
        due.handleTimeout(now);
      }
      this.#arm();
    }, ms);
  }
}
