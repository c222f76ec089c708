// Control connections (RFC 2637 §1.4) that say one good message and then a malformed one, cut anywhere:
// the framer hands out the first, names the fault of the second, and keeps nothing of it.
import { strict as assert } from "node:assert";
import { Chance } from "../../src/base/chance.js";
import { Framer } from "../../src/core/pptp/framer.js";
import { write16, write32 } from "../../src/wire/ip-octets.js";
import { decodeControlMessage } from "../../src/wire/pptp/index.js";
import { controlMessages } from "../fuzz/corpus.js";

const COOKIE = 0x1a2b3c4d;
/** Control Message Types that there are: 1 to 15. */
const TYPES = controlMessages.length;

const FAULTS = ["Magic Cookie", "PPTP Message Type", "Control Message Type", "Length"] as const;

export class FramerBench {
  packets = 0;
  honest = 0;
  readonly #chance: Chance;
  readonly #counts: Record<string, number> = {};
  readonly #due: Record<string, number> = {};
  readonly #stream = new Uint8Array(512);

  constructor(seed: number) {
    this.#chance = new Chance(seed);
  }

  batch(count: number): void {
    for (let i = 0; i < count; i++) this.#connection();
  }

  check(): void {
    assert.deepEqual(this.#counts, this.#due);
  }

  get counts(): Readonly<Record<string, number>> {
    return this.#counts;
  }

  #connection(): void {
    const luck = this.#chance.word();
    const stream = this.#stream;
    const good = controlMessages[luck % TYPES]!;
    const bad = controlMessages[(luck >>> 4) % TYPES]!;
    stream.set(good);
    stream.set(bad, good.length);
    const fault = FAULTS[(luck >>> 8) & 3]!;
    this.#spoil(stream, good.length, bad, fault);
    this.#due[fault] = (this.#due[fault] ?? 0) + 1;
    const end = good.length + bad.length;
    const cut = (luck & 0x400) === 0 ? end : 1 + ((luck >>> 11) % (end - 1));
    const framer = new Framer();
    let messages = 0;
    let field: string | undefined;
    for (const chunk of cut === end
      ? [stream.subarray(0, end)]
      : [stream.subarray(0, cut), stream.subarray(cut, end)]) {
      framer.feed(chunk);
      for (let frame = framer.next(); frame.kind !== "need-more"; frame = framer.next()) {
        if (frame.kind === "malformed") {
          field = frame.malformed.field;
          break;
        }
        messages++;
        assert.ok(decodeControlMessage(frame.octets).ok);
      }
    }
    if (messages !== 1 || field === undefined || framer.heldOctets !== 0) {
      const held = framer.heldOctets;
      throw new Error(
        `${fault}: ${messages} messages, then ${field ?? "nothing"}, ${held} octets held`,
      );
    }
    this.honest += messages;
    this.packets++;
    this.#counts[field] = (this.#counts[field] ?? 0) + 1;
  }

  #spoil(stream: Uint8Array, at: number, bad: Uint8Array, fault: (typeof FAULTS)[number]): void {
    const luck = this.#chance.word();
    switch (fault) {
      case "Magic Cookie":
        return write32(stream, at + 4, luck === COOKIE ? 0 : luck);
      case "PPTP Message Type":
        return write16(stream, at + 2, (luck & 0xffff) === 1 ? 2 : luck & 0xffff);
      case "Control Message Type": {
        const type = luck & 0xffff;
        return write16(stream, at + 8, type >= 1 && type <= TYPES ? 0 : type);
      }
      case "Length": {
        const length = luck & 0xffff;
        return write16(stream, at, length === bad.length ? length ^ 1 : length);
      }
    }
  }
}
