// `holdfast connect`: a session over a TUN of its own until a signal or its end; one that was up and is
// lost is dialled again unless `once` is asked for.
import { Ledger } from "../base/ledger.js";
import { monotonicNow } from "../os/clock.js";
import { Attempt } from "./attempt.js";
import { ClientHost } from "./client-host.js";
import type { ClientTerms } from "./policy.js";
import { Redial } from "./redial.js";
import { Teller } from "./teller.js";

export type ConnectOptions = {
  readonly server: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly tun: string | undefined;
  readonly terms: ClientTerms;
  /** One session at most: its end is the end. */
  readonly once: boolean;
  readonly json: boolean;
};

/** Returns the exit code: 0 when a session was up and ended by us, else the verdict's. */
export async function runConnect(options: ConnectOptions): Promise<number> {
  const teller = new Teller(options.json);
  const ledger = new Ledger(monotonicNow);
  const host = ClientHost.open(options.tun ?? "holdfast-c0", ledger);
  if ("message" in host) {
    teller.complain(host.message, host.remedy);
    return 6;
  }
  const connection = new Connection(host, options, teller);
  const stop = () => connection.stop();
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  const code = await connection.run();
  await host.close();
  teller.event("ended", { held: ledger.size });
  process.off("SIGINT", stop);
  process.off("SIGTERM", stop);
  return code;
}

class Connection {
  #stopped = false;
  #attempt: Attempt | undefined;
  #wake: (() => void) | undefined;

  constructor(
    readonly host: ClientHost,
    readonly options: ConnectOptions,
    readonly teller: Teller,
  ) {}

  stop(): void {
    this.#stopped = true;
    this.#attempt?.stop();
    this.#wake?.();
  }

  async run(): Promise<number> {
    const { host, options, teller } = this;
    const redial = new Redial();
    for (let wasUp = false; ; ) {
      this.#attempt = new Attempt(host, options, teller);
      const { verdict, upMs } = await this.#attempt.run();
      wasUp ||= upMs !== undefined;
      if (verdict === undefined) return wasUp ? 0 : 1;
      teller.verdict(verdict);
      if (options.once || !wasUp || !verdict.again) return verdict.exitCode;
      redial.ended(upMs ?? 0);
      const ms = redial.waitMs(Math.random());
      teller.event("again", { in: `${(ms / 1_000).toFixed(1)} s` });
      await this.#wait(ms);
      if (this.#stopped) return 0;
    }
  }

  /** Until then, or until it is told to stop. */
  async #wait(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }
}
