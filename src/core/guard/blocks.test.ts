import { describe, expect, test } from "vitest";
import type { Prefix4 } from "../../base/ip.js";
import { hostPrefix } from "../../base/range4.js";
import { guard as bounds } from "../../limits.js";
import { type Block, Blocks } from "./blocks.js";
import { Guard } from "./guard.js";
import { LogInHolds } from "./log-in-holds.js";

const A = 0xcb007107;
const B = 0xcb007108;
const { blockMinMs, blockForgetMs, blockMaxMs } = bounds;

describe("blocks", () => {
  test("twice as long each time, up to the longest; a first one again after a day without", () => {
    const blocks = new Blocks();
    let now = 0;
    const lengths: number[] = [];
    for (let i = 0; i < 14; i++) {
      const { until } = blocks.automatic(A, "x", now);
      lengths.push(until - now);
      now = until + 1;
    }
    expect(lengths.slice(0, 3)).toEqual([blockMinMs, 2 * blockMinMs, 4 * blockMinMs]);
    expect(lengths.at(-1)).toBe(blockMaxMs);
    expect(blocks.find(A, now)).toBeUndefined();
    expect(blocks.automatic(A, "x", now + blockForgetMs).times).toBe(1);
  });

  test("an operator's longer block is not cut short by an automatic one", () => {
    const blocks = new Blocks();
    const { until } = blocks.byOperator(hostPrefix(A), "ticket", 0, 10 * blockMinMs);
    expect(blocks.automatic(A, "x", 5).until).toBe(until);
    expect(blocks.unblock(hostPrefix(A), 6)).toBe(true);
    expect(blocks.unblock(hostPrefix(A), 6)).toBe(false);
    expect(blocks.live(6)).toEqual([]);
  });

  test("a network: every address of it, until it ends; one that overlaps it is named", () => {
    const blocks = new Blocks({ ...bounds, blockedNetworksMax: 2 });
    const network: Prefix4 = { address: 0xcb007100, length: 24 };
    blocks.byOperator(network, "x", 0, 1_000);
    const found = (address: number, now: number) => blocks.find(address, now)?.source;
    expect([found(0xcb007100, 1), found(0xcb0071ff, 999)]).toEqual([network, network]);
    expect([found(0xcb0070ff, 1), found(0xcb007200, 1), found(A, 1_000)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    const wider: Prefix4 = { address: 0xcb000000, length: 8 };
    expect(blocks.overlapping(wider, 1)?.source).toEqual(network);
    expect(blocks.overlapping(network, 1)).toBeUndefined();
    expect(blocks.overlapping(hostPrefix(A), 1)).toBeUndefined();
    expect(blocks.overlapping(wider, 60_000)).toBeUndefined();
    blocks.automatic(A, "y", 1);
    expect(blocks.live(2).map(({ source }) => source)).toEqual([hostPrefix(A), network]);
    expect(blocks.unblock(network, 2)).toBe(true);
    expect([found(0xcb007100, 2), found(A, 2)]).toEqual([undefined, hostPrefix(A)]);
    for (let i = 1; i <= 3; i++) blocks.byOperator({ address: i << 24, length: 8 }, "x", 0, i);
    expect(blocks.size).toBe(3);
  });

  test("bounded: the one that ends first makes room", () => {
    const blocks = new Blocks({ ...bounds, blocksMax: 2 });
    blocks.byOperator(hostPrefix(1), "x", 0, 3_000);
    blocks.byOperator(hostPrefix(2), "x", 0, 1_000);
    blocks.byOperator(hostPrefix(3), "x", 0, 2_000);
    expect(blocks.size).toBe(2);
    expect([1, 2, 3].map((source) => blocks.find(source, 500) !== undefined)).toEqual([
      ...[true, false, true],
    ]);
  });
});

describe("user and source together", () => {
  test("held back after five failures, for longer each time; others of that source are not", () => {
    const holds = new LogInHolds();
    const counted = Array.from({ length: 7 }, () => holds.failed("Anna", A, 0));
    expect(counted).toEqual([true, true, true, true, true, false, false]);
    const lengthMs = 4 * bounds.logInHoldMinMs;
    expect(holds.isHeld("anna", A, lengthMs - 1)).toBe(true);
    expect(holds.isHeld("anna", A, lengthMs)).toBe(false);
    expect([holds.isHeld("bert", A, 0), holds.isHeld("anna", B, 0)]).toEqual([false, false]);
    holds.succeeded("ANNA", A);
    expect(holds.failed("anna", A, 0)).toBe(true);
  });

  test("bounded", () => {
    const holds = new LogInHolds({ ...bounds, logInPairsMax: 100 });
    for (let i = 0; i < 1_000; i++) holds.failed(`user ${i}`, A, i);
    expect(holds.size).toBe(100);
  });
});

describe("what counts towards a block", () => {
  function up(allows = false, automatic = true) {
    const guard = new Guard({
      limits: bounds,
      allows: () => allows,
      blocks: () => automatic,
    });
    const told: Block[] = [];
    guard.blocked = (block) => void told.push(block);
    return { guard, told };
  }

  test("one guesser with one name never blocks its source; one with many names does", () => {
    const { guard, told } = up();
    for (let i = 0; i < 1_000; i++) guard.loggedIn("anna", A, false, i);
    expect(told).toEqual([]);
    for (let i = 0; i < 25; i++) guard.loggedIn(`name ${i}`, B, false, i);
    expect(told).toMatchObject([{ source: hostPrefix(B), reason: "failed log-ins", times: 1 }]);
    expect(guard.refusesConnection(B, 30)).toBe("blocked connection");
    expect(guard.refusesConnection(A, 30)).toBeUndefined();
    expect(guard.refusesCall(B, 30)).toBe("blocked call");
  });

  test("malformed messages and connections over the rate; nothing of one kind adds to another", () => {
    const { guard, told } = up();
    for (let i = 0; i < bounds.blockMalformed; i++) guard.offended("malformed", A, 0);
    for (let i = 0; i < bounds.blockConnections; i++) guard.offended("connections", A, 0);
    expect(told).toEqual([]);
    guard.offended("malformed", A, 0);
    expect(told).toMatchObject([{ source: hostPrefix(A), reason: "malformed control messages" }]);
  });

  test("slowly enough, nobody is blocked", () => {
    const { guard, told } = up();
    const everyMs = bounds.offenceWindowMs / bounds.blockMalformed;
    for (let i = 0; i < 1_000; i++) guard.offended("malformed", A, i * everyMs);
    expect(told).toEqual([]);
  });

  test.each([
    ["in guard.allow", true, true],
    ["guard.block: false", false, false],
  ])("%s: never", (_, allows, automatic) => {
    const { guard, told } = up(allows, automatic);
    for (let i = 0; i < 1_000; i++) guard.offended("malformed", A, 0);
    expect(told).toEqual([]);
    expect(guard.refusesConnection(A, 0)).toBeUndefined();
  });
});
