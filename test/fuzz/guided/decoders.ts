// Targets without a state: octets into each decoder. A value or a reason; what is taken lies within its
// octets and, where there is an encoder, is written as it was read.
import { strict as assert } from "node:assert";
import { decodeAnswer, encodeQuestion } from "../../../src/client/proxy/dns-message.js";
import {
  decodeDatagramHeader,
  decodeGreeting,
  decodeRequest,
} from "../../../src/client/proxy/socks-message.js";
import { decodeRequest4 } from "../../../src/client/proxy/socks4-message.js";
import { Framer } from "../../../src/core/pptp/framer.js";
import { control, ppp as pppLimits, proxy, worker } from "../../../src/limits.js";
import { GreHeader, readGre } from "../../../src/wire/gre.js";
import { findDhcpInform, isDhcpRequest } from "../../../src/wire/ip-dhcp.js";
import {
  isEcho,
  isIcmpAnswer,
  mayAnswerWithError,
  mayAnswerWithError6,
  readUnreachable,
} from "../../../src/wire/ip-icmp.js";
import {
  isNeighborSolicitation,
  isRouterSolicitation,
} from "../../../src/wire/ip-router-advertisement.js";
import { clampMss } from "../../../src/wire/ip-tcp-mss.js";
import { Ipv4Header, readIpv4 } from "../../../src/wire/ipv4.js";
import {
  Ipv6Header,
  isLinkLocal6,
  isMulticast6,
  isUnroutable6,
  readIpv6,
} from "../../../src/wire/ipv6.js";
import { decodeMppeOption } from "../../../src/wire/ppp/ccp.js";
import * as chap from "../../../src/wire/ppp/chap.js";
import { decodeFrame } from "../../../src/wire/ppp/frame.js";
import { decodeInterfaceIdentifier } from "../../../src/wire/ppp/ipv6cp.js";
import * as lcp from "../../../src/wire/ppp/lcp.js";
import { decodeOptions, readUint16, readUint32 } from "../../../src/wire/ppp/options.js";
import { decodePacket } from "../../../src/wire/ppp/packet.js";
import * as pap from "../../../src/wire/ppp/pap.js";
import {
  decodeControlMessage,
  encodeControlMessage,
  oddities,
  printControlMessage,
} from "../../../src/wire/pptp/index.js";
import { readTcp, TcpSegment } from "../../../src/wire/tcp.js";
import { readUdp, UdpHeader } from "../../../src/wire/udp.js";
import {
  decodeCommand,
  decodeEvent,
  encodeCommand,
  encodeEvent,
  LINK_LENGTH_OCTETS,
} from "../../../src/wire/worker-link-codec.js";
import { answered, encodedName } from "../../dns.js";
import { CLIENT, datagram, echo, LEASED, OUTSIDE, packet6, SERVER, udp } from "../../plane/pair.js";
import { controlMessages, pppFrames, vectorsOf } from "../corpus.js";
import type { Target } from "./hunt.js";

const vectors = (layer: string) => vectorsOf(layer).flatMap(({ send }) => send);

/** The first octet says where the stream is cut. */
const framer: Target = {
  name: "framer",
  seeds: [...controlMessages, ...vectors("control")].map((octets) => Uint8Array.of(0, ...octets)),
  run: (input) => {
    const stream = input.subarray(1);
    const cut = Math.min(input[0] ?? 0, stream.length);
    const taking = new Framer();
    let taken = 0;
    for (const chunk of [stream.slice(0, cut), stream.slice(cut)]) {
      taking.feed(chunk);
      for (let frame = taking.next(); frame.kind === "message"; frame = taking.next()) {
        taken += frame.octets.length;
        oddities(frame.octets);
        const message = decodeControlMessage(frame.octets);
        if (!message.ok) continue;
        printControlMessage(message.value);
        const again = decodeControlMessage(encodeControlMessage(message.value));
        assert.deepEqual(again, message);
      }
      assert.ok(taking.heldOctets <= control.messageOctetsMax);
    }
    assert.ok(taken <= stream.length);
  },
};

const pppDecoders = [
  ...[chap.decodeValueAndName, chap.decodeMsChapV1Response, chap.decodeMsChapV2Response],
  ...[chap.decodeAuthenticatorResponse, chap.decodeMsChapFailure, pap.decodeAuthenticateRequest],
  ...[pap.decodeMessage, lcp.decodeMagicAndData, lcp.decodeProtocolReject],
] as ((octets: Uint8Array) => unknown)[];

const ppp: Target = {
  name: "ppp",
  seeds: pppFrames,
  run: (input) => {
    for (const decode of pppDecoders) decode(input);
    const frame = decodeFrame(input);
    if (!frame.ok) return;
    const packet = decodePacket(frame.value.information);
    if (!packet.ok) return;
    const { data } = packet.value;
    assert.ok(data.length <= input.length);
    for (const decode of pppDecoders) decode(data);
    const options = decodeOptions(data, pppLimits.optionsMax);
    if (!options.ok) return;
    let octets = 0;
    for (const option of options.value) {
      octets += 2 + option.data.length;
      for (const decode of [decodeMppeOption, decodeInterfaceIdentifier, readUint16, readUint32]) {
        decode(option);
      }
      lcp.decodeAuthenticationProtocol(option);
    }
    assert.ok(octets === data.length && options.value.length <= pppLimits.optionsMax);
  },
};

const header4 = new Ipv4Header();
const header6 = new Ipv6Header();
const segment = new TcpSegment();
const udpHeader = new UdpHeader();
const greHeader = new GreHeader();
const ownLinkLocal = Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);

const ip: Target = {
  name: "ip",
  seeds: [
    ...[udp(LEASED, OUTSIDE, 7, 60), echo(LEASED, OUTSIDE), packet6(ownLinkLocal, ownLinkLocal)],
    ...vectors("gre").map((gre) => datagram(CLIENT, SERVER, gre)),
  ],
  run: (input) => {
    // The checksum is not in the way.
    if (readIpv4(input, 0, input.length, header4, false) === undefined) {
      const { payloadStart, end } = header4;
      assert.ok(payloadStart >= 20 && end <= input.length && payloadStart <= end);
      readTcp(input, header4, segment, 1);
      if (readUdp(input, header4, udpHeader) === undefined) {
        assert.ok(udpHeader.payloadEnd <= end);
      }
      if (isDhcpRequest(input, header4)) findDhcpInform(input, header4);
      isEcho(input, header4);
      isIcmpAnswer(input, header4);
      mayAnswerWithError(input, header4);
      readUnreachable(input, header4);
      if (readGre(input, payloadStart, end, greHeader) === undefined) {
        assert.ok(greHeader.payloadEnd <= end && greHeader.payloadStart <= greHeader.payloadEnd);
      }
      clampMss(input, payloadStart, end, 1_360);
    }
    if (readIpv6(input, 0, input.length, header6) === undefined) {
      assert.ok(header6.end <= input.length);
      mayAnswerWithError6(input, 0, header6.end);
      for (const at of [8, 24]) {
        const kinds = [isMulticast6, isLinkLocal6].filter((is) => is(input, at));
        assert.ok(kinds.length < 2);
        isUnroutable6(input, at);
      }
      isRouterSolicitation(input, header6);
      isNeighborSolicitation(input, header6, ownLinkLocal);
      clampMss(input, header6.payloadStart, header6.end, 1_340);
    }
  },
};

const socks: Target = {
  name: "socks",
  seeds: [
    Uint8Array.of(5, 1, 0),
    Uint8Array.of(5, 1, 0, 1, 192, 168, 50, 2, 0, 80),
    Uint8Array.of(5, 1, 0, 3, 8, ...Buffer.from("web.test"), 0x1f, 0x90),
    Uint8Array.of(4, 1, 0, 80, 0, 0, 0, 1, 0, ...Buffer.from("web.test"), 0),
    Uint8Array.of(0, 0, 0, 1, 10, 0, 0, 7, 0, 53, 9, 8, 7),
  ],
  run: (input) => {
    for (const decode of [decodeGreeting, decodeRequest, decodeRequest4, decodeDatagramHeader]) {
      const result = decode(input);
      if (result === undefined) assert.ok(input.length < proxy.requestOctetsMax);
      else if (result.ok) assert.ok(result.value.octets <= input.length);
    }
  },
};

const records = [
  { owner: "web.test", type: 5, data: [...encodedName("other.test")] },
  { owner: "other.test", type: 1, data: [10, 0, 0, 1] },
];

const dns: Target = {
  name: "dns",
  seeds: [
    answered(7, "web.test", records),
    answered(7, "web.test", [{ owner: "web.test", type: 1, data: [10, 0, 0, 1] }]),
    answered(7, "web.test", []),
    ...[encodeQuestion(7, "web.test")].filter((octets) => octets !== undefined),
  ],
  run: (input) => {
    const read = decodeAnswer(input, 7, "web.test");
    if (read.ok) assert.ok(read.value.addresses.length <= proxy.nameRecordsMax);
  },
};

const flow = { slot: 3, generation: 2 ** 40 };
const commands = [
  { kind: "Ping", nonce: 9 },
  { kind: "Remove", flow },
  { kind: "Authenticated", flow },
  { kind: "Send", flow, frame: new Uint8Array(16) },
  { kind: "Network4", flow, network: { address: 1, routes: [{ address: 2, length: 8 }] } },
] as const;
const events = [
  { kind: "Ready", version: 1, engine: "TypeScript", offload: "plain" },
  { kind: "Frame", flow, protocol: 0xc021, information: new Uint8Array(16) },
  { kind: "Trouble", call: "write", errno: "EBADFD" },
] as const;
const most = worker.messageOctetsMax;

const link: Target = {
  name: "link",
  seeds: [
    ...commands.map((one) => encodeCommand(one, most)!.subarray(LINK_LENGTH_OCTETS)),
    ...events.map((one) => encodeEvent(one, most)!.subarray(LINK_LENGTH_OCTETS)),
  ],
  run: (input) => {
    const command = decodeCommand(input);
    if (command.ok) {
      const again = encodeCommand(command.value, most);
      assert.ok(again !== undefined);
      assert.deepEqual(decodeCommand(again.subarray(LINK_LENGTH_OCTETS)), command);
    }
    const event = decodeEvent(input);
    if (event.ok) {
      const again = encodeEvent(event.value, most);
      assert.ok(again !== undefined);
      assert.deepEqual(decodeEvent(again.subarray(LINK_LENGTH_OCTETS)), event);
    }
  },
};

export const decoders: readonly Target[] = [framer, ppp, ip, socks, dns, link];
