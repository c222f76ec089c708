// The data worker: the engine between the raw GRE socket and the TUN. It is given open descriptors
// and holds no privilege; it lives as long as its link.
import { type Bounds, plane as limits } from "../limits.js";
import { monotonicNow } from "../os/clock.js";
import { EAGAIN, EINTR, EMSGSIZE, ENOBUFS, errnoName, isOsError } from "../os/errors.js";
import { type GreDescriptors, GreSocket, ReceiveSlots, SLOT_OCTETS } from "../os/gre-socket.js";
import { Tun } from "../os/tun.js";
import type { Sinks } from "../plane/context.js";
import { Engine } from "../plane/engine.js";
import type { PlaneCommand } from "../wire/worker-link.js";
import { LINK_VERSION } from "../wire/worker-link-codec.js";
import { WorkerLink } from "./link.js";

export type WorkerDescriptors = {
  readonly link: number;
  readonly gre: GreDescriptors;
  readonly tun: number;
};

const EIO = 5;
/** Batches in one go before timers and the link get their turn. */
const BATCHES_MAX = 4;
/** The largest IP packet: a TUN's MTU is not ours to bound. */
const PACKET_OCTETS_MAX = 65_536;
const TROUBLE_EVERY_MS = 1_000;

export class DataWorker {
  readonly #gre: GreSocket;
  readonly #tun: Tun;
  readonly #link: WorkerLink;
  readonly #engine: Engine;
  readonly #slots = new ReceiveSlots(limits.batchPackets);
  readonly #packet = new Uint8Array(PACKET_OCTETS_MAX);
  readonly #troubleAt = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #tunWatch: Disposable | undefined;
  #ended = false;

  /** `exit` ends the process; called once. */
  constructor(
    { link, gre, tun }: WorkerDescriptors,
    readonly exit: (code: number) => void,
    configured: Bounds<typeof limits> = limits,
  ) {
    this.#gre = new GreSocket(gre);
    this.#tun = new Tun(tun, "tun");
    this.#link = new WorkerLink(
      link,
      (command) => this.#handle(command),
      (code) => this.#end(code),
    );
    const sinks: Sinks = {
      sendGre: (localAddress, peerAddress, octets, start, end, dontFragment) => {
        const sent = this.#gre.send(octets, start, end, localAddress, peerAddress, dontFragment);
        if (sent < 0 && sent !== -EAGAIN && sent !== -ENOBUFS && sent !== -EMSGSIZE) {
          this.#trouble("send", sent);
        }
        return sent;
      },
      writeTun: (octets, start, end) => {
        const written = this.#tun.write(octets, start, end);
        if (written < 0 && written !== -EAGAIN && written !== -ENOBUFS) {
          this.#trouble("write TUN", written);
        }
        return written;
      },
      emit: (event) => this.#link.emit(event),
    };
    this.#engine = new Engine(sinks, configured);
  }

  start(): void {
    const gre = this.#gre.watch(() => this.#readGre());
    if (isOsError(gre)) return this.#fail(gre.call, gre.errno);
    if (!this.#watchTun()) return;
    this.#link.emit({ kind: "Ready", version: LINK_VERSION });
  }

  #watchTun(): boolean {
    if (this.#tunWatch !== undefined) return true;
    const tun = this.#tun.watch(() => this.#readTun());
    if (isOsError(tun)) {
      this.#fail(tun.call, tun.errno);
      return false;
    }
    this.#tunWatch = tun;
    return true;
  }

  #fail(call: string, errno: string): void {
    this.#link.emit({ kind: "Trouble", call, errno });
    this.#link.finish(() => this.#end(4));
  }

  #handle(command: PlaneCommand): void {
    if (command.kind === "Stop") return this.#link.finish(() => this.#end(0));
    // An interface that was deleted and made again on our descriptor comes with new terms.
    if (command.kind === "Configure") this.#watchTun();
    this.#engine.handleCommand(command, monotonicNow());
    this.#arm();
  }

  #readGre(): void {
    const slots = this.#slots;
    for (let batch = 0; batch < BATCHES_MAX; batch++) {
      const received = this.#gre.readBatch(slots);
      if (received < 0) {
        if (received !== -EAGAIN && received !== -EINTR) this.#trouble("receive", received);
        break;
      }
      const now = monotonicNow();
      for (let i = 0; i < received; i++) {
        if (slots.truncated[i] !== 0) continue;
        const start = i * SLOT_OCTETS;
        this.#engine.handleDatagram(slots.octets, start, start + slots.lengths[i]!, now);
      }
      if (received < slots.count) break;
    }
    this.#arm();
  }

  #readTun(): void {
    const packet = this.#packet;
    const now = monotonicNow();
    for (let i = 0; i < limits.batchPackets; i++) {
      const length = this.#tun.read(packet);
      if (length < 0) {
        if (length !== -EAGAIN && length !== -EINTR) this.#tunFailed(length);
        break;
      }
      this.#engine.handleTunPacket(packet, 0, length, now);
    }
    this.#arm();
  }

  /** EIO while the interface is down passes; anything else (EBADFD: deleted) does not. */
  #tunFailed(errno: number): void {
    if (errno === -EIO) return this.#trouble("read TUN", errno);
    // Said every time: it is not watched again before somebody has answered to it.
    this.#link.emit({ kind: "Trouble", call: "read TUN", errno: errnoName(errno) });
    this.#tunWatch?.[Symbol.dispose]();
    this.#tunWatch = undefined;
  }

  /** Told once a second for each kind: a broken path must not flood the link. */
  #trouble(call: string, errno: number): void {
    const name = errnoName(errno);
    const key = `${call} ${name}`;
    const now = monotonicNow();
    if (now - (this.#troubleAt.get(key) ?? Number.NEGATIVE_INFINITY) < TROUBLE_EVERY_MS) return;
    this.#troubleAt.set(key, now);
    this.#link.emit({ kind: "Trouble", call, errno: name });
  }

  #arm(): void {
    const at = this.#engine.pollTimeout();
    if (at === undefined || at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => this.#fire(), Math.max(1, Math.ceil(at - monotonicNow())));
  }

  #fire(): void {
    this.#timerAt = Number.POSITIVE_INFINITY;
    this.#engine.handleTimeout(monotonicNow());
    this.#arm();
  }

  #end(code: number): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#engine.close();
    this.exit(code);
  }
}
