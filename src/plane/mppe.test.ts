import { describe, expect, test, vi } from "vitest";
import { chance, encryptionTerms, LEASED, OUTSIDE, tagOf, udp } from "../../test/plane/pair.js";
import { cryptoVector, octets, vectors } from "../../test/vectors/vectors.js";
import { toHex } from "../base/hex.js";
import { instant } from "../base/instant.js";
import { MppeKey } from "../crypto/mppe-keys.js";
import { plane as limits } from "../limits.js";
import { Ipv4Header, readIpv4 } from "../wire/ipv4.js";
import { MppeReceive } from "./mppe-receive.js";
import { MppeSend } from "./mppe-send.js";

const NOW = instant(0);
const header = new Ipv4Header();
const plain = new Uint8Array(2_048);

const judge = {
  isPlausible: (text: Uint8Array, end: number) =>
    text[0] === 0 && text[1] === 0x21 && readIpv4(text, 2, end, header) === undefined,
};

type Mode = { bits: 40 | 56 | 128; stateful: boolean };
const STATELESS: Mode = { bits: 128, stateful: false };
const STATEFUL: Mode = { bits: 128, stateful: true };

function ends(mode: Mode, rekeys = true) {
  const send = new MppeSend(encryptionTerms(mode, "client"), { rekeys });
  const dialect = { rekeys: true };
  const receive = new MppeReceive(encryptionTerms(mode, "server"), dialect, judge);
  let sent = 0;
  return {
    send,
    receive,
    dialect,
    /** The next MPPE packet, its tag the count of packets before it. */
    next(): Uint8Array {
      const packet = udp(LEASED, OUTSIDE, sent++, 60);
      const mppe = new Uint8Array(4 + packet.length);
      mppe.set([0, 0x21], 2);
      mppe.set(packet, 4);
      send.encrypt(mppe, 0, mppe.length);
      return mppe;
    },
    /** The tag that came out, or why nothing did. */
    take(mppe: Uint8Array, now = NOW): number | string {
      const reason = receive.decrypt(mppe, 0, mppe.length, plain, now);
      return reason ?? tagOf(plain.subarray(0, mppe.length - 2));
    },
  };
}

describe("stateless MPPE-128 of vectors.json", () => {
  const { output } = cryptoVector("mppe-mschapv2-128");
  const start = octets(output.send_start_key);
  const terms = { ...STATELESS, sendStart: start, receiveStart: start };

  test("encrypts to the vectors", () => {
    const send = new MppeSend(terms, { rekeys: true });
    for (const { plaintext, mppe } of vectors.mppe_stateless128) {
      const packet = octets(`0000${plaintext}`);
      send.encrypt(packet, 0, packet.length);
      expect(toHex(packet)).toBe(mppe);
    }
  });

  test("decrypts them, the middle one lost too", () => {
    for (const order of [[0, 1, 2], [0, 2], [2]]) {
      const receive = new MppeReceive(terms, { rekeys: true }, judge);
      for (const at of order) {
        const vector = vectors.mppe_stateless128[at]!;
        const mppe = octets(vector.mppe);
        receive.skipped(2);
        expect(receive.decrypt(mppe, 0, mppe.length, plain, NOW)).toBeUndefined();
        expect(toHex(plain.subarray(0, mppe.length - 2))).toBe(vector.plaintext);
      }
    }
  });
});

describe("stateless, RFC 3078 §8.1", () => {
  for (const bits of [40, 56, 128] as const) {
    test(`${bits} bits: 10,000 packets, past two wraps of the count`, () => {
      const { next, take } = ends({ bits, stateful: false });
      for (let i = 0; i < 10_000; i++) if (take(next()) !== i) expect.fail(`packet ${i}`);
    });
  }

  test("each fault has its reason and leaves the key", () => {
    const { next, take } = ends(STATELESS);
    expect(take(next())).toBe(0);
    const packet = next();
    const broken = (at: number, mask: number) => {
      const copy = packet.slice();
      copy[at]! ^= mask;
      return take(copy);
    };
    expect(broken(0, 0x10)).toBe("mppe-not-encrypted");
    expect(broken(0, 0x80)).toBe("mppe-not-flushed");
    expect(broken(1, 0x01)).toBe("mppe-late");
    expect(broken(0, 0x07)).toBe("mppe-jump");
    expect(broken(9, 0x40)).toBe("mppe-implausible");
    expect(take(packet.subarray(0, 2))).toBe("mppe-empty");
    expect(take(packet)).toBe(1);
  });

  test("every truncation is dropped and the packet itself still read", () => {
    const { next, take } = ends(STATELESS);
    const packet = next();
    for (let length = 0; length < packet.length; length++) {
      expect(take(packet.subarray(0, length))).toMatch(/^mppe-/);
    }
    expect(take(packet)).toBe(0);
  });

  test("no count jumps further than the sequence did", () => {
    const { next, take, receive } = ends(STATELESS);
    expect(take(next())).toBe(0);
    for (let lost = 0; lost < 10; lost++) next();
    const after = next();
    expect(take(after)).toBe("mppe-jump");
    receive.skipped(9);
    expect(take(after)).toBe(11);
  });

  test("packets of a new key that came before the key did: 256 at most", () => {
    const { next, take } = ends(STATELESS);
    for (let lost = 0; lost < limits.forwardWindow - 1; lost++) next();
    const packet = next();
    expect(take(packet)).toBe(limits.forwardWindow - 1);
    const other = ends(STATELESS);
    for (let lost = 0; lost < limits.forwardWindow; lost++) other.next();
    expect(other.take(other.next())).toBe("mppe-jump");
  });

  for (const lost of [2_048, 3_000, 4_094, 4_095, 4_096, 8_191, 12_345]) {
    test(`${lost} packets lost in a row, some in the clear between: the next one is read`, () => {
      const { next, take, receive } = ends(STATELESS);
      take(next());
      for (let i = 0; i < lost; i++) next();
      receive.skipped(lost + 3);
      expect(take(next())).toBe(lost + 1);
      expect(take(next())).toBe(lost + 2);
      expect(receive.steady).toBe(true);
    });
  }

  test("a loss of more key changes than there are at once: the packets after it go on where one ended", () => {
    const { next, take, receive } = ends(STATELESS);
    take(next());
    const lost = 3 * limits.keyWalksBurst;
    for (let i = 0; i < lost; i++) next();
    receive.skipped(lost);
    const read: (number | string)[] = [];
    let now = 0;
    while (typeof read.at(-1) !== "number") {
      read.push(take(next(), instant(now)));
      now += 50;
      if (read.length > 100) break;
    }
    expect(read[0]).toBe("mppe-key-budget");
    expect(read.at(-1)).toBe(lost + read.length);
    // Each packet is a key change further on than the one before.
    const perWait = (limits.keyWalksPerSecond * 50) / 1_000 - 1;
    expect(read.length).toBe(1 + Math.ceil((lost + 1 - limits.keyWalksBurst) / perWait));
  });

  test("what was walked for a forged packet is not walked again for the next, nor for an honest one", () => {
    const { next, take, receive } = ends(STATELESS);
    take(next());
    for (let i = 0; i < 10_000; i++) next();
    const honest = next();
    const would = (packet: Uint8Array, skipped: number, at: number) =>
      receive.wouldDecrypt(packet, 0, packet.length, plain, instant(at), skipped);
    const steps = vi.spyOn(MppeKey.prototype, "step");
    const forged = (count: number) => {
      const packet = honest.map((octet, at) => (at < 2 ? octet : octet ^ 0x5a));
      packet.set([0x90 | (count >> 8), count & 0xff]);
      return packet;
    };
    expect(would(forged(12_289 & 4_095), 12_288, 0)).toBe(false);
    expect(steps).toHaveBeenCalledTimes(12_289);
    steps.mockClear();
    for (let i = 0; i < 100; i++) {
      expect(would(forged(12_289 & 4_095), 12_288, 0)).toBe(false);
    }
    expect(steps).not.toHaveBeenCalled();
    expect(would(honest, 10_000, 2_000)).toBe(true);
    expect(steps).toHaveBeenCalledTimes(10_001 - 8_192);
    receive.skipped(10_000);
    steps.mockClear();
    expect(take(honest, instant(2_000))).toBe(10_001);
    expect(steps).not.toHaveBeenCalled();
    expect(take(next(), instant(2_000))).toBe(10_002);
    steps.mockRestore();
  });

  test("thousands of packets in the clear between are not rounds of the count", () => {
    const { next, take, receive } = ends(STATELESS);
    take(next());
    for (let i = 0; i < 9_000; i++) receive.stoodIn();
    expect(take(next())).toBe(1);
  });

  test("and where those were forged, and the packets they stand for lost, it is read all the same", () => {
    const { next, take, receive } = ends(STATELESS);
    take(next());
    for (let i = 0; i < 9_000; i++) {
      next();
      receive.stoodIn();
    }
    expect(take(next())).toBe(9_001);
  });

  test("more lost than can be walked: refused for that, and keys are lost once the peer proved its place", () => {
    const { next, take, receive } = ends(STATELESS);
    take(next());
    receive.skipped(4_096 * (limits.keyWrapsMax + 1));
    expect(take(next())).toBe("mppe-keys-lost");
    expect(receive.keysLost).toBe(false);
    receive.placeProven(NOW);
    expect(receive.keysLost).toBe(true);
  });

  test("numbers that the peer began anew: its count is believed once, whatever it is", () => {
    const { next, take, receive } = ends(STATELESS);
    take(next());
    for (let i = 0; i < 3_000; i++) next();
    receive.skipped(-50_000);
    expect(take(next())).toBe("mppe-jump");
    receive.placeProven(NOW);
    expect(receive.keysLost).toBe(false);
    expect(take(next())).toBe(3_002);
  });

  describe("nothing can be read any more", () => {
    /** So many packets that are noise, over `ms`; and the number of times the peer was asked. */
    function noise(receive: MppeReceive, packets: number, from: number, ms: number): number {
      const packet = new Uint8Array(60).fill(0x55);
      let asked = 0;
      for (let i = 0; i < packets; i++) {
        const now = instant(from + (ms * i) / packets);
        packet.set([0x90 | ((i >> 8) & 15), i & 0xff]);
        receive.decrypt(packet, 0, packet.length, plain, now);
        if (receive.takeDoubt(now)) asked++;
      }
      return asked;
    }

    test("the peer is asked for its place; that it goes on sending tells that the keys are lost", () => {
      const { next, take, receive } = ends(STATELESS);
      take(next());
      expect(noise(receive, 4_000, 0, limits.keyDoubtMs + 10)).toBe(1);
      receive.placeProven(instant(limits.keyDoubtMs + 10));
      expect(receive.keysLost).toBe(false);
      expect(noise(receive, 4_000, limits.keyDoubtMs + 10, limits.keyDoubtMs + 10)).toBe(1);
      receive.placeProven(instant(2 * limits.keyDoubtMs + 20));
      expect(receive.keysLost).toBe(true);
    });

    test("forged packets alone never say so: the peer's own number did not go on", () => {
      const { next, take, receive } = ends(STATELESS);
      take(next());
      for (let turn = 0; turn < 20; turn++) {
        const from = turn * (limits.keyDoubtMs + 10);
        noise(receive, 4_000, from, limits.keyDoubtMs + 10);
        // Its answer has the number that is really next.
        receive.skipped(-4_000 + 1);
        receive.placeProven(instant(from + limits.keyDoubtMs + 10));
        expect(receive.keysLost).toBe(false);
      }
      receive.skipped(-20);
      expect(take(next(), instant(200_000))).toBe(1);
    });
  });

  test("forged counts cost no more key changes than the budget, and honest ones go on", () => {
    const { next, take, receive } = ends(STATELESS);
    take(next());
    receive.skipped(2_047);
    const forged = new Uint8Array(60).fill(0x55);
    forged.set([0x97, 0xd0]);
    let tried = 0;
    while (take(forged) === "mppe-implausible") tried++;
    expect(tried).toBe(Math.floor(limits.keyStepsBurst / (0x7d0 - 1)));
    expect(take(forged)).toBe("mppe-key-budget");
    expect(take(next())).toBe(1);
    receive.skipped(2_047);
    const left = limits.keyStepsBurst - tried * (0x7d0 - 1);
    // One count fewer now: an honest packet came.
    const earned = Math.ceil(((0x7d0 - 2 - left) * 1_000) / limits.keyStepsPerSecond);
    expect(take(forged, instant(earned - 1))).toBe("mppe-key-budget");
    expect(take(forged, instant(earned))).toBe("mppe-implausible");
  });

  test("asking whether a packet would decrypt moves nothing", () => {
    const { next, take, receive } = ends(STATELESS);
    take(next());
    const one = next();
    for (let lost = 0; lost < 300; lost++) next();
    const far = next();
    const would = (packet: Uint8Array) =>
      receive.wouldDecrypt(packet, 0, packet.length, plain, NOW, 301);
    expect(would(far)).toBe(true);
    expect(would(far.map((octet, at) => (at === 9 ? octet ^ 1 : octet)))).toBe(false);
    expect(take(one)).toBe(1);
  });
});

describe("stateful, RFC 3078 §8.2", () => {
  for (const bits of [40, 56, 128] as const) {
    test(`${bits} bits: 10,000 packets, 39 flag packets, two wraps`, () => {
      const { next, take } = ends({ bits, stateful: true });
      for (let i = 0; i < 10_000; i++) if (take(next()) !== i) expect.fail(`packet ${i}`);
    });
  }

  test("the first packets are 10 00, 10 01; the flag packet 90 FF", () => {
    const { next } = ends(STATEFUL);
    const heads = Array.from({ length: 256 }, () => [...next().subarray(0, 2)]);
    expect([heads[0], heads[1], heads[255]]).toEqual([
      [0x10, 0],
      [0x10, 1],
      [0x90, 0xff],
    ]);
  });

  for (const rekeys of [true, false]) {
    const dialect = rekeys ? "re-keys at a flush (Linux)" : "starts the same key anew (RFC text)";
    test(`a peer that ${dialect}: lost, asked, flushed, read; learned for our own flushes`, () => {
      const { next, take, receive, send, dialect: learned } = ends(STATEFUL, rekeys);
      for (let i = 0; i < 5; i++) take(next());
      next();
      receive.skipped(1);
      expect(take(next())).toBe("mppe-discarding");
      expect(receive.takeResetDue(NOW)).toBe(true);
      expect(take(next())).toBe("mppe-discarding");
      expect(receive.takeResetDue(NOW)).toBe(false);
      send.flush();
      expect(take(next())).toBe(8);
      expect(take(next())).toBe(9);
      expect(learned.rekeys).toBe(rekeys);
    });

    test(`a peer that ${dialect}: the flushed packet is lost as well, the next one is read`, () => {
      const { next, take, receive, send } = ends(STATEFUL, rekeys);
      take(next());
      next();
      receive.skipped(1);
      take(next());
      send.flush();
      next();
      receive.skipped(1);
      expect(take(next())).toBe("mppe-discarding");
      send.flush();
      expect(take(next())).toBe(5);
    });
  }

  test("a lost flag packet: the next flushed one is read", () => {
    const { next, take, receive, send } = ends(STATEFUL);
    for (let i = 0; i < 250; i++) take(next());
    for (let lost = 0; lost < 20; lost++) next();
    receive.skipped(20);
    expect(take(next())).toBe("mppe-discarding");
    send.flush();
    expect(take(next())).toBe(271);
  });

  for (const rekeys of [true, false]) {
    for (const lost of [4_095, 4_096, 5_000, 20_000]) {
      test(`${lost} packets lost in a row, re-keys at a flush ${rekeys}: the next flushed one is read`, () => {
        const { next, take, receive, send } = ends(STATEFUL, rekeys);
        for (let i = 0; i < 200; i++) take(next());
        for (let i = 0; i < lost; i++) next();
        receive.skipped(lost);
        expect(take(next())).toMatch(/^mppe-/);
        send.flush();
        expect(take(next())).toBe(201 + lost);
        expect(take(next())).toBe(202 + lost);
      });
    }
  }

  test("no Reset-Request needed: the next flag packet is read by itself", () => {
    const { next, take, receive } = ends(STATEFUL);
    take(next());
    next();
    receive.skipped(1);
    const read: (number | string)[] = [];
    for (let i = 2; i < 300; i++) read.push(take(next()));
    expect(read.indexOf(255)).toBe(253);
    expect(read.slice(253)).toEqual(Array.from({ length: 45 }, (_, i) => 255 + i));
  });

  test("a Reset-Request is repeated ever more slowly while nothing helps", () => {
    const { next, take, receive } = ends(STATEFUL);
    take(next());
    next();
    receive.skipped(1);
    take(next());
    const asked: number[] = [];
    for (let ms = 0; ms < 60_000; ms += 100) {
      if (receive.takeResetDue(instant(ms))) asked.push(ms);
    }
    expect(asked).toEqual([0, 1_000, 3_000, 7_000, 15_000, 31_000, 47_000]);
  });

  test("a forged packet that fits the count does not cost the stream", () => {
    const { next, take } = ends(STATEFUL);
    take(next());
    const honest = next();
    const forged = honest.map((octet, at) => (at < 2 ? octet : octet ^ 0x5a));
    expect(take(forged)).toBe("mppe-implausible");
    expect(take(honest)).toBe(1);
  });

  for (const seed of [1, 2, 3, 4, 5]) {
    test(`6 % loss both ways, seed ${seed}: nothing wrong comes out and it always recovers`, () => {
      const random = chance(seed);
      const { next, take, receive, send } = ends(STATEFUL, seed % 2 === 0);
      let now = 0;
      let good = 0;
      let last = -1;
      for (let i = 0; i < 3_000; i++) {
        now += 10;
        const packet = next();
        if (random() < 0.06) {
          receive.skipped(1);
          continue;
        }
        const result = take(packet, instant(now));
        if (typeof result === "number") {
          expect(result).toBe(i);
          good++;
          last = i;
        }
        if (receive.takeResetDue(instant(now)) && random() > 0.06) send.flush();
      }
      expect(good).toBeGreaterThan(300);
      expect(last).toBeGreaterThan(2_600);
    });
  }
});

test("wipe leaves nothing of the keys", () => {
  const { send, receive, next, take } = ends(STATELESS);
  take(next());
  const packet = next();
  send.wipe();
  receive.wipe();
  expect(take(packet)).toBe("mppe-implausible");
});
