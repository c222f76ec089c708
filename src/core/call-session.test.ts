import { describe, expect, test } from "vitest";
import { FIRST_ADDRESS, ServerBench } from "../../test/sim/server-bench.js";
import { session as bounds, ppp } from "../limits.js";
import { encodeFrame } from "../wire/ppp/frame.js";
import type { AccountTerms } from "./access/ports.js";
import type { ServerPolicy } from "./server-ports.js";

const ID = 1 as never;

function up(account: Partial<AccountTerms> = {}, policy: Partial<ServerPolicy> = {}): ServerBench {
  const bench = new ServerBench(policy);
  bench.account = account;
  bench.caller();
  bench.run();
  expect(bench.of("SessionUp")).toHaveLength(1);
  return bench;
}

/** The caller's LCP begins anew: no question is answered until ours does. */
function renegotiate(bench: ServerBench, identifier = 200): ServerBench {
  const request = Uint8Array.of(1, identifier, 0, 10, 5, 6, 9, 9, 9, identifier);
  const caller = bench.callers.get(ID)!;
  caller.silent = true;
  bench.carried(caller, encodeFrame(0xc021, request));
  bench.run().pass(ppp.doubtMs - 1);
  caller.silent = false;
  return bench.pass(1);
}

describe("limits of an account", () => {
  test("octets: in both directions together, and only what is more than the limit", () => {
    const bench = up({ octetsMax: 1_000 });
    const [info] = bench.sessions;
    bench.counters(info!, { receivedOctets: 400, sentOctets: 600 });
    expect(bench.causes).toEqual([]);
    bench.counters(info!, { receivedOctets: 401, sentOctets: 600 });
    expect(bench.causes).toEqual(["octet-limit"]);
    expect(bench.ledger.balance()).toEqual({});
  });

  test("time: counted from the network phase", () => {
    const bench = up({ sessionSecondsMax: 60 });
    bench.pass(59_999);
    expect(bench.causes).toEqual([]);
    bench.pass(1);
    expect(bench.causes).toEqual(["time-limit"]);
  });

  test("idle: data moves it on, and its end does not", () => {
    const bench = up({ idleSecondsMax: 60 });
    const [info] = bench.sessions;
    bench.pass(50_000);
    bench.counters(info!, { receivedOctets: 1, idleMs: 10_000 });
    bench.pass(30_000);
    bench.counters(info!, { receivedOctets: 1, idleMs: 40_000 });
    bench.pass(19_999);
    expect(bench.causes).toEqual([]);
    bench.pass(1);
    expect(bench.causes).toEqual(["idle-limit"]);
  });

  test("no limit: nothing ends it but its peer", () => {
    const bench = up();
    const [info] = bench.sessions;
    bench.counters(info!, { receivedOctets: 1e15, idleMs: 1e9 });
    bench.pass(3_600_000);
    expect(bench.causes).toEqual([]);
  });
});

describe("interim events", () => {
  test("every interimMs while the session is up, with the counters then", () => {
    const bench = up({}, { interimMs: 10_000 });
    const [info] = bench.sessions;
    bench.pass(9_999);
    expect(bench.of("SessionInterim")).toEqual([]);
    bench.counters(info!, { sentOctets: 7 }).pass(20_001);
    const told = bench.of("SessionInterim");
    expect(told).toHaveLength(3);
    expect(told[0]?.info.counters.sentOctets).toBe(7);
    bench.callers.get(ID)!.cut();
    bench.pass(30_000);
    expect(bench.of("SessionInterim")).toHaveLength(3);
  });

  test("interimMs 0: none", () => {
    const bench = up();
    bench.pass(3_600_000);
    expect(bench.of("SessionInterim")).toEqual([]);
  });
});

test("the address is the session's once it is leased: IPv6 may open, and be told of, before IPCP", () => {
  const bench = new ServerBench();
  bench.held.add("address");
  const caller = bench.caller();
  bench.run();
  caller.silent = true;
  expect(bench.sessions[0]?.framedAddress).toBeUndefined();
  bench.release("address");
  expect(bench.sessions[0]).toMatchObject({
    framedAddress: FIRST_ADDRESS,
    upAt: undefined,
    ppp: { ipcp: "Req-Sent" },
  });
});

describe("LCP negotiated anew", () => {
  test("seat and address stay this session's, though the account has one seat", () => {
    const bench = up({ sessionsMax: 1, atSessionLimit: "refuse-new" });
    const before = bench.sessions[0]!.framedAddress;
    renegotiate(bench).pass(30_000);
    expect(bench.causes).toEqual([]);
    expect(bench.of("AuthenticationAsked")).toHaveLength(2);
    expect(bench.of("AddressAsked")).toHaveLength(1);
    expect(bench.of("SessionUp")).toHaveLength(1);
    expect(bench.sessions[0]).toMatchObject({
      framedAddress: before,
      encryption: "MPPE-128 stateless",
      ppp: { phase: "network", ipcp: "Opened", ccp: "Opened" },
    });
    expect(bench.ledger.balance()).toMatchObject({ address: 1, seat: 1, key: 1, flowSlot: 1 });
  });

  test("while the address is still asked for: asked again, and the first answer given back", () => {
    const bench = new ServerBench();
    bench.held.add("address");
    bench.caller();
    bench.run();
    renegotiate(bench);
    expect(bench.of("AddressAsked")).toHaveLength(2);
    bench.release("address").pass(10_000);
    expect(bench.reasons["address-answer-late"]).toBe(1);
    expect(bench.leased.size).toBe(1);
    expect(bench.of("SessionUp")).toHaveLength(1);
  });

  test("with another account's name: the session ends", () => {
    const bench = up();
    bench.held.add("verdict");
    renegotiate(bench).pass(10);
    const asked = bench.of("AuthenticationAsked").at(-1)!;
    bench.answer(asked, { accountId: 99, name: "other" });
    bench.pass(10_000);
    expect(bench.reasons["account-switched"]).toBe(1);
    expect(bench.causes).toEqual(["authentication-failed"]);
    expect(bench.of("SessionEnded")[0]?.info.account?.accountId).toBe(1);
    expect(bench.ledger.balance()).toEqual({});
  });

  test("its keys do not pile up", () => {
    const bench = up();
    const [info] = bench.sessions;
    const flow = bench.flowOf(info!.session);
    for (let lost = 0; lost < 3; lost++) {
      bench.act((server, now) => server.handlePlane({ kind: "KeysLost", flow }, now)).pass(5_000);
      expect(bench.ledger.balance().key).toBe(1);
    }
    const encrypted = bench.commands.filter(({ kind }) => kind === "Encrypt");
    expect(encrypted.length).toBeGreaterThanOrEqual(6);
    expect(bench.causes).toEqual([]);
  });
});

describe("the end", () => {
  test("the flow is removed before Call-Disconnect-Notify can be written, and once", () => {
    const bench = up();
    const [info] = bench.sessions;
    bench.act((server, now) => server.disconnect(info!.session, "administrator", now));
    expect(bench.commands.filter(({ kind }) => kind === "Remove")).toHaveLength(1);
    expect(bench.commands.at(-1)?.kind).toBe("Remove");
  });

  test("key octets are wiped with it", () => {
    const bench = up();
    const encrypt = bench.commands.find(({ kind }) => kind === "Encrypt");
    if (encrypt?.kind !== "Encrypt" || encrypt.terms === undefined) throw new Error("no keys");
    const { sendStart, receiveStart } = encrypt.terms;
    expect(sendStart.some((octet) => octet !== 0)).toBe(true);
    bench.callers.get(ID)!.cut();
    expect([...sendStart, ...receiveStart].every((octet) => octet === 0)).toBe(true);
  });

  test("the first cause stays", () => {
    const bench = up({ octetsMax: 0 });
    const [info] = bench.sessions;
    bench.callers.get(ID)!.silent = true;
    bench.counters(info!, { sentOctets: 1 });
    bench.act((server, now) => server.disconnect(info!.session, "administrator", now));
    bench.callers.get(ID)!.cut();
    expect(bench.causes).toEqual(["octet-limit"]);
  });

  test("the peer's Terminate-Request, then its TCP is gone: it was the peer that ended it", () => {
    const bench = up();
    const caller = bench.callers.get(ID)!;
    caller.silent = true;
    bench.carried(caller, encodeFrame(0xc021, Uint8Array.of(5, 9, 0, 4)));
    bench.run();
    caller.cut();
    expect(bench.causes).toEqual(["peer-terminated"]);
  });

  test("a Terminate-Request that the peer did not send: asked, it is still there", () => {
    const bench = up();
    const caller = bench.callers.get(ID)!;
    bench.carried(caller, encodeFrame(0xc021, Uint8Array.of(5, 9, 0, 4)));
    bench.run().pass(10_000);
    expect(bench.reasons).toMatchObject({ "request-doubted": 1, "request-forged": 1 });
    expect(bench.sessions[0]?.ppp?.phase).toBe("network");
    caller.cut();
    expect(bench.causes).toEqual(["control-closed"]);
  });

  test("its log-in is told in at most dialogueLinesMax lines, the first one kept", () => {
    const bench = up();
    const [info] = bench.sessions;
    const flow = bench.flowOf(info!.session);
    for (let lost = 0; lost < 40; lost++) {
      bench
        .act((server, now) => server.handlePlane({ kind: "KeysLost", flow }, now))
        .pass(1_300_000);
    }
    const { dialogue } = bench.sessions[0]!;
    expect(dialogue.length).toBeLessThanOrEqual(bounds.dialogueLinesMax);
    expect(dialogue[0]).toMatch(/^\+0\.000 s call from/);
  });
});
