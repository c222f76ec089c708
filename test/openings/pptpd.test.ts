// What a pptpd 1.4.0 says and does, seen by running it (test/interop/pptpd.test.ts has the real one), to our
// client: each quirk leaves a call that goes on, or an end with nothing held.
import { expect, test } from "vitest";
import { sampleOctets } from "../control-peer.js";
import { Rogue } from "../hostile/rogue.js";

/** Framing and bearer of none, one channel. */
const sccrp = sampleOctets("StartControlConnectionReply", {
  resultCode: 1,
  framingCapabilities: 0,
  bearerCapabilities: 0,
  maximumChannels: 1,
  firmwareRevision: 1,
  hostName: "local",
  vendorString: "linux",
});
const ocrp = (rogue: Rogue, callId: number) =>
  sampleOctets("OutgoingCallReply", {
    callId,
    peersCallId: rogue.callId,
    resultCode: 1,
    packetRecvWindowSize: 64,
  });
const said = (rogue: Rogue) => rogue.messages.map(({ kind }) => kind);

function called(callId = 128): Rogue {
  const rogue = new Rogue().octets(sccrp);
  expect(said(rogue)).toContain("OutgoingCallRequest");
  rogue.octets(ocrp(rogue, callId));
  expect(rogue.has("CallUp")).toBe(true);
  return rogue;
}

function expectOver(rogue: Rogue): void {
  expect(rogue.cause).toBeDefined();
  expect(rogue.ledger.balance()).toEqual({});
  expect(rogue.client.pollTimeout()).toBeUndefined();
}

test("no framing, no bearer, one channel, our own window echoed: called all the same", () => {
  expectOver(called().fallsSilent().hangsUp());
});

test("Call ID 0, which it gives once its numbers are used up: a call like any other", () => {
  const rogue = called(0);
  rogue.client.stop(rogue.now, "call");
  rogue.fallsSilent().hangsUp();
  expectOver(rogue);
});

test("SCCRP a second time: the call goes on", () => {
  const rogue = called();
  rogue.octets(sccrp);
  expect([rogue.closed, rogue.cause]).toEqual([false, undefined]);
  expectOver(rogue.fallsSilent().hangsUp());
});

test("Echo-Request, by which it finds who is gone: answered by its number", () => {
  const rogue = called();
  rogue.octets(sampleOctets("EchoRequest", { identifier: 0x1234 }));
  expect(rogue.messages.at(-1)).toMatchObject({ kind: "EchoReply", identifier: 0x1234 });
});

test("closed without SCCRP, as once for a version that it did not like: over", () => {
  expectOver(new Rogue().hangsUp());
});

test("Call-Clear-Request answered by a close, without a Call-Disconnect-Notify: over", () => {
  const rogue = called();
  rogue.client.stop(rogue.now, "call");
  rogue.octets(new Uint8Array(0));
  expect(said(rogue)).toContain("CallClearRequest");
  expectOver(rogue.hangsUp());
});

test("Stop-Control-Connection-Reply, then a close: over", () => {
  const rogue = called();
  rogue.client.stop(rogue.now, "control connection");
  rogue.octets(new Uint8Array(0));
  expect(said(rogue)).toContain("StopControlConnectionRequest");
  rogue.octets(sampleOctets("StopControlConnectionReply", { resultCode: 1 })).hangsUp();
  expectOver(rogue);
});

test("open, and silent from its first word on: over by our own deadline", () => {
  expectOver(new Rogue().fallsSilent().hangsUp());
});
