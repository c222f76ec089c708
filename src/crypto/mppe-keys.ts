// RFC 3079 §2, §3 (start keys) and RFC 3078 §7 (session keys and their change): the MPPE key schedule.
import { createHash } from "node:crypto";
import { invariant } from "../base/invariant.js";
import { md4 } from "./md4.js";
import { Rc4 } from "./rc4.js";
import { sha1, wipeSha1 } from "./sha1.js";

export type KeyBits = 40 | 56 | 128;
/** One start key a direction, as this end sees it. */
export type StartKeys = { readonly send: Uint8Array; readonly receive: Uint8Array };

const text = new TextEncoder();
const MASTER_MAGIC = text.encode("This is the MPPE Master Key");
const CLIENT_SENDS_MAGIC = text.encode(
  "On the client side, this is the send key; on the server side, it is the receive key.",
);
const SERVER_SENDS_MAGIC = text.encode(
  "On the client side, this is the receive key; on the server side, it is the send key.",
);
const PAD_1 = new Uint8Array(40);
const PAD_2 = new Uint8Array(40).fill(0xf2);

function digest16(...parts: Uint8Array[]): Uint8Array {
  const hash = createHash("sha1");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest().subarray(0, 16));
}

/**
 * RFC 3079 §3: 16-octet start keys for 128 bits and 8-octet ones for 40 and 56 bits, all freshly
 * made. What the server sends with, the client receives with.
 */
export function startKeysMsChapV2(
  ntHash: Uint8Array,
  ntResponse: Uint8Array,
  side: "server" | "client",
): { bits128: StartKeys; bits64: StartKeys } {
  const ntHashHash = md4(ntHash);
  const master = digest16(ntHashHash, ntResponse, MASTER_MAGIC);
  const fromServer = digest16(master, PAD_1, SERVER_SENDS_MAGIC, PAD_2);
  const fromClient = digest16(master, PAD_1, CLIENT_SENDS_MAGIC, PAD_2);
  ntHashHash.fill(0);
  master.fill(0);
  const send = side === "server" ? fromServer : fromClient;
  const receive = side === "server" ? fromClient : fromServer;
  return {
    bits128: { send, receive },
    bits64: { send: send.slice(0, 8), receive: receive.slice(0, 8) },
  };
}

/**
 * RFC 3079 §2: both directions start from equal keys (in arrays of their own). 128 bits come from
 * the NT hash and the challenge; 40 and 56 from the LM hash alone, absent when that is not kept.
 */
export function startKeysMsChapV1(
  hashes: { readonly ntHash: Uint8Array; readonly lmHash?: Uint8Array | undefined },
  challenge8: Uint8Array,
): { bits128: StartKeys; bits64: StartKeys | undefined } {
  const ntHashHash = md4(hashes.ntHash);
  const start = digest16(ntHashHash, ntHashHash, challenge8);
  ntHashHash.fill(0);
  const { lmHash } = hashes;
  return {
    bits128: { send: start, receive: start.slice() },
    bits64: lmHash && { send: lmHash.slice(0, 8), receive: lmHash.slice(0, 8) },
  };
}

/** The first session key of a start key: 16 octets, or 8 for 40 and 56 bits. */
export function sessionKey(start: Uint8Array, bits: KeyBits): Uint8Array {
  const key = new MppeKey(start, bits);
  const session = key.octets.slice();
  key.wipe();
  return session;
}

// Shared by all keys: a step is synchronous and leaves nothing for the next one to read.
const interim = new Uint8Array(20);
const cipher = new Rc4();

/**
 * The session key of one direction. `step`, `take` and `keep` allocate nothing: stateless MPPE changes
 * its key with every packet, and a receiver tries the change on a copy first, since a forged
 * coherency count would otherwise move the key. Flows keep their keys elsewhere and borrow one of these.
 */
export class MppeKey {
  /** The session key now. Never keep it past the next `step`. */
  readonly octets: Uint8Array;
  readonly bits: KeyBits;
  /** start, SHApad1, session, SHApad2 (RFC 3079 §3.4): 112 octets, or 96 for 40 and 56 bits. */
  readonly #message: Uint8Array;
  readonly #length: number;

  /** `start` is copied; 16 octets for 128 bits, at least 8 otherwise. The first key is made here. */
  constructor(start: Uint8Array, bits: KeyBits) {
    const length = bits === 128 ? 16 : 8;
    invariant(start.length >= length, `an MPPE start key of ${start.length} octets`);
    this.bits = bits;
    this.#length = length;
    this.octets = new Uint8Array(length);
    this.#message = new Uint8Array(2 * length + 80);
    for (let i = 0; i < length; i++) {
      this.#message[i] = start[i]!;
      this.octets[i] = start[i]!;
    }
    this.#message.fill(0xf2, 2 * length + 40);
    this.#digest();
    for (let i = 0; i < length; i++) this.octets[i] = interim[i]!;
    this.#reduce();
    interim.fill(0);
  }

  /** RFC 3078 §7.3: the next session key. */
  step(): void {
    const length = this.#length;
    this.#digest();
    cipher.schedule(interim, length);
    cipher.apply(interim, 0, length);
    const octets = this.octets;
    for (let i = 0; i < length; i++) octets[i] = interim[i]!;
    this.#reduce();
  }

  /** Takes the start key and the session key that lie in `octets`. */
  take(octets: Uint8Array, start: number, session: number): void {
    for (let i = 0; i < this.#length; i++) {
      this.#message[i] = octets[start + i]!;
      this.octets[i] = octets[session + i]!;
    }
  }

  /** Takes the session key that lies in `octets`; the start key stays. */
  takeSession(octets: Uint8Array, session: number): void {
    for (let i = 0; i < this.#length; i++) this.octets[i] = octets[session + i]!;
  }

  /** Puts the session key into `octets` at `session`, and the start key too where it is given a place. */
  keep(octets: Uint8Array, session: number, start?: number): void {
    for (let i = 0; i < this.#length; i++) octets[session + i] = this.octets[i]!;
    if (start === undefined) return;
    for (let i = 0; i < this.#length; i++) octets[start + i] = this.#message[i]!;
  }

  wipe(): void {
    this.octets.fill(0);
    this.#message.fill(0, 0, this.#length);
    this.#message.fill(0, this.#length + 40, 2 * this.#length + 40);
    interim.fill(0);
    cipher.wipe();
    wipeSha1();
  }

  #digest(): void {
    const message = this.#message;
    const octets = this.octets;
    const at = this.#length + 40;
    for (let i = 0; i < octets.length; i++) message[at + i] = octets[i]!;
    sha1(message, message.length, interim);
  }

  /** RFC 3079 §3.1, §3.2: the fixed octets that leave 40 or 56 bits of a key of 64. */
  #reduce(): void {
    if (this.bits === 128) return;
    this.octets[0] = 0xd1;
    if (this.bits === 56) return;
    this.octets[1] = 0x26;
    this.octets[2] = 0x9e;
  }
}
