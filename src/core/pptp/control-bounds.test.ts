import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Bench, sampleOctets } from "../../../test/control-peer.js";
import { control } from "../../limits.js";
import { controlMessageLayouts } from "../../wire/pptp/index.js";

const kinds = controlMessageLayouts.map(({ kind }) => kind);

function joined(...messages: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(messages.flatMap((octets) => [...octets]));
}

describe("bounds", () => {
  test("a burst of messagesBurst is answered; beyond it Echo-Requests are counted only (G-04)", () => {
    const bench = new Bench().established();
    const burst = control.messagesBurst - 1;
    const echoes = new Array<Uint8Array>(burst + 20).fill(sampleOctets("EchoRequest"));
    bench.octets(joined(...echoes));
    expect(bench.sent).toHaveLength(burst);
    expect(bench.noted).toEqual(new Array(20).fill("EchoRQ over the rate"));
    // 20 over and one whole token: reading goes on when 21 have come back.
    expect(bench.connection.readingPausedUntil).toBe(1050);
    bench.pass(1050);
    expect(bench.connection.readingPausedUntil).toBeUndefined();
    bench.forget().receive("EchoRequest");
    expect(bench.sent).toHaveLength(1);
  });

  test("calls are not lost to the rate: only Echo-Requests go unanswered", () => {
    const bench = new Bench().established();
    const echoes = new Array<Uint8Array>(60).fill(sampleOctets("EchoRequest"));
    bench.octets(joined(...echoes, sampleOctets("OutgoingCallRequest")));
    expect(bench.told).toMatchObject([{ kind: "CallAsked" }]);
  });

  test("over the rate for overRateMs: closed; under it: for ever", () => {
    for (const [everyMs, closes] of [
      [25, true],
      // Slowly enough never to owe much: time alone says so.
      [45, true],
      [51, false],
    ] as const) {
      const bench = new Bench({ side: "opened" }).established();
      for (let i = 0; i < 600; i++) bench.receive("EchoRequest").pass(everyMs);
      expect(bench.told).toEqual(closes ? [{ kind: "Close", cause: "refused" }] : []);
    }
  });

  test("100,000 Echo-Requests as fast as reading lets them: closed after a bounded number", () => {
    const bench = new Bench().established();
    const chunk = joined(...new Array<Uint8Array>(4096).fill(sampleOctets("EchoRequest")));
    for (let i = 0; i < 25; i++) bench.octets(chunk);
    expect(bench.sent.length).toBeLessThanOrEqual(control.messagesBurst);
    expect(bench.told).toEqual([{ kind: "Close", cause: "refused" }]);
    expect(bench.events.length).toBeLessThan(200);
  });

  test("a peer that does not read: closed beyond outputOctetsMax, the rest unsent (G-05)", () => {
    const bench = new Bench().established();
    bench.connection.handleUnsent(control.outputOctetsMax - 20, bench.at);
    bench.receive("EchoRequest");
    expect(bench.events).toEqual([]);
    expect(bench.sent).toHaveLength(1);
    bench.connection.handleUnsent(control.outputOctetsMax, bench.at);
    bench.receive("EchoRequest");
    expect(bench.noted).toEqual(["output bound"]);
    expect(bench.told).toEqual([{ kind: "Close", cause: "control-closed" }]);
    expect(bench.sent).toHaveLength(1);
  });

  test("reserved and unlisted values: taken, and each counted under the table's own names", () => {
    const octets = sampleOctets("OutgoingCallRequest", { bearerType: 0, framingType: 9 });
    octets[11] = 1;
    octets[39] = 1;
    const bench = new Bench().established().octets(octets);
    expect(bench.noted).toEqual([
      "odd OCRQ Reserved0",
      "odd OCRQ Bearer Type",
      "odd OCRQ Framing Type",
      "odd OCRQ Reserved1",
    ]);
    expect(bench.told).toMatchObject([{ kind: "CallAsked" }]);
  });

  test("any octets at any time: no exception, bounded output, nothing retained", () => {
    const mutated = fc
      .tuple(fc.constantFrom(...kinds), fc.array(fc.tuple(fc.nat(219), fc.nat(255))))
      .map(([kind, changes]) => {
        const octets = sampleOctets(kind);
        for (const [at, value] of changes) if (at < octets.length) octets[at] = value;
        return octets;
      });
    const chunk = fc.oneof(
      fc.constantFrom(...kinds).map((kind) => sampleOctets(kind)),
      mutated,
      fc.uint8Array({ maxLength: 64 }),
    );
    const step = fc.tuple(chunk, fc.nat(20_000));
    fc.assert(
      fc.property(
        fc.constantFrom("accepted" as const, "opened" as const),
        fc.boolean(),
        fc.array(step, { maxLength: 30 }),
        (side, established, steps) => {
          const bench = new Bench({ side, takeIncomingCalls: true });
          if (established) bench.established();
          for (const [octets, ms] of steps) {
            bench.octets(octets).pass(ms);
            for (const { callId, state } of bench.connection.snapshot().calls) {
              if (state !== "established") bench.accept(callId);
            }
          }
          bench.connection.handleClosed(bench.at);
          bench.drain();
          expect(bench.ledger.size).toBe(0);
          expect(bench.connection.pollTimeout()).toBeUndefined();
          expect(bench.events.at(-1)).toMatchObject({ kind: "Close" });
          expect(new Set(bench.noted).size).toBeLessThan(64);
        },
      ),
    );
  });
});
