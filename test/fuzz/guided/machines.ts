// Targets with a state: an input is a list of what is said, each with its length before it. The machine is
// anew for each, ends with nothing kept, and where there is another one for the same, agrees with it.
import { strict as assert } from "node:assert";
import { Chance } from "../../../src/base/chance.js";
import { Deadlines } from "../../../src/base/deadlines.js";
import { instant } from "../../../src/base/instant.js";
import { plane as limits } from "../../../src/limits.js";
import { GreWindow } from "../../../src/plane/gre-window.js";
import { joined } from "../../../src/storm/mutator.js";
import { testPolicy } from "../../control-peer.js";
import { CLIENT, datagram, SERVER } from "../../plane/pair.js";
import { POLICY } from "../../ppp/pair.js";
import { CallerSide, Pair as CallPair, ServerSide } from "../bench.js";
import { controlMessages, startRequest } from "../corpus.js";
import type { Target } from "./hunt.js";
import { listed, silence, units } from "./units.js";

/** Call-Clear-Request, 16 octets, gets Call-Disconnect-Notify, 148; and what a connection says by itself. */
const AMPLIFICATION = 148 / 16;
const OWN_OCTETS = 2_048;
/** No control message begins so: what follows is a GRE datagram. */
const FROM_GRE = 0xff;
/** In the place of a Call ID: the one that the server gave last. */
const GIVEN = 0xfffe;
const offered = { ...testPolicy, takeIncomingCalls: true };
const side = new ServerSide(new Chance(1), POLICY, offered);

const OCRP = 8;
const ICRP = 10;
const [OCRQ, ICRQ, ICCN, CCRQ, CDN, WEN, SLI] = ([7, 9, 11, 12, 13, 14, 15] as const).map(
  (type) => controlMessages[type - 1]!,
) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];

/** Of the call that the server gave the last Call ID. */
function ofGiven(message: Uint8Array): Uint8Array {
  const copy = message.slice();
  copy.set([GIVEN >>> 8, GIVEN & 255], 12);
  return copy;
}

const control: Target = {
  name: "control",
  seeds: [
    ...controlMessages.map((message) => listed(startRequest, message, OCRQ)),
    listed(startRequest, OCRQ, ofGiven(SLI), ofGiven(WEN), CCRQ),
    ...[CCRQ, ofGiven(CDN)].map((end) =>
      listed(startRequest, ICRQ, ofGiven(ICCN), ofGiven(SLI), ofGiven(WEN), end),
    ),
    // Whoever never answers what he was asked: his call, offered or placed, waits and is given up.
    listed(startRequest, ICRQ, ...silence(45)),
    listed(startRequest, ICRQ, ofGiven(ICCN), ...silence(90)),
    listed(startRequest, OCRQ, ...silence(90)),
  ],
  run: (input) => {
    let given = 0;
    side.onControl = (octets) => {
      if (octets.length >= 14 && (octets[9] === OCRP || octets[9] === ICRP)) {
        given = (octets[12]! << 8) | octets[13]!;
      }
    };
    side.connect();
    const before = side.controlOctets + side.greOctets;
    let octets = 0;
    for (const unit of units(input)) {
      // Nothing said: time passes instead.
      if (unit.length === 0) side.pass(1_500);
      else {
        const names = unit.length >= 14 && ((unit[12]! << 8) | unit[13]!) === GIVEN;
        if (names) unit.set([given >>> 8, given & 255], 12);
        side.octets(unit);
      }
      octets += unit.length;
      if (!side.connected) break;
    }
    const out = side.controlOctets + side.greOctets - before;
    const passed = input.length * OWN_OCTETS;
    assert.ok(out <= octets * AMPLIFICATION + OWN_OCTETS + passed, `${out} octets for ${octets}`);
    side.checkEmpty();
  },
};

/** A server says this to a caller of ours; the log-in that it says otherwise is what it starts from. */
const caller: Target = {
  name: "caller",
  seeds: [logInSaid(), ...controlMessages.map((message) => listed(message))],
  run: (input) => {
    const calling = new CallerSide(new Chance(1));
    calling.call();
    const before = calling.octetsOut;
    let octets = 0;
    for (const unit of units(input)) {
      if (unit.length === 0) calling.pass(1_500);
      else if (unit[0] === FROM_GRE) calling.datagram(datagram(SERVER, CLIENT, unit.subarray(1)));
      else calling.octets(unit);
      octets += unit.length;
    }
    const out = calling.octetsOut - before;
    const passed = input.length * OWN_OCTETS;
    assert.ok(out <= octets * AMPLIFICATION + OWN_OCTETS + passed, `${out} octets for ${octets}`);
    calling.checkEmpty();
  },
};

/** All that a good server says, as the caller's target takes it. */
function logInSaid(): Uint8Array {
  const pair = new CallPair(new ServerSide(new Chance(2)), new CallerSide(new Chance(1)));
  pair.run(400).cut();
  const gre = pair.toCaller.map((one) => joined(Uint8Array.of(FROM_GRE), one.subarray(20)));
  return listed(...pair.controlToCaller, ...gre);
}

/** Of the window's own rules (docs of gre-window.ts), without its tricks: all numbers as integers. */
function placeOf(expected: number | undefined, sequence: number): string {
  if (expected === undefined) return sequence <= limits.firstSequenceMax ? "next" : "out";
  const turn = 2 ** 32;
  const ahead = (sequence - expected + turn) % turn;
  const behind = (turn - ahead) % turn;
  if (ahead === 0) return "next";
  if (ahead <= limits.forwardWindow) return "ahead";
  if (ahead <= 4_096 * limits.keyWrapsMax) return "far";
  return behind <= limits.forwardWindowMppe ? "late" : "out";
}

const window: Target = {
  name: "window",
  seeds: [Uint8Array.of(0, 0, 0, 0, 0, 1, 0, 0, 0, 2), Uint8Array.of(1, 0xff, 0xff, 0xff, 0xff)],
  run: (input) => {
    const machine = new GreWindow(instant(0));
    let expected: number | undefined;
    const view = new DataView(input.buffer);
    for (let at = 0; at + 5 <= input.length; at += 5) {
      const near = expected === undefined || (input[at]! & 2) === 0 ? 0 : expected;
      const sequence = (near + view.getUint32(at + 1)) >>> 0;
      const place = placeOf(expected, sequence);
      assert.equal(machine.place(sequence), place);
      if (place === "late" || place === "out") machine.noteOutOfWindow(instant(at));
      else if ((input[at]! & 1) === 0) {
        machine.advance(sequence, instant(at));
        expected = (sequence + 1) >>> 0;
      }
      assert.equal(machine.expected, expected);
      const due = machine.ackDueAt;
      const acknowledged = machine.takeAcknowledgment();
      assert.equal(acknowledged !== undefined, due !== undefined);
    }
  },
};

const KEYS = 8;

const deadlines: Target = {
  name: "deadlines",
  seeds: [Uint8Array.of(1, 5, 2, 3, 1, 9, 2, 0, 0x81, 4)],
  run: (input) => {
    const machine = new Deadlines<number>();
    const model = new Map<number, number>();
    for (let at = 0; at + 2 <= input.length; at += 2) {
      const [key, when] = [input[at]! % KEYS, input[at + 1]!];
      if (input[at]! >= 0x80) {
        const due = machine.due(instant(when));
        const earliest = Math.min(...model.values());
        assert.equal(due !== undefined, earliest <= when);
        if (due === undefined) continue;
        assert.equal(model.get(due), earliest);
        model.delete(due);
      } else if (when === 0) {
        machine.set(key, undefined);
        model.delete(key);
      } else {
        machine.set(key, { at: instant(when), why: "fuzz" } as never);
        model.set(key, when);
      }
      const next = machine.next()?.at;
      assert.equal(next, model.size === 0 ? undefined : Math.min(...model.values()));
    }
  },
};

export const machines: readonly Target[] = [...[control, caller], ...[window, deadlines]];
