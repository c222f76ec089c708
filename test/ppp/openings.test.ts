// Each reconstructed opening, all the way to an encrypted session with an address.
import { describe, expect, test } from "vitest";
import { toHex } from "../../src/base/hex.js";
import { IpcpOption } from "../../src/wire/ppp/ipcp.js";
import { LcpCode } from "../../src/wire/ppp/lcp.js";
import { decodeOptions, encodeOptions, optionUint32 } from "../../src/wire/ppp/options.js";
import { Protocol } from "../../src/wire/ppp/protocols.js";
import { octets } from "../vectors/vectors.js";
import { OPENINGS } from "./openings.js";
import { ADDRESSES } from "./pair.js";
import { Scripted } from "./scripted.js";

const { lcp, ccp, ipcp } = Protocol;

function optionsOf(hex: string) {
  const options = decodeOptions(octets(hex), 64);
  if (!options.ok) throw new Error(options.field);
  return options.value;
}

function without(hex: string, rejected: string) {
  const gone = new Set(optionsOf(rejected).map(({ type }) => type));
  return optionsOf(hex).filter(({ type }) => !gone.has(type));
}

describe.each(OPENINGS)("$peer ($source)", (opening) => {
  test("logs in, encrypts, has its address", () => {
    const peer = new Scripted("authenticator");
    const reply = (protocol: number) => {
      const { code, data } = peer.last(protocol);
      return `${code} ${toHex(data)}`;
    };

    peer.request(lcp, optionsOf(opening.lcp), opening.firstIdentifier);
    if (opening.lcpRejected !== "") {
      expect(reply(lcp)).toBe(`${LcpCode.configureReject} ${opening.lcpRejected}`);
      peer.request(lcp, without(opening.lcp, opening.lcpRejected), opening.firstIdentifier + 1);
    }
    const agreed = without(opening.lcp, opening.lcpRejected);
    expect(reply(lcp)).toBe(`${LcpCode.configureAck} ${toHex(encodeOptions(agreed))}`);
    peer.ack(lcp);
    opening.lcpBesides.forEach(({ code, data }, i) => {
      peer.packet(lcp, code, 2 + i, octets(data));
    });
    if (opening.lcpBesides.length > 0) {
      expect(peer.end.session.snapshot().peersIdentification).toMatch(/^MSRAS/);
    }
    expect(peer.sent(lcp).some(({ code }) => code === LcpCode.codeReject)).toBe(false);
    peer.respond().verdict();

    if (opening.ipcpFirst) {
      peer.request(ipcp, optionsOf(opening.ipcp), 1);
      expect(peer.sent(ipcp)).toEqual([]);
    }

    peer.request(ccp, optionsOf(opening.ccp));
    if (opening.ccpRejected !== "") {
      expect(reply(ccp)).toBe(`${LcpCode.configureReject} ${opening.ccpRejected}`);
    } else if (opening.ccp !== opening.ccpAgreed) {
      expect(reply(ccp)).toBe(`${LcpCode.configureNak} ${opening.ccpAgreed}`);
    }
    peer.request(ccp, optionsOf(opening.ccpAgreed));
    expect(reply(ccp)).toBe(`${LcpCode.configureAck} ${opening.ccpAgreed}`);
    peer.ack(ccp).addresses();
    expect(peer.end.last("EncryptionUp")!.keys).toMatchObject({ bits: 128, stateful: false });

    if (!opening.ipcpFirst) peer.request(ipcp, optionsOf(opening.ipcp));
    expect(reply(ipcp)).toBe(`${LcpCode.configureReject} ${opening.ipcpRejected}`);
    const asked = without(opening.ipcp, opening.ipcpRejected);
    peer.request(ipcp, asked);
    expect(peer.last(ipcp).code).toBe(LcpCode.configureNak);
    const { peers, dns } = ADDRESSES.ipv4!;
    const given = asked.map(({ type }) =>
      optionUint32(type, type === IpcpOption.ipAddress ? peers : dns[0]!),
    );
    expect(toHex(peer.last(ipcp).data)).toBe(toHex(encodeOptions(given)));
    peer.request(ipcp, given).ack(ipcp);
    expect(peer.end.last("Ipv4Up")).toMatchObject({ peers });
    expect(peer.end.session.pollTimeout()).toBeUndefined();
  });
});
