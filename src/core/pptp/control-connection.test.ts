import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Bench, sampleOctets, testPolicy } from "../../../test/control-peer.js";
import { instant } from "../../base/instant.js";
import { control } from "../../limits.js";
import { controlMessageLayouts, encodeControlMessage } from "../../wire/pptp/index.js";
import { collision } from "./collision.js";
import { ControlConnection } from "./control-connection.js";

const kinds = controlMessageLayouts.map(({ kind }) => kind);

function joined(...messages: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(messages.flatMap((octets) => [...octets]));
}

describe("start", () => {
  test("accepted: SCCRQ is answered with our names, and told", () => {
    const bench = new Bench().receive("StartControlConnectionRequest", {
      hostName: "peer",
      vendorString: "vendor",
      firmwareRevision: 7,
    });
    expect(bench.sent).toEqual([
      {
        kind: "StartControlConnectionReply",
        protocolVersion: 0x0100,
        resultCode: 1,
        errorCode: 0,
        framingCapabilities: 3,
        bearerCapabilities: 3,
        maximumChannels: control.callsPerConnectionMax,
        firmwareRevision: 1,
        hostName: "vpn.example",
        vendorString: "holdfast",
      },
    ]);
    expect(bench.told).toEqual([
      {
        kind: "Established",
        hostName: "peer",
        vendorString: "vendor",
        firmwareRevision: 7,
        protocolVersion: 0x0100,
      },
    ]);
    expect(bench.connection.snapshot()).toMatchObject({
      state: "established",
      peer: { hostName: "peer", vendorString: "vendor" },
      calls: [],
    });
  });

  test("every caller gets the same SCCRP, whatever it says of itself (G-27)", () => {
    const replyTo = (fields: Record<string, number | string>) => {
      const { connection, at } = new Bench();
      connection.handleOctets(sampleOctets("StartControlConnectionRequest", fields), at);
      return connection.pollTransmit();
    };
    const other = { hostName: "x", maximumChannels: 9, protocolVersion: 0x0200 };
    expect(replyTo({})).toHaveLength(156);
    expect(replyTo(other)).toEqual(replyTo({}));
  });

  test.each([
    [0x0000, 5],
    [0x00ff, 5],
    [0x0100, 1],
    [0x0101, 1],
    [0x0200, 1],
  ])("accepted, version %d: SCCRP %d with our version", (protocolVersion, resultCode) => {
    const bench = new Bench().receive("StartControlConnectionRequest", { protocolVersion });
    expect(bench.sent).toMatchObject([{ resultCode, protocolVersion: 0x0100 }]);
    const closes = bench.told.filter(({ kind }) => kind === "Close");
    expect(closes).toEqual(resultCode === 1 ? [] : [{ kind: "Close", cause: "refused" }]);
  });

  test("opened: SCCRQ goes out once, SCCRP establishes", () => {
    const bench = new Bench({ side: "opened", takeOutgoingCalls: false });
    bench.connection.start(bench.at);
    bench.drain();
    expect(bench.sent).toMatchObject([
      { kind: "StartControlConnectionRequest", protocolVersion: 0x0100, maximumChannels: 0 },
    ]);
    bench.forget().receive("StartControlConnectionReply");
    expect(bench.told).toMatchObject([{ kind: "Established" }]);
  });

  test.each([2, 3, 4, 5, 0, 99])("opened, SCCRP %d: closed as refused", (resultCode) => {
    const bench = new Bench({ side: "opened" }).forget();
    bench.receive("StartControlConnectionReply", { resultCode });
    expect(bench.told).toEqual([{ kind: "Close", cause: "refused" }]);
    expect(bench.sent).toEqual([]);
  });

  test("opened, SCCRP of another version: Stop-Control-Connection-Request 2, closed", () => {
    const bench = new Bench({ side: "opened" }).forget();
    bench.receive("StartControlConnectionReply", { protocolVersion: 0x0200 });
    expect(bench.sent).toEqual([{ kind: "StopControlConnectionRequest", reason: 2 }]);
    expect(bench.told).toEqual([{ kind: "Close", cause: "refused" }]);
  });
});

describe("collision (RFC 2637 §3.1.3)", () => {
  test.each([
    [1, 2, "peers"],
    [2, 1, "ours"],
    [0x7fffffff, 0x80000000, "peers"],
    [0xffffffff, 0x7fffffff, "ours"],
    [5, 5, "none"],
  ] as const)("%d against %d: %s", (ours, peers, winner) => {
    expect(collision(ours, peers)).toBe(winner);
  });

  function collide(localAddress: number, peerAddress: number) {
    const opening = new Bench({ side: "opened" }).forget();
    const bench = new Bench(
      {},
      { localAddress, peerAddress, opening: () => opening.connection },
    ).receive("StartControlConnectionRequest");
    opening.drain();
    return { opening, bench };
  }

  test("lost: ours is closed without another message, the peer's SCCRQ answered", () => {
    const { opening, bench } = collide(1, 2);
    expect(opening.sent).toEqual([]);
    expect(opening.told).toEqual([{ kind: "Close", cause: "control-closed" }]);
    expect(bench.sent).toMatchObject([{ kind: "StartControlConnectionReply", resultCode: 1 }]);
  });

  test("won: nothing on the peer's connection, which it closes, or we at the deadline", () => {
    const { opening, bench } = collide(2, 1);
    expect(opening.told).toEqual([]);
    bench.receive("EchoRequest").receive("StartControlConnectionRequest");
    expect(bench.sent).toEqual([]);
    expect(bench.told).toEqual([]);
    bench.pass(control.startDeadlineMs);
    expect(bench.told).toEqual([{ kind: "Close", cause: "control-timeout" }]);
    expect(bench.sent).toEqual([]);
  });

  test("one address for both ends, or none opening: no collision", () => {
    expect(collide(3, 3).bench.sent).toMatchObject([{ resultCode: 1 }]);
    const other = new Bench({ side: "opened" }).established();
    const options = { localAddress: 2, peerAddress: 1, opening: () => other.connection };
    const bench = new Bench({}, options).receive("StartControlConnectionRequest");
    expect(bench.sent).toMatchObject([{ resultCode: 1 }]);
    expect(other.told).toEqual([]);
  });
});

describe("deadlines", () => {
  test("SCCRQ must be whole startDeadlineMs after the accept, octet by octet or silent (G-02)", () => {
    const request = sampleOctets("StartControlConnectionRequest");
    for (const dripped of [0, 4]) {
      const bench = new Bench();
      for (let i = 0; i < dripped; i++) bench.octets(request.subarray(i, i + 1)).pass(1000);
      bench.pass(control.startDeadlineMs - dripped * 1000 - 1);
      expect(bench.events).toEqual([]);
      bench.pass(1);
      expect(bench.noted).toEqual(["deadline start"]);
      expect(bench.told).toEqual([{ kind: "Close", cause: "control-timeout" }]);
      expect(bench.sent).toEqual([]);
    }
  });

  test("a later message has messageDeadlineMs from its first octet, not from its last (G-03)", () => {
    const echo = sampleOctets("EchoRequest");
    const bench = new Bench().established().octets(echo.subarray(0, 1));
    bench.pass(control.messageDeadlineMs - 1).octets(echo.subarray(1, 15));
    expect(bench.events).toEqual([]);
    bench.pass(1);
    expect(bench.told).toEqual([{ kind: "Close", cause: "control-timeout" }]);
  });

  test("a message done in time starts the next one's deadline anew", () => {
    const echo = sampleOctets("EchoRequest");
    const bench = new Bench().established().octets(echo.subarray(0, 1));
    bench.pass(control.messageDeadlineMs - 1).octets(joined(echo.subarray(1), echo.subarray(0, 3)));
    bench.pass(control.messageDeadlineMs - 1).octets(echo.subarray(3));
    bench.pass(control.messageDeadlineMs - 1);
    expect(bench.sent).toMatchObject([{ kind: "EchoReply" }, { kind: "EchoReply" }]);
    expect(bench.events).toEqual([]);
  });

  test("no call by callDeadlineMs: Stop-Control-Connection-Request 1 and close (G-06)", () => {
    const bench = new Bench().established().pass(control.callDeadlineMs - 1);
    expect(bench.sent).toEqual([]);
    bench.pass(1);
    expect(bench.sent).toEqual([{ kind: "StopControlConnectionRequest", reason: 1 }]);
    expect(bench.told).toEqual([{ kind: "Close", cause: "control-timeout" }]);
  });

  test("the same again after its last call", () => {
    const bench = new Bench().established().receive("OutgoingCallRequest").accept(1);
    bench.connection.noteAuthenticated(bench.at);
    bench.pass(50_000).receive("CallClearRequest").forget();
    bench.pass(control.callDeadlineMs - 1);
    expect(bench.told).toEqual([]);
    bench.pass(1);
    expect(bench.told).toEqual([{ kind: "Close", cause: "control-timeout" }]);
  });

  test("calls, but none authenticated by authenticatedDeadlineMs: Stop 1 and close", () => {
    const bench = new Bench().established().receive("OutgoingCallRequest").accept(1).forget();
    bench.pass(control.authenticatedDeadlineMs - 1);
    expect(bench.told).toEqual([]);
    bench.pass(1);
    expect(bench.sent.map(({ kind }) => kind)).toContain("StopControlConnectionRequest");
    expect(bench.told).toEqual([
      { kind: "CallEnded", callId: 1, cause: "control-timeout" },
      { kind: "Close", cause: "control-timeout" },
    ]);
  });

  test("authenticated lifts it for good", () => {
    const bench = new Bench().established().receive("OutgoingCallRequest").accept(1).forget();
    bench.connection.noteAuthenticated(bench.at);
    bench.pass(control.authenticatedDeadlineMs + 1);
    expect(bench.told).toEqual([]);
  });

  test("opened: no SCCRP within the RFC's minute", () => {
    const bench = new Bench({ side: "opened" }).forget().pass(control.replyMs - 1);
    expect(bench.told).toEqual([]);
    bench.pass(1);
    expect(bench.told).toEqual([{ kind: "Close", cause: "control-timeout" }]);
  });

  test("the daemon's own bounds are taken where the policy has them", () => {
    const bench = new Bench({ limits: { ...control, startDeadlineMs: 7 } }).pass(7);
    expect(bench.told).toEqual([{ kind: "Close", cause: "control-timeout" }]);
  });
});

describe("echo", () => {
  function quiet(): Bench {
    return new Bench({ side: "opened" }).established();
  }

  test("asked: answered with the same Identifier", () => {
    const bench = quiet().receive("EchoRequest", { identifier: 0xfffffffe });
    const identifier = 0xfffffffe;
    expect(bench.sent).toEqual([{ kind: "EchoReply", identifier, resultCode: 1, errorCode: 0 }]);
  });

  test("after echoIdleMs without a message we ask; unanswered for echoReplyMs: closed", () => {
    const bench = quiet().pass(30_000).receive("EchoRequest").forget();
    bench.pass(control.echoIdleMs - 1);
    expect(bench.sent).toEqual([]);
    bench.pass(1);
    expect(bench.sent).toMatchObject([{ kind: "EchoRequest" }]);
    bench.pass(control.echoReplyMs - 1);
    expect(bench.told).toEqual([]);
    bench.pass(1);
    expect(bench.told).toEqual([{ kind: "Close", cause: "control-timeout" }]);
  });

  test("answered: silence is counted anew, and the next one has another Identifier", () => {
    const bench = quiet().pass(control.echoIdleMs);
    const [first] = bench.sent;
    const identifier = first?.kind === "EchoRequest" ? first.identifier : -1;
    bench.receive("EchoReply", { identifier }).pass(control.echoReplyMs - 1);
    expect(bench.events).toEqual([]);
    bench.pass(1);
    expect(bench.sent).toEqual([
      { kind: "EchoRequest", identifier },
      { kind: "EchoRequest", identifier: identifier + 1 },
    ]);
  });

  test("an Echo-Reply nobody asked for, or of another Identifier, moves no timer (G-07)", () => {
    const bench = quiet().receive("EchoReply", { identifier: 1 });
    bench.pass(control.echoIdleMs).receive("EchoReply", { identifier: 77 });
    expect(bench.noted).toEqual(["EchoRP unasked", "EchoRP unasked"]);
    bench.pass(control.echoReplyMs);
    expect(bench.told).toEqual([{ kind: "Close", cause: "control-timeout" }]);
  });
});

describe("stop", () => {
  test("the peer's: answered, calls ended, closed", () => {
    const bench = new Bench().established().receive("OutgoingCallRequest").accept(1).forget();
    bench.receive("StopControlConnectionRequest");
    expect(bench.sent).toEqual([
      { kind: "StopControlConnectionReply", resultCode: 1, errorCode: 0 },
    ]);
    expect(bench.told).toEqual([
      { kind: "CallEnded", callId: 1, cause: "control-stopped" },
      { kind: "Close", cause: "control-stopped" },
    ]);
    expect(bench.ledger.size).toBe(0);
  });

  test.each([
    ["shutdown", 3],
    ["administrator", 1],
  ] as const)("ours, %s: calls told, Stop %d, then its reply closes", (cause, reason) => {
    const bench = new Bench().established().receive("OutgoingCallRequest").accept(1).forget();
    bench.connection.stop(cause, bench.at);
    bench.connection.stop(cause, bench.at);
    bench.drain();
    expect(bench.sent).toMatchObject([
      { kind: "CallDisconnectNotify", callId: 1, resultCode: 3 },
      { kind: "StopControlConnectionRequest", reason },
    ]);
    expect(bench.told).toEqual([{ kind: "CallEnded", callId: 1, cause }]);
    expect(bench.connection.state).toBe("wait_stop_reply");
    bench.forget().receive("EchoRequest").receive("OutgoingCallRequest");
    expect([...bench.sent, ...bench.told]).toEqual([]);
    bench.receive("StopControlConnectionReply");
    expect(bench.told).toEqual([{ kind: "Close", cause }]);
  });

  test("ours, unanswered for stopReplyMs: closed all the same", () => {
    const bench = new Bench().established();
    bench.connection.stop("shutdown", bench.at);
    bench.pass(control.stopReplyMs - 1);
    expect(bench.told).toEqual([]);
    bench.pass(1);
    expect(bench.told).toEqual([{ kind: "Close", cause: "shutdown" }]);
  });

  test("both at once: the peer's is answered, and ours is why", () => {
    const bench = new Bench().established();
    bench.connection.stop("shutdown", bench.at);
    bench.forget().receive("StopControlConnectionRequest");
    expect(bench.sent).toMatchObject([
      { kind: "StopControlConnectionRequest" },
      { kind: "StopControlConnectionReply" },
    ]);
    expect(bench.told).toEqual([{ kind: "Close", cause: "shutdown" }]);
  });

  test("before anything was said: closed without a word", () => {
    const bench = new Bench();
    bench.connection.stop("shutdown", bench.at);
    bench.drain();
    expect(bench.told).toEqual([{ kind: "Close", cause: "shutdown" }]);
    expect(bench.sent).toEqual([]);
  });

  test("after the end every input is nothing", () => {
    const bench = new Bench().established().receive("OutgoingCallRequest");
    bench.connection.handleClosed(bench.at);
    bench.drain();
    bench.forget();
    const { connection, at } = bench;
    connection.handleClosed(at);
    connection.handleTimeout(at);
    connection.acceptCall(1, at);
    connection.refuseCall(1, "busy", at);
    connection.clearCall(1, "shutdown", at);
    connection.handleUnsent(1_000_000, at);
    connection.stop("shutdown", at);
    connection.abandon(at);
    connection.start(at);
    connection.sendSetLinkInfo(1);
    expect(connection.placeCall(at)).toBeUndefined();
    expect(connection.offerCall(at)).toBeUndefined();
    bench.receive("EchoRequest");
    expect([...bench.events, ...bench.sent]).toEqual([]);
  });
});

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

describe("two of ours", () => {
  test("connect, place and offer a call, clear them, stop: both ends empty", () => {
    const server = new Bench({ takeIncomingCalls: true });
    const client = new Bench({ side: "opened", takeIncomingCalls: true });
    const carry = () => {
      for (;;) {
        const toServer = client.sent.splice(0).map(encodeControlMessage);
        const toClient = server.sent.splice(0).map(encodeControlMessage);
        if (toServer.length + toClient.length === 0) return;
        server.octets(...toServer);
        client.octets(...toClient);
      }
    };
    carry();
    const placed = client.connection.placeCall(client.at, { number: "5551" })!;
    const offered = client.connection.offerCall(client.at)!;
    client.drain();
    carry();
    const asked = server.events.flatMap((event) =>
      event.kind === "CallAsked" ? [event.terms] : [],
    );
    expect(asked).toMatchObject([
      { role: "PAC", number: "5551", peersCallId: placed, peersWindow: 64 },
      { role: "PNS", peersCallId: offered },
    ]);
    for (const { callId } of asked) server.accept(callId);
    carry();
    const up = client.events.flatMap((event) => (event.kind === "CallUp" ? [event.terms] : []));
    expect(up).toMatchObject([
      { callId: placed, peersCallId: asked[0]!.callId, role: "PNS", peersWindow: 64 },
      { callId: offered, peersCallId: asked[1]!.callId, role: "PAC", peersWindow: 64 },
    ]);
    client.connection.sendSetLinkInfo(placed);
    client.connection.clearCall(placed, "administrator", client.at);
    client.connection.clearCall(offered, "administrator", client.at);
    client.drain();
    carry();
    const all = (bench: Bench) =>
      bench.events.filter(({ kind }) => kind === "CallEnded" || kind === "LinkInfo");
    expect(all(client)).toEqual([
      { kind: "CallEnded", callId: offered, cause: "administrator" },
      { kind: "CallEnded", callId: placed, cause: "administrator" },
    ]);
    const accm = 0xffffffff;
    expect(all(server)).toEqual([
      { kind: "LinkInfo", callId: asked[0]!.callId, sendAccm: accm, receiveAccm: accm },
      { kind: "CallEnded", callId: asked[0]!.callId, cause: "call-cleared" },
      { kind: "CallEnded", callId: asked[1]!.callId, cause: "call-cleared" },
    ]);
    client.connection.stop("shutdown", client.at);
    client.drain();
    carry();
    expect(client.events.at(-1)).toEqual({ kind: "Close", cause: "shutdown" });
    expect(server.events.at(-1)).toEqual({ kind: "Close", cause: "control-stopped" });
    expect([client.ledger.size, server.ledger.size]).toEqual([0, 0]);
  });
});

test("octets before the TCP connection we open is ours to use: closed", () => {
  const bench = new Bench();
  const connection = new ControlConnection({
    policy: { ...testPolicy, side: "opened" },
    leaseCallId: () => undefined,
    localAddress: 1,
    peerAddress: 2,
    scope: bench.scope,
    now: instant(0),
  });
  connection.handleOctets(sampleOctets("StartControlConnectionRequest"), instant(0));
  expect(connection.pollTransmit()).toBeUndefined();
  expect(connection.pollEvent()).toEqual({ kind: "Close", cause: "control-malformed" });
});
