import { describe, expect, test } from "vitest";
import { toHex } from "../../src/base/hex.js";
import { instant } from "../../src/base/instant.js";
import { MppeReceive } from "../../src/plane/mppe-receive.js";
import { AdaptiveTimeOut } from "../../src/plane/send-window.js";
import { GreHeader, greHeaderOctets, readGre, writeGre } from "../../src/wire/gre.js";
import { decodeFrame } from "../../src/wire/ppp/frame.js";
import { decodeOptions, encodeOptions } from "../../src/wire/ppp/options.js";
import { decodePacket, encodePacket } from "../../src/wire/ppp/packet.js";
import { Protocol } from "../../src/wire/ppp/protocols.js";
import { cryptoVector, octets, vectors } from "./vectors.js";

const frames = vectors.gre_ppp_frames;

function read(gre_hex: string): { header: GreHeader; payload: Uint8Array } {
  const packet = octets(gre_hex);
  const header = new GreHeader();
  expect(readGre(packet, 0, packet.length, header)).toBeUndefined();
  expect(header.payloadEnd).toBe(packet.length);
  return { header, payload: packet.subarray(header.payloadStart, header.payloadEnd) };
}

describe("gre_ppp_frames", () => {
  test.each(frames)("$name: $note: read, and written to the same octets", ({ gre_hex }) => {
    const { header, payload } = read(gre_hex);
    const { callId, hasSequence, hasAcknowledgment } = header;
    const length = greHeaderOctets(hasSequence, hasAcknowledgment);
    const written = new Uint8Array(length + payload.length);
    written.set(payload, length);
    const sequence = hasSequence ? header.sequence : undefined;
    const acknowledgment = hasAcknowledgment ? header.acknowledgment : undefined;
    writeGre(written, 0, callId, payload.length, sequence, acknowledgment);
    expect(toHex(written)).toBe(gre_hex);
  });

  test.each(frames.filter(({ name }) => name !== "gre-ack-only (A)"))(
    "$name: the PPP frame, its packet and its options",
    ({ gre_hex }) => {
      const { payload } = read(gre_hex);
      const frame = decodeFrame(payload);
      if (!frame.ok) throw new Error(frame.field);
      const { protocol, information } = frame.value;
      expect(Object.values(Protocol)).toContain(protocol);
      if (protocol === Protocol.compressed) return;
      const packet = decodePacket(information);
      if (!packet.ok) throw new Error(packet.field);
      const { code, identifier, data } = packet.value;
      expect(encodePacket(code, identifier, data)).toEqual(information);
      if (protocol === Protocol.chap || code !== 1) return;
      const options = decodeOptions(data, 16);
      if (!options.ok) throw new Error(options.field);
      expect(options.value.length).toBeGreaterThan(0);
      expect(encodeOptions(options.value)).toEqual(data);
    },
  );

  test("the three MPPE packets decrypt to mppe_stateless128's plaintext", () => {
    const start = octets(cryptoVector("mppe-rekey").input.send_start_key128);
    const terms = { bits: 128, stateful: false, sendStart: start, receiveStart: start } as const;
    const receive = new MppeReceive(terms, { rekeys: true }, { isPlausible: () => true });
    const encrypted = frames.filter(({ name }) => name.startsWith("mppe-"));
    expect(encrypted).toHaveLength(vectors.mppe_stateless128.length);
    encrypted.forEach(({ gre_hex }, at) => {
      const frame = decodeFrame(read(gre_hex).payload);
      if (!frame.ok) throw new Error(frame.field);
      const { information } = frame.value;
      const into = new Uint8Array(64);
      const now = instant(0);
      expect(receive.decrypt(information, 0, information.length, into, now)).toBeUndefined();
      const { plaintext, mppe } = vectors.mppe_stateless128[at]!;
      expect(toHex(information)).toBe(mppe);
      expect(toHex(into.subarray(0, information.length - 2))).toBe(plaintext);
    });
  });
});

describe("ato: RFC 2637 §4.4, step by step", () => {
  test("round trip, deviation and time-out after each sample and time-out", () => {
    const { ppd_seconds, sequence } = vectors.ato;
    const adaptive = new AdaptiveTimeOut(ppd_seconds * 1_000);
    for (const { sample, rtt, dev, ato_unclamped } of sequence) {
      if (sample === "timeout") adaptive.timedOut();
      else adaptive.sample(Number(sample) * 1_000);
      expect(adaptive.roundTripMs).toBeCloseTo(rtt * 1_000, 2);
      expect(adaptive.deviationMs).toBeCloseTo(dev * 1_000, 2);
      expect(adaptive.unclampedMs).toBeCloseTo(ato_unclamped * 1_000, 2);
    }
    expect(sequence).toHaveLength(6);
  });
});
