// Waiting on several descriptors without Node's event loop: one blocking call, nothing made per turn.
import { Descriptor } from "./descriptor.js";
import { type OsError, osError } from "./errors.js";
import { type Address, epollControl, epollCreate, epollWait, Memory } from "./libc.js";

export const READABLE = 0x001;
export const WRITABLE = 0x004;

const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;
/** struct epoll_event is packed on x86-64 only. */
const EVENT_OCTETS = process.arch === "x64" ? 12 : 16;
const DATA = EVENT_OCTETS - 8;
const EVENTS_MAX = 16;

export class Epoll implements Disposable {
  readonly #epoll: Descriptor;
  readonly #request = new Memory(EVENT_OCTETS);
  readonly #events = new Memory(EVENTS_MAX * EVENT_OCTETS);
  /** Among others than numbers, so that no number is made for each call. */
  readonly #address: readonly [Address, undefined] = [this.#events.address, undefined];

  private constructor(fd: number) {
    this.#epoll = new Descriptor(fd);
  }

  static open(): Epoll | OsError {
    const fd = epollCreate();
    return fd < 0 ? osError("epoll_create1", fd) : new Epoll(fd);
  }

  /** 0 or -errno, as the other two. Failure and the other end's end are always told. */
  add(fd: number, events: number): number {
    return this.#control(EPOLL_CTL_ADD, fd, events);
  }

  change(fd: number, events: number): number {
    return this.#control(EPOLL_CTL_MOD, fd, events);
  }

  remove(fd: number): number {
    return this.#control(EPOLL_CTL_DEL, fd, 0);
  }

  /** How many descriptors are ready, or -errno; waits for ever if `ms` is -1. */
  wait(ms: number): number {
    return epollWait(this.#epoll.fd, this.#address[0], EVENTS_MAX, ms);
  }

  /** Of the i-th that the last `wait` told. */
  ready(i: number): number {
    return this.#events.view.getInt32(i * EVENT_OCTETS + DATA, true);
  }

  /** More than READABLE and WRITABLE may be set: an error, a hang-up. */
  readyFor(i: number): number {
    return this.#events.view.getUint32(i * EVENT_OCTETS, true);
  }

  [Symbol.dispose](): void {
    this.#epoll[Symbol.dispose]();
  }

  #control(operation: number, fd: number, events: number): number {
    this.#request.view.setUint32(0, events, true);
    this.#request.view.setInt32(DATA, fd, true);
    return epollControl(this.#epoll.fd, operation, fd, this.#request.address);
  }
}
