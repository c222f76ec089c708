import { describe, expect, test } from "vitest";
import { ACCOUNT } from "../../test/ppp/pair.js";
import { ServerBench } from "../../test/sim/server-bench.js";
import type { PlaneCommand } from "../wire/worker-link.js";
import type { AccountTerms } from "./access/ports.js";
import type { ServerPolicy } from "./server-ports.js";

const { accountId } = ACCOUNT;
const rate = (upBitsPerSecond: number, downBitsPerSecond: number) => ({
  upBitsPerSecond,
  downBitsPerSecond,
});
const UNSAID = { upBitsPerSecond: undefined, downBitsPerSecond: undefined };

function up(account: Partial<AccountTerms> = {}, policy: Partial<ServerPolicy> = {}): ServerBench {
  const bench = new ServerBench(policy);
  bench.account = { sessionsMax: 4, ...account };
  bench.caller();
  bench.run();
  expect(bench.of("SessionUp")).toHaveLength(1);
  return bench;
}

type RateCommand = Extract<PlaneCommand, { kind: "Rate" }>;

function told({ commands }: ServerBench): RateCommand[] {
  return commands.filter((command): command is RateCommand => command.kind === "Rate");
}

function rates(bench: ServerBench): (readonly [slot: number, up: number, down: number])[] {
  return told(bench).map((one) => [one.flow.slot, one.upBitsPerSecond, one.downBitsPerSecond]);
}

describe("what is in force", () => {
  test("nothing said: no bucket, no command", () => {
    const bench = up();
    expect(told(bench)).toEqual([]);
    expect(bench.sessions[0]?.rate).toEqual(rate(0, 0));
    expect(bench.ledger.balance()).not.toHaveProperty("rateBucket");
  });

  test("the account's own, before the network opens", () => {
    const bench = up(rate(10e6, 2e6));
    expect(rates(bench)).toEqual([[0, 10e6, 2e6]]);
    const kinds = bench.commands.map(({ kind }) => kind);
    expect(kinds.indexOf("Rate")).toBeLessThan(kinds.indexOf("Network4"));
    expect(bench.sessions[0]?.rate).toEqual(rate(10e6, 2e6));
    expect(bench.ledger.balance()).toMatchObject({ rateBucket: 1 });
  });

  test("the server's default where the account says nothing; 0 says no limit", () => {
    const policy = { rate: rate(5e6, 6e6) };
    expect(rates(up({}, policy))).toEqual([[0, 5e6, 6e6]]);
    expect(rates(up({ ...rate(0, 0), downBitsPerSecond: undefined }, policy))).toEqual([
      [0, 0, 6e6],
    ]);
    expect(rates(up(rate(0, 0), policy))).toEqual([]);
  });

  test("another log-in within the session brings nothing new", () => {
    const bench = up(rate(10e6, 2e6));
    bench.act((server, now) => server.setRate(accountId, rate(10e6, 2e6), now));
    expect(told(bench)).toHaveLength(1);
  });
});

describe("the bucket", () => {
  test("is one for all sessions of a user, and goes back with the last of them", () => {
    const bench = up(rate(1e6, 0));
    const second = bench.caller();
    bench.run();
    expect(told(bench).map(({ bucket }) => bucket)).toEqual([1, 1]);
    expect(bench.ledger.balance()).toMatchObject({ rateBucket: 2 });
    second.cut();
    bench.account = { ...bench.account, accountId: accountId + 1 };
    bench.caller();
    bench.run();
    expect(told(bench).at(-1)?.bucket).toBe(2);
    for (const caller of bench.callers.values()) caller.cut();
    expect(bench.ledger.balance()).toEqual({});
    bench.caller();
    bench.run();
    expect(told(bench).at(-1)?.bucket).toBeLessThan(3);
  });

  test("waits for the data path to let go of the flow", () => {
    const bench = up(rate(1e6, 0));
    bench.held.add("remove");
    bench.callers.get(1 as never)!.cut();
    expect(bench.ledger.balance()).toMatchObject({ rateBucket: 1 });
    bench.release("remove");
    expect(bench.ledger.balance()).toEqual({});
  });

  for (const [what, end] of [
    ["orderly", (bench) => bench.callers.get(1 as never)!.cut()],
    ["worker lost", (bench) => bench.act((server, now) => server.handleWorkerLost(now))],
    ["shutdown", (bench) => bench.act((server, now) => server.stopAtOnce(now))],
    ["its time is over", (bench) => bench.pass(600_000)],
  ] as const satisfies readonly (readonly [string, (bench: ServerBench) => void])[]) {
    test(`${what}: given back`, () => {
      const bench = up({ ...rate(1e6, 1e6), sessionSecondsMax: 500 });
      end(bench);
      bench.pass(10_000);
      expect(bench.sessions).toEqual([]);
      expect(bench.ledger.balance()).toEqual({});
    });
  }

  test("of a session refused its seat: given back", () => {
    const bench = up({ ...rate(1e6, 1e6), sessionsMax: 1, atSessionLimit: "refuse-new" });
    bench.caller();
    bench.run().pass(10_000);
    expect(bench.causes).toEqual(["session-limit"]);
    expect(bench.ledger.balance()).toMatchObject({ rateBucket: 1 });
  });
});

describe("a change while sessions run", () => {
  test("of the account: all its sessions and no other", () => {
    const bench = up(rate(1e6, 1e6));
    bench.caller();
    bench.run();
    bench.account = { ...bench.account, accountId: accountId + 1 };
    bench.caller();
    bench.run();
    bench.commands.length = 0;
    bench.act((server, now) => server.setRate(accountId, rate(2e6, 0), now));
    expect(rates(bench)).toEqual([
      [0, 2e6, 0],
      [1, 2e6, 0],
    ]);
    expect(bench.sessions.map((one) => one.rate.upBitsPerSecond)).toEqual([2e6, 2e6, 1e6]);
  });

  test("a limit where none was takes a bucket, one taken off keeps it", () => {
    const bench = up();
    bench.act((server, now) => server.setRate(accountId, rate(2e6, 1e6), now));
    expect(bench.ledger.balance()).toMatchObject({ rateBucket: 1 });
    bench.act((server, now) => server.setRate(accountId, UNSAID, now));
    expect(rates(bench)).toEqual([
      [0, 2e6, 1e6],
      [0, 0, 0],
    ]);
    expect(bench.sessions[0]?.account).toMatchObject(UNSAID);
  });

  test("of the default: accounts that say nothing, in the direction they say nothing of", () => {
    const bench = up({ upBitsPerSecond: 3e6 });
    const policy = (byDefault: Partial<ServerPolicy>) => bench.policy(byDefault);
    bench.act((server, now) => server.setPolicy(policy({ rate: rate(1e6, 4e6) }), now));
    bench.act((server, now) => server.setPolicy(policy({ rate: rate(2e6, 4e6) }), now));
    bench.act((server, now) => server.setPolicy(policy({ rate: rate(0, 0) }), now));
    expect(rates(bench)).toEqual([
      [0, 3e6, 0],
      [0, 3e6, 4e6],
      [0, 3e6, 0],
    ]);
  });

  test("a session that is ending hears of none", () => {
    const bench = up(rate(1e6, 1e6));
    bench.held.add("remove");
    bench.callers.get(1 as never)!.cut();
    bench.commands.length = 0;
    bench.act((server, now) => server.setRate(accountId, rate(2e6, 2e6), now));
    expect(told(bench)).toEqual([]);
    bench.release("remove");
  });
});
