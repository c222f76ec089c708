// The proof of `npm run proof:packets`, small: 10^9 of them is one command more (docs/PROOF.md).
import { describe, expect, test } from "vitest";
import { DROP_REASONS } from "../../src/plane/drop-reason.js";
import { Malformer } from "./malformed.js";
import { prove } from "./packets.js";
import { MalformedBench } from "./plane.js";

const quiet = () => {};
const seed = Math.floor(Math.random() * 2 ** 32);
/** Of a datagram that is malformed; the others are rates, orders of arrival and ways out. */
const REASONS_LEAST = 28;

describe(`malformed packets in process, seed ${seed}`, () => {
  test("both engines refuse each, for the reason it was made for, and count the same", () => {
    const packets = 150_000;
    const wasm = prove({ packets, seed, part: "wasm" }, quiet);
    const typescript = prove({ packets, seed, part: "typescript" }, quiet);
    expect(wasm.counts).toEqual(typescript.counts);
    expect(wasm.digest).toBe(typescript.digest);
    expect(Object.keys(wasm.counts).length).toBeGreaterThanOrEqual(REASONS_LEAST);
    expect(wasm.honest).toBeGreaterThan(100);
    const sum = Object.values(wasm.counts).reduce((total, count) => total + count, 0);
    expect(sum).toBe(packets);
  }, 60_000);

  test("the framer names each fault and keeps nothing", () => {
    const { counts, honest } = prove({ packets: 50_000, seed, part: "framer" }, quiet);
    expect(Object.keys(counts).sort()).toEqual([
      "Control Message Type",
      "Length",
      "Magic Cookie",
      "PPTP Message Type",
    ]);
    expect(honest).toBe(50_000);
  }, 60_000);
});

describe("what would be found", () => {
  test("one packet counted for another reason", () => {
    const bench = new MalformedBench("wasm", seed);
    bench.batch(64);
    const due = bench.malformer.due;
    const [first, second] = [DROP_REASONS.indexOf("outer-ip"), DROP_REASONS.indexOf("late")];
    due[first] = due[first]! + 1;
    due[second] = due[second]! - 1;
    expect(() => bench.check()).toThrow("outer-ip");
  });

  test("one packet that passed", () => {
    const bench = new MalformedBench("typescript", seed);
    const make = Malformer.prototype.make;
    // Left as good as it was, and the next of its call: it goes through.
    bench.malformer.make = function (this: Malformer, octets, at) {
      make.call(this, octets, at);
      const { data, expected } = this.targets.plain;
      octets.set(data, at);
      this.length = data.length;
      this.flags = 0;
      new DataView(octets.buffer).setUint32(at + 28, expected());
    };
    expect(() => bench.batch(1)).toThrow("1 in, 0 refused, 1 delivered");
  });

  test("an honest peer that is not heard", () => {
    const bench = new MalformedBench("typescript", seed);
    bench.batch(64);
    bench.removeCall();
    expect(() => bench.talk()).toThrow("an honest packet was lost");
  });
});
