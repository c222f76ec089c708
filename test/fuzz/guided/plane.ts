// The data path as it is alone and with the compiled lane before it: each is the other's reference. An
// input is a list of datagrams, made to reach far by their first octet.
import { strict as assert } from "node:assert";
import { DROP_REASONS } from "../../../src/plane/drop-reason.js";
import { joined } from "../../../src/storm/mutator.js";
import { writeGre } from "../../../src/wire/gre.js";
import {
  Bench,
  CLIENT,
  datagram,
  echo,
  FLOW,
  installClient,
  installServer,
  LEASED,
  OUTSIDE,
  SERVER,
  udp,
} from "../../plane/pair.js";
import { pppFrames, vectorsOf } from "../corpus.js";
import type { Target } from "./hunt.js";

const CALL_ID = 0x5678;
const alone = new Bench(undefined, undefined, "typescript");
const lane = new Bench(undefined, undefined, "wasm");
const both = [alone, lane];

type Form = "datagram" | "gre" | "frame" | "packet";
const FORMS: readonly Form[] = ["datagram", "gre", "frame", "packet"];

function plane(name: string, stateful: boolean | undefined): Target {
  const encryption = stateful === undefined ? undefined : { bits: 128 as const, stateful };
  const frames = pppFrames.filter(({ length }) => length < 254);
  const seeds = [
    ...vectorsOf("gre").flatMap(({ send }) => send.map((gre) => unit("gre", gre))),
    ...frames.map((frame) => unit("frame", frame)),
    ...[udp(LEASED, OUTSIDE, 7, 60), echo(LEASED, OUTSIDE)].map((one) => unit("packet", one)),
    unit("datagram", datagram(CLIENT, SERVER, new Uint8Array(12))),
  ];
  const run = (input: Uint8Array) => {
    for (const bench of both) {
      bench.command({ kind: "Remove", flow: FLOW });
      clear(bench);
      installServer(bench, { encryption });
    }
    const client = encryption === undefined ? undefined : new ClientLine(encryption);
    const before = both.map(drops);
    let sequence = 0;
    for (let at = 0; at + 2 <= input.length; at += 2 + input[at + 1]!) {
      const octets = input.slice(at + 2, at + 2 + input[at + 1]!);
      const form = FORMS[input[at]! & 3]!;
      // The upper bits of the form say how far its number is from the next.
      const number = (sequence + ((input[at]! >>> 2) & 7)) >>> 0;
      const made = madeOf(form, octets, number, client);
      if (form !== "datagram" && form !== "gre") sequence = number + 1;
      for (const bench of both) for (const one of made) bench.datagram(one.slice());
    }
    for (const bench of both) bench.pass(2_000);
    const [a, b] = both.map((bench, index) => ({
      drops: drops(bench).map((count, place) => count - before[index]![place]!),
      tun: bench.tun,
      sent: bench.gre.length,
      told: bench.events.map(({ kind }) => kind).filter((kind) => kind !== "Counters"),
    }));
    assert.deepEqual(b, a);
    for (const bench of both) {
      assert.equal(bench.engine.flows, 1);
      bench.command({ kind: "Remove", flow: FLOW });
      assert.equal(bench.engine.flows, 0);
      assert.equal(bench.engine.reorderOctets, 0);
    }
  };
  return { name, seeds, run };
}

/** Encrypts what it is given as the good peer would. */
class ClientLine {
  static readonly #bench = new Bench(undefined, undefined, "typescript");

  constructor(encryption: { readonly bits: 128; readonly stateful: boolean }) {
    const bench = ClientLine.#bench;
    bench.command({ kind: "Remove", flow: FLOW });
    clear(bench);
    installClient(bench, { encryption });
    bench.gre.length = 0;
  }

  datagrams(packet: Uint8Array): Uint8Array[] {
    ClientLine.#bench.packet(packet);
    return ClientLine.#bench.gre.splice(0);
  }
}

function madeOf(
  form: Form,
  octets: Uint8Array,
  sequence: number,
  client: ClientLine | undefined,
): readonly Uint8Array[] {
  if (form === "datagram") return [octets];
  if (form === "gre") {
    if (octets.length >= 8) octets.set([CALL_ID >>> 8, CALL_ID & 255], 6);
    return [datagram(CLIENT, SERVER, octets)];
  }
  if (form === "packet" && client !== undefined) return client.datagrams(octets);
  const frame = form === "packet" ? joined(Uint8Array.of(0x21), octets) : octets;
  const gre = new Uint8Array(12 + frame.length);
  writeGre(gre, 0, CALL_ID, frame.length, sequence, undefined);
  gre.set(frame, 12);
  return [datagram(CLIENT, SERVER, gre)];
}

function unit(form: Form, octets: Uint8Array): Uint8Array {
  const cut = octets.subarray(0, 255);
  return joined(Uint8Array.of(FORMS.indexOf(form), cut.length), cut);
}

function drops(bench: Bench): number[] {
  return DROP_REASONS.map((reason) => bench.engine.dropped(reason));
}

function clear(bench: Bench): void {
  bench.tun.length = 0;
  bench.gre.length = 0;
  bench.events.length = 0;
  bench.dontFragment.length = 0;
}

export const planes: readonly Target[] = [
  plane("plane-plain", undefined),
  plane("plane-stateless", false),
  plane("plane-stateful", true),
];
