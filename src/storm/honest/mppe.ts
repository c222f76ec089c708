// RFC 3078, stateless with 128 bits: both ends of an honest session's encryption, by the codecs alone.
import { MppeKey, type StartKeys } from "../../crypto/mppe-keys.js";
import { Rc4 } from "../../crypto/rc4.js";
import {
  COHERENCY_COUNTS,
  coherencyCountOf,
  coherencyDistance,
  ENCRYPTED,
  FLUSHED,
  MPPE_HEADER_OCTETS,
  readMppeHeader,
  writeMppeHeader,
} from "../../wire/mppe.js";

const cipher = new Rc4();

export class MppeEnds {
  readonly #sendKey: MppeKey;
  readonly #receiveKey: MppeKey;
  #sent = COHERENCY_COUNTS - 1;
  #received = COHERENCY_COUNTS - 1;

  constructor(start: StartKeys) {
    this.#sendKey = new MppeKey(start.send, 128);
    this.#receiveKey = new MppeKey(start.receive, 128);
  }

  /** `plain`: protocol field and data. What follows the protocol 0x00FD. */
  encrypt(plain: Uint8Array): Uint8Array {
    const packet = new Uint8Array(MPPE_HEADER_OCTETS + plain.length);
    packet.set(plain, MPPE_HEADER_OCTETS);
    this.#sent = (this.#sent + 1) % COHERENCY_COUNTS;
    this.#sendKey.step();
    writeMppeHeader(packet, 0, ENCRYPTED | FLUSHED, this.#sent);
    apply(this.#sendKey, packet);
    return packet;
  }

  /** Undefined: of before, or not encrypted as agreed. */
  decrypt(packet: Uint8Array): Uint8Array | undefined {
    const header = readMppeHeader(packet, 0, packet.length);
    if (header === undefined || (header & ENCRYPTED) === 0) return undefined;
    const count = coherencyCountOf(header);
    const steps = coherencyDistance(this.#received, count);
    if (steps === 0 || steps > COHERENCY_COUNTS / 2) return undefined;
    for (let step = 0; step < steps; step++) this.#receiveKey.step();
    this.#received = count;
    const plain = packet.slice();
    apply(this.#receiveKey, plain);
    return plain.subarray(MPPE_HEADER_OCTETS);
  }

  wipe(): void {
    this.#sendKey.wipe();
    this.#receiveKey.wipe();
  }
}

function apply(key: MppeKey, packet: Uint8Array): void {
  cipher.schedule(key.octets, key.octets.length);
  cipher.apply(packet, MPPE_HEADER_OCTETS, packet.length);
}
