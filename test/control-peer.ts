// For tests: the far end of a control connection, and a composer that records what ours puts out.
import { instant } from "../src/base/instant.js";
import { lease } from "../src/base/lease.js";
import { Ledger } from "../src/base/ledger.js";
import { Scope } from "../src/base/scope.js";
import {
  ControlConnection,
  type ControlConnectionOptions,
} from "../src/core/pptp/control-connection.js";
import type { ControlEvent, ControlPolicy } from "../src/core/pptp/ports.js";
import { control } from "../src/limits.js";
import {
  type ControlMessage,
  type ControlMessageKind,
  decodeControlMessage,
  encodeControlMessage,
  layoutOf,
} from "../src/wire/pptp/index.js";

/** The peer's Call ID in every sample; ours are 1, 2, 3 in the order they are leased. */
export const PEERS_CALL_ID = 0x1234;

/** A good message of a kind: fields 1 where that is success, our first call where it names ours. */
export function sample(
  kind: ControlMessageKind,
  fields: Readonly<Record<string, number | string>> = {},
): ControlMessage {
  const values: Record<string, unknown> = { kind };
  for (const [key, field] of Object.entries(layoutOf(kind).fields)) {
    if (field.form === "text") values[key] = "";
    else if (field.form === "number") values[key] = key === "errorCode" ? 0 : 1;
  }
  if ("callId" in values) values.callId = PEERS_CALL_ID;
  if ("protocolVersion" in values) values.protocolVersion = 0x0100;
  return { ...values, ...fields } as unknown as ControlMessage;
}

export function sampleOctets(
  kind: ControlMessageKind,
  fields: Readonly<Record<string, number | string>> = {},
): Uint8Array {
  return encodeControlMessage(sample(kind, fields));
}

export const testPolicy: ControlPolicy = {
  side: "accepted",
  hostName: "vpn.example",
  vendorString: "holdfast",
  firmwareRevision: 1,
  callsPerConnectionMax: control.callsPerConnectionMax,
  takeIncomingCalls: false,
  takeOutgoingCalls: true,
  packetRecvWindowSize: 64,
};

export class Bench {
  now = 0;
  readonly ledger = new Ledger(() => instant(this.now));
  readonly scope = new Scope("connection", this.ledger);
  readonly connection: ControlConnection;
  readonly events: ControlEvent[] = [];
  readonly sent: ControlMessage[] = [];
  callIdsLeft = Number.POSITIVE_INFINITY;
  #nextCallId = 1;

  constructor(
    policy: Partial<ControlPolicy> = {},
    options: Partial<ControlConnectionOptions> = {},
  ) {
    this.connection = new ControlConnection({
      policy: { ...testPolicy, ...policy },
      leaseCallId: () => {
        if (this.callIdsLeft-- <= 0) return undefined;
        return Object.assign(
          lease(() => {}),
          { callId: this.#nextCallId++ },
        );
      },
      localAddress: 0xc0a80001,
      peerAddress: 0xc0a80002,
      scope: this.scope,
      now: instant(0),
      ...options,
    });
    if (policy.side === "opened") {
      this.connection.start(instant(0));
      this.drain();
    }
  }

  get at() {
    return instant(this.now);
  }

  drain(): void {
    for (let event = this.connection.pollEvent(); event; event = this.connection.pollEvent()) {
      this.events.push(event);
    }
    for (;;) {
      const octets = this.connection.pollTransmit();
      if (octets === undefined) return;
      const read = decodeControlMessage(octets);
      if (!read.ok) throw new Error(`sent malformed ${read.field}`);
      this.sent.push(read.value);
    }
  }

  octets(...chunks: readonly Uint8Array[]): this {
    for (const chunk of chunks) {
      this.connection.handleOctets(chunk, this.at);
      this.drain();
    }
    return this;
  }

  receive(kind: ControlMessageKind, fields: Readonly<Record<string, number | string>> = {}): this {
    return this.octets(sampleOctets(kind, fields));
  }

  /** Runs every deadline until `ms` later. */
  pass(ms: number): this {
    const end = this.now + ms;
    for (;;) {
      const deadline = this.connection.pollTimeout();
      if (deadline === undefined || deadline.at > end) break;
      if (deadline.at > this.now) this.now = deadline.at;
      this.connection.handleTimeout(this.at);
      this.drain();
    }
    this.now = end;
    return this;
  }

  /** Established, nothing recorded so far. */
  established(): this {
    const opened = this.connection.snapshot().side === "opened";
    this.receive(opened ? "StartControlConnectionReply" : "StartControlConnectionRequest");
    return this.forget();
  }

  forget(): this {
    this.events.length = 0;
    this.sent.length = 0;
    return this;
  }

  accept(callId: number): this {
    this.connection.acceptCall(callId, this.at);
    this.drain();
    return this;
  }

  get noted(): string[] {
    return this.events.flatMap((event) => (event.kind === "Noted" ? [event.reason] : []));
  }

  /** Without what is only counted, or only repeats what the peer said. */
  get told(): ControlEvent[] {
    return this.events.filter(({ kind }) => kind !== "Noted" && kind !== "Told");
  }

  /** With which codes the peer said no, or ended a call. */
  get codes(): string[] {
    return this.events.flatMap((event) =>
      event.kind === "Told" ? [`${event.by} ${event.resultCode} ${event.errorCode}`] : [],
    );
  }
}
