// One call at the caller's end without a data path: PPP (RFC 1661) over its own GRE sequence (RFC 2637
// §4). It logs in and answers; inner traffic is not its business.
import type { Instant } from "../../src/base/instant.js";
import type { Ipv4 } from "../../src/base/ip.js";
import type { Rng } from "../../src/base/rng.js";
import type { EndCause } from "../../src/core/access/ports.js";
import type { Deadline } from "../../src/core/deadline.js";
import type { PppCredentials, PppPolicy } from "../../src/core/ppp/ports.js";
import { PppSession } from "../../src/core/ppp/session.js";
import { type GreHeader, greHeaderOctets, writeGre } from "../../src/wire/gre.js";
import { decodeFrame } from "../../src/wire/ppp/frame.js";
import { Protocol } from "../../src/wire/ppp/protocols.js";

export type CallTerms = {
  readonly callId: number;
  readonly credentials: PppCredentials;
  readonly policy: PppPolicy;
  readonly rng: Rng;
  readonly now: Instant;
  /** A GRE packet to the server; it is used up when this returns. */
  readonly send: (packet: Uint8Array, octets: number) => void;
  readonly up: (call: LoadCall, now: Instant) => void;
  readonly ended: (call: LoadCall, cause: EndCause, now: Instant) => void;
};

const earlyFramesMax = 8;
const packet = new Uint8Array(2_048);

export class LoadCall {
  readonly callId: number;
  /** When it was asked for, and what it got. */
  readonly askedAt: Instant;
  encryption = "none";
  address: Ipv4 | undefined;
  readonly #terms: CallTerms;
  readonly #ppp: PppSession;
  /** Undefined before the server's Outgoing-Call-Reply, which its first frames may overtake. */
  #peersCallId: number | undefined;
  readonly #early: Uint8Array[] = [];
  #sequence = 0;
  #received = -1;
  #ackOwed = false;

  constructor(terms: CallTerms) {
    const { callId, credentials, policy, rng, now } = terms;
    this.callId = callId;
    this.askedAt = now;
    this.#terms = terms;
    this.#ppp = new PppSession({ role: "peer", policy, credentials, rng, now });
  }

  /** The server took the call. */
  start(peersCallId: number, now: Instant): void {
    this.#peersCallId = peersCallId;
    this.#ppp.start(now);
    this.#drain(now);
    for (const frame of this.#early.splice(0)) this.#handleFrame(frame, now);
  }

  handleGre(octets: Uint8Array, header: GreHeader, now: Instant): void {
    if (!header.hasSequence || header.sequence <= this.#received) return;
    this.#received = header.sequence;
    this.#ackOwed = true;
    const frame = octets.subarray(header.payloadStart, header.payloadEnd);
    if (this.#peersCallId !== undefined) this.#handleFrame(frame, now);
    else if (this.#early.length < earlyFramesMax) this.#early.push(frame.slice());
  }

  handleTimeout(now: Instant): void {
    this.#ppp.handleTimeout(now);
    this.#drain(now);
  }

  pollTimeout(): Deadline | undefined {
    return this.#ppp.pollTimeout();
  }

  terminate(now: Instant): void {
    this.#ppp.terminate("shutdown", now);
    this.#drain(now);
  }

  abort(): void {
    this.#ppp.abort("control-closed");
  }

  #handleFrame(octets: Uint8Array, now: Instant): void {
    const frame = decodeFrame(octets);
    if (frame.ok && frame.value.protocol !== Protocol.compressed) {
      this.#ppp.handleFrame(frame.value.protocol, frame.value.information, now);
      this.#drain(now);
    }
    if (this.#ackOwed) this.#send(undefined);
  }

  #drain(now: Instant): void {
    for (let output = this.#ppp.pollOutput(); output !== undefined; ) {
      switch (output.kind) {
        case "Send":
          this.#send(output.frame);
          break;
        case "EncryptionUp":
          this.encryption = `MPPE-${output.keys.bits} ${output.keys.stateful ? "stateful" : "stateless"}`;
          output.keys.sendStart.fill(0);
          output.keys.receiveStart.fill(0);
          break;
        case "Ipv4Up":
          this.address = output.ours;
          this.#terms.up(this, now);
          break;
        case "Ended":
          this.#terms.ended(this, output.cause, now);
          break;
      }
      output = this.#ppp.pollOutput();
    }
  }

  /** A frame with the acknowledgment that is owed, or the acknowledgment alone. */
  #send(frame: Uint8Array | undefined): void {
    const ack = this.#ackOwed ? this.#received : undefined;
    this.#ackOwed = false;
    const sequence = frame === undefined ? undefined : this.#sequence++;
    const header = greHeaderOctets(sequence !== undefined, ack !== undefined);
    const length = frame?.length ?? 0;
    writeGre(packet, 0, this.#peersCallId ?? 0, length, sequence, ack);
    if (frame !== undefined) packet.set(frame, header);
    this.#terms.send(packet, header + length);
  }
}
