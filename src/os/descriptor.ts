// One open descriptor and its owner. Closing is once: a number is forgotten with the descriptor, so
// a second close can never hit a stranger that was given the same number.

import { type OsError, osError } from "./errors.js";
import { close, duplicate, usableFd } from "./libc.js";
import { watchReadable } from "./readable.js";

export class Descriptor implements Disposable {
  #fd: number;
  readonly #watches = new Set<Disposable>();

  /** Takes `fd` over; an unusable number makes an object that is closed from the start. */
  constructor(fd: number) {
    this.#fd = usableFd(fd) ? fd : -1;
  }

  /** The number, or -1 once closed. For handing to a child; never close it. */
  get fd(): number {
    return this.#fd;
  }

  get open(): boolean {
    return this.#fd >= 0;
  }

  /** Calls `callback` while there is something to read; ends with this descriptor at the latest. */
  watch(callback: () => void): Disposable | OsError {
    const watch = watchReadable(this.#fd, callback);
    if ("kind" in watch) return watch;
    this.#watches.add(watch);
    return {
      [Symbol.dispose]: () => {
        this.#watches.delete(watch);
        watch[Symbol.dispose]();
      },
    };
  }

  /** A second owner of the same open file. */
  duplicate(): Descriptor | OsError {
    const fd = duplicate(this.#fd);
    return fd < 0 ? osError("fcntl F_DUPFD_CLOEXEC", fd) : new Descriptor(fd);
  }

  [Symbol.dispose](): void {
    if (this.#fd < 0) return;
    for (const watch of this.#watches) watch[Symbol.dispose]();
    this.#watches.clear();
    const fd = this.#fd;
    this.#fd = -1;
    close(fd);
  }
}
