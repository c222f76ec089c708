// The worker's end of the link: commands in, events out, both bounded. It never waits: what the main
// process does not read yet lies here, and the loop comes back when there is room.
import { worker as limits } from "../limits.js";
import { Descriptor } from "../os/descriptor.js";
import { EAGAIN, EINTR } from "../os/errors.js";
import { Memory, read, setNonBlocking, write } from "../os/libc.js";
import type { PlaneCommand, PlaneEvent } from "../wire/worker-link.js";
import { decodeCommand, encodeEvent, LINK_LENGTH_OCTETS } from "../wire/worker-link-codec.js";
import { LinkFramer } from "../wire/worker-link-framer.js";
import { EventRing } from "./event-ring.js";

/** The other end closed, or wrote nonsense: the codes the process exits with. */
export const CLOSED = 0;
export const NONSENSE = 3;

export class WorkerLink {
  readonly #link: Descriptor;
  readonly #framer = new LinkFramer(limits.messageOctetsMax);
  readonly #input = new Memory(limits.messageOctetsMax);
  readonly #output = new Memory(LINK_LENGTH_OCTETS + limits.messageOctetsMax);
  /** Of `#output`, what is not written yet: [at, end). */
  #at = 0;
  #end = 0;
  readonly #ring = new EventRing();

  constructor(
    fd: number,
    readonly onCommand: (command: PlaneCommand) => void,
  ) {
    this.#link = new Descriptor(fd);
    setNonBlocking(fd);
  }

  get fd(): number {
    return this.#link.fd;
  }

  /** Octets the main process has not taken yet. */
  get unsent(): number {
    return this.#end - this.#at + this.#ring.octets;
  }

  /** False when the event is too large or too much waits already; control frames give way first, a stranger's before. */
  emit(event: PlaneEvent, by?: "stranger"): boolean {
    const message = encodeEvent(event, limits.messageOctetsMax);
    if (message === undefined) return false;
    const whose = event.kind === "Frame" ? (by ?? "session") : "worker";
    return this.#ring.put(message, whose, this.#end - this.#at);
  }

  /** Writes as much as goes now. Undefined, or the code to exit with. */
  flush(): number | undefined {
    for (;;) {
      if (this.#at === this.#end && !this.#refill()) return undefined;
      const written = write(this.#link.fd, this.#output.at(this.#at), this.#end - this.#at);
      if (written === -EINTR) continue;
      if (written < 0) return written === -EAGAIN ? undefined : CLOSED;
      this.#at += written;
    }
  }

  /** One read's worth of commands. Undefined, or the code to exit with. */
  receive(): number | undefined {
    const octets = read(this.#link.fd, this.#input.address, this.#input.octets.length);
    if (octets === -EAGAIN || octets === -EINTR) return undefined;
    if (octets <= 0) return CLOSED;
    // A copy: the framer keeps what is not whole yet.
    this.#framer.push(this.#input.octets.slice(0, octets));
    for (let result = this.#framer.next(); ; result = this.#framer.next()) {
      if (result.kind === "need-more") return undefined;
      if (result.kind === "malformed") return NONSENSE;
      const command = decodeCommand(result.octets);
      if (!command.ok) return NONSENSE;
      this.onCommand(command.value);
      if (command.value.kind === "Stop") return CLOSED;
    }
  }

  /** As many whole messages as there is room for; false when none waits. */
  #refill(): boolean {
    this.#at = 0;
    this.#end = this.#ring.take(this.#output.octets);
    return this.#end > 0;
  }
}
