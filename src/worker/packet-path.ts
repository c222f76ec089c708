// The way of packets in the worker: batches from the raw socket and the TUN land in the plane's memory,
// and go from there without another copy.
import type { Instant } from "../base/instant.js";
import {
  TUN_CHECKSUM,
  TUN_TSO4,
  TUN_TSO6,
  TUN_USO4,
  TUN_USO6,
  VNET_OCTETS,
} from "../base/kernel-layout.js";
import { type Bounds, plane as limits, worker } from "../limits.js";
import { EAGAIN, EINTR, EMSGSIZE, ENOBUFS } from "../os/errors.js";
import { type GreDescriptors, GreSocket } from "../os/gre-socket.js";
import { HandOver, type RingDescriptors } from "../os/hand-over.js";
import { sleep } from "../os/libc.js";
import { type AddressTable, PacketMemory, ReceiveBatch, SendBatch } from "../os/packet-memory.js";
import { describeOffload, Tun } from "../os/tun.js";
import { Batches } from "../plane/batches.js";
import type { Sinks } from "../plane/context.js";
import { Engine } from "../plane/engine.js";
import {
  BASE_ADDRESS,
  COALESCED_MAX,
  COALESCED_VECTORS,
  COALESCED_VECTORS_MAX,
  RECEIVE_HEADERS,
  RECEIVE_SLOTS,
  RECEIVE_VECTORS,
  SEND_HEADERS,
  SEND_RECORDS,
  SEND_SLOTS,
  SEND_SLOTS_MAX,
  TUN_HEADER,
  TUN_OCTETS_MAX,
  TUN_PACKET,
} from "../plane/layout.js";
import type { PlaneMemory } from "../plane/memory.js";
import type { PlaneCommand, PlaneEvent } from "../wire/worker-link.js";
import type { EngineChoice } from "./engine-choice.js";
import { openLane } from "./lane.js";

/** The largest IP packet: a TUN's MTU is not ours to bound. */
const PACKET_OCTETS_MAX = 65_536;
const OFFLOADS = TUN_CHECKSUM | TUN_TSO4 | TUN_TSO6 | TUN_USO4 | TUN_USO6;
/** A full socket is waited for so often and so long before its packets are dropped. */
const FULL_TRIES = 4;
const FULL_WAIT_US = 100;

/** What the way of packets tells the worker's process. */
export type PathUser = {
  /** `by`: the frame is of a call that has not logged in. */
  emit(event: PlaneEvent, by?: "stranger"): boolean;
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
  readonly #gre: GreSocket;
  readonly #tun: Tun;
  readonly #user: PathUser;
  readonly #engine: Engine;
  readonly #batches: Batches;
  readonly #receive: ReceiveBatch;
  readonly #send: SendBatch;
  /** Where a packet of the TUN is read to, and where each one for it is gathered from. */
  readonly #tunBuffer: AddressTable;
  readonly #coalesced: AddressTable;
  readonly engine: "WebAssembly" | "TypeScript";
  readonly #handedOverPacket = new Uint8Array(PACKET_OCTETS_MAX);
  readonly #ring: HandOver | undefined;
  readonly #workers: number;
  /** How often the TUN packet in hand was passed on before it came here. */
  #passes = 0;
  /** TUN packets given to the next worker so far. */
  handedOver = 0;
  /** The last reading stopped at its bound, not for want of packets. */
  more = false;

  constructor(
    descriptors: PathDescriptors,
    user: PathUser,
    configured: Bounds<typeof limits>,
    choice: EngineChoice = "auto",
  ) {
    this.#gre = new GreSocket(descriptors.gre);
    this.#tun = new Tun(descriptors.tun, "tun");
    const { ring, workers } = descriptors;
    this.#ring = ring === undefined ? undefined : new HandOver(ring);
    this.#workers = workers;
    this.#user = user;
    const { memory, lane } = openLane(configured.flowsMax, choice, this.#tun.hasHeader);
    this.engine = lane === undefined ? "TypeScript" : "WebAssembly";
    this.#engine = new Engine(this.#sinks(), memory, configured);
    this.#batches = new Batches(this.#engine, memory, lane, {
      writeCoalesced: (index, vectors) => this.#writeCoalesced(index, vectors),
      sendSlots: (from, to) => this.#sendSlots(from, to),
    });
    const packets = packetMemory(memory);
    this.#receive = new ReceiveBatch(packets, {
      count: limits.batchPackets,
      slots: RECEIVE_SLOTS,
      headers: RECEIVE_HEADERS,
      vectors: RECEIVE_VECTORS,
    });
    this.#send = new SendBatch(packets, {
      count: SEND_SLOTS_MAX,
      slots: SEND_SLOTS,
      headers: SEND_HEADERS,
      records: SEND_RECORDS,
    });
    this.#tunBuffer = packets.table(this.#tun.hasHeader ? TUN_HEADER : TUN_PACKET, 1, 1);
    this.#coalesced = packets.table(COALESCED_VECTORS, 16 * COALESCED_VECTORS_MAX, COALESCED_MAX);
  }

  /** What the TUN's reads and writes may be; asked for anew, since an interface may be a new one. */
  offload(): string {
    return describeOffload(this.#tun.setOffload(this.engine === "WebAssembly" ? OFFLOADS : 0));
  }

  /** How many datagrams there were. */
  readGre(now: Instant): number {
    const { receive } = this.#gre.descriptors;
    let packets = 0;
    while (packets < limits.turnPacketsMax) {
      const received = this.#receive.fill(receive);
      if (received < 0) {
        if (received !== -EAGAIN && received !== -EINTR) this.#user.trouble("receive", received);
        return packets;
      }
      packets += received;
      this.#batches.received(received, now);
      if (received < limits.batchPackets) return packets;
    }
    this.more = true;
    return packets;
  }

  #passOn(octets: Uint8Array, start: number, end: number): boolean {
    if (this.#passes >= this.#workers - 1) return false;
    const passed = this.#ring?.pass(octets, start, end, this.#passes + 1) ?? -1;
    if (passed > 0) this.handedOver++;
    return passed > 0;
  }

  /** How many packets of the TUN another worker had handed over. */
  readRing(now: Instant): number {
    const ring = this.#ring;
    const packet = this.#handedOverPacket;
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

  /** How many packets there were, each segment of a super-packet one. */
  readTun(now: Instant): number {
    const address = this.#tunBuffer.at(0)!;
    const header = this.#tun.hasHeader ? 0 : VNET_OCTETS;
    let packets = 0;
    while (packets < limits.turnPacketsMax) {
      const length = this.#tun.readWhole(address, TUN_OCTETS_MAX - header);
      if (length < 0) {
        if (length !== -EAGAIN && length !== -EINTR) this.#user.trouble("read TUN", length);
        this.#batches.sendQueued(now);
        return packets;
      }
      packets += this.#batches.read(length + header, now);
    }
    this.#batches.sendQueued(now);
    this.more = true;
    return packets;
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

  #sinks(): Sinks {
    return {
      sendGre: (localAddress, peerAddress, octets, start, end, dontFragment) => {
        const sent = this.#gre.send(octets, start, end, localAddress, peerAddress, dontFragment);
        if (sent < 0) this.#tellRefusal(sent);
        return sent;
      },
      writeTun: (octets, start, end) => this.#tellWritten(this.#tun.write(octets, start, end)),
      passOn: (octets, start, end) => this.#passOn(octets, start, end),
      emit: (event, by) => this.#user.emit(event, by),
    };
  }

  #writeCoalesced(index: number, vectors: number): number {
    return this.#tellWritten(this.#tun.writeWhole(this.#coalesced.at(index)!, vectors));
  }

  #sendSlots(from: number, to: number): number {
    const { receive } = this.#gre.descriptors;
    let sent = this.#send.send(receive, from, to);
    for (let tries = 0; sent === -EAGAIN && tries < FULL_TRIES; tries++) {
      sleep(FULL_WAIT_US);
      sent = this.#send.send(receive, from, to);
    }
    if (sent < 0) this.#tellRefusal(sent);
    return sent;
  }

  #tellRefusal(errno: number): void {
    if (errno === -EAGAIN || errno === -ENOBUFS || errno === -EMSGSIZE) return;
    this.#user.trouble("send", errno);
  }

  #tellWritten(written: number): number {
    if (written < 0 && written !== -EAGAIN && written !== -ENOBUFS) {
      this.#user.trouble("write TUN", written);
    }
    return written;
  }
}

function packetMemory(memory: PlaneMemory): PacketMemory {
  const packets = new PacketMemory(memory.octets);
  packets.view.setBigUint64(BASE_ADDRESS, BigInt(packets.base), true);
  return packets;
}
