// PAP and the three CHAPs, in both roles, against a peer written packet by packet.
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../src/base/hex.js";
import type { AuthenticationMethod, FailureCode, Verdict } from "../../src/core/access/ports.js";
import type { PppPolicy } from "../../src/core/ppp/ports.js";
import { access, ppp } from "../../src/limits.js";
import {
  ChapCode,
  decodeMsChapFailure,
  decodeValueAndName,
  encodeValueAndName,
} from "../../src/wire/ppp/chap.js";
import { LcpCode } from "../../src/wire/ppp/lcp.js";
import { encodeAuthenticateRequest, PapCode } from "../../src/wire/ppp/pap.js";
import { Protocol } from "../../src/wire/ppp/protocols.js";
import { ACCOUNT, CREDENTIALS } from "./pair.js";
import { Scripted } from "./scripted.js";

const { chap, pap, lcp, eap } = Protocol;
const text = new TextEncoder();
const plain = (method: AuthenticationMethod): Partial<PppPolicy> => ({
  authentication: [method],
  encryption: { require: false, bits: [], stateful: false },
});
const response = (size: number, name: Uint8Array) =>
  encodeValueAndName({ value: new Uint8Array(size), name });
const asked = (peer: Scripted) => peer.end.all("AuthenticationAsked").length;

describe("MS-CHAPv2, the end that challenges", () => {
  test("16 octets and our name, repeated every 3 s with the same Identifier", () => {
    const peer = new Scripted("authenticator").openLcp().wait(6_000);
    const challenges = peer.sent(chap);
    expect(challenges.length).toBe(3);
    const read = decodeValueAndName(challenges[0]!.data);
    expect(read.ok && read.value.value.length).toBe(16);
    expect(read.ok && new TextDecoder().decode(read.value.name)).toBe("holdfast");
    expect(new Set(challenges.map(({ data }) => toHex(data))).size).toBe(1);
    expect(new Set(challenges.map(({ identifier }) => identifier)).size).toBe(1);
  });

  test("no answer: the phase's time ends it", () => {
    const peer = new Scripted("authenticator").openLcp().wait(40_000);
    expect(peer.end.ended).toBe("phase-timeout");
    expect(peer.sent(chap).length).toBeLessThanOrEqual(ppp.configureMax);
  });

  test("Success carries S= and a message; a repeated Response gets the same", () => {
    const peer = new Scripted("authenticator").openLcp().respond();
    expect(peer.sent(chap).at(-1)!.code).toBe(ChapCode.challenge);
    peer.respond(); // while the backend thinks: nothing
    expect(asked(peer)).toBe(1);
    peer.verdict();
    const success = peer.last(chap);
    expect(success.code).toBe(ChapCode.success);
    expect(new TextDecoder().decode(success.data)).toMatch(/^S=[0-9A-F]{40} M=Access granted$/);
    peer.respond();
    expect(
      peer
        .sent(chap)
        .slice(-2)
        .map(({ data }) => toHex(data)),
    ).toEqual([toHex(success.data), toHex(success.data)]);
    expect(asked(peer)).toBe(1);
  });

  test("a Response with another Identifier is dropped", () => {
    const peer = new Scripted("authenticator").openLcp();
    const { identifier } = peer.last(chap);
    peer.respond(undefined, undefined, (identifier + 1) & 255);
    expect(asked(peer)).toBe(0);
    expect(peer.count("authentication-unexpected")).toBe(1);
  });

  test("wrong, wrong, wrong: two retries with new challenges, then the end", () => {
    const peer = new Scripted("authenticator").openLcp();
    const challenges = new Set<string>();
    let challenge: Uint8Array = (() => {
      const read = decodeValueAndName(peer.last(chap).data);
      return read.ok ? read.value.value.slice() : new Uint8Array();
    })();
    let { identifier } = peer.last(chap);
    for (let tries = 1; tries <= 3; tries++) {
      challenges.add(toHex(challenge));
      peer.respondTo(challenge, identifier, "wrong", "vpn").verdict();
      const failure = peer.last(chap);
      expect(failure.code).toBe(ChapCode.failure);
      expect(failure.identifier).toBe(identifier);
      expect(new TextDecoder().decode(failure.data)).toMatch(
        tries < 3
          ? /^E=691 R=1 C=[0-9A-F]{32} V=3 M=Access denied$/
          : /^E=691 R=0 C=[0-9A-F]{32} V=3 M=Access denied$/,
      );
      // The same Response again gets the same Failure.
      peer.respondTo(challenge, identifier, "wrong", "vpn");
      expect(toHex(peer.last(chap).data)).toBe(toHex(failure.data));
      challenge = decodeMsChapFailure(failure.data).challenge!;
      identifier = (identifier + 1) & 255;
    }
    expect(challenges.size).toBe(3);
    expect(asked(peer)).toBe(3);
    expect(peer.end.all("AuthenticationRefused").length).toBe(3);
    expect(peer.last(lcp).code).toBe(LcpCode.terminateRequest);
    expect(peer.wait(10_000).end.ended).toBe("authentication-failed");
  });

  test("wrong, then right with C as challenge and the next Identifier", () => {
    const peer = new Scripted("authenticator").openLcp().respond("wrong").verdict();
    const failure = peer.last(chap);
    const { challenge } = decodeMsChapFailure(failure.data);
    peer.respondTo(challenge!, failure.identifier + 1, CREDENTIALS.password, "vpn").verdict();
    expect(peer.last(chap).code).toBe(ChapCode.success);
    expect(peer.end.last("Authenticated")).toMatchObject({ name: "vpn" });
  });

  test("the old challenge is worth nothing after a Failure", () => {
    const peer = new Scripted("authenticator").openLcp().respond("wrong").verdict();
    const { identifier } = peer.last(chap);
    peer.respond(undefined, undefined, identifier + 1).verdict();
    expect(peer.last(chap).code).toBe(ChapCode.failure);
  });

  test.each([646, 647, 648, 649] as FailureCode[])("verdict %i: told, and no retry", (code) => {
    const peer = new Scripted("authenticator").openLcp().respond();
    const { generation } = peer.end.last("AuthenticationAsked")!;
    peer.act((session) => session.handleVerdict(generation, { ok: false, code }, peer.now));
    expect(new TextDecoder().decode(peer.last(chap).data)).toMatch(new RegExp(`^E=${code} R=0 C=`));
    expect(peer.wait(10_000).end.ended).toBe("authentication-failed");
    expect(peer.end.last("AuthenticationRefused")).toMatchObject({ code });
  });

  test("no verdict within the backend's time: told 691, ended as unavailable", () => {
    const peer = new Scripted("authenticator").openLcp().respond().wait(access.backendDeadlineMs);
    expect(new TextDecoder().decode(peer.last(chap).data)).toMatch(
      /^E=691 R=0 .* M=Try again later$/,
    );
    peer.verdict();
    expect(peer.count("stale-verdict")).toBe(1);
    expect(peer.end.all("Authenticated")).toEqual([]);
    expect(peer.wait(10_000).end.ended).toBe("authentication-unavailable");
    expect(peer.end.all("AuthenticationRefused")).toEqual([]);
  });

  test("a verdict of another generation, or a second one, is dropped", () => {
    const peer = new Scripted("authenticator").openLcp().respond();
    const { generation } = peer.end.last("AuthenticationAsked")!;
    const verdict: Verdict = { ok: true, account: ACCOUNT };
    peer.act((session) => session.handleVerdict(generation + 1, verdict, peer.now));
    peer.act((session) => session.handleVerdict(generation - 1, verdict, peer.now));
    expect(peer.end.all("Authenticated")).toEqual([]);
    peer.verdict().verdict();
    expect(peer.count("stale-verdict")).toBe(3);
    expect(peer.end.all("Authenticated").length).toBe(1);
  });

  test("a yes without the proof for the peer is a backend that could not answer", () => {
    const peer = new Scripted("authenticator").openLcp().respond();
    const { generation } = peer.end.last("AuthenticationAsked")!;
    const verdict: Verdict = { ok: true, account: ACCOUNT };
    peer.act((session) => session.handleVerdict(generation, verdict, peer.now));
    expect(peer.wait(10_000).end.ended).toBe("authentication-unavailable");
  });

  test.each([0, 1, 15, 16, 48, 50, 255])(
    "a value of %i octets: refused without a backend",
    (size) => {
      const peer = new Scripted("authenticator").openLcp();
      const { identifier } = peer.last(chap);
      const data =
        size === 0 ? Uint8Array.of(0, ...text.encode("User")) : response(size, text.encode("User"));
      peer.packet(chap, ChapCode.response, identifier, data);
      expect(asked(peer)).toBe(0);
      const failures = peer.sent(chap).filter(({ code }) => code === ChapCode.failure);
      expect(failures.length).toBe(size === 0 ? 0 : 1);
    },
  );

  const names: [string, Uint8Array][] = [
    ["empty", new Uint8Array()],
    ["257 octets", new Uint8Array(257).fill(0x41)],
    ["1024 octets", new Uint8Array(1_024).fill(0x41)],
    ["a NUL", text.encode("us\0er")],
    ["a newline", text.encode("user\n")],
    ["a C1 control", text.encode("user\u0085")],
    ["half a character", Uint8Array.of(0xc3)],
    ["a surrogate", Uint8Array.of(0xed, 0xa0, 0x80)],
  ];
  test.each(names)("a name that is %s: refused as any other, without a backend", (_what, name) => {
    const peer = new Scripted("authenticator").openLcp();
    peer.packet(chap, ChapCode.response, peer.last(chap).identifier, response(49, name));
    expect(asked(peer)).toBe(0);
    expect(new TextDecoder().decode(peer.last(chap).data)).toMatch(/^E=691 R=1 /);
    const { name: shown } = peer.end.last("AuthenticationRefused")!;
    expect(/\p{Cc}/u.test(shown)).toBe(false);
    expect(shown.length).toBeLessThanOrEqual(600);
  });

  test("a name of 256 octets, or in any script, reaches the backend as it is", () => {
    for (const name of ["x".repeat(256), "Jürgen", "\uFEFFvpn", "DOMAIN\\user", "用户"]) {
      const peer = new Scripted("authenticator").openLcp();
      peer.packet(
        chap,
        ChapCode.response,
        peer.last(chap).identifier,
        response(49, text.encode(name)),
      );
      expect(peer.end.last("AuthenticationAsked")!.name).toBe(name);
    }
  });

  test("the proof is a copy: the packet's buffer is the caller's", () => {
    const peer = new Scripted("authenticator").openLcp();
    const data = response(49, text.encode("vpn"));
    const packet = Uint8Array.of(ChapCode.response, peer.last(chap).identifier, 0, 57, ...data);
    packet[3] = packet.length;
    peer.raw(chap, packet);
    packet.fill(0xff);
    const { proof } = peer.end.last("AuthenticationAsked")!;
    expect(proof.method === "ms-chap-v2" && toHex(proof.ntResponse)).toBe("00".repeat(24));
  });

  test("Change-Password: refused, whatever its size", () => {
    const peer = new Scripted("authenticator").openLcp();
    const { identifier } = peer.last(chap);
    peer.packet(chap, ChapCode.changePasswordV3, identifier, new Uint8Array(581));
    peer.packet(chap, ChapCode.changePasswordV3, identifier + 1, new Uint8Array(582));
    expect(peer.sent(chap).length).toBe(1);
    peer.packet(chap, ChapCode.changePasswordV3, identifier, new Uint8Array(582));
    expect(new TextDecoder().decode(peer.last(chap).data)).toMatch(/^E=709 R=0 /);
    expect(asked(peer)).toBe(0);
    expect(peer.wait(10_000).end.ended).toBe("authentication-failed");
  });

  test("a Challenge, Success or Failure from the peer means nothing to us", () => {
    const peer = new Scripted("authenticator").openLcp();
    for (const code of [1, 3, 4, 5, 6, 9])
      peer.packet(chap, code, 1, response(16, text.encode("x")));
    expect(peer.count("authentication-unexpected")).toBe(6);
    expect(peer.sent(chap).length).toBe(1);
  });
});

describe("MS-CHAPv1 and CHAP-MD5, the end that challenges", () => {
  test("MS-CHAPv1: 8 octets; refused with E= R= C= V=", () => {
    const peer = new Scripted("authenticator", plain("ms-chap-v1")).openLcp();
    const read = decodeValueAndName(peer.last(chap).data);
    expect(read.ok && read.value.value.length).toBe(8);
    peer.packet(
      chap,
      ChapCode.response,
      peer.last(chap).identifier,
      response(49, text.encode("vpn")),
    );
    peer.verdict();
    expect(new TextDecoder().decode(peer.last(chap).data)).toMatch(
      /^E=691 R=1 C=[0-9A-F]{16} V=2 M=Access denied$/,
    );
  });

  test("CHAP-MD5: 16 octets; one try", () => {
    const peer = new Scripted("authenticator", plain("chap-md5")).openLcp();
    peer.packet(
      chap,
      ChapCode.response,
      peer.last(chap).identifier,
      response(16, text.encode("vpn")),
    );
    peer.verdict();
    expect(peer.last(chap).code).toBe(ChapCode.failure);
    expect(peer.wait(10_000).end.ended).toBe("authentication-failed");
  });

  test.each([
    ["chap-md5", 49],
    ["chap-md5", 15],
    ["ms-chap-v1", 16],
    ["ms-chap-v1", 48],
  ] as const)("%s, a value of %i octets: refused without a backend", (method, size) => {
    const peer = new Scripted("authenticator", plain(method)).openLcp();
    peer.packet(
      chap,
      ChapCode.response,
      peer.last(chap).identifier,
      response(size, text.encode("v")),
    );
    expect(asked(peer)).toBe(0);
    expect(peer.last(chap).code).toBe(ChapCode.failure);
  });
});

describe("PAP, the end that is shown a password", () => {
  const request = (name: string, password: string) =>
    encodeAuthenticateRequest({ peerId: text.encode(name), password: text.encode(password) });

  test("right: Ack; a repeated request, in the network phase too, gets the same", () => {
    const peer = new Scripted("authenticator", plain("pap")).openLcp();
    peer.packet(pap, PapCode.authenticateRequest, 1, request("vpn", CREDENTIALS.password));
    // pppd numbers its retransmissions anew: the answer goes to the last.
    peer.packet(pap, PapCode.authenticateRequest, 2, request("vpn", CREDENTIALS.password));
    peer.verdict();
    expect(peer.sent(pap).map(({ code, identifier }) => [code, identifier])).toEqual([[2, 2]]);
    peer.packet(pap, PapCode.authenticateRequest, 3, request("vpn", "anything"));
    expect(peer.last(pap)).toMatchObject({ code: PapCode.authenticateAck, identifier: 3 });
    expect(asked(peer)).toBe(1);
  });

  test("wrong three times: Nak each time, then the end", () => {
    const peer = new Scripted("authenticator", plain("pap")).openLcp();
    for (let tries = 1; tries <= 3; tries++) {
      peer.packet(pap, PapCode.authenticateRequest, tries, request("vpn", "wrong")).verdict();
      expect(peer.last(pap)).toMatchObject({ code: PapCode.authenticateNak, identifier: tries });
    }
    expect(peer.wait(10_000).end.ended).toBe("authentication-failed");
    expect(peer.end.all("AuthenticationRefused").length).toBe(3);
  });

  test("lengths that lie: dropped, no backend", () => {
    const peer = new Scripted("authenticator", plain("pap")).openLcp();
    for (const hex of ["", "04", "04757365", "0475736572", "0475736572ff", "ff757365720170"]) {
      peer.packet(pap, PapCode.authenticateRequest, 1, fromHex(hex)!);
    }
    expect(peer.count("authentication-malformed")).toBe(6);
    expect([asked(peer), peer.sent(pap).length]).toEqual([0, 0]);
  });

  test("PAP gives no keys: with encryption required there is no session", () => {
    const policy = {
      ...plain("pap"),
      encryption: { require: true, bits: [128 as const], stateful: false },
    };
    const peer = new Scripted("authenticator", policy).openLcp();
    peer
      .packet(pap, PapCode.authenticateRequest, 1, request("vpn", CREDENTIALS.password))
      .verdict();
    expect(peer.end.notes).toContain("encryption-without-keys");
    expect(peer.end.all("AddressesAsked")).toEqual([]);
    expect(peer.wait(10_000).end.ended).toBe("encryption-refused");
  });
});

describe("a protocol that was not agreed on is rejected, never parsed", () => {
  test.each([
    ["PAP", pap],
    ["EAP", eap],
    ["CBCP", Protocol.cbcp],
    ["Multilink", Protocol.multilink],
  ] as const)("%s", (_name, protocol) => {
    const peer = new Scripted("authenticator").openLcp();
    peer.raw(protocol, Uint8Array.of(2, 1, 0, 9, 1, 0x75, 0x73, 0x65, 0x72));
    const reject = peer.last(lcp);
    expect(reject.code).toBe(LcpCode.protocolReject);
    expect(toHex(reject.data)).toBe(`${protocol.toString(16).padStart(4, "0")}020100090175736572`);
    // At most one a second.
    peer.raw(protocol, new Uint8Array(100));
    expect(peer.last(lcp)).toEqual(reject);
    expect(peer.end.session.snapshot().phase).toBe("authenticate");
  });

  test("before LCP is Opened: silence", () => {
    const peer = new Scripted("authenticator");
    for (const protocol of [pap, chap, eap, Protocol.ccp, Protocol.ipcp, Protocol.ipv4, 0x4021]) {
      peer.raw(protocol, Uint8Array.of(1, 1, 0, 4));
    }
    expect(peer.count("before-lcp-opened")).toBe(7);
    expect(peer.end.sent.length).toBe(1);
  });

  test("network protocols and data before the network phase: silence", () => {
    const peer = new Scripted("authenticator").openLcp();
    const before = peer.end.sent.length;
    for (const protocol of [Protocol.ccp, Protocol.ipcp, Protocol.ipv6cp]) {
      peer.raw(protocol, Uint8Array.of(1, 1, 0, 4));
    }
    for (const protocol of [Protocol.ipv4, Protocol.ipv6, Protocol.compressed]) {
      peer.raw(protocol, new Uint8Array(40));
    }
    expect([peer.count("before-network-phase"), peer.count("data-in-control")]).toEqual([3, 3]);
    expect(peer.end.sent.length).toBe(before);
    expect(peer.end.ended).toBeUndefined();
  });
});
