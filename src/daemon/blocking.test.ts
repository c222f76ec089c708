import { describe, expect, test } from "vitest";
import { instant } from "../base/instant.js";
import type { Prefix4 } from "../base/ip.js";
import { Ledger } from "../base/ledger.js";
import { formatSource, hostPrefix } from "../base/range4.js";
import { Blocks } from "../core/guard/blocks.js";
import { guard as bounds } from "../limits.js";
import { osError } from "../os/errors.js";
import type { BlockChange } from "../os/nft-blocks.js";
import type { KeptBlock } from "../store/port.js";
import { Blocking } from "./blocking.js";

const A = 0xcb007107;
const B = 0xcb007108;
const wallAhead = 1_000_000;

class Bench {
  now = 10_000;
  readonly ledger = new Ledger(() => instant(this.now));
  readonly kept = new Map<string, KeptBlock>();
  readonly runs: (string | readonly BlockChange[])[] = [];
  readonly ended: Prefix4[] = [];
  readonly lines: string[] = [];
  readonly noted: string[] = [];
  readonly blocks = new Blocks();
  left = false;
  failure: ReturnType<typeof osError> | undefined;
  readonly sessions: object[] = [];
  readonly blocking: Blocking;

  constructor(kept: readonly KeptBlock[] = []) {
    for (const block of kept) this.kept.set(formatSource(block.source), block);
    const run = async (what: string | readonly BlockChange[]) => {
      this.runs.push(what);
      return this.failure;
    };
    const done = async () => ({ ok: true, value: undefined }) as const;
    this.blocking = new Blocking({
      blocks: this.blocks,
      ledger: this.ledger,
      clock: () => this.now,
      wallClockMs: () => this.now + wallAhead,
      sessions: () => this.sessions as never,
      endStrangers: (source) => void this.ended.push(source),
      allows: ({ address }) => address === B,
      noted: (reason) => void this.noted.push(reason),
      log: {
        warn: (_, line) => void this.lines.push(line),
        info: (_, line) => void this.lines.push(line),
      },
      table: {
        name: "t",
        left: async () => this.left,
        begin: () => run("begin"),
        end: () => run("end"),
        change: (changes) => run(changes),
        dropped: async () => [1, 2] as const,
      },
      store: {
        list: async () => ({ ok: true, value: [...this.kept.values()] }),
        put: async (block) => {
          this.kept.set(formatSource(block.source), block);
          return done();
        },
        remove: async (source) => {
          this.kept.delete(formatSource(source));
          return done();
        },
        prune: done,
      },
    });
  }
}

const settled = () => new Promise((done) => setImmediate(done));

describe("blocked sources", () => {
  test("the table is made with the first block; strangers end, live calls are named, all is kept", async () => {
    const bench = new Bench();
    await bench.blocking.begin();
    expect(bench.runs).toEqual([]);
    const live = { peerAddress: A, localAddress: 1, callId: 4711, account: {} };
    bench.sessions.push(live, { ...live, callId: 4712, account: undefined });
    expect(bench.blocking.block(hostPrefix(A), "by hand", 60_000).kind).toBe("blocked");
    await settled();
    const [begin, changes] = bench.runs;
    expect(begin).toBe("begin");
    const call = { source: A, localAddress: 1, callId: 4711, forMs: 60_000 };
    const blocked = { source: hostPrefix(A), forMs: 60_000 };
    expect(changes).toEqual([{ kind: "block", blocked, live: [call] }]);
    expect(bench.ended).toEqual([hostPrefix(A)]);
    expect(bench.kept.get("203.0.113.7")?.until).toBe(bench.now + wallAhead + 60_000);
    expect(bench.ledger.size).toBe(1);
    expect(bench.blocking.unblock(hostPrefix(A))).toBe(true);
    expect(bench.blocking.unblock(hostPrefix(A))).toBe(false);
    await settled();
    expect(bench.runs.at(-1)).toEqual([{ kind: "unblock", source: hostPrefix(A) }]);
    expect(bench.kept.size).toBe(0);
    await bench.blocking.end();
    expect(bench.runs.at(-1)).toBe("end");
    expect(bench.ledger.size).toBe(0);
  });

  test("of an earlier run: those in force again, the others only remembered", async () => {
    const at = 10_000 + wallAhead;
    const kept = { reason: "x", since: at - 9_000, times: 3 };
    const bench = new Bench([
      { ...kept, source: hostPrefix(A), until: at + 5_000 },
      { ...kept, source: hostPrefix(B), until: at - 1 },
    ]);
    await bench.blocking.begin();
    expect(bench.runs[1]).toMatchObject([{ blocked: { source: hostPrefix(A), forMs: 5_000 } }]);
    expect(bench.blocking.live.map(({ source }) => source)).toEqual([hostPrefix(A)]);
  });

  test("many at once are few runs of nft", async () => {
    const bench = new Bench();
    for (let i = 0; i < 5_000; i++) bench.blocking.block(hostPrefix(i + 1), "x", 60_000);
    for (let i = 0; i < 20; i++) await settled();
    expect(bench.runs.length).toBeLessThan(9);
    expect(bench.runs.flat().length).toBe(5_001);
    expect(bench.blocking.live.length).toBe(Math.min(5_000, bounds.blocksMax));
  });

  test("a session under two blocks goes on until both have ended", async () => {
    const bench = new Bench();
    bench.sessions.push({ peerAddress: A, localAddress: 1, callId: 1, account: {} });
    const lives = () =>
      (bench.runs.at(-1) as readonly BlockChange[]).flatMap((change) =>
        change.kind === "block" ? change.live.map(({ forMs }) => forMs) : [],
      );
    bench.blocking.block(hostPrefix(A), "x", 60_000);
    await settled();
    bench.now += 10_000;
    bench.blocking.block({ address: 0xcb007100, length: 24 }, "x", 1_000);
    await settled();
    expect(lives()).toEqual([50_000]);
    bench.blocking.block(hostPrefix(A), "x", 500);
    await settled();
    expect(lives()).toEqual([1_000]);
  });

  test("more than there is room for: the one that made room is let through again, and counted", async () => {
    const bench = new Bench();
    await bench.blocking.begin();
    for (let i = 0; i <= bounds.blocksMax; i++) {
      bench.blocking.block(hostPrefix(i + 1), "x", 60_000 + i);
      if (i % 500 === 0) await settled();
    }
    await settled();
    expect(bench.blocking.live).toHaveLength(bounds.blocksMax);
    const gone = bench.runs.flat().filter((one) => typeof one === "object" && one.kind !== "block");
    expect(gone).toEqual([{ kind: "unblock", source: hostPrefix(1) }]);
    expect([bench.noted, bench.kept.size]).toEqual([["forgotten block"], bounds.blocksMax]);
  });

  test("more calls of a blocked source than the kernel lets through: counted", async () => {
    const bench = new Bench();
    for (let i = 0; i < bounds.blockedLiveMax / 2 + 3; i++) {
      bench.sessions.push({ peerAddress: A, localAddress: 1, callId: i, account: {} });
    }
    bench.blocking.block(hostPrefix(A), "x", 60_000);
    await settled();
    expect(bench.noted).toEqual(Array(3).fill("live call of a blocked source not let through"));
  });

  test("a table of an earlier run: said", async () => {
    const bench = new Bench();
    bench.left = true;
    await bench.blocking.begin();
    expect(bench.lines).toEqual(["replaces the blocks' nft table that an earlier run had left"]);
    expect(bench.runs).toEqual(["end"]);
  });

  test("no nft: said once, refused at the accept, and tried again with the next one", async () => {
    const bench = new Bench();
    bench.failure = osError("nft", "ENOENT", "package nftables");
    bench.blocking.block(hostPrefix(A), "x", 60_000);
    await settled();
    bench.blocking.block(hostPrefix(A + 9), "x", 60_000);
    await settled();
    expect(bench.blocking.problem).toContain("nft");
    expect(bench.lines.filter((line) => line.startsWith("the kernel does not"))).toHaveLength(1);
    expect(bench.blocking.live).toHaveLength(2);
    expect(bench.ledger.size).toBe(0);
    bench.failure = undefined;
    bench.blocking.block(hostPrefix(A + 10), "x", 60_000);
    await settled();
    expect(bench.blocking.problem).toBeUndefined();
  });

  test("a source in guard.allow: refused", () => {
    const bench = new Bench();
    expect(bench.blocking.block(hostPrefix(B), "x", 60_000)).toEqual({ kind: "allowed" });
    expect(bench.blocking.live).toEqual([]);
  });

  test("a network: its sessions' calls are named, those of others not; one that overlaps is refused", async () => {
    const bench = new Bench();
    const network = { address: 0xcb007100, length: 24 };
    const session = { localAddress: 1, account: {} };
    bench.sessions.push({ ...session, peerAddress: A, callId: 1 });
    bench.sessions.push({ ...session, peerAddress: 0xcb007207, callId: 2 });
    bench.blocking.block(network, "x", 60_000);
    await settled();
    const live = { source: A, localAddress: 1, callId: 1, forMs: 60_000 };
    const blocked = { source: network, forMs: 60_000 };
    expect(bench.runs.at(-1)).toEqual([{ kind: "block", blocked, live: [live] }]);
    expect([bench.ended, [...bench.kept.keys()]]).toEqual([[network], ["203.0.113.0/24"]]);
    const answer = bench.blocking.block({ address: 0xcb000000, length: 8 }, "x", 60_000);
    expect(answer).toMatchObject({ kind: "overlaps", by: { source: network } });
  });
});
