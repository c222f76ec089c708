// Keeps the TUN as the server made it: whoever deletes it, sets it down or takes its address or routes
// away is answered, one mending at a time, again after a while where it did not work.
import { isOsError } from "../os/errors.js";
import type { watchLink } from "../os/link-watch.js";
import type { HostNetwork } from "./network.js";

export type TunKeeperTerms = {
  readonly network: HostNetwork;
  readonly watchLink: typeof watchLink;
  readonly tun: string;
  /** It is there again: whoever stopped looking at it may look again. */
  readonly mended: () => void;
  readonly log: {
    warn(fields: Record<string, unknown>, line: string): void;
    error(fields: Record<string, unknown>, line: string): void;
  };
};

const retryMs = 5_000;

export class TunKeeper implements Disposable {
  readonly #terms: TunKeeperTerms;
  readonly #watch: Disposable | undefined;
  #timer: NodeJS.Timeout | undefined;
  #busy = false;
  #again = false;
  #ended = false;

  constructor(terms: TunKeeperTerms) {
    this.#terms = terms;
    const watch = terms.watchLink(terms.tun, () => this.check());
    // Without it the data path still tells when it cannot read or write.
    if (isOsError(watch))
      terms.log.warn({ ...watch }, "changes of the TUN are not told by the kernel");
    else this.#watch = watch;
  }

  /** Looks whether all is as it should be, and mends it; soon, if that is being done already. */
  check(): void {
    if (this.#busy) this.#again = true;
    else void this.#mend();
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#watch?.[Symbol.dispose]();
  }

  async #mend(): Promise<void> {
    const { network, tun, log, mended } = this.#terms;
    if (this.#ended) return;
    this.#busy = true;
    this.#again = false;
    const before = network.tunFault?.message;
    const deleted = network.tunMissing;
    const outcome = await network.mendTun();
    this.#busy = false;
    if (this.#ended) return;
    clearTimeout(this.#timer);
    if ("message" in outcome) {
      this.#timer = setTimeout(() => this.check(), retryMs);
      if (outcome.message === before) return;
      const what = deleted
        ? "deleted under us and cannot be made again"
        : "changed under us and cannot be put right";
      log.error({ ...outcome }, `the TUN was ${what} yet`);
      return;
    }
    mended();
    const { lacked } = outcome;
    if (deleted) log.warn({ tun }, "the TUN was deleted under us: made again");
    else if (lacked.length > 0)
      log.warn({ tun, lacked }, "the TUN was changed under us: put right");
    if (this.#again) void this.#mend();
  }
}
