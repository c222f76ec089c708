import { describe, expect, test } from "vitest";
import { POLICY } from "../../test/ppp/pair.js";
import { type Caller, ServerBench } from "../../test/sim/server-bench.js";
import type { Instant } from "../base/instant.js";
import { control, worker } from "../limits.js";
import { Protocol } from "../wire/ppp/protocols.js";
import type { PacCallId } from "../wire/pptp/call-id.js";
import { encodeControlMessage } from "../wire/pptp/index.js";
import type { EndCause } from "./access/ports.js";

function disconnectNotify(callId: number): Uint8Array {
  return encodeControlMessage({
    kind: "CallDisconnectNotify",
    callId: callId as PacCallId,
    resultCode: 4,
    errorCode: 0,
    causeCode: 0,
    callStatistics: "",
  });
}

const REFUSING = { ...POLICY, encryption: { require: false, bits: [], stateful: false } } as const;

function up() {
  const bench = new ServerBench();
  const caller = bench.caller();
  bench.run();
  expect(caller.up).toBe(true);
  return { bench, caller };
}

describe("a call of ours", () => {
  test("all the way: what is told, in order", () => {
    const { caller } = up();
    expect(caller.events.map(({ kind }) => kind)).toEqual([
      "Established",
      // The server's LCP may overtake its OCRP.
      "FrameReceived",
      "MethodAsked",
      "CallUp",
      "RequestAnswered",
      "LinkUp",
      "Authenticated",
      "EncryptionOffered",
      "Encrypted",
      "Ipv4Up",
    ]);
  });

  test.each([
    ["LCP", "peer-terminated"],
    ["call", "call-cleared"],
    ["control connection", "control-stopped"],
  ] as const)(
    "stopped from %s: the server's cause is %s, and both ends hold nothing",
    (from, why) => {
      const { bench, caller } = up();
      caller.client.stop(bench.now, from);
      bench.run().pass(10_000);
      expect(bench.causes).toEqual([why]);
      expect(caller.events.filter(({ kind }) => kind === "Ended")).toHaveLength(1);
      expect(caller.ledger.balance()).toEqual({});
      expect(bench.ledger.balance()).toEqual({});
      expect(caller.client.pollTimeout()).toBeUndefined();
    },
  );

  test("its keys are held while the session lasts", () => {
    const { bench, caller } = up();
    expect(caller.ledger.balance()).toEqual({ callId: 1, key: 1 });
    caller.cut();
    bench.run();
    expect(caller.ledger.balance()).toEqual({});
  });

  test("established, a call offered by the server: refused", () => {
    const { bench, caller } = up();
    const request = Uint8Array.from({ length: 220 });
    request.set([0, 220, 0, 1, 0x1a, 0x2b, 0x3c, 0x4d, 0, 9, 0, 0, 0x12, 0x34]);
    caller.client.handleOctets(request, bench.now);
    bench.run();
    expect(caller.ledger.balance()).toEqual({ callId: 1, key: 1 });
  });

  test("worker lost: everything ends, and the server is told", () => {
    const { bench, caller } = up();
    caller.client.handleWorkerLost(bench.now);
    bench.run().pass(10_000);
    expect(caller.events.at(-1)).toMatchObject({ kind: "Ended", cause: "worker-lost" });
    expect(caller.ledger.balance()).toEqual({});
    expect(bench.ledger.balance()).toEqual({});
  });

  test("worker lost while its flow is being removed: over", () => {
    const { bench, caller } = up();
    caller.client.handleDisconnected(bench.now);
    expect(caller.client.pollTimeout()?.why).toBe("session removed");
    caller.client.handleWorkerLost(bench.now);
    caller.drain();
    expect(caller.events.at(-1)).toMatchObject({ kind: "Ended", cause: "control-closed" });
    expect(caller.ledger.balance()).toEqual({});
    expect(caller.client.pollTimeout()).toBeUndefined();
  });

  test("Removed never comes: over after its deadline, once", () => {
    const { bench, caller } = up();
    caller.client.handleDisconnected(bench.now);
    // The bench would answer: its Remove is taken out instead.
    for (let sent = caller.client.pollPlane(); sent; sent = caller.client.pollPlane());
    bench.pass(worker.removedMs - 1);
    expect(caller.events.at(-1)?.kind).not.toBe("Ended");
    bench.pass(1);
    expect(caller.events.filter(({ kind }) => kind === "Ended")).toHaveLength(1);
    expect(caller.ledger.balance()).toEqual({});
  });

  test("the call is asked for once its flow is in the data path, not before", () => {
    const bench = new ServerBench();
    const caller = bench.caller();
    caller.installs = false;
    bench.run().pass(1_000);
    expect(caller.callId).toBeDefined();
    expect(bench.sessions).toEqual([]);
    caller.installed();
    bench.run();
    expect(caller.up).toBe(true);
  });

  test("Installed never comes: over at the server's deadline, nothing held", () => {
    const bench = new ServerBench();
    const caller = bench.caller();
    caller.installs = false;
    bench.run().pass(control.authenticatedDeadlineMs + control.stopReplyMs);
    expect(caller.events.at(-1)).toMatchObject({ kind: "Ended", cause: "control-stopped" });
    expect(caller.ledger.balance()).toEqual({});
    expect(bench.ledger.balance()).toEqual({});
  });

  test("InstallRefused: the server hears of it at once", () => {
    const bench = new ServerBench();
    bench.held.add("install");
    const caller = bench.caller();
    bench.run();
    const refused = { kind: "InstallRefused", flow: caller.flow, why: "slot in use" } as const;
    caller.client.handlePlane(refused, bench.now);
    bench.run();
    expect(bench.causes).toEqual(["control-stopped"]);
    bench.release("install").pass(5_000);
    expect(caller.events.at(-1)).toMatchObject({ kind: "Ended", cause: "worker-lost" });
    expect(caller.ledger.balance()).toEqual({});
    expect(bench.ledger.balance()).toEqual({});
  });

  test("encryption refused by us, required by the server: ended, nothing held (T-07)", () => {
    const bench = new ServerBench();
    const caller = bench.caller({ ppp: REFUSING });
    bench.run().pass(60_000);
    expect(caller.up).toBe(false);
    expect(bench.causes).toHaveLength(1);
    expect(["encryption-refused", "peer-terminated"]).toContain(bench.causes[0]);
    expect(bench.ledger.balance()).toEqual({});
    expect(caller.ledger.balance()).toEqual({});
  });

  test("wrong password: told by 691, asked no more, nothing held", () => {
    const bench = new ServerBench();
    const caller = bench.caller({ credentials: { name: "vpn", password: "wrong" } });
    bench.run().pass(60_000);
    expect(bench.of("LoginRefused").length).toBeGreaterThanOrEqual(1);
    expect(bench.of("LoginRefused").every(({ code }) => code === 691)).toBe(true);
    expect(bench.of("SessionUp")).toEqual([]);
    expect(caller.events.at(-1)).toMatchObject({ kind: "Ended", cause: "authentication-failed" });
    expect(bench.ledger.balance()).toEqual({});
  });

  test.each([
    ["it is ending itself", "shutdown", ({ client }, now) => client.stop(now)],
    [
      "the server's Terminate-Request came",
      "peer-terminated",
      ({ client, flow }, now) => {
        const information = Uint8Array.of(5, 1, 0, 4);
        client.handlePlane({ kind: "Frame", flow, protocol: Protocol.lcp, information }, now);
      },
    ],
    ["nothing was said before", "call-cleared", () => {}],
  ] satisfies [string, EndCause, (caller: Caller, now: Instant) => void][])(
    "Call-Disconnect-Notify when %s: the cause is %s",
    (_, cause, before) => {
      const { bench, caller } = up();
      before(caller, bench.now);
      const [info] = bench.sessions;
      caller.client.handleOctets(disconnectNotify(info?.callId ?? 0), bench.now);
      bench.run().pass(10_000);
      expect(caller.events.at(-1)).toMatchObject({ kind: "Ended", cause });
      expect(caller.ledger.balance()).toEqual({});
    },
  );

  test("frames after its end: not kept", () => {
    const { bench, caller } = up();
    caller.cut();
    const frame = { kind: "Frame", flow: caller.flow, protocol: 0xc021 } as const;
    for (let frames = 0; frames < 100; frames++) {
      caller.client.handlePlane({ ...frame, information: Uint8Array.of(1, 1, 0, 4) }, bench.now);
    }
    bench.run();
    expect(caller.client.pollTimeout()).toBeUndefined();
    expect(caller.ledger.balance()).toEqual({});
  });
});
