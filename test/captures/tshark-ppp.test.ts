import { describe, expect, test } from "vitest";
import { toHex } from "../../src/base/hex.js";
import { MppeSend } from "../../src/plane/mppe-send.js";
import { CcpCode, encodeMppeOption } from "../../src/wire/ppp/ccp.js";
import {
  ChapCode,
  encodeMsChapFailure,
  encodeMsChapV1Response,
  encodeMsChapV2Response,
  encodeSuccess,
  encodeValueAndName,
} from "../../src/wire/ppp/chap.js";
import { encodeFrame } from "../../src/wire/ppp/frame.js";
import { IpcpOption } from "../../src/wire/ppp/ipcp.js";
import { encodeInterfaceIdentifier } from "../../src/wire/ppp/ipv6cp.js";
import {
  encodeAuthenticationProtocol,
  encodeMagicAndData,
  encodeProtocolReject,
  LcpCode,
  LcpOption,
} from "../../src/wire/ppp/lcp.js";
import { encodeOptions, optionUint16, optionUint32 } from "../../src/wire/ppp/options.js";
import { encodePacket } from "../../src/wire/ppp/packet.js";
import { encodeAuthenticateRequest, encodeMessage, PapCode } from "../../src/wire/ppp/pap.js";
import { Protocol } from "../../src/wire/ppp/protocols.js";
import { needPeer } from "../peers.js";
import { complaints, type GreFields, inGre, TSHARK, tsharkFields } from "./foreign.js";

const text = (value: string) => new TextEncoder().encode(value);
const counting = (length: number) => Uint8Array.from({ length }, (_, i) => i + 1);
const EMPTY = new Uint8Array(0);

type Sample = {
  readonly name: string;
  readonly frame: Uint8Array;
  /** What tshark must show; values it prints in a form of its own are written in that form. */
  readonly shown: Readonly<Record<string, string>>;
  readonly gre?: GreFields;
};

function packet(protocol: number, code: number, identifier: number, data: Uint8Array): Uint8Array {
  return encodeFrame(protocol, encodePacket(code, identifier, data));
}

const lcp: Sample[] = [
  ...(["pap", "chap-md5", "ms-chap-v1", "ms-chap-v2"] as const).map((protocol, at) => ({
    name: `LCP Configure-Request asking for ${protocol}`,
    frame: packet(
      Protocol.lcp,
      LcpCode.configureRequest,
      at,
      encodeOptions([
        optionUint16(LcpOption.maximumReceiveUnit, 1_400),
        optionUint32(LcpOption.asyncControlCharacterMap, 0),
        encodeAuthenticationProtocol(protocol),
        optionUint32(LcpOption.magicNumber, 0xa1b2c3d4),
        { type: LcpOption.protocolFieldCompression, data: EMPTY },
        { type: LcpOption.addressAndControlFieldCompression, data: EMPTY },
      ]),
    ),
    shown: {
      "ppp.code": "1",
      "ppp.identifier": String(at),
      "lcp.opt.type": "1,2,3,5,7,8",
      "lcp.opt.mru": "1400",
      "lcp.opt.auth_protocol": protocol === "pap" ? "0xc023" : "0xc223",
      "lcp.opt.algorithm": { pap: "", "chap-md5": "5", "ms-chap-v1": "128", "ms-chap-v2": "129" }[
        protocol
      ],
      "lcp.opt.magic_number": "0xa1b2c3d4",
    },
  })),
  ...[LcpCode.configureAck, LcpCode.configureNak, LcpCode.configureReject].map((code) => ({
    name: `LCP code ${code} with an option`,
    frame: packet(
      Protocol.lcp,
      code,
      9,
      encodeOptions([optionUint16(LcpOption.maximumReceiveUnit, 1_280)]),
    ),
    shown: { "ppp.code": String(code), "ppp.identifier": "9", "lcp.opt.mru": "1280" },
  })),
  ...[LcpCode.echoRequest, LcpCode.echoReply, LcpCode.discardRequest].map((code) => ({
    name: `LCP code ${code} with magic number and data`,
    frame: packet(
      Protocol.lcp,
      code,
      7,
      encodeMagicAndData({ magicNumber: 0xdeadbeef, data: counting(8) }),
    ),
    shown: { "ppp.code": String(code), "lcp.magic_number": "0xdeadbeef", "ppp.length": "16" },
  })),
  {
    name: "LCP Identification",
    frame: packet(
      Protocol.lcp,
      LcpCode.identification,
      3,
      encodeMagicAndData({ magicNumber: 1, data: text("holdfast") }),
    ),
    shown: { "ppp.code": "12", "lcp.magic_number": "0x00000001", "lcp.message": "holdfast" },
  },
  ...[LcpCode.terminateRequest, LcpCode.terminateAck].map((code) => ({
    name: `LCP code ${code}`,
    frame: packet(Protocol.lcp, code, 5, code === LcpCode.terminateRequest ? text("bye") : EMPTY),
    shown: { "ppp.code": String(code), "ppp.identifier": "5" },
  })),
  {
    name: "LCP Code-Reject",
    frame: packet(Protocol.lcp, LcpCode.codeReject, 6, encodePacket(200, 1, counting(4))),
    shown: {
      "ppp.code": "7",
      "ppp.identifier": "6",
      "ppp.length": "12",
    },
  },
  {
    name: "LCP Protocol-Reject",
    frame: packet(
      Protocol.lcp,
      LcpCode.protocolReject,
      8,
      encodeProtocolReject(
        { rejectedProtocol: Protocol.cbcp, rejectedInformation: counting(6) },
        1_400,
      ),
    ),
    // tshark reads on into the rejected packet, whose code is 1.
    shown: { "ppp.code": "8,1", "lcp.rej_proto": "0xc029" },
  },
];

const authentication: Sample[] = [
  {
    name: "PAP Authenticate-Request",
    frame: packet(
      Protocol.pap,
      PapCode.authenticateRequest,
      1,
      encodeAuthenticateRequest({ peerId: text("vpn"), password: text("secret-Pw1") }),
    ),
    shown: { "pap.code": "1", "pap.peer_id": "vpn", "pap.password": "secret-Pw1" },
  },
  ...[PapCode.authenticateAck, PapCode.authenticateNak].map((code) => ({
    name: `PAP code ${code}`,
    frame: packet(Protocol.pap, code, 1, encodeMessage(text("so be it"))),
    shown: { "pap.code": String(code), "pap.message": "so be it" },
  })),
  {
    name: "CHAP Challenge",
    frame: packet(
      Protocol.chap,
      ChapCode.challenge,
      2,
      encodeValueAndName({ value: counting(16), name: text("holdfast") }),
    ),
    shown: {
      "chap.code": "1",
      "chap.identifier": "2",
      "chap.value_size": "16",
      "chap.value": toHex(counting(16)),
      "chap.name": "holdfast",
    },
  },
  ...[
    encodeMsChapV1Response({
      lmResponse: new Uint8Array(24),
      ntResponse: counting(24),
      useNt: true,
    }),
    encodeMsChapV2Response({ peerChallenge: counting(16), ntResponse: counting(24) }),
  ].map((value, at) => ({
    name: `MS-CHAPv${at + 1} Response`,
    frame: packet(
      Protocol.chap,
      ChapCode.response,
      2,
      encodeValueAndName({ value, name: text("vpn") }),
    ),
    shown: { "chap.code": "2", "chap.value": toHex(value), "chap.name": "vpn" },
  })),
  {
    name: "MS-CHAPv2 Success",
    frame: packet(Protocol.chap, ChapCode.success, 2, encodeSuccess("AB".repeat(20), "welcome")),
    shown: { "chap.code": "3", "chap.message": `S=${"AB".repeat(20)} M=welcome` },
  },
  {
    name: "MS-CHAPv2 Failure",
    frame: packet(
      Protocol.chap,
      ChapCode.failure,
      2,
      encodeMsChapFailure({
        code: 691,
        challenge: counting(16),
        retry: false,
        version: 3,
        message: "no",
      }),
    ),
    shown: {
      "chap.code": "4",
      "chap.message": `E=691 R=0 C=${toHex(counting(16)).toUpperCase()} V=3 M=no`,
    },
  },
];

const network: Sample[] = [
  ...([40, 56, 128] as const).flatMap((bits) =>
    [true, false].map((stateless) => ({
      name: `CCP Configure-Request, ${bits} bits, stateless ${stateless}`,
      frame: packet(
        Protocol.ccp,
        LcpCode.configureRequest,
        1,
        encodeOptions([encodeMppeOption({ stateless, strengths: [bits] })]),
      ),
      shown: {
        "ccp.opt.type": "18",
        "ccp.opt.supported_bits.h": stateless ? "1" : "0",
        "ccp.opt.supported_bits.m": bits === 56 ? "1" : "0",
        "ccp.opt.supported_bits.s": bits === 128 ? "1" : "0",
        "ccp.opt.supported_bits.l": bits === 40 ? "1" : "0",
        "ccp.opt.supported_bits.d": "0",
        "ccp.opt.supported_bits.c": "0",
      },
    })),
  ),
  ...[CcpCode.resetRequest, CcpCode.resetAck].map((code) => ({
    name: `CCP code ${code}`,
    frame: packet(Protocol.ccp, code, 7, EMPTY),
    shown: { "ppp.code": String(code), "ppp.identifier": "7", "ppp.length": "4" },
  })),
  {
    name: "IPCP Configure-Nak with address, name servers and NBNS",
    frame: packet(
      Protocol.ipcp,
      LcpCode.configureNak,
      3,
      encodeOptions([
        optionUint32(IpcpOption.ipAddress, 0x0a630002),
        optionUint32(IpcpOption.primaryDns, 0x0a630001),
        optionUint32(IpcpOption.primaryNbns, 0x0a630003),
        optionUint32(IpcpOption.secondaryDns, 0x0a630004),
        optionUint32(IpcpOption.secondaryNbns, 0x0a630005),
      ]),
    ),
    shown: {
      "ppp.code": "3",
      "ipcp.opt.type": "3,129,130,131,132",
      "ipcp.opt.ip_address": "10.99.0.2",
      "ipcp.opt.pri_dns_address": "10.99.0.1",
      "ipcp.opt.pri_nbns_address": "10.99.0.3",
      "ipcp.opt.sec_dns_address": "10.99.0.4",
      "ipcp.opt.sec_nbns_address": "10.99.0.5",
    },
  },
  {
    name: "IPV6CP Configure-Request",
    frame: packet(
      Protocol.ipv6cp,
      LcpCode.configureRequest,
      1,
      encodeOptions([encodeInterfaceIdentifier(Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 9))]),
    ),
    // tshark shows the whole option there.
    shown: { "ipv6cp.opt.type": "1", "ipv6cp.opt.interface_identifier": "010a0200000000000009" },
  },
  ...[true, false].map((stateful) => {
    const key = counting(16);
    const terms = { bits: 128, stateful, sendStart: key, receiveStart: key } as const;
    const frame = encodeFrame(Protocol.compressed, counting(50));
    new MppeSend(terms, { rekeys: true }).encrypt(frame, 4, frame.length);
    return {
      name: `MPPE, stateful ${stateful}`,
      frame,
      shown: { "ppp.protocol": "0x00fd" },
    };
  }),
];

const gre: Sample[] = [
  { sequence: 0, acknowledgment: undefined },
  { sequence: 0xffffffff, acknowledgment: 0 },
  { sequence: 5, acknowledgment: 0xfffffffe },
  { sequence: undefined, acknowledgment: 0x01020304 },
].map(({ sequence, acknowledgment }, at) => {
  const frame =
    sequence === undefined ? EMPTY : packet(Protocol.lcp, LcpCode.terminateAck, at, EMPTY);
  return {
    name: `GRE sequence ${sequence}, acknowledgment ${acknowledgment}`,
    frame,
    gre: { callId: 0xfff0 + at, sequence, acknowledgment },
    shown: {
      "gre.proto": "0x880b",
      "gre.flags.key": "1",
      "gre.flags.version": "1",
      "gre.flags.sequence_number": sequence === undefined ? "0" : "1",
      "gre.flags.ack": acknowledgment === undefined ? "0" : "1",
      "gre.key.payload_length": String(frame.length),
      "gre.key.call_id": String(0xfff0 + at),
      "gre.sequence_number": sequence === undefined ? "" : String(sequence),
      "gre.ack_number": acknowledgment === undefined ? "" : String(acknowledgment),
    },
  };
});

const samples = [...lcp, ...authentication, ...network, ...gre];
const packets = samples.map(({ frame, gre: fields }, sequence) =>
  inGre(frame, fields ?? { callId: 0x1234, sequence, acknowledgment: undefined }),
);

describe.runIf(needPeer(TSHARK.commands, TSHARK.aptPackages))(
  "tshark reads every frame we build",
  () => {
    test("without a complaint", () => {
      const named = complaints(packets).map(({ packet, what }) => [samples[packet]!.name, what]);
      expect(named).toEqual([]);
    });

    test("caught: an option longer than its packet", () => {
      const [first] = samples;
      const wrong = first!.frame.slice();
      wrong[9] = 200;
      expect(
        complaints([inGre(wrong, { callId: 1, sequence: 1, acknowledgment: 1 })]),
      ).toHaveLength(1);
    });

    test("with the fields we meant", () => {
      const names = [...new Set(samples.flatMap(({ shown }) => Object.keys(shown)))];
      const theirs = tsharkFields(packets, names);
      expect(theirs).toHaveLength(samples.length);
      samples.forEach(({ name, shown }, at) => {
        const fields = Object.keys(shown).map((field) => [field, theirs[at]![field]]);
        expect([name, Object.fromEntries(fields)]).toEqual([name, shown]);
      });
    });
  },
);
