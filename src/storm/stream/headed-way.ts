// Packets that leave with an IPv4 header of ours: pieces of datagrams, and TCP segments in the name of an honest session's
// control connection. Where the server is in its sequence it says itself: in its answers to those that miss (RFC 5961 §4),
// which come to this host.
import type { Ipv4 } from "../../base/ip.js";
import { SLOT_OCTETS } from "../../base/kernel-layout.js";
import { storm as bounds } from "../../limits/storm.js";
import type { Descriptor } from "../../os/descriptor.js";
import { isOsError, type OsError } from "../../os/errors.js";
import { ReceiveSlots } from "../../os/packet-memory.js";
import { openIpSender, openTcpEar } from "../../os/raw-ip.js";
import { GRE_PROTOCOL } from "../../wire/gre.js";
import { write16 } from "../../wire/ip-octets.js";
import {
  IPV4_HEADER_OCTETS,
  Ipv4Header,
  readIpv4,
  TCP,
  writeIpv4,
  writeIpv4Checksum,
} from "../../wire/ipv4.js";
import { ACK, RST, readTcp, TCP_HEADER_OCTETS, TcpSegment, writeTcp } from "../../wire/tcp.js";
import type { LiveCall, Sent } from "../messages.js";
import type { HostilePacket, Piece, Segment } from "../scenario.js";
import { addressed, type PacketWay } from "./packet-stream.js";

const IDENTIFICATION = 4;
const FRAGMENT = 6;
const MORE_FRAGMENTS = 0x2000;
/** 0 the kernel would fill in. */
const IDENTIFICATIONS = 65_535;
const SLOTS = 64;
const BATCHES_PER_TURN = 4;
const WINDOW = 1_024;
/** Of the sequence's 2^32, far from all that a server has sent and may yet be acknowledged. */
const NEVER_SENT = 0x4000_0000;
const NEVER_SENT_OCTETS = 0x3000_0000;

export type HeadedTerms = { readonly server: Ipv4; readonly port: number };

/** Where a server is in a connection, as its last segment says. */
type Told = { readonly next: number; readonly wants: number };

export class HeadedWay implements PacketWay {
  readonly #terms: HeadedTerms;
  readonly #sender: Descriptor;
  readonly #ear: Descriptor;
  readonly #slots = new ReceiveSlots(SLOTS);
  readonly #ip = new Ipv4Header();
  readonly #heard = new TcpSegment();
  readonly #segment = new TcpSegment();
  /** By address and port of the honest end, of those that were named. */
  readonly #told = new Map<string, Told | undefined>();
  readonly #scratch = new Uint8Array(SLOT_OCTETS);
  #inWindow = 0;
  #answered = 0;
  #named = false;

  private constructor(terms: HeadedTerms, sender: Descriptor, ear: Descriptor) {
    this.#terms = terms;
    this.#sender = sender;
    this.#ear = ear;
  }

  /** Needs CAP_NET_RAW. */
  static open(terms: HeadedTerms): HeadedWay | OsError {
    const sender = openIpSender();
    if (isOsError(sender)) return sender;
    const ear = openTcpEar(terms.server, terms.port);
    if (!isOsError(ear)) {
      const way = new HeadedWay(terms, sender, ear);
      const watch = ear.watch(() => way.#listen());
      if (!isOsError(watch)) return way;
      ear[Symbol.dispose]();
      sender[Symbol.dispose]();
      return watch;
    }
    sender[Symbol.dispose]();
    return ear;
  }

  get descriptor(): number {
    return this.#sender.fd;
  }

  get segments(): Sent["segments"] {
    return this.#named ? { inWindow: this.#inWindow, answered: this.#answered } : undefined;
  }

  write(into: Uint8Array, at: number, packet: HostilePacket, source: Ipv4, call?: LiveCall) {
    const { octets, piece, segment, live } = packet;
    if (live && call === undefined) return 0;
    if (piece !== undefined) return this.#piece(into, at, octets, piece, source, call);
    if (segment === undefined || call === undefined) return 0;
    return this.#tcp(into, at, octets, segment, call);
  }

  [Symbol.dispose](): void {
    this.#ear[Symbol.dispose]();
    this.#sender[Symbol.dispose]();
  }

  #piece(
    into: Uint8Array,
    at: number,
    octets: Uint8Array,
    { datagram, offset, more }: Piece,
    source: Ipv4,
    call: LiveCall | undefined,
  ): number {
    const total = IPV4_HEADER_OCTETS + octets.length;
    writeIpv4(into, at, total, GRE_PROTOCOL, source, this.#terms.server);
    write16(into, at + IDENTIFICATION, (datagram % IDENTIFICATIONS) + 1);
    write16(into, at + FRAGMENT, (offset >>> 3) | (more ? MORE_FRAGMENTS : 0));
    writeIpv4Checksum(into, at);
    into.set(octets, at + IPV4_HEADER_OCTETS);
    if (offset === 0) addressed(into, at + IPV4_HEADER_OCTETS, octets.length, call);
    return total;
  }

  #tcp(
    into: Uint8Array,
    at: number,
    octets: Uint8Array,
    { flags, sequence, acknowledgment, beyond }: Segment,
    { local, port }: LiveCall,
  ): number {
    this.#named = true;
    const end = `${local} ${port}`;
    const told = this.#told.get(end);
    // Those of sessions that are gone stay until there are too many; whoever lives tells anew.
    if (this.#told.size >= 2 * bounds.sessionsMax) this.#told.clear();
    if (told === undefined) this.#told.set(end, undefined);
    const out = this.#segment;
    out.sourcePort = port;
    out.destinationPort = this.#terms.port;
    out.flags = flags;
    out.window = WINDOW;
    out.sequence = sequence;
    out.acknowledgment = (flags & ACK) === 0 ? 0 : acknowledgment;
    if (told !== undefined && beyond !== undefined) {
      this.#inWindow++;
      out.sequence = (told.wants + beyond) >>> 0;
      const never = NEVER_SENT + (acknowledgment % NEVER_SENT_OCTETS);
      if ((flags & ACK) !== 0) out.acknowledgment = (told.next + never) >>> 0;
    }
    this.#scratch.set(octets, IPV4_HEADER_OCTETS + TCP_HEADER_OCTETS);
    const total = writeTcp(this.#scratch, out, local, this.#terms.server, octets.length);
    into.set(this.#scratch.subarray(0, total), at);
    return total;
  }

  #listen(): void {
    const { octets, lengths } = this.#slots;
    for (let batch = 0; batch < BATCHES_PER_TURN; batch++) {
      const count = this.#slots.fill(this.#ear.fd);
      for (let i = 0; i < count; i++) this.#hear(octets, i * SLOT_OCTETS, lengths[i]!);
      if (count < SLOTS) return;
    }
  }

  #hear(octets: Uint8Array, start: number, length: number): void {
    const heard = this.#heard;
    if (readIpv4(octets, start, start + length, this.#ip, false) !== undefined) return;
    // On this host nobody has reckoned a checksum yet.
    if (this.#ip.protocol !== TCP || readTcp(octets, this.#ip, heard, 1) !== undefined) return;
    const end = `${this.#ip.destination} ${heard.destinationPort}`;
    if (!this.#told.has(end) || (heard.flags & ACK) === 0 || (heard.flags & RST) !== 0) return;
    this.#answered++;
    const next = (heard.sequence + heard.length) >>> 0;
    this.#told.set(end, { next, wants: heard.acknowledgment });
  }
}
