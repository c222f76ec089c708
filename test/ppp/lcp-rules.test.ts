// What LCP says to each option, code and oddity, against a peer written packet by packet.
import { describe, expect, test } from "vitest";
import { toHex } from "../../src/base/hex.js";
import { ppp } from "../../src/limits.js";
import { encodeAuthenticationProtocol, LcpCode, LcpOption } from "../../src/wire/ppp/lcp.js";
import {
  type ConfigurationOption,
  encodeOptions,
  octetsOfUint32,
  optionUint16,
  optionUint32,
} from "../../src/wire/ppp/options.js";
import { encodePacket } from "../../src/wire/ppp/packet.js";
import { Protocol } from "../../src/wire/ppp/protocols.js";
import { PEERS_MAGIC, Scripted } from "./scripted.js";

const { lcp } = Protocol;
const MAGIC = optionUint32(LcpOption.magicNumber, PEERS_MAGIC);
const empty = (type: number): ConfigurationOption => ({ type, data: new Uint8Array() });

describe("our own request", () => {
  test("comes first: MRU, Authentication-Protocol, Magic-Number, PFC, ACFC, with FF 03 c0 21", () => {
    const peer = new Scripted("authenticator");
    const [request] = peer.sent(lcp);
    expect(request!.code).toBe(LcpCode.configureRequest);
    expect(toHex(request!.data)).toMatch(/^010405780305c223810506[0-9a-f]{8}07020802$/);
  });

  test("as peer: the same without an Authentication-Protocol", () => {
    const peer = new Scripted("peer");
    expect(toHex(peer.last(lcp).data)).toMatch(/^010405780506[0-9a-f]{8}07020802$/);
  });

  test("is repeated every 3 s with its Identifier, ten times in all, then lcp-timeout", () => {
    const peer = new Scripted("authenticator").wait(29_999);
    const requests = peer.sent(lcp);
    expect(requests.length).toBe(10);
    expect(new Set(requests.map(({ identifier }) => identifier)).size).toBe(1);
    expect(peer.wait(1).end.ended).toBe("lcp-timeout");
  });

  test("DEVIATION 52: once more before the answer to a peer whose first word is a request", () => {
    const peer = new Scripted("authenticator").request(lcp, [MAGIC]);
    const [first, again, answer] = peer.sent(lcp);
    expect(again).toEqual(first);
    expect(answer!.code).toBe(LcpCode.configureAck);
    peer.request(lcp, [MAGIC]).request(lcp, [MAGIC]);
    expect(peer.sent(lcp).map(({ code }) => code)).toEqual([1, 1, 2, 2, 2]);
    // The Restart timer counts from there, and the repetition as one of its ten.
    expect(peer.wait(2_999).sent(lcp).length).toBe(5);
    expect(peer.wait(1).sent(lcp).length).toBe(6);
    peer.wait(30_000);
    expect(peer.sent(lcp).filter(({ code }) => code === LcpCode.configureRequest).length).toBe(10);
  });

  test("DEVIATION 52: not once it is answered, nor after any other first word", () => {
    const answered = new Scripted("authenticator").ack(lcp).request(lcp, [MAGIC]);
    expect(answered.sent(lcp).map(({ code }) => code)).toEqual([1, 2]);
    const strange = new Scripted("authenticator").packet(lcp, LcpCode.discardRequest, 1);
    expect(
      strange
        .request(lcp, [MAGIC])
        .sent(lcp)
        .map(({ code }) => code),
    ).toEqual([1, 2]);
  });

  test("MRU nak'ed: within our bounds; rejected: left out; PFC and ACFC likewise", () => {
    const peer = new Scripted("authenticator");
    const mru = () =>
      peer.options(peer.last(lcp)).find(({ type }) => type === LcpOption.maximumReceiveUnit)?.data;
    const nak = (value: number) =>
      peer.answer(lcp, LcpCode.configureNak, [optionUint16(LcpOption.maximumReceiveUnit, value)]);
    nak(1_000);
    expect(mru()).toEqual(Uint8Array.of(0x03, 0xe8));
    nak(0);
    expect(mru()).toEqual(Uint8Array.of(0, 128));
    nak(65_535);
    expect(mru()).toEqual(Uint8Array.of(0x05, 0x78));
    const asked = peer.options(peer.last(lcp));
    const compressions = [
      LcpOption.protocolFieldCompression,
      LcpOption.addressAndControlFieldCompression,
    ] as number[];
    peer.answer(
      lcp,
      LcpCode.configureReject,
      asked.filter(
        ({ type }) => type === LcpOption.maximumReceiveUnit || compressions.includes(type),
      ),
    );
    const types = peer.options(peer.last(lcp)).map(({ type }) => type);
    expect(types).toEqual([LcpOption.authenticationProtocol, LcpOption.magicNumber]);
  });

  test("a Reject of options we did not send, or changed ones, is no Reject", () => {
    const peer = new Scripted("authenticator");
    peer.answer(lcp, LcpCode.configureReject, [optionUint16(LcpOption.maximumReceiveUnit, 999)]);
    peer.answer(lcp, LcpCode.configureReject, [empty(LcpOption.callback)]);
    peer.answer(lcp, LcpCode.configureReject, []);
    expect(peer.count("options-not-ours")).toBe(3);
    expect(peer.sent(lcp).length).toBe(1);
  });

  test("an Ack with another Identifier or other options is silently discarded", () => {
    const peer = new Scripted("authenticator");
    const { identifier, data } = peer.last(lcp);
    peer.packet(lcp, LcpCode.configureAck, identifier + 1, data);
    peer.packet(lcp, LcpCode.configureAck, identifier, data.slice(0, -2));
    expect(peer.end.session.snapshot().lcp).toBe("Req-Sent");
    peer.packet(lcp, LcpCode.configureAck, identifier, data);
    expect(peer.end.session.snapshot().lcp).toBe("Ack-Rcvd");
  });

  test("Magic-Number nak'ed: another one of our own choice, not the peer's", () => {
    const peer = new Scripted("authenticator");
    const magic = () =>
      peer.options(peer.last(lcp)).find(({ type }) => type === LcpOption.magicNumber)!.data;
    const before = magic();
    peer.answer(lcp, LcpCode.configureNak, [optionUint32(LcpOption.magicNumber, 42)]);
    expect(magic()).not.toEqual(before);
    expect(magic()).not.toEqual(octetsOfUint32(42));
  });
});

describe("authentication is asked for in order", () => {
  const methods = ["ms-chap-v2", "ms-chap-v1", "chap-md5", "pap"] as const;
  const asked = (peer: Scripted) =>
    toHex(
      peer.options(peer.last(lcp)).find(({ type }) => type === LcpOption.authenticationProtocol)!
        .data,
    );

  test("a hint that is allowed is taken, another gets our next, then none is left", () => {
    const peer = new Scripted("authenticator", { authentication: methods });
    expect(asked(peer)).toBe("c22381");
    const nak = (data: number[]) =>
      peer.answer(lcp, LcpCode.configureNak, [
        { type: LcpOption.authenticationProtocol, data: Uint8Array.from(data) },
      ]);
    nak([0xc2, 0x27]); // EAP
    expect(asked(peer)).toBe("c22380");
    nak([0xc0, 0x23]); // PAP
    expect(asked(peer)).toBe("c023");
    nak([0xc2, 0x23, 0x81]); // refused by the peer itself before
    expect(asked(peer)).toBe("c22305");
    nak([]);
    expect(peer.end.notes).toContain("authentication-none-left");
    peer.wait(10_000);
    expect(peer.end.ended).toBe("lcp-failed");
  });

  test("rejected altogether: the session ends and says why", () => {
    const peer = new Scripted("authenticator");
    peer.answer(lcp, LcpCode.configureReject, [encodeAuthenticationProtocol("ms-chap-v2")]);
    expect(peer.end.notes).toContain("authentication-rejected");
    expect(peer.wait(10_000).end.ended).toBe("lcp-failed");
  });

  test("a server does not log in to its clients", () => {
    const peer = new Scripted("authenticator");
    peer.request(lcp, [MAGIC, encodeAuthenticationProtocol("pap")]);
    expect(peer.last(lcp).code).toBe(LcpCode.configureReject);
    expect(toHex(peer.last(lcp).data)).toBe("0304c023");
  });

  test("as peer: what is not acceptable is nak'ed with what is", () => {
    const peer = new Scripted("peer", { authentication: ["ms-chap-v2", "chap-md5"] });
    for (const data of [[0xc0, 0x23], [0xc2, 0x27], [0xc2, 0x23, 0x80], [0xc2, 0x23], [0xc2], []]) {
      peer.request(lcp, [{ type: LcpOption.authenticationProtocol, data: Uint8Array.from(data) }]);
      if (peer.last(lcp).code === LcpCode.configureReject) break; // Max-Failure
      expect(peer.last(lcp).code).toBe(LcpCode.configureNak);
      expect(toHex(peer.last(lcp).data)).toBe("0305c22381");
    }
  });

  test("as peer: a server that wants no authentication proves nothing and is left", () => {
    const peer = new Scripted("peer");
    for (let tries = 0; tries < ppp.failureMax; tries++) {
      peer.request(lcp, [MAGIC]);
      expect(peer.last(lcp).code).toBe(LcpCode.configureNak);
      expect(toHex(peer.last(lcp).data)).toBe("0305c22381");
    }
    peer.request(lcp, [MAGIC]);
    expect(peer.wait(10_000).end.ended).toBe("server-not-proven");
  });
});

describe("the peer's options", () => {
  const verdictOn = (options: readonly ConfigurationOption[]) => {
    const peer = new Scripted("authenticator").request(lcp, options);
    const { code, data } = peer.last(lcp);
    const name = { 2: "ack", 3: "nak", 4: "reject" }[code];
    return `${name} ${toHex(data)}`;
  };
  const verdicts: [string, ConfigurationOption[], string][] = [
    ["none at all", [], "ack "],
    ["MRU 1500", [optionUint16(1, 1_500)], "ack 010405dc"],
    ["MRU 65535: ours to cap", [optionUint16(1, 65_535)], "ack 0104ffff"],
    ["MRU 128", [optionUint16(1, 128)], "ack 01040080"],
    ["MRU 127", [optionUint16(1, 127)], "nak 01040080"],
    ["MRU 0", [optionUint16(1, 0)], "nak 01040080"],
    ["MRU of one octet", [{ type: 1, data: Uint8Array.of(5) }], "nak 010405dc"],
    ["ACCM 0", [optionUint32(2, 0)], "ack 020600000000"],
    ["ACCM of FreeBSD", [optionUint32(2, 0x000a0000)], "ack 0206000a0000"],
    ["ACCM too short", [empty(2)], "nak 020600000000"],
    ["Authentication-Protocol without a protocol", [empty(3)], "reject 0302"],
    ["Quality-Protocol", [{ type: 4, data: Uint8Array.of(0xc0, 0x25) }], "reject 0404c025"],
    ["PFC and ACFC", [empty(7), empty(8)], "ack 07020802"],
    ["PFC with data", [{ type: 7, data: Uint8Array.of(1) }], "nak 0702"],
    ["Callback (CBCP)", [{ type: 13, data: Uint8Array.of(6) }], "reject 0d0306"],
    ["Multilink MRRU", [optionUint16(17, 1_614)], "reject 1104064e"],
    ["Short sequence numbers", [empty(18)], "reject 1202"],
    ["Endpoint discriminator", [{ type: 19, data: Uint8Array.of(1, 2) }], "ack 13040102"],
    ["Endpoint discriminator without a class", [empty(19)], "reject 1302"],
    ["unknown", [{ type: 0x77, data: new Uint8Array() }], "reject 7702"],
    ["MRU twice", [optionUint16(1, 1_400), optionUint16(1, 1_400)], "reject 01040578"],
    ["PFC twice", [empty(7), empty(7)], "reject 0702"],
    ["Magic-Number 0", [optionUint32(5, 0)], "nak 0506........"],
    [
      "rejects go before naks, and keep their order",
      [optionUint16(1, 0), { type: 13, data: Uint8Array.of(6) }, optionUint16(17, 1_614)],
      "reject 0d03061104064e",
    ],
  ];

  test.each(verdicts)("%s", (_what, options, expected) => {
    expect(verdictOn(options)).toMatch(new RegExp(`^${expected}$`));
  });

  test("an Ack is verbatim, order and all", () => {
    const options = [empty(8), MAGIC, optionUint16(1, 1_000), empty(7)];
    expect(verdictOn(options)).toBe(`ack ${toHex(encodeOptions(options))}`);
  });

  test("the fifth Nak is the last: then the option is rejected", () => {
    const peer = new Scripted("authenticator");
    const codes = Array.from({ length: 7 }, () => {
      peer.request(lcp, [optionUint16(1, 1)]);
      return peer.last(lcp).code;
    });
    expect(codes).toEqual([3, 3, 3, 3, 3, 4, 4]);
  });

  test("250 unknown options: one Reject of the same size", () => {
    const peer = new Scripted("authenticator");
    const before = peer.end.sent.length;
    peer.request(
      lcp,
      Array.from({ length: 250 }, () => empty(0x77)),
    );
    // Beside our own request once more: the peer's first word.
    expect(peer.end.sent.length).toBe(before + 2);
    expect(peer.last(lcp).data.length).toBe(500);
  });

  test("LinkUp tells what they mean: MRU never above our own cap", () => {
    const up = (options: ConfigurationOption[]) =>
      new Scripted("authenticator").openLcp(options).end.last("LinkUp");
    expect(up([])).toEqual({ kind: "LinkUp", peersMru: 1_500, acfc: false, pfc: false });
    expect(up([optionUint16(1, 65_535), empty(7)])).toMatchObject({ peersMru: 1_500, pfc: true });
    expect(up([optionUint16(1, 576), empty(8)])).toMatchObject({ peersMru: 576, acfc: true });
  });
});

describe("loopback", () => {
  test("our own Magic-Number five times: ended", () => {
    const peer = new Scripted("authenticator");
    for (let tries = 0; tries < ppp.loopedRequestsMax; tries++) {
      const own = peer.last(lcp, LcpCode.configureRequest);
      peer.packet(lcp, own.code, own.identifier, own.data.slice());
      const said = peer.last(lcp);
      if (said.code === LcpCode.configureNak)
        peer.packet(lcp, said.code, own.identifier, said.data);
    }
    expect(peer.wait(10_000).end.ended).toBe("loopback");
  });

  test("once is nak'ed with another number", () => {
    const ours = new Scripted("authenticator");
    const own = ours.options(ours.last(lcp)).find(({ type }) => type === 5)!;
    ours.request(lcp, [own]);
    expect(ours.last(lcp).code).toBe(LcpCode.configureNak);
    expect(toHex(ours.last(lcp).data)).not.toBe(toHex(encodeOptions([own])));
  });
});

describe("codes that only LCP has", () => {
  const echo = (magic: number, data: number[] = []) =>
    Uint8Array.of(...octetsOfUint32(magic), ...data);

  test("Echo-Request before Opened: nothing", () => {
    const peer = new Scripted("authenticator").packet(lcp, LcpCode.echoRequest, 1, echo(1));
    expect(peer.sent(lcp).length).toBe(1);
  });

  test("Echo-Request in Opened: our Magic-Number, its data, its Identifier", () => {
    const peer = new Scripted("authenticator").openLcp();
    peer.packet(lcp, LcpCode.echoRequest, 77, echo(PEERS_MAGIC, [1, 2, 3]));
    const reply = peer.last(lcp, LcpCode.echoReply);
    const magic = peer
      .options(peer.last(lcp, LcpCode.configureRequest))
      .find(({ type }) => type === LcpOption.magicNumber)!.data;
    expect(reply.identifier).toBe(77);
    expect(toHex(reply.data)).toBe(`${toHex(magic)}010203`);
  });

  test("an Echo-Request without a Magic-Number, or with ours: dropped and counted", () => {
    const peer = new Scripted("authenticator").openLcp();
    const magic = peer
      .options(peer.last(lcp, LcpCode.configureRequest))
      .find(({ type }) => type === LcpOption.magicNumber)!.data;
    peer.packet(lcp, LcpCode.echoRequest, 1, Uint8Array.of(1, 2, 3));
    peer.packet(lcp, LcpCode.echoRequest, 1, magic);
    expect([peer.count("echo-malformed"), peer.count("echo-looped")]).toEqual([1, 1]);
    expect(peer.sent(lcp).some(({ code }) => code === LcpCode.echoReply)).toBe(false);
  });

  test("a thousand Echo-Requests in a second: ten answers", () => {
    const peer = new Scripted("authenticator").openLcp();
    for (let i = 0; i < 1_000; i++) peer.packet(lcp, LcpCode.echoRequest, i & 255, echo(1));
    const replies = () => peer.sent(lcp).filter(({ code }) => code === LcpCode.echoReply).length;
    expect(replies()).toBe(ppp.echoRepliesPerSecond);
    peer.wait(1_000);
    for (let i = 0; i < 1_000; i++) peer.packet(lcp, LcpCode.echoRequest, i & 255, echo(1));
    expect(replies()).toBe(2 * ppp.echoRepliesPerSecond);
    expect(peer.end.ended).toBeUndefined();
  });

  test("Identification is kept, escaped and cut; Time-Remaining and Discard are taken in", () => {
    const peer = new Scripted("authenticator");
    const text = new TextEncoder().encode("MSRASV5.20\u001b[31m");
    peer.packet(lcp, LcpCode.identification, 1, Uint8Array.of(0, 0, 0, 0, ...text));
    expect(peer.end.session.snapshot().peersIdentification).toBe("MSRASV5.20\\u{1b}[31m");
    peer.packet(lcp, LcpCode.timeRemaining, 2, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 9));
    peer.packet(lcp, LcpCode.discardRequest, 3, Uint8Array.of(0, 0, 0, 0));
    expect(peer.sent(lcp).length).toBe(1);
    const long = new Uint8Array(1_000).fill(0x41);
    peer.packet(lcp, LcpCode.identification, 1, long);
    expect(peer.end.session.snapshot().peersIdentification!.length).toBeLessThanOrEqual(65);
  });

  test.each([0, 14, 15, 255])("code %i: Code-Reject, one a second", (code) => {
    const peer = new Scripted("authenticator").openLcp();
    peer.packet(lcp, code, 9, new Uint8Array(8));
    peer.packet(lcp, code, 9, new Uint8Array(8));
    const rejects = () => peer.sent(lcp).filter((packet) => packet.code === LcpCode.codeReject);
    expect(rejects().length).toBe(1);
    expect(toHex(rejects()[0]!.data)).toBe(toHex(encodePacket(code, 9, new Uint8Array(8))));
    peer.wait(1_000).packet(lcp, code, 9, new Uint8Array(8));
    expect(rejects().length).toBe(2);
  });

  test("a Code-Reject and a Protocol-Reject never exceed the peer's MRU", () => {
    const peer = new Scripted("authenticator").openLcp([optionUint16(1, 128), MAGIC]);
    peer.packet(lcp, 200, 9, new Uint8Array(1_400));
    peer.wait(1_000).raw(0xc029, new Uint8Array(1_400));
    const [code, protocol] = peer.sent(lcp).slice(-2);
    expect([code!.code, protocol!.code]).toEqual([LcpCode.codeReject, LcpCode.protocolReject]);
    for (const { information } of peer.end.sent)
      expect(information.length).toBeLessThanOrEqual(128);
  });

  test("Code-Reject of Configure-Request: no way to go on; of Echo-Request: noted", () => {
    const rejected = (code: number) => encodePacket(code, 1, new Uint8Array());
    const peer = new Scripted("authenticator").openLcp();
    peer.packet(lcp, LcpCode.codeReject, 1, rejected(LcpCode.echoRequest));
    expect(peer.end.session.snapshot().lcp).toBe("Opened");
    peer.packet(lcp, LcpCode.codeReject, 2, Uint8Array.of(1, 1, 0));
    expect(peer.end.session.snapshot().lcp).toBe("Opened");
    peer.packet(lcp, LcpCode.codeReject, 3, rejected(LcpCode.configureRequest));
    expect(peer.wait(10_000).end.ended).toBe("lcp-failed");
  });

  test("Protocol-Reject of LCP: no way to go on; of anything before Opened: nothing", () => {
    const peer = new Scripted("authenticator");
    const reject = Uint8Array.of(0xc0, 0x21, 1, 1, 0, 4);
    peer.packet(lcp, LcpCode.protocolReject, 1, reject);
    expect(peer.end.session.snapshot().lcp).toBe("Req-Sent");
    peer.openLcp().packet(lcp, LcpCode.protocolReject, 1, Uint8Array.of(0xc0));
    expect(peer.end.session.snapshot().lcp).toBe("Opened");
    peer.packet(lcp, LcpCode.protocolReject, 1, reject);
    expect(peer.wait(10_000).end.ended).toBe("lcp-failed");
  });
});
