// A server that says what it likes, as far as our client goes along: the pure client core on one side,
// on the other whatever a test says. No data path: frames go straight to the core.
import { after, type Instant, instant } from "../../src/base/instant.js";
import { Ledger } from "../../src/base/ledger.js";
import { CallIdPool } from "../../src/core/access/call-id-pool.js";
import type { EndCause } from "../../src/core/access/ports.js";
import { Client, type ClientEvent } from "../../src/core/client.js";
import { decodeFrame } from "../../src/wire/ppp/frame.js";
import { decodePacket, encodePacket, type PppPacket } from "../../src/wire/ppp/packet.js";
import { Protocol } from "../../src/wire/ppp/protocols.js";
import { type ControlMessage, decodeControlMessage } from "../../src/wire/pptp/index.js";
import { sampleOctets, testPolicy } from "../control-peer.js";
import { CREDENTIALS, POLICY, seededRng } from "../ppp/pair.js";
import { COUNTERS, LOCAL, PEER } from "../sim/server-bench.js";

/** How far the rogue plays by the rules before it stops to. */
export const stages = ["first words", "established", "call", "authenticate"] as const;
export type Stage = (typeof stages)[number];

/** Longer than every deadline of a session that does not come up. */
const LONG_MS = 600_000;
const ASK_MS_CHAP_V2 = Uint8Array.of(3, 5, 0xc2, 0x23, 0x81, 5, 6, 9, 9, 9, 9);

export class Rogue {
  now: Instant = instant(0);
  readonly ledger = new Ledger(() => this.now);
  readonly client: Client;
  readonly events: ClientEvent[] = [];
  readonly messages: ControlMessage[] = [];
  readonly packets: (PppPacket & { protocol: number })[] = [];
  readonly flow = { slot: 0, generation: 1 };
  closed = false;
  callId = 0;

  constructor(stage: Stage = "first words") {
    this.client = new Client(
      {
        control: { ...testPolicy, takeOutgoingCalls: false },
        ppp: POLICY,
        credentials: { ...CREDENTIALS },
        rng: seededRng(7),
        ledger: this.ledger,
        callIds: new CallIdPool(),
        flow: this.flow,
        localAddress: PEER,
        serverAddress: LOCAL,
      },
      this.now,
    );
    this.client.start(this.now);
    this.#drain();
    const reached = stages.indexOf(stage);
    if (reached >= 1) this.octets(sampleOctets("StartControlConnectionReply"));
    if (reached >= 2) {
      this.octets(sampleOctets("OutgoingCallReply", { callId: 77, peersCallId: this.callId }));
    }
    if (reached >= 3) this.#openLcp();
  }

  octets(octets: Uint8Array): this {
    this.client.handleOctets(octets, this.now);
    this.#drain();
    return this;
  }

  information(protocol: number, information: Uint8Array): this {
    const { flow } = this;
    this.client.handlePlane({ kind: "Frame", flow, protocol, information }, this.now);
    this.#drain();
    return this;
  }

  /** As it comes out of GRE; what is no PPP frame stays in the data path. */
  frame(frame: Uint8Array): this {
    const read = decodeFrame(frame);
    return read.ok ? this.information(read.value.protocol, read.value.information) : this;
  }

  /** The server never speaks again. */
  fallsSilent(): this {
    const until = after(this.now, LONG_MS);
    for (let timers = 0; timers < 10_000; timers++) {
      const at = this.client.pollTimeout()?.at;
      if (at === undefined || at > until) break;
      this.now = instant(Math.max(this.now, at));
      this.client.handleTimeout(this.now);
      this.#drain();
    }
    return this;
  }

  hangsUp(): this {
    if (!this.closed) this.client.handleDisconnected(this.now);
    this.closed = true;
    this.#drain();
    return this;
  }

  has(kind: ClientEvent["kind"]): boolean {
    return this.events.some((event) => event.kind === kind);
  }

  /** How it ended, once; undefined while it goes on. */
  get cause(): EndCause | undefined {
    const ends = this.events.filter((event) => event.kind === "Ended");
    if (ends.length > 1) throw new Error("ended twice");
    return ends[0]?.kind === "Ended" ? ends[0].cause : undefined;
  }

  #openLcp(): void {
    const request = this.packets.find(({ protocol, code }) => protocol === 0xc021 && code === 1);
    if (request === undefined) throw new Error("no Configure-Request of the client's");
    this.information(Protocol.lcp, encodePacket(2, request.identifier, request.data));
    this.information(Protocol.lcp, encodePacket(1, 1, ASK_MS_CHAP_V2));
  }

  /** A challenge; what the client answers, for `has` no server's word is believed yet. */
  challenge(identifier = 5): PppPacket {
    const data = Uint8Array.of(16, ...new Uint8Array(16).fill(3), 0x73);
    this.information(Protocol.chap, encodePacket(1, identifier, data));
    const answer = this.packets.findLast(({ protocol }) => protocol === Protocol.chap);
    if (answer === undefined) throw new Error("no answer to the challenge");
    return answer;
  }

  #drain(): void {
    const { client, flow } = this;
    for (;;) {
      const command = client.pollPlane();
      if (command?.kind === "Install") {
        this.callId = command.callId;
        client.handlePlane({ kind: "Installed", flow }, this.now);
      } else if (command?.kind === "Remove") {
        client.handlePlane({ kind: "Removed", flow, counters: COUNTERS }, this.now);
      } else if (command?.kind === "Send") this.#sent(command.frame);
      if (command !== undefined) continue;
      const transmission = client.pollTransmit();
      if (transmission === undefined) break;
      if (transmission.kind === "Close") {
        this.closed = true;
        client.handleDisconnected(this.now);
      } else this.#said(transmission.octets);
    }
    for (let event = client.pollEvent(); event; event = client.pollEvent()) this.events.push(event);
  }

  #said(octets: Uint8Array): void {
    const read = decodeControlMessage(octets);
    if (!read.ok) throw new Error(`the client sent a malformed ${read.field}`);
    this.messages.push(read.value);
  }

  #sent(frame: Uint8Array): void {
    const read = decodeFrame(frame);
    if (!read.ok) throw new Error(`the client sent a malformed ${read.field}`);
    const packet = decodePacket(read.value.information);
    if (packet.ok) this.packets.push({ protocol: read.value.protocol, ...packet.value });
  }
}
