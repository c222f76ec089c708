// The plain way of packets: a batch from the raw socket into slots, one packet after the other through
// the engine, one call for each that goes out.
import type { Instant } from "../base/instant.js";
import { SLOT_OCTETS } from "../base/kernel-layout.js";
import { type Bounds, plane as limits, worker } from "../limits.js";
import { EAGAIN, EINTR, EMSGSIZE, ENOBUFS } from "../os/errors.js";
import { type GreDescriptors, GreSocket, ReceiveSlots } from "../os/gre-socket.js";
import { HandOver, type RingDescriptors } from "../os/hand-over.js";
import { describeOffload, Tun } from "../os/tun.js";
import { Engine } from "../plane/engine.js";
import type { PlaneCommand, PlaneEvent } from "../wire/worker-link.js";

/** Batches in one go before commands and timers get their turn. */
const BATCHES_MAX = 4;
/** The largest IP packet: a TUN's MTU is not ours to bound. */
const PACKET_OCTETS_MAX = 65_536;

/** What the way of packets tells the worker's process. */
export type PathUser = {
  emit(event: PlaneEvent): boolean;
  trouble(call: string, errno: number): void;
};

export type PathDescriptors = {
  readonly gre: GreDescriptors;
  readonly tun: number;
  /** Where there are several workers, which are so many. */
  readonly ring?: RingDescriptors | undefined;
  readonly workers: number;
};

export class PacketPath {
  readonly engine = "TypeScript";
  readonly #gre: GreSocket;
  readonly #tun: Tun;
  readonly #user: PathUser;
  readonly #engine: Engine;
  readonly #slots = new ReceiveSlots(limits.batchPackets);
  readonly #packet = new Uint8Array(PACKET_OCTETS_MAX);
  readonly #ring: HandOver | undefined;
  /** How often the TUN packet in hand was passed on before it came here. */
  #passes = 0;
  /** TUN packets given to the next worker so far. */
  handedOver = 0;
  /** The last reading stopped at its bound, not for want of packets. */
  more = false;

  constructor(descriptors: PathDescriptors, user: PathUser, configured: Bounds<typeof limits>) {
    this.#gre = new GreSocket(descriptors.gre);
    this.#tun = new Tun(descriptors.tun, "tun");
    const { ring, workers } = descriptors;
    this.#ring = ring === undefined ? undefined : new HandOver(ring);
    this.#user = user;
    this.#engine = new Engine(
      {
        sendGre: (localAddress, peerAddress, octets, start, end, dontFragment) => {
          const sent = this.#gre.send(octets, start, end, localAddress, peerAddress, dontFragment);
          if (sent < 0 && sent !== -EAGAIN && sent !== -ENOBUFS && sent !== -EMSGSIZE) {
            user.trouble("send", sent);
          }
          return sent;
        },
        writeTun: (octets, start, end) => {
          const written = this.#tun.write(octets, start, end);
          if (written < 0 && written !== -EAGAIN && written !== -ENOBUFS) {
            user.trouble("write TUN", written);
          }
          return written;
        },
        passOn: (octets, start, end) =>
          this.#passes < workers - 1 && this.#passOn(octets, start, end),
        emit: (event) => user.emit(event),
      },
      configured,
    );
  }

  /** What the TUN's reads and writes may be; asked for anew, since an interface may be a new one. */
  offload(): string {
    return describeOffload(this.#tun.setOffload(0));
  }

  /** How many datagrams there were. */
  readGre(now: Instant): number {
    const slots = this.#slots;
    let packets = 0;
    for (let batch = 0; batch < BATCHES_MAX; batch++) {
      const received = this.#gre.readBatch(slots);
      if (received < 0) {
        if (received !== -EAGAIN && received !== -EINTR) this.#user.trouble("receive", received);
        return packets;
      }
      packets += received;
      for (let i = 0; i < received; i++) {
        if (slots.truncated[i] !== 0) continue;
        const start = i * SLOT_OCTETS;
        this.#engine.handleDatagram(slots.octets, start, start + slots.lengths[i]!, now);
      }
      if (received < slots.count) return packets;
    }
    this.more = true;
    return packets;
  }

  #passOn(octets: Uint8Array, start: number, end: number): boolean {
    const passed = this.#ring?.pass(octets, start, end, this.#passes + 1) ?? -1;
    if (passed > 0) this.handedOver++;
    return passed > 0;
  }

  /** How many packets of the TUN another worker had handed over. */
  readRing(now: Instant): number {
    const ring = this.#ring;
    const packet = this.#packet;
    let packets = 0;
    for (; ring !== undefined && packets < worker.handedOverMax; packets++) {
      const length = ring.receive(packet);
      if (length < 0) {
        if (length !== -EAGAIN && length !== -EINTR) this.#user.trouble("hand-over", length);
        break;
      }
      this.#passes = ring.passes;
      this.#engine.handleTunPacket(packet, 0, length, now);
    }
    this.#passes = 0;
    return packets;
  }

  /** How many packets there were. */
  readTun(now: Instant): number {
    const packet = this.#packet;
    for (let packets = 0; packets < limits.batchPackets; packets++) {
      const length = this.#tun.read(packet);
      if (length < 0) {
        if (length !== -EAGAIN && length !== -EINTR) this.#user.trouble("read TUN", length);
        return packets;
      }
      this.#engine.handleTunPacket(packet, 0, length, now);
    }
    this.more = true;
    return limits.batchPackets;
  }

  handleCommand(command: PlaneCommand, now: Instant): void {
    this.#engine.handleCommand(command, now);
  }

  handleTimeout(now: Instant): void {
    this.#engine.handleTimeout(now);
  }

  pollTimeout(): Instant | undefined {
    return this.#engine.pollTimeout();
  }

  /** Wipes every key. */
  close(): void {
    this.#engine.close();
  }
}
