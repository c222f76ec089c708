import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { octets, vectors } from "../../test/vectors/vectors.js";
import { toHex } from "../base/hex.js";
import { GreHeader, greHeaderOctets, readGre, writeGre } from "./gre.js";

const header = new GreHeader();

function read(packet: Uint8Array) {
  return readGre(packet, 0, packet.length, header);
}

function negative(id: string): Uint8Array {
  return octets(vectors.negative.find((vector) => vector.id === id)!.send[0]);
}

const FAULTS = {
  "GRE-TRUNC-0": "gre-truncated",
  "GRE-TRUNC-1": "gre-truncated",
  "GRE-TRUNC-3": "gre-truncated",
  "GRE-TRUNC-4": "gre-truncated",
  "GRE-TRUNC-5": "gre-truncated",
  "GRE-TRUNC-6": "gre-truncated",
  "GRE-TRUNC-7": "gre-truncated",
  "GRE-S-NOSEQ": "gre-truncated",
  "GRE-SA-SHORT": "gre-truncated",
  "GRE-PAYLEN-65535": "gre-payload-over",
  "GRE-V0": "gre-version",
  "GRE-R": "gre-flags",
  "GRE-NOKEY": "gre-no-key",
  "GRE-SSR": "gre-flags",
  "GRE-RECUR": "gre-flags",
  "GRE-PROTO-IP": "gre-protocol",
} as const;

describe("enhanced GRE, RFC 2637 §4.1", () => {
  for (const [id, fault] of Object.entries(FAULTS)) {
    test(`${id}: ${fault}`, () => expect(read(negative(id))).toBe(fault));
  }

  test("every negative vector of this layer is either a fault here or one of the engine's", () => {
    const engine = ["GRE-PAYLEN-UNDER", "GRE-PAYLEN-0-S", "GRE-UNKNOWN-CALLID", "GRE-SEQ-REWIND-1"];
    const ids = vectors.negative.filter(({ layer }) => layer === "gre").map(({ id }) => id);
    expect(ids.sort()).toEqual([...Object.keys(FAULTS), ...engine].sort());
  });

  for (const { name, gre_hex } of vectors.gre_ppp_frames) {
    test(`${name}: read and written back the same`, () => {
      const packet = octets(gre_hex);
      expect(read(packet)).toBeUndefined();
      const { callId, payloadStart, payloadEnd, hasSequence, hasAcknowledgment } = header;
      expect(payloadEnd).toBe(packet.length);
      const again = packet.slice();
      again.fill(0, 0, payloadStart);
      writeGre(
        again,
        0,
        callId,
        payloadEnd - payloadStart,
        hasSequence ? header.sequence : undefined,
        hasAcknowledgment ? header.acknowledgment : undefined,
      );
      expect(toHex(again)).toBe(gre_hex);
    });

    test(`${name}: every truncation is a fault`, () => {
      const packet = octets(gre_hex);
      for (let length = 0; length < packet.length; length++) {
        const fault = readGre(packet, 0, length, header);
        expect(["gre-truncated", "gre-payload-over"], `${length} octets`).toContain(fault);
      }
    });
  }

  test("octets beyond Payload Length are ignored", () => {
    const packet = negative("GRE-PAYLEN-UNDER");
    expect(read(packet)).toBeUndefined();
    expect(header.payloadEnd - header.payloadStart).toBe(10);
  });

  test("Payload Length at 0, 1, what is there, one more, 65535", () => {
    const packet = octets("3001880b0003567800000000c02109");
    const with_ = (length: number) => {
      packet[4] = length >>> 8;
      packet[5] = length;
      return read(packet);
    };
    expect([0, 1, 2, 3].map(with_)).toEqual([undefined, undefined, undefined, undefined]);
    expect([4, 65_535].map(with_)).toEqual(["gre-payload-over", "gre-payload-over"]);
  });

  test("a payload without a sequence number is a fault", () => {
    expect(read(octets("2081880b000156780000000121"))).toBe("gre-payload-unsequenced");
  });

  test("neither sequence nor acknowledgment: 8 octets, read as such", () => {
    expect(read(octets("2001880b00005678"))).toBeUndefined();
    expect([header.hasSequence, header.hasAcknowledgment]).toEqual([false, false]);
  });

  property.prop([
    fc.nat(0xffff),
    fc.option(fc.nat(0xffffffff), { nil: undefined }),
    fc.option(fc.nat(0xffffffff), { nil: undefined }),
    fc.nat(64),
    fc.nat(16),
  ])("what is written is read", (callId, sequence, acknowledgment, length, at) => {
    const payload = sequence === undefined ? 0 : length;
    const size = greHeaderOctets(sequence !== undefined, acknowledgment !== undefined);
    const packet = new Uint8Array(at + size + payload);
    writeGre(packet, at, callId, payload, sequence, acknowledgment);
    expect(readGre(packet, at, packet.length, header)).toBeUndefined();
    expect(header).toMatchObject({
      callId,
      hasSequence: sequence !== undefined,
      hasAcknowledgment: acknowledgment !== undefined,
      sequence: sequence ?? 0,
      acknowledgment: acknowledgment ?? 0,
      payloadStart: at + size,
      payloadEnd: at + size + payload,
    });
  });

  property.prop([fc.uint8Array({ maxLength: 64 })])(
    "any octets: a fault or in bounds",
    (packet) => {
      if (read(packet) !== undefined) return;
      expect(header.payloadStart).toBeLessThanOrEqual(header.payloadEnd);
      expect(header.payloadEnd).toBeLessThanOrEqual(packet.length);
    },
  );
});
