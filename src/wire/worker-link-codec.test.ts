import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { encryptionTerms, FLOW, TERMS } from "../../test/plane/pair.js";
import type { FlowCounters, PlaneCommand, PlaneEvent } from "./worker-link.js";
import { decodeCommand, decodeEvent, encodeCommand, encodeEvent } from "./worker-link-codec.js";
import { LinkFramer } from "./worker-link-framer.js";

const MAX = 65_536;
const flow = { slot: 0xffffffff, generation: 0xf345_6789_abcd };
const address6 = Uint8Array.from({ length: 16 }, (_, i) => i);
const network6 = { linkLocal: address6, ourLinkLocal: address6, prefix: address6 };
const counters: FlowCounters = {
  receivedPackets: 1,
  receivedOctets: Number.MAX_SAFE_INTEGER,
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

const commands: PlaneCommand[] = [
  {
    kind: "Configure",
    gateway: {
      ...TERMS,
      hostAddresses6: [address6],
      dns6: [address6],
      routes: [{ prefix: { address: 0x0a000000, length: 8 }, via: 0x0a630001 }],
    },
  },
  {
    kind: "Install",
    flow,
    localAddress: 0xffffffff,
    peerAddress: 0,
    callId: 65_535,
    peersCallId: 0,
    peersWindow: 64,
    peersProcessingDelay: 0,
    end: "host",
    encryptionRequired: true,
  },
  { kind: "Remove", flow },
  { kind: "Send", flow, frame: Uint8Array.of(0xff, 3, 0xc0, 0x21) },
  { kind: "Send", flow: FLOW, frame: new Uint8Array(0) },
  { kind: "Link", flow, peersMru: 1400, acfc: true, pfc: false, mru: 1500 },
  { kind: "Encrypt", flow, terms: encryptionTerms({ bits: 128, stateful: false }, "server") },
  { kind: "Encrypt", flow, terms: encryptionTerms({ bits: 56, stateful: true }, "server") },
  { kind: "Encrypt", flow, terms: undefined },
  { kind: "Network4", flow, network: { address: 1, routes: [{ address: 2, length: 32 }] } },
  { kind: "Network4", flow, network: undefined },
  { kind: "Network6", flow, network: network6 },
  { kind: "Network6", flow, network: { ...network6, prefix: undefined } },
  { kind: "Network6", flow, network: undefined },
  { kind: "Rate", flow, bucket: 65_535, upBitsPerSecond: 100e9, downBitsPerSecond: 0 },
  { kind: "Resync", flow, echoReply: Uint8Array.of(10, 1, 0, 8, 1, 2, 3, 4) },
  { kind: "Flush", flow, side: "receive" },
  { kind: "Ping", nonce: 0xffffffff },
  { kind: "Stop" },
  { kind: "Authenticated", flow },
];

const events: PlaneEvent[] = [
  { kind: "Ready", version: 1, engine: "TypeScript", offload: "plain" },
  { kind: "Installed", flow },
  { kind: "InstallRefused", flow, why: "slot in use" },
  { kind: "Removed", flow, counters },
  { kind: "Frame", flow, protocol: 0xc021, information: Uint8Array.of(9, 1, 0, 8) },
  { kind: "ResyncNeeded", flow },
  { kind: "DataProven", flow },
  { kind: "KeysLost", flow },
  { kind: "ResetNeeded", flow },
  { kind: "Counters", flows: [{ flow, counters }], drops: { late: 3, "unknown-call": 0 } },
  { kind: "Pong", nonce: 0 },
  { kind: "Trouble", call: "read TUN", errno: "EBADFD" },
];

describe("link messages", () => {
  for (const [at, command] of commands.entries()) {
    test(`${command.kind} (${at}): round trip`, () => {
      expect(decodeCommand(encodeCommand(command, MAX)!.subarray(4))).toEqual({
        ok: true,
        value: command,
      });
    });

    test(`${command.kind} (${at}): every truncation is malformed or what Send carries`, () => {
      const octets = encodeCommand(command, MAX)!.subarray(4);
      for (let length = 0; length < octets.length; length++) {
        const read = decodeCommand(octets.subarray(0, length));
        expect(read.ok && read.value.kind !== "Send", `${length} octets`).toBe(false);
      }
    });
  }

  for (const event of events) {
    test(`${event.kind}: round trip`, () => {
      expect(decodeEvent(encodeEvent(event, MAX)!.subarray(4))).toEqual({ ok: true, value: event });
    });

    test(`${event.kind}: every truncation is malformed or what Frame carries`, () => {
      const octets = encodeEvent(event, MAX)!.subarray(4);
      for (let length = 0; length < octets.length; length++) {
        const read = decodeEvent(octets.subarray(0, length));
        expect(read.ok && read.value.kind !== "Frame", `${length} octets`).toBe(false);
      }
    });
  }

  test("a Counters event of the most flows fits a message", () => {
    const flows = Array.from({ length: 256 }, () => ({
      flow: { slot: 65_535, generation: 0xffffffff },
      counters: Object.fromEntries(
        Object.keys(counters).map((name) => [name, 999_999_999_999]),
      ) as FlowCounters,
    }));
    expect(encodeEvent({ kind: "Counters", flows, drops: {} }, MAX)).toBeDefined();
  });

  test("larger than a message may be: not encoded", () => {
    expect(encodeCommand({ kind: "Send", flow, frame: new Uint8Array(100) }, 111)).toBeUndefined();
    expect(encodeCommand({ kind: "Send", flow, frame: new Uint8Array(99) }, 111)).toBeDefined();
    expect(encodeCommand({ kind: "Configure", gateway: TERMS }, 20)).toBeUndefined();
  });

  test("another version, an unknown kind, nothing: malformed by field", () => {
    const stop = encodeCommand({ kind: "Stop" }, MAX)!.subarray(4);
    const with_ = (at: number, value: number) => {
      const octets = stop.slice();
      octets[at] = value;
      return decodeCommand(octets);
    };
    expect(with_(0, 2)).toMatchObject({ ok: false, field: "version" });
    expect(with_(1, 0)).toMatchObject({ ok: false, field: "kind" });
    expect(with_(1, 99)).toMatchObject({ ok: false, field: "kind" });
    expect(decodeCommand(new Uint8Array(0))).toMatchObject({ ok: false, field: "length" });
  });

  const misfits = [
    '[[1,2],{"x":1}]',
    "[[1],[0,0,0,0,0,0,0,0,0,0,0]]",
    "[[1,2],[0,0,0,0,0,0,0,0,0,0,-1]]",
    "[[1,2],[0,0,0,0,0,0,0,0,0,0,0.5]]",
    "[[4294967296,2],[0,0,0,0,0,0,0,0,0,0,0]]",
    "null",
    "{}",
    "",
    "[",
  ];
  for (const body of misfits) {
    test(`Removed with body ${body}: malformed`, () => {
      const text = new TextEncoder().encode(body);
      const octets = new Uint8Array(2 + text.length);
      octets.set([1, 5]);
      octets.set(text, 2);
      expect(decodeEvent(octets)).toEqual({ ok: false, field: "body", found: "Removed" });
    });
  }

  property.prop([fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 0, max: 14 })])(
    "any octets: a value, never an exception",
    (body, kind) => {
      const octets = new Uint8Array(2 + body.length);
      octets.set([1, kind]);
      octets.set(body, 2);
      expect(typeof decodeCommand(octets).ok).toBe("boolean");
      expect(typeof decodeEvent(octets).ok).toBe("boolean");
    },
  );
});

describe("link framer", () => {
  property.prop([
    fc.array(fc.uint8Array({ minLength: 2, maxLength: 40 })),
    fc.integer({ min: 1, max: 17 }),
  ])("messages cut into any pieces come out whole and in order", (messages, piece) => {
    const stream = messages.flatMap((message) => [0, 0, 0, message.length, ...message]);
    const framer = new LinkFramer(40);
    const out: Uint8Array[] = [];
    for (let at = 0; at < stream.length; at += piece) {
      framer.push(Uint8Array.from(stream.slice(at, at + piece)));
      for (let read = framer.next(); read.kind === "message"; read = framer.next()) {
        out.push(read.octets.slice());
      }
    }
    expect(out).toEqual(messages);
  });

  for (const length of [0, 1, 41, 65_535, 0xffffffff]) {
    test(`length ${length}: malformed, and so is all that follows`, () => {
      const framer = new LinkFramer(40);
      const head = new Uint8Array(4);
      new DataView(head.buffer).setUint32(0, length);
      framer.push(head);
      expect(framer.next()).toEqual({ kind: "malformed", length });
      framer.push(Uint8Array.of(0, 0, 0, 2, 1, 1));
      expect(framer.next()).toEqual({ kind: "malformed", length });
    });
  }
});
