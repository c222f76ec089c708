// The data worker's loop: it waits for the link, the raw GRE socket and the TUN at once, and gives
// each its turn. It is given open descriptors, holds no privilege, and lives as long as its link.
import { type Bounds, worker as limits, plane } from "../limits.js";
import { monotonicNow } from "../os/clock.js";
import { Epoll, READABLE, WRITABLE } from "../os/epoll.js";
import { EINTR, errnoName, isOsError } from "../os/errors.js";
import { sleep } from "../os/libc.js";
import type { PlaneCommand, PlaneEvent } from "../wire/worker-link.js";
import { LINK_VERSION } from "../wire/worker-link-codec.js";
import type { EngineChoice } from "./engine-choice.js";
import { WorkerLink } from "./link.js";
import { Naps } from "./naps.js";
import { PacketPath, type PathDescriptors } from "./packet-path.js";

export type WorkerDescriptors = PathDescriptors & { readonly link: number };

const EIO = 5;
const FAILED = 4;
const TROUBLE_EVERY_MS = 1_000;
/** Node's own loop (its collector's tasks, its signals) gets a turn so often, if anything woke us. */
const NODE_TURN_EVERY_MS = 250;

/** Where packets wait, as found by one wait. */
const FROM_GRE = 1;
const FROM_TUN = 2;
const FROM_RING = 4;

export class DataWorker {
  readonly #gre: number;
  readonly #tun: number;
  readonly #ring: number | undefined;
  readonly #epoll: Epoll;
  readonly #link: WorkerLink;
  readonly #path: PacketPath;
  readonly #naps = new Naps();
  readonly #troubleAt = new Map<string, number>();
  #tunWatched = false;
  #linkFull = false;
  #ended = false;
  #now = monotonicNow();

  /** `exit` ends the process; called once. */
  constructor(
    { link, ...descriptors }: WorkerDescriptors,
    readonly exit: (code: number) => void,
    configured: Bounds<typeof plane> = plane,
    choice: EngineChoice = "auto",
  ) {
    this.#gre = descriptors.gre.receive;
    this.#tun = descriptors.tun;
    this.#ring = descriptors.ring?.previous;
    this.#link = new WorkerLink(link, (command) => this.#handle(command));
    const epoll = Epoll.open();
    if (isOsError(epoll)) throw new Error(`${epoll.call}: ${epoll.errno}`);
    this.#epoll = epoll;
    this.#path = new PacketPath(
      descriptors,
      {
        emit: (event, by) => this.#emit(event, by),
        trouble: (call, errno) => this.#trouble(call, errno),
      },
      configured,
      choice,
    );
  }

  start(): void {
    this.#watch(this.#link.fd, "link");
    this.#watch(this.#gre, "GRE");
    this.#watchTun();
    if (this.#ring !== undefined) this.#watch(this.#ring, "ring");
    const { engine } = this.#path;
    const offload = this.#path.offload();
    if (!this.#ended) this.#link.emit({ kind: "Ready", version: LINK_VERSION, engine, offload });
    this.#run();
  }

  #emit(event: PlaneEvent, by?: "stranger"): boolean {
    const { handedOver } = this.#path;
    if (event.kind !== "Counters" || handedOver === 0) return this.#link.emit(event, by);
    return this.#link.emit({ ...event, drops: { ...event.drops, "handed-over": handedOver } });
  }

  /** Until Node is due. An interrupted wait is a signal: perhaps one that Node waits for. */
  #run(): void {
    const until = this.#now + NODE_TURN_EVERY_MS;
    while (!this.#ended && this.#turn() && this.#now < until);
    if (!this.#ended) setImmediate(() => this.#run());
  }

  /** Commands first, then timers, then a bounded number of packets each way. False if interrupted. */
  #turn(): boolean {
    this.#flush();
    const { microseconds } = this.#naps;
    if (microseconds > 0 && !this.#path.more) sleep(microseconds);
    const ready = this.#epoll.wait(this.#waitMs());
    this.#now = monotonicNow();
    if (ready < 0 && ready !== -EINTR) this.#fail("epoll_wait", ready);
    let data = 0;
    for (let i = 0; i < ready; i++) {
      const fd = this.#epoll.ready(i);
      if (fd === this.#link.fd) this.#readLink(this.#epoll.readyFor(i));
      else data |= fd === this.#gre ? FROM_GRE : fd === this.#tun ? FROM_TUN : FROM_RING;
    }
    if (this.#ended) return false;
    const at = this.#path.pollTimeout();
    if (at !== undefined && at <= this.#now) this.#path.handleTimeout(this.#now);
    this.#path.more = false;
    let packets = 0;
    if ((data & FROM_GRE) !== 0) packets += this.#path.readGre(this.#now);
    if ((data & FROM_TUN) !== 0) packets += this.#path.readTun(this.#now);
    if ((data & FROM_RING) !== 0) packets += this.#path.readRing(this.#now);
    this.#naps.woke(packets, this.#now);
    return ready >= 0;
  }

  /**
   * Rounded up: a wait that ends a fraction early would spin. From the turn's beginning: late by what
   * the turn took, and the clock is not read again, which some kernels make a system call.
   */
  #waitMs(): number {
    const at = this.#path.pollTimeout();
    return at === undefined ? -1 : Math.max(0, Math.ceil(at - this.#now));
  }

  #readLink(events: number): void {
    // WRITABLE alone: the flush at the turn's beginning does it.
    if ((events & ~WRITABLE) === 0) return;
    const code = this.#link.receive();
    if (code !== undefined) this.#finish(code);
  }

  #flush(): void {
    const code = this.#link.flush();
    if (code !== undefined) return this.#end(code);
    const full = this.#link.unsent > 0;
    if (full === this.#linkFull) return;
    this.#linkFull = full;
    this.#epoll.change(this.#link.fd, full ? READABLE | WRITABLE : READABLE);
  }

  #handle(command: PlaneCommand): void {
    // An interface that was deleted and made again on our descriptor comes with new terms.
    if (command.kind === "Configure" && !this.#tunWatched) {
      this.#watchTun();
      this.#path.offload();
    }
    this.#path.handleCommand(command, this.#now);
  }

  #watch(fd: number, what: string): void {
    const result = this.#epoll.add(fd, READABLE);
    if (result < 0) this.#fail(`epoll_ctl ${what}`, result);
  }

  #watchTun(): void {
    if (this.#tunWatched) return;
    this.#tunWatched = true;
    this.#watch(this.#tun, "TUN");
  }

  /**
   * Told once a second for each kind: a broken path must not flood the link. A TUN that was deleted
   * (EBADFD; EIO is only down) is told every time: it is not looked at before somebody answers to it.
   */
  #trouble(call: string, errno: number): void {
    const name = errnoName(errno);
    if (call === "read TUN" && errno !== -EIO) {
      this.#epoll.remove(this.#tun);
      this.#tunWatched = false;
    } else {
      const key = `${call} ${name}`;
      if (this.#now - (this.#troubleAt.get(key) ?? -TROUBLE_EVERY_MS) < TROUBLE_EVERY_MS) return;
      this.#troubleAt.set(key, this.#now);
    }
    this.#link.emit({ kind: "Trouble", call, errno: name });
  }

  #fail(call: string, errno: number): void {
    if (this.#ended) return;
    this.#link.emit({ kind: "Trouble", call, errno: errnoName(errno) });
    this.#finish(FAILED);
  }

  /** The last events still go, if the main process takes them soon. */
  #finish(code: number): void {
    this.#epoll.remove(this.#gre);
    if (this.#tunWatched) this.#epoll.remove(this.#tun);
    if (this.#ring !== undefined) this.#epoll.remove(this.#ring);
    const until = monotonicNow() + limits.finishMs;
    this.#epoll.change(this.#link.fd, WRITABLE);
    while (this.#link.flush() === undefined && this.#link.unsent > 0 && monotonicNow() < until) {
      this.#epoll.wait(1);
    }
    this.#end(code);
  }

  #end(code: number): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#path.close();
    this.exit(code);
  }
}
