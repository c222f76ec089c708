// `holdfast connect --capture`: a session in a pcapng file of two interfaces. Outer is what passes
// between us and the server, as it is on the wire; inner is PPP in the clear: the negotiation as the
// core has it, and the packets of the TUN, each as the PPP frame that carries it. Packets are copied by
// the kernel, or, where there is no TUN, by our own host at its end of the packet pair: the data worker
// and its packets know nothing of it.
import { closeSync, openSync, writeSync } from "node:fs";
import type { Ipv4 } from "../../base/ip.js";
import { lease } from "../../base/lease.js";
import type { Ledger } from "../../base/ledger.js";
import { Scope } from "../../base/scope.js";
import { client as bounds } from "../../limits.js";
import { wallClockMs } from "../../os/clock.js";
import { fromNodeError, isOsError, type OsError } from "../../os/errors.js";
import { PacketTap, type Tapped } from "../../os/packet-tap.js";
import { encodeFrame } from "../../wire/ppp/frame.js";
import { Protocol } from "../../wire/ppp/protocols.js";
import type { PlaneCommand, PlaneEvent } from "../../wire/worker-link.js";
import {
  type Direction,
  enhancedPacket,
  interfaceDescription,
  LinkType,
  sectionHeader,
} from "./pcapng.js";

export type CaptureTerms = {
  /** Made by us: one that is there is left alone. */
  readonly file: string;
  readonly octetsMax: number;
  readonly ledger: Ledger;
  /** Undefined: there is none, and `packet` is told what passes inside. */
  readonly tun: string | undefined;
};

export type CaptureEnd = {
  readonly octets: number;
  readonly packets: number;
  /** Not in the file: they came faster than they were read. */
  readonly lost: number;
  /** Why the file ends before the session does. */
  readonly stopped: "full" | OsError | undefined;
};

const NANOSECONDS_A_MS = 1_000_000n;
const OUTER = 0;
const INNER = 1;

export class Capture {
  readonly #fd: number;
  readonly #octetsMax: number;
  readonly #outer: PacketTap;
  readonly #scope: Scope;
  readonly #taps: { readonly tap: PacketTap; readonly index: number }[] = [];
  #blocks: Uint8Array[] = [];
  #octets = 0;
  #packets = 0;
  #stopped: CaptureEnd["stopped"];
  #writing: NodeJS.Immediate | undefined;

  private constructor(scope: Scope, fd: number, octetsMax: number, outer: PacketTap) {
    this.#scope = scope;
    this.#fd = fd;
    this.#octetsMax = octetsMax;
    this.#outer = outer;
  }

  static open({ file, octetsMax, ledger, tun }: CaptureTerms): Capture | OsError {
    using acquiring = new Scope("capture", ledger);
    const outer = PacketTap.ofServer();
    if (isOsError(outer)) return outer;
    acquiring.hold("socket", outer, "packets of the server");
    const inner = tun === undefined ? undefined : PacketTap.ofInterface(tun);
    if (isOsError(inner)) return inner;
    if (inner !== undefined) acquiring.hold("socket", inner, `packets of ${tun}`);
    const fd = created(file);
    if (typeof fd !== "number") return fd;
    acquiring.hold(
      "file",
      lease(() => closeSync(fd)),
      file,
    );
    const capture = new Capture(acquiring.move(), fd, octetsMax, outer);
    const failure =
      capture.#read(outer, OUTER) ??
      (inner === undefined ? undefined : capture.#read(inner, INNER));
    capture.#begin(tun);
    if (failure === undefined) return capture;
    capture.close();
    return failure;
  }

  /** Before a call is placed. */
  follow(server: Ipv4, port: number): OsError | undefined {
    return this.#outer.follow(server, port);
  }

  /** What the core told the data path: of that, its own frames. */
  command(command: PlaneCommand): void {
    if (command.kind === "Send") this.#frame(command.frame, "sent");
  }

  event(event: PlaneEvent): void {
    if (event.kind !== "Frame") return;
    this.#frame(encodeFrame(event.protocol, event.information), "received");
  }

  /** One of the session's, where no TUN shows them. */
  packet(octets: Uint8Array, direction: Direction): void {
    this.#add(enhancedPacket(INNER, now(), asFrame(octets), direction));
    if (this.#blocks.length >= bounds.turnPacketsMax) return this.#write();
    this.#writing ??= setImmediate(() => this.#write());
  }

  /** The file is whole, and nothing is held any more. */
  close(): CaptureEnd {
    for (const { tap, index } of this.#taps) this.#readRest(tap, index);
    this.#write();
    const lost = this.#taps.reduce((sum, { tap }) => sum + tap.lost(), 0);
    this.#scope[Symbol.dispose]();
    return { octets: this.#octets, packets: this.#packets, lost, stopped: this.#stopped };
  }

  #begin(tun: string | undefined): void {
    const inner = tun === undefined ? "PPP in the clear" : `PPP in the clear, ${tun}`;
    this.#append(sectionHeader());
    this.#append(interfaceDescription(LinkType.ipv4, "outer", "between us and the server"));
    this.#append(interfaceDescription(LinkType.ppp, "inner", inner));
    this.#write();
  }

  #read(tap: PacketTap, index: number): OsError | undefined {
    this.#taps.push({ tap, index });
    const watch = tap.watch(() => {
      for (let packets = 0; packets < bounds.turnPacketsMax; packets++) {
        const tapped = tap.read();
        if (tapped === undefined) break;
        if (tapped !== "again") this.#tapped(index, tapped);
      }
      this.#write();
    });
    return isOsError(watch) ? watch : undefined;
  }

  /** What waits since before now; what comes meanwhile is not waited for. */
  #readRest(tap: PacketTap, index: number): void {
    // Our clock has whole milliseconds, the kernel's stamps have not.
    const end = now() + NANOSECONDS_A_MS;
    for (let tapped = tap.read(); tapped !== undefined; tapped = tap.read()) {
      if (tapped === "again") continue;
      if (tapped.nanoseconds > end) return;
      this.#tapped(index, tapped);
      if (this.#blocks.length >= bounds.turnPacketsMax) this.#write();
    }
  }

  #tapped(index: number, { octets, outgoing, nanoseconds }: Tapped): void {
    const packet = index === INNER ? asFrame(octets) : octets;
    this.#add(enhancedPacket(index, nanoseconds, packet, outgoing ? "sent" : "received"));
  }

  #frame(frame: Uint8Array, direction: Direction): void {
    this.#add(enhancedPacket(INNER, now(), frame, direction));
    this.#write();
  }

  #add(block: Uint8Array): void {
    if (this.#append(block)) this.#packets++;
  }

  #append(block: Uint8Array): boolean {
    if (this.#stopped !== undefined) return false;
    if (this.#octets + block.length > this.#octetsMax) {
      this.#stopped = "full";
      return false;
    }
    this.#octets += block.length;
    this.#blocks.push(block);
    return true;
  }

  /** Blocks are whole in the file, or it is cut where the disk was full. */
  #write(): void {
    clearImmediate(this.#writing);
    this.#writing = undefined;
    const blocks = Buffer.concat(this.#blocks.splice(0));
    try {
      for (let at = 0; at < blocks.length; ) at += writeSync(this.#fd, blocks, at);
    } catch (error) {
      this.#stopped = fromNodeError("write to the capture", error);
    }
  }
}

function now(): bigint {
  return BigInt(wallClockMs()) * NANOSECONDS_A_MS;
}

/** FF 03, and the protocol that the IP version says. */
function asFrame(packet: Uint8Array): Uint8Array {
  return encodeFrame((packet[0] ?? 0) >>> 4 === 6 ? Protocol.ipv6 : Protocol.ipv4, packet);
}

/** It holds what the session was encrypted for: nobody else's to read. */
function created(file: string): number | OsError {
  try {
    return openSync(file, "wx", 0o600);
  } catch (error) {
    return fromNodeError(file, error);
  }
}
