import { describe, expect, test } from "vitest";
import { Bench, sampleOctets, testPolicy } from "../../../test/control-peer.js";
import { instant } from "../../base/instant.js";
import { control } from "../../limits.js";
import { encodeControlMessage } from "../../wire/pptp/index.js";
import { ControlConnection } from "./control-connection.js";

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
