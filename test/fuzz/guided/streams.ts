// Machines that take octets apart and put them together, each beside the octets as they were.
import { strict as assert } from "node:assert";
import { instant } from "../../../src/base/instant.js";
import { VNET_OCTETS } from "../../../src/base/kernel-layout.js";
import { OctetRing } from "../../../src/client/tcp/octet-ring.js";
import { Pieces } from "../../../src/client/tcp/pieces.js";
import { Reassembly } from "../../../src/client/tcp/reassembly.js";
import { stack } from "../../../src/limits.js";
import { fragmentIpv4, Ipv4Header, readIpv4 } from "../../../src/wire/ipv4.js";
import { cutRun, segmentOctetsOf, TcpRun } from "../../../src/wire/tcp-run.js";
import { LinkFramer } from "../../../src/wire/worker-link-framer.js";
import { LEASED, OUTSIDE, udp } from "../../plane/pair.js";
import { makeSegment } from "../../tcp/reference-peer.js";
import type { Target } from "./hunt.js";
import { type Step, steps } from "./steps.js";

/** Ranges as the octets that are in them. */
const pieces = steps("pieces", () => {
  const machine = new Pieces(6);
  let model = new Set<number>();
  const check = () => {
    const sorted = [...model].sort((a, b) => a - b);
    const starts = sorted.filter((one) => !model.has(one - 1));
    assert.equal(machine.count, starts.length);
    assert.equal(machine.octets, model.size);
    assert.equal(machine.highest(-1), sorted.length === 0 ? -1 : sorted.at(-1)! + 1);
    for (const [at, start] of starts.entries()) assert.equal(machine.start(at), start);
  };
  const add: Step = (a, b) => {
    const end = a + 1 + (b & 31);
    const grown = new Set(model);
    for (let one = a; one < end; one++) grown.add(one);
    const touches = [...model].some((one) => one >= a - 1 && one <= end);
    const fits = touches || machine.count < 6;
    assert.equal(machine.add(a, end), fits);
    if (fits) model = grown;
    check();
  };
  const uncovered: Step = (a, b) => {
    let missing = 0;
    for (let one = a; one < a + b; one++) if (!model.has(one)) missing++;
    assert.equal(machine.uncovered(a, a + b), missing);
  };
  const drop: Step = (a) => {
    machine.dropBelow(a >>> 2);
    model = new Set([...model].filter((one) => one >= a >>> 2));
    check();
  };
  return [add, add, uncovered, drop];
});

const ring = steps("octet-ring", () => {
  const machine = new OctetRing(stack.bufferOctetsMin * 4);
  let model: number[] = [];
  let next = 0;
  const put: Step = (a, b) => {
    const length = Math.min(a * 16 + b, machine.octetsMax - model.length);
    const octets = Uint8Array.from({ length: length + 3 }, () => next++ & 255);
    machine.put(model.length, octets, 3, length + 3);
    model = model.concat([...octets.subarray(3)]);
  };
  const take: Step = (a, b) => {
    const length = Math.min(a * 16 + b, model.length);
    const into = new Uint8Array(length + 2);
    machine.copy(model.length - length, length, into, 2);
    assert.deepEqual([...into.subarray(2)], model.slice(model.length - length));
    machine.drop(length);
    model = model.slice(length);
    assert.ok(machine.memoryOctets <= machine.octetsMax);
  };
  return [put, take];
});

const OUTER = 1_200;

/** A packet cut into fragments, which come in any order, some twice, some changed: whole is what was sent, or nothing. */
const reassembly = steps("reassembly", () => {
  const machine = new Reassembly(() => {});
  const header = new Ipv4Header();
  const packets = [0, 1].map((at) => {
    const whole = udp(LEASED, OUTSIDE, at, OUTER);
    whole[5] = at;
    const fragments: Uint8Array[] = [];
    assert.ok(readIpv4(whole, 0, whole.length, header, false) === undefined);
    const scratch = new Uint8Array(OUTER);
    fragmentIpv4(whole, header, 300, scratch, (length) => fragments.push(scratch.slice(0, length)));
    return { whole, fragments };
  });
  const came = [new Set<number>(), new Set<number>()];
  let spoilt = false;
  const fragment: Step = (a, b, now) => {
    const { whole, fragments } = packets[a & 1]!;
    const octets = fragments[b % fragments.length]!.slice();
    if (a > 240) {
      // Longer, shorter, elsewhere: from now on a packet may be made of it.
      octets[7] = (octets[7]! + (b & 7)) & 255;
      spoilt = true;
    }
    if (readIpv4(octets, 0, octets.length, header, false) !== undefined) return;
    const said = machine.take(octets, header, now);
    assert.ok(machine.memoryOctets <= stack.reassembliesMax * 65_535);
    if (spoilt) return;
    const got = came[a & 1]!;
    got.add(b % fragments.length);
    if (got.size < fragments.length) return assert.ok(!(said instanceof Uint8Array));
    assert.ok(said instanceof Uint8Array);
    assert.deepEqual(said.subarray(20), whole.subarray(20));
    got.clear();
  };
  const late: Step = (a, _b, now) => {
    machine.handleTimeout(instant(now + a * 1_000));
    const due = machine.deadline();
    assert.ok(due === undefined || due.at > now + a * 1_000);
    if (due === undefined) for (const got of came) got.clear();
    else spoilt = true;
  };
  return [fragment, fragment, fragment, late];
});

/** Segments of one stream and of others, gathered and cut again: the same ones come out. */
const run = steps("tcp-run", () => {
  const machine = new TcpRun(true);
  let sequence = 100;
  let given: Uint8Array[] = [];
  const out = () => {
    if (machine.empty) return;
    const whole = machine.whole();
    const segmentOctets = segmentOctetsOf(whole);
    const packet = whole.slice(VNET_OCTETS);
    const cut = segmentOctets === 0 ? [packet] : cutRun(packet, segmentOctets);
    assert.equal(cut.length, given.length);
    for (const [at, one] of cut.entries()) {
      const was = given[at]!;
      // Identification counts on from the first one's.
      assert.deepEqual(one.subarray(12), was.subarray(12));
      assert.equal(one.length, was.length);
    }
    machine.clear();
    given = [];
  };
  const add: Step = (a, b) => {
    const data = Uint8Array.from({ length: b & 63 }, (_, at) => at);
    const packet = makeSegment({
      ...{ source: LEASED, destination: OUTSIDE, sourcePort: 1, destinationPort: a > 250 ? 2 : 1 },
      ...{
        seq: sequence,
        ack: a & 3 ? 7 : 8,
        flags: a & 4 ? 16 : [16, 24, 17, 2][b >>> 6]!,
        window: a > 240 ? 10 : 9,
      },
      ...{ options: [], data },
    });
    sequence = (sequence + data.length) >>> 0;
    if (!machine.add(packet)) {
      out();
      assert.ok(machine.add(packet));
    }
    given.push(packet);
  };
  return [add, add, add, out];
});

/** The link's stream, whole and in pieces: the same messages, and the same end. */
const linkFramer: Target = {
  name: "link-framer",
  seeds: [
    Uint8Array.of(2, 0, 0, 0, 2, 9, 9, 0, 0, 0, 3, 1, 2, 3),
    Uint8Array.of(1, 0, 0, 0, 1, 9),
    Uint8Array.of(3, 0, 0, 1, 0, 9),
  ],
  run: (input) => {
    const stream = input.subarray(1);
    const piece = 1 + (input[0] ?? 0);
    const read = (pieceOctets: number) => {
      const framer = new LinkFramer(64);
      const told: string[] = [];
      for (let at = 0; at < stream.length; at += pieceOctets) {
        framer.push(stream.slice(at, at + pieceOctets));
        for (let next = framer.next(); ; next = framer.next()) {
          if (next.kind === "message") told.push(Buffer.from(next.octets).toString("hex"));
          else if (next.kind === "malformed") return [...told, `malformed ${next.length}`];
          else break;
        }
      }
      return told;
    };
    assert.deepEqual(read(piece), read(Math.max(stream.length, 1)));
  },
};

export const streams: readonly Target[] = [pieces, ring, reassembly, run, linkFramer];
