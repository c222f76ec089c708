import { describe, expect, test } from "vitest";
import { toHex } from "../../src/base/hex.js";
import { instant } from "../../src/base/instant.js";
import { chapMd5 } from "../../src/crypto/chap-md5.js";
import { startKeysMsChapV2 } from "../../src/crypto/mppe-keys.js";
import { authenticatorResponse, ntPasswordHash, ntResponseV2 } from "../../src/crypto/ms-chap.js";
import { MppeReceive } from "../../src/plane/mppe-receive.js";
import { ICMP, Ipv4Header, readIpv4 } from "../../src/wire/ipv4.js";
import { coherencyCountOf, FLUSHED, readMppeHeader } from "../../src/wire/mppe.js";
import { CcpCode } from "../../src/wire/ppp/ccp.js";
import {
  ChapCode,
  decodeAuthenticatorResponse,
  decodeValueAndName,
} from "../../src/wire/ppp/chap.js";
import { decodeFrame } from "../../src/wire/ppp/frame.js";
import { LcpCode } from "../../src/wire/ppp/lcp.js";
import { decodeOptions, encodeOptions } from "../../src/wire/ppp/options.js";
import { decodePacket, encodePacket } from "../../src/wire/ppp/packet.js";
import { decodeAuthenticateRequest, decodeMessage, PapCode } from "../../src/wire/ppp/pap.js";
import { Protocol } from "../../src/wire/ppp/protocols.js";
import { agreed, encryptionOf, msChapV2, packetsOf, value } from "./agreement.js";
import { type CapturedCall, type CapturedFrame, readCall, type Side } from "./call.js";

const USER = "vpn";
const PASSWORD = "secret-Pw1";

/** What tshark 4.0.17 counts in each file, protocol by protocol. */
const COUNTED = {
  "pptpd-mppe": { records: 48, tcp: 14, lcp: 8, chap: 3, ccp: 4, ipcp: 6, compressed: 10 },
  "pptpd-stateful": { records: 46, tcp: 14, lcp: 8, chap: 3, ccp: 4, ipcp: 6, compressed: 10 },
  "pptpd-none": { records: 39, tcp: 14, lcp: 6, chap: 3, ipcp: 6, ipv4: 10 },
  "pptpd-chap": { records: 40, tcp: 14, lcp: 6, chap: 3, ipcp: 6, ipv4: 10 },
  "pptpd-pap": { records: 42, tcp: 15, lcp: 6, pap: 2, ipcp: 6, ipv4: 10 },
  "pptpd-mppe-loss": { records: 152, tcp: 14, lcp: 6, chap: 3, ccp: 4, ipcp: 6, compressed: 114 },
  "pptpd-stateful-loss": {
    records: 142,
    tcp: 14,
    lcp: 27,
    chap: 3,
    ccp: 15,
    ipcp: 6,
    compressed: 68,
  },
} as const;
type Name = keyof typeof COUNTED;
const names = Object.keys(COUNTED) as Name[];
const calls = new Map<Name, CapturedCall>(names.map((name) => [name, readCall(name)]));

function checksum(octets: Uint8Array, start: number, end: number): number {
  let sum = 0;
  for (let at = start; at < end; at += 2) {
    sum += (octets[at]! << 8) | (at + 1 < end ? octets[at + 1]! : 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum ^ 0xffff;
}

/** An ICMP echo or its answer, both checksums right: what every capture carries inside. */
function isEcho(octets: Uint8Array, start: number, end: number): boolean {
  const ip = new Ipv4Header();
  if (readIpv4(octets, start, end, ip) !== undefined || ip.protocol !== ICMP) return false;
  const type = octets[ip.payloadStart]!;
  return (type === 0 || type === 8) && checksum(octets, ip.payloadStart, ip.end) === 0;
}

describe.each(names)("%s: every frame is read", (name) => {
  const call = calls.get(name)!;
  const counted: Readonly<Record<string, number>> = COUNTED[name];

  test("as many of each protocol as a foreign reader counts", () => {
    const { records, tcp, ...protocols } = counted;
    expect(call.records).toBe(records);
    expect(call.tcpSegments).toBe(tcp);
    const numbers: Readonly<Record<string, number>> = Protocol;
    const ours = Object.fromEntries(
      Object.keys(protocols).map((key) => [
        key,
        call.frames.filter(({ protocol }) => protocol === numbers[key]).length,
      ]),
    );
    expect(ours).toEqual(protocols);
    const known = Object.values(protocols).reduce((sum, count) => sum + count, 0);
    expect(call.frames).toHaveLength(known);
    expect(call.records - call.tcpSegments).toBe(known + call.loneAcknowledgments);
  });

  test("control: the opening of a call and its end, GRE keyed by the receiver's Call ID", () => {
    const said = call.messages.map(({ from, message }) => `${from} ${message.kind}`);
    expect(said).toEqual([
      "client StartControlConnectionRequest",
      "server StartControlConnectionReply",
      "client OutgoingCallRequest",
      "server OutgoingCallReply",
      "client CallClearRequest",
    ]);
    const [, , request, reply, clear] = call.messages.map(({ message }) => message);
    if (request?.kind !== "OutgoingCallRequest" || reply?.kind !== "OutgoingCallReply") {
      throw new Error("no call");
    }
    expect(reply).toMatchObject({ resultCode: 1, peersCallId: request.callId });
    expect(clear).toMatchObject({ callId: request.callId });
    for (const { from, callId } of call.frames) {
      expect(callId).toBe(from === "client" ? reply.callId : request.callId);
    }
  });

  test("sequence numbers rise, by one each where nothing is lost", () => {
    for (const side of ["client", "server"] as const) {
      const sequences = call.frames.filter(({ from }) => from === side).map((f) => f.sequence);
      const steps = sequences.slice(1).map((sequence, i) => sequence - sequences[i]!);
      expect(Math.min(...steps)).toBe(1);
      expect(Math.max(...steps) === 1).toBe(!name.endsWith("-loss"));
    }
  });

  test("negotiation: packets and option lists decode, and encode to the same octets", () => {
    let lists = 0;
    for (const protocol of [Protocol.lcp, Protocol.ipcp, Protocol.ccp]) {
      for (const frame of call.frames.filter((one) => one.protocol === protocol)) {
        const { code, identifier, data } = value(decodePacket(frame.information));
        expect(encodePacket(code, identifier, data)).toEqual(frame.information);
        if (code < LcpCode.configureRequest || code > LcpCode.configureReject) continue;
        const options = value(decodeOptions(data, 64));
        expect(encodeOptions(options)).toEqual(data);
        lists++;
      }
    }
    expect(lists).toBeGreaterThanOrEqual(10);
  });
});

describe("authentication", () => {
  test("pptpd-pap: name and password, and the answer", () => {
    const [request, answer] = packetsOf(calls.get("pptpd-pap")!, Protocol.pap);
    expect(request?.code).toBe(PapCode.authenticateRequest);
    const { peerId, password } = value(decodeAuthenticateRequest(request!.data));
    const text = new TextDecoder();
    expect([text.decode(peerId), text.decode(password)]).toEqual([USER, PASSWORD]);
    expect(answer?.code).toBe(PapCode.authenticateAck);
    expect(decodeMessage(answer!.data).ok).toBe(true);
  });

  test("pptpd-chap: the response is that of the password", () => {
    const [challenge, response, success] = packetsOf(calls.get("pptpd-chap")!, Protocol.chap);
    const asked = value(decodeValueAndName(challenge!.data));
    const said = value(decodeValueAndName(response!.data));
    const secret = new TextEncoder().encode(PASSWORD);
    expect(said.value).toEqual(chapMd5(response!.identifier, secret, asked.value));
    expect(new TextDecoder().decode(said.name)).toBe(USER);
    expect(success?.code).toBe(ChapCode.success);
  });

  test.each(names.filter((name) => "ccp" in COUNTED[name] || name === "pptpd-none"))(
    "%s: MS-CHAPv2, either end proves the password",
    (name) => {
      const { authenticator, peer, ntResponse, success } = msChapV2(calls.get(name)!);
      const ntHash = ntPasswordHash(PASSWORD);
      expect(ntResponse).toEqual(ntResponseV2(authenticator, peer, USER, ntHash));
      expect(value(decodeAuthenticatorResponse(success))).toBe(
        authenticatorResponse(ntHash, ntResponse, peer, authenticator, USER),
      );
    },
  );
});

type Tally = { decrypted: CapturedFrame[]; refused: CapturedFrame[]; texts: string[] };

/** Feeds one direction to the data path's own receiver, as its end of the call would see it. */
function decryptAll(call: CapturedCall, from: Side): Tally {
  const terms = encryptionOf(call, PASSWORD, from === "client" ? "server" : "client");
  const judge = {
    isPlausible(plaintext: Uint8Array, end: number) {
      const inner = decodeFrame(plaintext.subarray(0, end));
      if (!inner.ok || inner.value.protocol !== Protocol.ipv4) return false;
      const { information } = inner.value;
      return readIpv4(information, 0, information.length, new Ipv4Header()) === undefined;
    },
  };
  const receive = new MppeReceive(terms, { rekeys: false }, judge);
  const into = new Uint8Array(2_048);
  const tally: Tally = { decrypted: [], refused: [], texts: [] };
  let expected: number | undefined;
  for (const frame of call.frames.filter((one) => one.from === from)) {
    if (expected !== undefined) receive.skipped(frame.sequence - expected);
    expected = frame.sequence + 1;
    if (frame.protocol !== Protocol.compressed) continue;
    const { information } = frame;
    const reason = receive.decrypt(information, 0, information.length, into, instant(0));
    if (reason === undefined) {
      tally.decrypted.push(frame);
      const inner = value(decodeFrame(into.subarray(0, information.length - 2)));
      expect(isEcho(inner.information, 0, inner.information.length)).toBe(true);
      tally.texts.push(toHex(inner.information));
    } else {
      tally.refused.push(frame);
    }
  }
  receive.wipe();
  return tally;
}

/**
 * What RFC 3078 §7.2, §8 let a stateful receiver read: all from a flushed packet on, until a count
 * is missing. Taken from the headers alone.
 */
function readable(frames: readonly CapturedFrame[]): CapturedFrame[] {
  let next = 0;
  let discarding = false;
  return frames.filter(({ information }) => {
    const header = readMppeHeader(information, 0, information.length)!;
    const count = coherencyCountOf(header);
    if ((header & FLUSHED) !== 0) discarding = false;
    else if (count !== next) discarding = true;
    next = (count + 1) % 4_096;
    return !discarding;
  });
}

describe("MPPE, both directions, with the keys that follow from the CHAP frames", () => {
  const sides = ["client", "server"] as const;

  test.each([
    ["pptpd-mppe", false],
    ["pptpd-stateful", true],
    ["pptpd-mppe-loss", false],
    ["pptpd-stateful-loss", true],
  ] as const)("%s: agreed on 128 bits, stateful %s", (name, stateful) => {
    expect(agreed(calls.get(name)!)).toEqual({ bits: 128, stateful });
  });

  test.each(["pptpd-mppe", "pptpd-stateful"] as const)(
    "%s: all decrypt, and each answer carries what its echo did",
    (name) => {
      const call = calls.get(name)!;
      const [asked, answered] = sides.map((side) => decryptAll(call, side));
      for (const tally of [asked!, answered!]) {
        expect(tally.refused).toEqual([]);
        expect(tally.decrypted).toHaveLength(5);
      }
      // From behind addresses, type and checksum: Identifier, number and data.
      const tails = (texts: string[]) => texts.map((text) => text.slice(48));
      expect(tails(answered!.texts)).toEqual(tails(asked!.texts));
    },
  );

  test("pptpd-mppe-loss: stateless, what arrived decrypts whatever was lost before it", () => {
    const call = calls.get("pptpd-mppe-loss")!;
    const tallies = sides.map((side) => decryptAll(call, side));
    expect(tallies.map(({ refused }) => refused)).toEqual([[], []]);
    const [asked, answered] = tallies.map(({ decrypted }) => decrypted.length);
    expect(asked! + answered!).toBe(114);
    expect(asked).toBeLessThan(65);
  });

  test.each([
    ["client", 39, 19],
    ["server", 7, 3],
  ] as const)(
    "pptpd-stateful-loss, from the %s: exactly what follows a flush without a gap decrypts",
    (side, readableCount, lostCount) => {
      const call = calls.get("pptpd-stateful-loss")!;
      const { decrypted, refused } = decryptAll(call, side);
      const sent = call.frames.filter(
        ({ from, protocol }) => from === side && protocol === Protocol.compressed,
      );
      expect(decrypted).toEqual(readable(sent));
      expect([decrypted.length, refused.length]).toEqual([readableCount, lostCount]);
      expect(decrypted.length + refused.length).toBe(sent.length);
    },
  );

  test("pptpd-stateful-loss: resets were asked for and acknowledged", () => {
    const codes = packetsOf(calls.get("pptpd-stateful-loss")!, Protocol.ccp).map((p) => p.code);
    expect(codes).toContain(CcpCode.resetRequest);
  });

  test("a wrong password decrypts nothing", () => {
    const call = calls.get("pptpd-mppe")!;
    const { ntResponse } = msChapV2(call);
    const { bits128 } = startKeysMsChapV2(ntPasswordHash("secret-Pw2"), ntResponse, "server");
    const terms = {
      bits: 128,
      stateful: false,
      sendStart: bits128.send,
      receiveStart: bits128.receive,
    } as const;
    const judge = { isPlausible: (text: Uint8Array, end: number) => isEcho(text, 1, end) };
    const receive = new MppeReceive(terms, { rekeys: false }, judge);
    const encrypted = call.frames.filter(({ protocol }) => protocol === Protocol.compressed);
    for (const { information } of encrypted) {
      const into = new Uint8Array(2_048);
      expect(receive.decrypt(information, 0, information.length, into, instant(0))).toBeDefined();
    }
  });
});

describe("without encryption", () => {
  test.each(["pptpd-none", "pptpd-chap", "pptpd-pap"] as const)("%s: ten echoes", (name) => {
    const inner = calls.get(name)!.frames.filter(({ protocol }) => protocol === Protocol.ipv4);
    expect(inner).toHaveLength(10);
    for (const { information } of inner) {
      expect(isEcho(information, 0, information.length)).toBe(true);
    }
  });
});
