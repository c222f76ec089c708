// Targets with a state: an input is a list of what is said, each with its length before it. The machine is
// anew for each, ends with nothing kept, and where there is another one for the same, agrees with it.
import { strict as assert } from "node:assert";
import { Chance } from "../../../src/base/chance.js";
import { Deadlines } from "../../../src/base/deadlines.js";
import { type Instant, instant } from "../../../src/base/instant.js";
import { isRefusal } from "../../../src/client/tcp/contract.js";
import type { PppPolicy, PppRole } from "../../../src/core/ppp/ports.js";
import { PppSession } from "../../../src/core/ppp/session.js";
import { stack as bounds, plane as limits } from "../../../src/limits.js";
import { GreWindow } from "../../../src/plane/gre-window.js";
import { joined } from "../../../src/storm/mutator.js";
import { decodeFrame } from "../../../src/wire/ppp/frame.js";
import { CLIENT, datagram, SERVER, udp } from "../../plane/pair.js";
import { ADDRESSES, CREDENTIALS, Pair, POLICY, verdictOf } from "../../ppp/pair.js";
import { Network, OURS, THEIRS } from "../../tcp/network.js";
import { makeSegment, ReferencePeer } from "../../tcp/reference-peer.js";
import { CallerSide, Pair as CallPair, ServerSide } from "../bench.js";
import { controlMessages, pppFrames, startRequest } from "../corpus.js";
import type { Target } from "./hunt.js";

/** [octets, 0 to 255] [so many of them] ... */
function* units(input: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < input.length; at += 1 + input[at]!) {
    yield input.slice(at + 1, at + 1 + input[at]!);
  }
}

function listed(...parts: readonly Uint8Array[]): Uint8Array {
  const fitting = parts.filter(({ length }) => length < 256);
  return joined(...fitting.flatMap((part) => [Uint8Array.of(part.length), part]));
}

/** Call-Clear-Request, 16 octets, gets Call-Disconnect-Notify, 148; and what a connection says by itself. */
const AMPLIFICATION = 148 / 16;
const OWN_OCTETS = 2_048;
/** No control message begins so: what follows is a GRE datagram. */
const FROM_GRE = 0xff;
const side = new ServerSide(new Chance(1));

const control: Target = {
  name: "control",
  seeds: controlMessages.map((message) => listed(startRequest, message, controlMessages[6]!)),
  run: (input) => {
    side.connect();
    const before = side.controlOctets + side.greOctets;
    let octets = 0;
    for (const unit of units(input)) {
      // Nothing said: time passes instead.
      if (unit.length === 0) side.pass(1_500);
      else side.octets(unit);
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

const policy: PppPolicy = { ...POLICY, ipv6: true, authentication: ["ms-chap-v2", "pap"] };
const OUTPUTS_PER_FRAME = 24;

const papOnly: PppPolicy = { ...policy, authentication: ["pap"] };

function session(role: PppRole, policy: PppPolicy, name: string): Target {
  const login = new Pair({ server: policy, client: policy, seed: 7 });
  login.start().run(400);
  const other = role === "authenticator" ? login.client : login.server;
  const said = other.sent.map(({ protocol, information }) =>
    joined(Uint8Array.of(0xff, 3, protocol >>> 8, protocol & 255), information),
  );
  return {
    name,
    seeds: [listed(...said), listed(...said.slice(0, 6)), ...pppFrames.map((one) => listed(one))],
    run: (input) => talkPpp(role, policy, input),
  };
}

function talkPpp(role: PppRole, policy: PppPolicy, input: Uint8Array): void {
  let now: Instant = instant(0);
  let ended = false;
  const rng = new Chance(1).rng();
  const machine = new PppSession({ role, policy, rng, credentials: { ...CREDENTIALS }, now });
  const drain = () => {
    let outputs = 0;
    for (let output = machine.pollOutput(); output; output = machine.pollOutput()) {
      assert.ok(!ended, `${output.kind} after Ended`);
      if (output.kind === "Ended") ended = true;
      if (output.kind === "AuthenticationAsked") {
        const verdict = verdictOf(output.name, output.proof, CREDENTIALS);
        machine.handleVerdict(output.generation, verdict, now);
      }
      if (output.kind === "AddressesAsked") {
        machine.handleAddresses(output.generation, ADDRESSES, now);
      }
      outputs++;
    }
    return outputs;
  };
  machine.start(now);
  drain();
  for (const unit of units(input)) {
    if (unit.length === 0) {
      now = instant(Math.max(machine.pollTimeout()?.at ?? now, now));
      machine.handleTimeout(now);
      drain();
      continue;
    }
    const frame = decodeFrame(unit);
    if (!frame.ok) continue;
    machine.handleFrame(frame.value.protocol, frame.value.information, now);
    assert.ok(drain() <= OUTPUTS_PER_FRAME, "outputs for one frame");
  }
  machine.abort("control-closed");
  drain();
  assert.ok(ended);
  assert.equal(machine.pollTimeout(), undefined);
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

/** A segment: flags, how far its numbers are from those in use, its window, then options and data. */
const tcp: Target = {
  name: "tcp",
  seeds: [
    listed(Uint8Array.of(16, 0, 0, 0, 9, 0, 65, 66, 67), Uint8Array.of(17, 0, 3, 0, 9, 0)),
    listed(Uint8Array.of(16, 0, 200, 0, 9, 12, 1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 9, 65)),
    listed(Uint8Array.of(4, 0, 0, 0, 0, 0)),
  ],
  run: (input) => {
    const peer = new ReferencePeer(THEIRS, 80, { sack: true, timestamps: false });
    const network = new Network(1, peer, { delayMs: 5 });
    const connection = network.connect(80);
    const datagrams = network.stack.bindUdp();
    assert.ok(!isRefusal(datagrams));
    connection.onEvent = () => {
      while (connection.read(10_000) !== undefined);
    };
    let ours: Uint8Array | undefined;
    const handle = network.stack.handlePacket.bind(network.stack);
    network.stack.handlePacket = (packet, now) => {
      ours ??= packet;
      handle(packet, now);
    };
    network.run(50);
    const first = ours;
    for (const unit of first === undefined ? [] : units(input)) {
      if (unit.length < 6) {
        network.run(250);
        continue;
      }
      const view = new DataView(first!.buffer, first!.byteOffset);
      const optionOctets = Math.min(unit[5]! & 0x28, unit.length - 6) & ~3;
      const packet = makeSegment({
        ...{ source: THEIRS, destination: OURS, sourcePort: 80 },
        destinationPort: view.getUint16(22),
        seq: (view.getUint32(24) + 1 + (unit[1]! << 24) + unit[2]!) >>> 0,
        ack: (view.getUint32(28) + (unit[3]! << 8)) >>> 0,
        ...{ flags: unit[0]! & 63, window: unit[4]! << 8 },
        options: [...unit.subarray(6, 6 + optionOctets)],
        data: unit.subarray(6 + optionOctets),
      });
      handle(packet, network.now);
      const sent = udp(THEIRS, OURS, 7, 32 + (unit.length & 63), datagrams.localPort);
      handle(unit[0]! & 128 ? changed(sent, unit) : sent, network.now);
      while (datagrams.receive() !== undefined);
      // And as it stands, whatever it says of itself.
      if (unit.length > 40) handle(unit, network.now);
    }
    network.run(50);
    assert.ok(connection.readable <= bounds.receiveOctetsMax);
    datagrams.close();
    connection.abort();
    network.run(1);
    network.stack.close();
    assert.equal(network.ledger.size, 0);
  },
};

/** With one octet of its own; its checksums may fail, which is to be seen, too. */
function changed(packet: Uint8Array, by: Uint8Array): Uint8Array {
  packet[by[1]! % packet.length] = by[2]!;
  return packet;
}

export const machines: readonly Target[] = [
  ...[control, caller],
  ...[session("authenticator", policy, "ppp-authenticator"), session("peer", policy, "ppp-peer")],
  ...[session("authenticator", papOnly, "pap-authenticator"), session("peer", papOnly, "pap-peer")],
  ...[window, deadlines, tcp],
];
