// The path of GRE between hosts: loss, delay, duplication, reordering, truncation, and somebody who
// forges plaintext into sessions that must be encrypted.

import type { Chance } from "../../src/base/chance.js";
import { formatIpv4, type Ipv4 } from "../../src/base/ip.js";
import { mutate } from "../../src/storm/mutator.js";
import { read16, write16, write32 } from "../../src/wire/ip-octets.js";
import { datagram, udp } from "../plane/pair.js";
import type { Schedule } from "./schedule.js";

export type PathTerms = {
  readonly latencyMs: number;
  readonly loss: number;
  readonly duplication: number;
  readonly reordering: number;
  readonly truncation: number;
  readonly forgery: number;
  /** One bit of a datagram that the checksum of nobody covers. */
  readonly corruption?: number;
};

type Receiver = (datagram: Uint8Array) => void;

const IPV4 = 0x0021;
const IPV6 = 0x0057;
const S = 0x10;
const A = 0x80;
/** A forged packet's tag: no host ever sends it. */
export const FORGED = 0xdead_beef;

export class Network {
  readonly #hosts = new Map<Ipv4, Receiver>();
  readonly #dark = new Set<Ipv4>();
  /** Data seen in the clear, by receiver. */
  plaintext = 0;
  /** Whose GRE somebody changes, and how much of it. */
  readonly #spoilt = new Map<Ipv4, number>();
  corrupted = 0;
  /** The address that a host at `outer` has inside: who is on the path may have seen it elsewhere. */
  framedOf: (outer: Ipv4) => Ipv4 | undefined = () => undefined;
  /** Where encryption is required, nothing in the clear may ever be seen. */
  watch = true;

  constructor(
    readonly schedule: Schedule,
    readonly chance: Chance,
    readonly terms: PathTerms,
  ) {}

  attach(address: Ipv4, receiver: Receiver): void {
    this.#hosts.set(address, receiver);
  }

  detach(address: Ipv4): void {
    this.#hosts.delete(address);
    this.#dark.delete(address);
    this.#spoilt.delete(address);
  }

  spoil(address: Ipv4, share: number): void {
    this.#spoilt.set(address, share);
  }

  /** From somebody anywhere, whoever it says it is from. */
  inject(packet: Uint8Array, destination: Ipv4): void {
    this.#carry(packet, destination);
  }

  /** GRE to and from this host is lost from now on. */
  darken(address: Ipv4, dark = true): void {
    if (dark) this.#dark.add(address);
    else this.#dark.delete(address);
  }

  send(source: Ipv4, destination: Ipv4, gre: Uint8Array): void {
    const { chance, terms } = this;
    if (carriesPlaintext(gre)) this.plaintext++;
    if (this.#dark.has(source) || this.#dark.has(destination)) return;
    if (chance.happens(terms.forgery)) this.#forge(source, destination, gre);
    if (chance.happens(terms.loss)) return;
    if (chance.happens(this.#spoilt.get(source) ?? 0)) {
      this.corrupted++;
      this.#carry(datagram(source, destination, mutate(chance, gre, [gre])), destination);
    }
    this.#carry(datagram(source, destination, gre), destination);
    if (chance.happens(terms.duplication)) {
      this.#carry(datagram(source, destination, gre), destination);
    }
  }

  #carry(packet: Uint8Array, destination: Ipv4): void {
    const { chance, terms, schedule } = this;
    const late = chance.happens(terms.reordering) ? chance.int(1, 150) : 0;
    const octets = chance.happens(terms.truncation) ? this.#truncated(packet) : packet;
    if (chance.happens(terms.corruption ?? 0)) this.#corrupt(octets);
    schedule.in(terms.latencyMs + late, () => {
      if (!this.#dark.has(destination)) this.#hosts.get(destination)?.(octets);
    });
  }

  /** Behind the outer header, whose checksum the kernel looks at. */
  #corrupt(packet: Uint8Array): void {
    if (packet.length <= 20) return;
    const at = this.chance.int(20, packet.length - 1);
    packet[at] = packet[at]! ^ (1 << this.chance.int(0, 7));
    this.corrupted++;
  }

  /** Cut off, with its outer length as it was or as if it had been sent so. */
  #truncated(packet: Uint8Array): Uint8Array {
    const length = this.chance.int(0, packet.length - 1);
    if (length < 20 || this.chance.happens(0.5)) return packet.slice(0, length);
    return datagram(read4(packet, 12), read4(packet, 16), packet.slice(20, length));
  }

  /** On the path, one can copy the Call ID and guess the sequence: never the key. */
  #forge(source: Ipv4, destination: Ipv4, gre: Uint8Array): void {
    if (gre.length < 12 || (gre[0]! & S) === 0) return;
    const [from, to] = [this.framedOf(source), this.framedOf(destination)];
    const inner = udp(from ?? 0x0a630002, to ?? 0x08080808, FORGED, 64);
    const forged = new Uint8Array(12 + 2 + inner.length);
    forged.set(gre.subarray(0, 12));
    forged[1] = forged[1]! & ~A;
    write16(forged, 4, 2 + inner.length);
    write32(forged, 8, (read4(gre, 8) + this.chance.int(0, 3)) >>> 0);
    write16(forged, 12, IPV4);
    forged.set(inner, 14);
    this.#carry(datagram(source, destination, forged), destination);
  }

  describe(): string {
    return [...this.#hosts.keys()].map(formatIpv4).join(" ");
  }
}

function read4(octets: Uint8Array, at: number): number {
  return (read16(octets, at) * 0x1_0000 + read16(octets, at + 2)) >>> 0;
}

/** Whether the PPP frame of an Enhanced GRE packet is IP as it stands. */
export function carriesPlaintext(gre: Uint8Array): boolean {
  if (gre.length < 8 || (gre[0]! & S) === 0) return false;
  let at = 12 + ((gre[1]! & A) !== 0 ? 4 : 0);
  if (gre[at] === 0xff && gre[at + 1] === 0x03) at += 2;
  const first = gre[at];
  if (first === undefined) return false;
  const protocol = (first & 1) === 1 ? first : (first << 8) | (gre[at + 1] ?? 0);
  return protocol === IPV4 || protocol === IPV6;
}
