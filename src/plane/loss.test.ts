// Two engines and a bad path between them: bursts cut out of a running upload (G-10), and loss,
// duplication and reordering by seed. Time is simulated.
import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import {
  Bench,
  chance,
  encryptionTerms,
  FLOW,
  installClient,
  installServer,
  LEASED,
  OUTSIDE,
  tagOf,
  udp,
} from "../../test/plane/pair.js";
import { instant } from "../base/instant.js";
import { plane as limits } from "../limits.js";

/** Of a datagram, behind both headers' fixed parts. */
const SEQUENCE_AT = 28;
const STATELESS = { bits: 128, stateful: false } as const;

/**
 * A server and a client with what their main processes would do: an LCP Echo where the sequence was
 * lost, new keys where the count was.
 */
class Upload {
  readonly server = new Bench();
  readonly client = new Bench();
  sent = 0;
  delivered: { tag: number; at: number }[] = [];
  renegotiations = 0;
  echoes = 0;
  #serial = 0;

  constructor(readonly encryption: { bits: 40 | 56 | 128; stateful: boolean } | undefined) {
    installServer(this.server, { encryption });
    installClient(this.client, { encryption });
  }

  /** One packet a millisecond up; `keep` says which datagrams of the client arrive. */
  run(packets: number, keep: () => boolean): void {
    for (let i = 0; i < packets; i++) {
      this.server.pass(1);
      this.client.pass(1);
      this.client.packet(udp(LEASED, OUTSIDE, this.sent++, 60));
      for (const datagram of this.client.gre.splice(0)) {
        if (keep()) this.server.datagram(datagram);
      }
      this.#answerEvents();
      for (const datagram of this.server.gre.splice(0)) this.client.datagram(datagram);
      this.#answerEchoes();
      for (const packet of this.server.tun.splice(0)) {
        this.delivered.push({ tag: tagOf(packet), at: this.server.now });
      }
    }
  }

  #answerEvents(): void {
    for (const { kind } of this.server.events.splice(0)) {
      if (kind === "ResyncNeeded") this.#resync();
      if (kind === "KeysLost") this.#newKeys();
      if (kind === "ResetNeeded") this.client.command({ kind: "Flush", flow: FLOW, side: "send" });
    }
  }

  #resync(): void {
    const data = [0xa5, ++this.echoes, 3, 4, 5, 6, 7, 8];
    const magic = [1, 2, 3, 4];
    const echoReply = Uint8Array.of(10, this.echoes, 0, 16, ...magic, ...data);
    const request = [0xff, 0x03, 0xc0, 0x21, 9, this.echoes, 0, 16, ...magic, ...data];
    this.server.command({ kind: "Resync", flow: FLOW, echoReply });
    this.server.command({ kind: "Send", flow: FLOW, frame: Uint8Array.from(request) });
  }

  #answerEchoes(): void {
    for (const { protocol, information } of this.client.of("Frame")) {
      if (protocol !== 0xc021) continue;
      const frame = Uint8Array.of(0xc0, 0x21, ...information);
      frame[2] = 10;
      this.client.command({ kind: "Send", flow: FLOW, frame });
    }
    this.client.events.length = 0;
  }

  #newKeys(): void {
    if (this.encryption === undefined) return;
    this.renegotiations++;
    this.#serial++;
    for (const [bench, side] of [
      [this.server, "server"],
      [this.client, "client"],
    ] as const) {
      const terms = encryptionTerms(this.encryption, side, this.#serial);
      bench.command({ kind: "Encrypt", flow: FLOW, terms });
    }
  }
}

describe("packets cut out of a running upload, G-10", () => {
  const cases = [
    { cut: 300, encryption: STATELESS, echoes: 0, renegotiations: 0 },
    { cut: 2_000, encryption: STATELESS, echoes: 0, renegotiations: 0 },
    { cut: 3_500, encryption: STATELESS, echoes: 0, renegotiations: 0 },
    { cut: 5_000, encryption: STATELESS, echoes: 0, renegotiations: 0 },
    { cut: 20_000, encryption: STATELESS, echoes: 1, renegotiations: 0 },
    { cut: 200, encryption: undefined, echoes: 0, renegotiations: 0 },
    { cut: 300, encryption: undefined, echoes: 1, renegotiations: 0 },
    { cut: 5_000, encryption: undefined, echoes: 1, renegotiations: 0 },
    { cut: 200, encryption: { bits: 128, stateful: true }, echoes: 0, renegotiations: 0 },
    { cut: 300, encryption: { bits: 128, stateful: true }, echoes: 1, renegotiations: 0 },
    { cut: 5_000, encryption: { bits: 128, stateful: true }, echoes: 1, renegotiations: 0 },
  ] as const;
  for (const { cut, encryption, echoes, renegotiations } of cases) {
    const kind = encryption ? (encryption.stateful ? "stateful" : "stateless") : "plain";
    test(`${kind}, ${cut} packets: traffic again within a second`, () => {
      const upload = new Upload(encryption);
      upload.run(500, () => true);
      upload.run(cut, () => false);
      const again = upload.server.now;
      upload.run(1_000, () => true);
      const first = upload.delivered.find(({ tag }) => tag >= 500 + cut);
      expect(first?.at ?? Number.POSITIVE_INFINITY).toBeLessThan(again + 1_000);
      expect(upload.echoes).toBe(echoes);
      expect(upload.renegotiations).toBe(renegotiations);
      const tail = upload.delivered.slice(-200).map(({ tag }) => tag);
      expect(tail).toEqual(Array.from({ length: 200 }, (_, i) => upload.sent - 200 + i));
    });
  }
});

describe("any number of packets in a row, lost", () => {
  const losses = fc.array(
    fc.record({
      lost: fc.integer({ min: 1, max: 20_000 }),
      clear: fc.integer({ min: 0, max: 20 }),
      between: fc.integer({ min: 1, max: 300 }),
    }),
    { minLength: 1, maxLength: 3 },
  );
  const modes = fc.record({
    bits: fc.constantFrom(40 as const, 56 as const, 128 as const),
    stateful: fc.boolean(),
  });

  property.prop([modes, losses], { numRuns: 12 })(
    "some in the clear among them: the session goes on by its own keys",
    (encryption, all) => {
      const upload = new Upload(encryption);
      upload.run(50, () => true);
      for (const { lost, clear, between } of all) {
        const every = Math.ceil(lost / (clear + 1));
        for (let i = 0; i < lost; i += every) {
          upload.run(Math.min(every, lost - i), () => false);
          const frame = Uint8Array.of(0xc0, 0x21, 10, 1, 0, 8, 1, 2, 3, 4);
          upload.client.command({ kind: "Send", flow: FLOW, frame });
          upload.client.gre.length = 0;
        }
        const since = upload.delivered.length;
        for (let ms = 0; ms < 3_000 && upload.delivered.length < since + between; ms += 50) {
          upload.run(50, () => true);
        }
        expect(upload.delivered.length).toBeGreaterThanOrEqual(since + between);
      }
      expect(upload.renegotiations).toBe(0);
      expect(upload.delivered.at(-1)?.tag).toBe(upload.sent - 1);
    },
  );
});

describe("a number forged ahead, where no key tells who sent it", () => {
  test("what it made late asks for the place, and has it within a second", () => {
    const upload = new Upload(undefined);
    upload.run(100, () => true);
    upload.client.packet(udp(LEASED, OUTSIDE, 0, 60));
    const forged = upload.client.gre.splice(0)[0]!;
    new DataView(forged.buffer).setUint32(SEQUENCE_AT, 100 + limits.forwardWindow);
    upload.server.datagram(forged);
    upload.server.pass(limits.reorderMs);
    const since = upload.server.now;
    upload.run(1_000, () => true);
    const first = upload.delivered.find(({ at }) => at > since + 1);
    expect(first?.at ?? Number.POSITIVE_INFINITY).toBeLessThan(since + 1_000);
    expect(upload.echoes).toBe(1);
    expect(upload.delivered.at(-1)?.tag).toBe(upload.sent - 1);
  });
});

describe("what resynchronises and what does not", () => {
  function wedged(): Upload {
    const upload = new Upload(undefined);
    upload.run(10, () => true);
    upload.run(1_000, () => false);
    return upload;
  }
  const reply = Uint8Array.of(10, 7, 0, 16, 1, 2, 3, 4, 9, 9, 9, 9, 9, 9, 9, 9);

  for (const [name, head] of [
    ["FF 03 C0 21", [0xff, 0x03, 0xc0, 0x21]],
    ["C0 21", [0xc0, 0x21]],
  ] as const) {
    test(`the exact Echo-Reply behind ${name} sets the sequence and goes up`, () => {
      const upload = wedged();
      upload.server.command({ kind: "Resync", flow: FLOW, echoReply: reply });
      const frame = Uint8Array.of(...head, ...reply);
      upload.client.command({ kind: "Send", flow: FLOW, frame });
      upload.run(1, () => true);
      expect(upload.delivered.at(-1)?.tag).toBe(1_010);
    });
  }

  for (const [name, change] of [
    ["another octet of data", (packet: Uint8Array) => packet.fill(8, 15)],
    ["one octet less", (packet: Uint8Array) => packet.subarray(0, 15)],
    ["one octet more", (packet: Uint8Array) => Uint8Array.of(...packet, 0)],
  ] as const) {
    test(`${name}: out of window`, () => {
      const upload = wedged();
      upload.server.command({ kind: "Resync", flow: FLOW, echoReply: reply });
      const frame = Uint8Array.of(0xc0, 0x21, ...change(reply.slice()));
      upload.client.command({ kind: "Send", flow: FLOW, frame });
      upload.run(1, () => true);
      expect(upload.server.engine.dropped("out-of-window")).toBe(2);
    });
  }

  test("it works once: the same reply again is out of window", () => {
    const upload = wedged();
    upload.server.command({ kind: "Resync", flow: FLOW, echoReply: reply });
    const frame = Uint8Array.of(0xc0, 0x21, ...reply);
    upload.client.command({ kind: "Send", flow: FLOW, frame });
    upload.run(1, () => true);
    upload.run(500, () => false);
    upload.client.command({ kind: "Send", flow: FLOW, frame });
    upload.run(1, () => true);
    expect(upload.server.engine.dropped("out-of-window")).toBe(2);
  });

  test("asked at most once a second while nobody answers", () => {
    const upload = wedged();
    const asked: number[] = [];
    for (let i = 0; i < 5_000; i++) {
      upload.server.pass(1);
      upload.client.packet(udp(LEASED, OUTSIDE, 0, 60));
      for (const datagram of upload.client.gre.splice(0)) upload.server.datagram(datagram);
      if (upload.server.of("ResyncNeeded").length > 0) asked.push(upload.server.now);
      upload.server.events.length = 0;
    }
    expect(asked.length).toBe(5);
  });

  test("a far packet that does not decrypt is out of window, however many come", () => {
    const upload = new Upload(STATELESS);
    upload.run(100, () => true);
    upload.client.packet(udp(LEASED, OUTSIDE, 0, 60));
    const forged = upload.client.gre.splice(0)[0]!;
    for (let ahead = 257; ahead < 2_000; ahead++) {
      const packet = forged.slice();
      const view = new DataView(packet.buffer);
      view.setUint32(28, 100 + ahead);
      packet.fill(0x77, packet.length - 50);
      upload.server.datagram(packet);
    }
    expect(upload.server.engine.dropped("out-of-window")).toBe(1_743);
    upload.client.packet(udp(LEASED, OUTSIDE, 4711, 60));
    upload.client.gre.length = 0;
    upload.run(20, () => true);
    expect(upload.delivered.at(-1)?.tag).toBe(upload.sent - 1);
  });
});

describe("a bad path, by seed", () => {
  type Path = { loss: number; duplication: number; delay: number };

  /** Sends `packets` through `path`; what came out, and what the plane held at most. */
  function through(seed: number, path: Path, encryption = STATELESS, packets = 600) {
    const random = chance(seed);
    const server = new Bench();
    const client = new Bench();
    installServer(server, { encryption });
    installClient(client, { encryption });
    const flying: { at: number; datagram: Uint8Array }[] = [];
    let most = 0;
    for (let now = 0; now < packets + 500; now++) {
      server.pass(now - server.now);
      client.now = instant(now);
      if (now < packets) client.packet(udp(LEASED, OUTSIDE, now, 60));
      for (const datagram of client.gre.splice(0)) {
        const copies = random() < path.duplication ? 2 : 1;
        for (let copy = 0; copy < copies; copy++) {
          if (random() < path.loss) continue;
          // Whichever comes first is where the sequence begins.
          const delay = now === 0 ? 0 : Math.floor(random() * path.delay);
          flying.push({ at: now + delay, datagram });
        }
      }
      const landing = flying.filter(({ at }) => at <= now);
      for (const { datagram } of landing) server.datagram(datagram);
      flying.splice(0, flying.length, ...flying.filter(({ at }) => at > now));
      most = Math.max(most, server.engine.reorderOctets);
    }
    return { tags: server.tun.map(tagOf), most, left: server.engine.reorderOctets, server };
  }

  property.prop(
    [
      fc.nat(),
      fc.record({
        loss: fc.double({ min: 0, max: 0.5, noNaN: true }),
        duplication: fc.double({ min: 0, max: 0.5, noNaN: true }),
        delay: fc.integer({ min: 1, max: 40 }),
      }),
    ],
    { numRuns: 30 },
  )("in order, never twice, never late; memory bounded and given back", (seed, path) => {
    const { tags, most, left } = through(seed, path);
    for (const [at, tag] of tags.entries()) {
      if (at > 0) expect(tag).toBeGreaterThan(tags[at - 1]!);
    }
    expect(most).toBeLessThanOrEqual(limits.reorderOctetsMax);
    expect(left).toBe(0);
    expect(tags.length).toBeGreaterThan(0);
  });

  test("reordering by less than the buffer loses nothing", () => {
    for (const seed of [1, 2, 3]) {
      const { tags } = through(seed, { loss: 0, duplication: 0.2, delay: 8 });
      expect(tags).toEqual([...Array(600).keys()]);
    }
  });

  test("loss alone loses exactly what was lost", () => {
    for (const seed of [4, 5, 6]) {
      const { tags, server } = through(seed, { loss: 0.1, duplication: 0, delay: 1 });
      expect(tags.length).toBeGreaterThan(500);
      server.command({ kind: "Remove", flow: FLOW });
      const { counters } = server.of("Removed")[0]!;
      expect(counters.lost + tags.length).toBe(1 + tags.at(-1)! - tags[0]!);
    }
  });
});
