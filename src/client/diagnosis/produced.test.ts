// Verdicts produced by our own two cores: a server that does what the verdict is about, a client that
// meets it, and the diagnosis made of what that client hears.
import { describe, expect, test } from "vitest";
import { POLICY } from "../../../test/ppp/pair.js";
import { type Caller, type CallerOptions, ServerBench } from "../../../test/sim/server-bench.js";
import type { FailureCode } from "../../core/access/ports.js";
import type { PppPolicy } from "../../core/ppp/ports.js";
import type { ServerPolicy } from "../../core/server-ports.js";
import { Diagnosis } from "./diagnosis.js";
import type { VerdictName } from "./verdicts.js";

const plain = { require: false, bits: [], stateful: false } as const;
const offering = (ppp: Partial<PppPolicy>): Partial<ServerPolicy> => ({
  profileFor: () => ({ name: "odd", ppp: { ...POLICY, ...ppp } }),
});

function diagnose({ events }: Caller, ppp: PppPolicy = POLICY): string[] {
  const { authentication, encryption } = ppp;
  const diagnosis = new Diagnosis({ server: "s", port: 1723, authentication, encryption });
  const lines = [...diagnosis.resolved(0xc0a80001), ...diagnosis.connected()];
  for (const event of events) lines.push(...diagnosis.handle(event, 0));
  const last = events.at(-1);
  if (last?.kind !== "Ended") throw new Error(`it has not ended: ${last?.kind}`);
  const end = diagnosis.ended(last.cause, 60_000);
  lines.push(...end.lines);
  return [end.verdict.name, ...lines.map(({ step, state }) => `${step} ${state}`)];
}

function meet(bench: ServerBench, options: Partial<CallerOptions> = {}): Caller {
  const caller = bench.caller(options);
  bench.run().pass(120_000);
  expect(caller.ledger.balance()).toEqual({});
  expect(bench.ledger.balance()).toEqual({});
  return caller;
}

/** Its backend gives this answer instead of the right one. */
class Answering extends ServerBench {
  constructor(readonly told: FailureCode | "unavailable" | "impostor") {
    super();
  }

  override answer(asked: Parameters<ServerBench["answer"]>[0]): this {
    const { told } = this;
    if (told === "impostor") {
      return this.act((server, now) => {
        const { session, generation, name } = asked;
        const authenticatorResponse = "0".repeat(40);
        const account = { accountId: 1, name, staticAddress: undefined, routes: [] };
        const terms = { sessionsMax: 1, atSessionLimit: "refuse-new" } as const;
        const none = { sessionSecondsMax: undefined, idleSecondsMax: undefined };
        const rates = { octetsMax: undefined, upBitsPerSecond: undefined };
        const all = { ...account, ...terms, ...none, ...rates, downBitsPerSecond: undefined };
        const verdict = { ok: true, account: all, authenticatorResponse } as const;
        server.handleVerdict(session, generation, verdict, now);
      });
    }
    const { session, generation } = asked;
    return this.act((server, now) =>
      server.handleVerdict(session, generation, { ok: false, code: told }, now),
    );
  }
}

describe("the log-in", () => {
  test.each([
    [646, "log-in-hours"],
    [647, "account-disabled"],
    [648, "password-expired"],
    [649, "no-dial-in"],
    [691, "wrong-password"],
    ["unavailable", "log-in-unanswered"],
    ["impostor", "server-not-proven"],
  ] satisfies [FailureCode | "unavailable" | "impostor", VerdictName][])("%s: %s", (told, name) => {
    const caller = meet(new Answering(told));
    const [verdict, ...lines] = diagnose(caller);
    expect(verdict).toBe(name);
    expect(lines.slice(-2)).toEqual(["lcp ok", "authentication failed"]);
  });

  test.each([
    ["only PAP", { authentication: ["pap"], encryption: plain }],
    ["only CHAP-MD5", { authentication: ["chap-md5"], encryption: plain }],
    ["only MS-CHAPv1", { authentication: ["ms-chap-v1"] }],
  ] satisfies [string, Partial<PppPolicy>][])("the server offers %s", (_, ppp) => {
    expect(diagnose(meet(new ServerBench(offering(ppp))))[0]).toBe("method-refused");
  });
});

describe("encryption", () => {
  test("the server has none", () => {
    const bench = new ServerBench(offering({ encryption: plain }));
    const [verdict, ...lines] = diagnose(meet(bench));
    expect(verdict).toBe("encryption-refused");
    expect(lines.slice(-2)).toEqual(["authentication ok", "encryption failed"]);
  });

  test("the server has only weaker keys", () => {
    const weak = { require: true, bits: [40], stateful: false } as const;
    const caller = meet(new ServerBench(offering({ encryption: weak })));
    expect(diagnose(caller)[0]).toBe("encryption-refused");
    expect(caller.events).toContainEqual({ kind: "EncryptionOffered", bits: [40] });
  });

  test("the server insists, the client goes without", () => {
    const ppp = { ...POLICY, encryption: plain };
    expect(diagnose(meet(new ServerBench(), { ppp }), ppp)[0]).toBe("encryption-wanted");
  });
});

describe("GRE", () => {
  test("nothing comes back: given up after ten seconds", () => {
    const bench = new ServerBench();
    const caller = bench.caller();
    caller.silent = true;
    bench.run().pass(9_999);
    expect(caller.events.at(-1)?.kind).not.toBe("Ended");
    bench.pass(5_000);
    const [verdict, ...lines] = diagnose(caller);
    expect(verdict).toBe("gre-blocked");
    expect(lines.slice(-2)).toEqual(["call ok", "gre failed"]);
    expect(caller.ledger.balance()).toEqual({});
  });

  test("the server's packets come, ours do not get there", () => {
    const bench = new ServerBench();
    const caller = bench.caller();
    bench.carried = () => {};
    bench.run().pass(60_000);
    expect(diagnose(caller)[0]).toBe("gre-one-way");
    expect(caller.ledger.balance()).toEqual({});
  });
});

describe("the call and the address", () => {
  test("the server has no room for a call", () => {
    const bench = new ServerBench({ sessionsMax: 0 });
    expect(diagnose(meet(bench))[0]).toBe("call-refused");
  });

  test("the server has no address left", () => {
    const bench = new ServerBench();
    bench.lease = () => ({ ok: false }) as never;
    const [verdict, ...lines] = diagnose(meet(bench));
    expect(verdict).toBe("address-refused");
    expect(lines.slice(-2)).toEqual(["encryption ok", "address failed"]);
  });
});
