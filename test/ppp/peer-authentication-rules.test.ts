// PAP and the three CHAPs as the end that logs in, against a server written packet by packet.
import { describe, expect, test } from "vitest";
import { toHex } from "../../src/base/hex.js";
import type { AuthenticationMethod } from "../../src/core/access/ports.js";
import type { PppPolicy } from "../../src/core/ppp/ports.js";
import { authenticatorResponse, ntPasswordHash } from "../../src/crypto/ms-chap.js";
import { ppp } from "../../src/limits.js";
import {
  ChapCode,
  decodeMsChapV2Response,
  decodeValueAndName,
  encodeValueAndName,
} from "../../src/wire/ppp/chap.js";
import { PapCode } from "../../src/wire/ppp/pap.js";
import { Protocol } from "../../src/wire/ppp/protocols.js";
import { CREDENTIALS } from "./pair.js";
import { Scripted } from "./scripted.js";

const { chap, pap } = Protocol;
const text = new TextEncoder();
const plain = (method: AuthenticationMethod): Partial<PppPolicy> => ({
  authentication: [method],
  encryption: { require: false, bits: [], stateful: false },
});
const _response = (size: number, name: Uint8Array) =>
  encodeValueAndName({ value: new Uint8Array(size), name });
const _asked = (peer: Scripted) => peer.end.all("AuthenticationAsked").length;

describe("the end that is challenged", () => {
  const challenge = (octets: number, seed = 0) =>
    encodeValueAndName({
      value: Uint8Array.from({ length: octets }, (_, i) => (i * 7 + seed) & 255),
      name: text.encode("srv"),
    });
  const success = (peer: Scripted, data: string, identifier = peer.last(chap).identifier) =>
    peer.packet(chap, ChapCode.success, identifier, text.encode(data));
  const proof = (peer: Scripted) => {
    const read = decodeValueAndName(peer.last(chap).data);
    const v2 = read.ok ? decodeMsChapV2Response(read.value.value) : read;
    if (!v2.ok) throw new Error(v2.field);
    const value = decodeValueAndName(challenge(16));
    return authenticatorResponse(
      ntPasswordHash(CREDENTIALS.password),
      v2.value.ntResponse,
      v2.value.peerChallenge,
      value.ok ? value.value.value : new Uint8Array(),
      CREDENTIALS.name,
    );
  };
  const open = () =>
    new Scripted("peer").openLcp().packet(chap, ChapCode.challenge, 9, challenge(16));

  test("answers, repeats its answer until it is told, and proves itself once", () => {
    const peer = open().wait(6_000);
    const responses = peer.sent(chap);
    expect(responses.length).toBe(3);
    expect(new Set(responses.map(({ data }) => toHex(data))).size).toBe(1);
    // The same Challenge again: the same Response, not a new peer challenge.
    peer.packet(chap, ChapCode.challenge, 9, challenge(16));
    expect(toHex(peer.last(chap).data)).toBe(toHex(responses[0]!.data));
    success(peer, `S=${proof(peer)} M=welcome`);
    expect(peer.end.last("Authenticated")).toMatchObject({ method: "ms-chap-v2", name: "vpn" });
    success(peer, `S=${proof(peer)}`);
    expect(peer.end.all("Authenticated").length).toBe(1);
  });

  test("Windows sends S= without M=, and in lower case by no rule: both are read", () => {
    const windows = open();
    success(windows, `S=${proof(windows)}`);
    expect(windows.end.all("Authenticated").length).toBe(1);
    const lower = open();
    success(lower, `S=${proof(lower).toLowerCase()}`);
    expect(lower.end.all("Authenticated").length).toBe(1);
  });

  const lies: [string, (right: string) => string][] = [
    ["nothing", () => ""],
    ["a message alone", () => "M=welcome"],
    [
      "another proof",
      (right) => `S=${right.replace(/./g, (digit) => (digit === "0" ? "1" : "0"))}`,
    ],
    ["one digit too few", (right) => `S=${right.slice(1)}`],
    ["one digit too many", (right) => `S=${right}0`],
    ["the proof inside a message", (right) => `M=xS=${right}`],
  ];
  test.each(lies)("Success with %s: server-not-proven, before anything else", (_what, lie) => {
    const peer = open();
    success(peer, lie(proof(peer)));
    expect(peer.end.all("Authenticated")).toEqual([]);
    expect(peer.wait(10_000).end.ended).toBe("server-not-proven");
    expect(peer.end.all("EncryptionUp")).toEqual([]);
  });

  test("Success before we answered, or to another Identifier: dropped", () => {
    const early = new Scripted("peer").openLcp();
    early.packet(chap, ChapCode.success, 1, text.encode("S="));
    expect(early.count("authentication-unexpected")).toBe(1);
    const other = open();
    success(other, `S=${proof(other)}`, 10);
    expect(other.end.all("Authenticated")).toEqual([]);
    expect(other.end.session.snapshot().phase).toBe("authenticate");
  });

  test.each([0, 1, 8, 15, 17, 255])("a Challenge of %i octets is malformed", (octets) => {
    const peer = new Scripted("peer").openLcp();
    const data = octets === 0 ? Uint8Array.of(0) : challenge(octets);
    peer.packet(chap, ChapCode.challenge, 1, data);
    expect(peer.sent(chap)).toEqual([]);
    expect(peer.count("authentication-malformed")).toBe(1);
  });

  test.each([
    ["E=691 R=1 C=00112233445566778899AABBCCDDEEFF V=3 M=no", 691],
    ["E=649 R=0", 649],
    ["E=648 R=1 V=3", 648],
    ["E=999 R=1", 691],
    ["", 691],
  ] as const)(
    "Failure %j: refused as %i, no second try with the same password",
    (message, code) => {
      const peer = open();
      peer.packet(chap, ChapCode.failure, 9, text.encode(message));
      expect(peer.end.last("AuthenticationRefused")).toMatchObject({ code });
      expect(peer.sent(chap).length).toBe(1);
      expect(peer.wait(10_000).end.ended).toBe("authentication-failed");
    },
  );

  test("Failure that says to try again later: nothing is said of the password", () => {
    const peer = open();
    const message = "E=691 R=0 C=00112233445566778899AABBCCDDEEFF V=3 M=Try again later";
    peer.packet(chap, ChapCode.failure, 9, text.encode(message));
    expect(peer.end.all("AuthenticationRefused")).toEqual([]);
    expect(peer.wait(10_000).end.ended).toBe("authentication-unavailable");
  });

  test("challenged again in the network phase: answered, proven again, keys as they were", () => {
    const peer = open();
    success(peer, `S=${proof(peer)}`);
    peer.packet(chap, ChapCode.challenge, 10, challenge(16, 3));
    expect(peer.last(chap).identifier).toBe(10);
    expect(peer.end.session.snapshot().phase).toBe("network");
    success(peer, "S=0000000000000000000000000000000000000000");
    expect(peer.wait(10_000).end.ended).toBe("server-not-proven");
  });

  test("the domain in front of a name is no part of the hash", () => {
    const peer = new Scripted("peer", {}, { name: "CORP\\vpn", password: CREDENTIALS.password });
    peer.openLcp().packet(chap, ChapCode.challenge, 9, challenge(16));
    success(peer, `S=${proof(peer)}`);
    expect(peer.end.all("Authenticated").length).toBe(1);
  });

  test("PAP: repeated ten times at most, each with an Identifier of its own", () => {
    const peer = new Scripted("peer", plain("pap"));
    peer.openLcp(peer.peersLcp("pap")).wait(60_000);
    const requests = peer.sent(pap);
    expect(requests.length).toBe(ppp.configureMax);
    expect(new Set(requests.map(({ identifier }) => identifier)).size).toBe(ppp.configureMax);
    expect(peer.end.ended).toBe("phase-timeout");
  });

  test("PAP: Nak ends it; an answer to another Identifier does not", () => {
    const peer = new Scripted("peer", plain("pap"));
    peer.openLcp(peer.peersLcp("pap"));
    peer.packet(pap, PapCode.authenticateAck, 99);
    expect(peer.end.all("Authenticated")).toEqual([]);
    peer.packet(pap, PapCode.authenticateNak, peer.last(pap).identifier, Uint8Array.of(0));
    expect(peer.wait(10_000).end.ended).toBe("authentication-failed");
  });

  test("without credentials there is nothing to answer with", () => {
    const peer = new Scripted("peer", {}, undefined).openLcp();
    expect(peer.end.ended).toBeUndefined();
    expect(peer.wait(10_000).end.ended).toBe("authentication-failed");
  });
});
