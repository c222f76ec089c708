// Our own link to the data worker, read as if it were hostile, and PPP sessions by themselves.
import { describe, expect, test } from "vitest";
import type { Chance } from "../../src/base/chance.js";
import { type Instant, instant } from "../../src/base/instant.js";
import type { PppPolicy, PppRole } from "../../src/core/ppp/ports.js";
import { PppSession } from "../../src/core/ppp/session.js";
import { worker as limits } from "../../src/limits.js";
import { joined, mutate } from "../../src/storm/mutator.js";
import { decodeFrame } from "../../src/wire/ppp/frame.js";
import type { PlaneCommand, PlaneEvent } from "../../src/wire/worker-link.js";
import {
  decodeCommand,
  decodeEvent,
  encodeCommand,
  encodeEvent,
} from "../../src/wire/worker-link-codec.js";
import { LinkFramer } from "../../src/wire/worker-link-framer.js";
import { TERMS } from "../plane/pair.js";
import { ADDRESSES, CREDENTIALS, Pair, POLICY, verdictOf } from "../ppp/pair.js";
import { pppFrames } from "./corpus.js";
import { fuzz } from "./seeds.js";
import { segments } from "./segments.js";

const flow = { slot: 3, generation: 2 ** 40 };
const key = new Uint8Array(16).fill(7);
const counters = {
  receivedPackets: 1,
  receivedOctets: 2,
  sentPackets: 3,
  sentOctets: 4,
  dropped: 5,
  overRateUp: 2,
  overRateDown: 3,
  lost: 6,
  reordered: 7,
  roundTripMs: 8,
  idleMs: 9,
};
const COMMANDS: readonly PlaneCommand[] = [
  { kind: "Configure", gateway: TERMS },
  { kind: "Send", flow, frame: key },
  { kind: "Remove", flow },
  {
    kind: "Encrypt",
    flow,
    terms: { bits: 128, stateful: false, sendStart: key, receiveStart: key },
  },
  { kind: "Network4", flow, network: { address: 1, routes: [{ address: 2, length: 8 }] } },
  { kind: "Rate", flow, bucket: 7, upBitsPerSecond: 10_000_000, downBitsPerSecond: 0 },
  { kind: "Resync", flow, echoReply: key },
  { kind: "Ping", nonce: 9 },
  { kind: "Authenticated", flow },
];
const EVENTS: readonly PlaneEvent[] = [
  { kind: "Ready", version: 1, engine: "TypeScript", offload: "plain" },
  { kind: "Frame", flow, protocol: 0xc021, information: key },
  { kind: "Removed", flow, counters },
  { kind: "Counters", flows: [{ flow, counters }], drops: { late: 3 } },
  { kind: "Trouble", call: "write", errno: "EBADFD" },
];

const commands = COMMANDS.map((command) => encodeCommand(command, limits.messageOctetsMax)!);
const events = EVENTS.map((event) => encodeEvent(event, limits.messageOctetsMax)!);

describe("worker link under fuzz", () => {
  test("changed messages are values, and what is taken is written as it was read", () => {
    let taken = 0;
    fuzz(8_000, (chance) => {
      const corpus = chance.happens(0.5) ? commands : events;
      const framer = new LinkFramer(limits.messageOctetsMax);
      const stream = joined(
        mutate(chance, chance.of(corpus), corpus),
        mutate(chance, chance.of(corpus), corpus),
      );
      for (const segment of segments(chance, stream)) {
        framer.push(segment);
        for (let read = framer.next(); read.kind === "message"; read = framer.next()) {
          const command = decodeCommand(read.octets);
          const event = decodeEvent(read.octets);
          if (command.ok) {
            const again = encodeCommand(command.value, limits.messageOctetsMax);
            expect(decodeCommand(again!.subarray(4))).toEqual(command);
            taken++;
          }
          if (event.ok) {
            const again = encodeEvent(event.value, limits.messageOctetsMax);
            expect(decodeEvent(again!.subarray(4))).toEqual(event);
            taken++;
          }
        }
      }
    });
    expect(taken).toBeGreaterThan(500);
  }, 120_000);
});

/** Outputs one frame may cause: an answer, a phase begun, its first requests, and what is told. */
const OUTPUTS_PER_FRAME = 24;

class Target {
  readonly session: PppSession;
  now: Instant = instant(0);
  outputs = 0;
  ended = false;

  constructor(chance: Chance, role: PppRole, policy: PppPolicy) {
    const credentials = { ...CREDENTIALS };
    const rng = chance.rng();
    this.session = new PppSession({ role, policy, rng, credentials, now: this.now });
    this.session.start(this.now);
    this.drain();
  }

  drain(): void {
    for (let output = this.session.pollOutput(); output; output = this.session.pollOutput()) {
      if (this.ended) throw new Error(`${output.kind} after Ended`);
      this.outputs++;
      if (output.kind === "Ended") this.ended = true;
      if (output.kind === "AuthenticationAsked") {
        const verdict = verdictOf(output.name, output.proof, CREDENTIALS);
        this.session.handleVerdict(output.generation, verdict, this.now);
      }
      if (output.kind === "AddressesAsked") {
        this.session.handleAddresses(output.generation, ADDRESSES, this.now);
      }
    }
  }

  frame(octets: Uint8Array): void {
    const read = decodeFrame(octets);
    if (!read.ok) return;
    const before = this.outputs;
    this.session.handleFrame(read.value.protocol, read.value.information, this.now);
    this.drain();
    const caused = this.outputs - before;
    if (caused > OUTPUTS_PER_FRAME) throw new Error(`${caused} outputs for one frame`);
  }

  pass(ms: number): void {
    const until = this.now + ms;
    for (let steps = 0; ; steps++) {
      const at = this.session.pollTimeout()?.at;
      if (at === undefined || at > until) break;
      if (steps > 1_000) throw new Error("timers without end");
      this.now = instant(Math.max(at, this.now));
      this.session.handleTimeout(this.now);
      this.drain();
    }
    this.now = instant(until);
  }
}

describe("PPP session under fuzz", () => {
  const policy: PppPolicy = { ...POLICY, ipv6: true, authentication: ["ms-chap-v2", "pap"] };

  test.each(["authenticator", "peer"] as const)(
    "%s: frames of any log-in, changed",
    (role) => {
      fuzz(2_000, (chance) => {
        // What the other end of a good log-in of this very session would have said.
        const login = new Pair({ server: policy, client: policy, seed: chance.int(1, 50) });
        login.start().run(chance.int(0, 400));
        const other = role === "authenticator" ? login.client : login.server;
        const corpus = [...other.sent.map(framed), ...pppFrames];
        const target = new Target(chance, role, policy);
        for (let frames = chance.int(1, 40); frames > 0; frames--) {
          const good = chance.of(corpus);
          target.frame(chance.happens(0.4) ? good : mutate(chance, good, corpus));
          if (chance.happens(0.1)) target.pass(chance.int(1, 5_000));
        }
        target.session.abort("control-closed");
        target.drain();
        expect(target.ended).toBe(true);
        expect(target.session.pollTimeout()).toBeUndefined();
      });
    },
    120_000,
  );
});

function framed({ protocol, information }: { protocol: number; information: Uint8Array }) {
  return joined(Uint8Array.of(0xff, 3, protocol >>> 8, protocol & 255), information);
}
