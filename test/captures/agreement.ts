// What both ends of a captured call agreed on, read by the product's own codecs, and the keys that follow.
import { startKeysMsChapV2 } from "../../src/crypto/mppe-keys.js";
import { ntPasswordHash } from "../../src/crypto/ms-chap.js";
import { CcpOption, decodeMppeOption } from "../../src/wire/ppp/ccp.js";
import { ChapCode, decodeMsChapV2Response, decodeValueAndName } from "../../src/wire/ppp/chap.js";
import { LcpCode } from "../../src/wire/ppp/lcp.js";
import { decodeOptions } from "../../src/wire/ppp/options.js";
import { decodePacket, type PppPacket } from "../../src/wire/ppp/packet.js";
import { Protocol } from "../../src/wire/ppp/protocols.js";
import type { EncryptionTerms } from "../../src/wire/worker-link.js";
import type { CapturedCall, Side } from "./call.js";

export function value<T>(read: { ok: true; value: T } | { ok: false }): T {
  if (!read.ok) throw new Error(JSON.stringify(read));
  return read.value;
}

export function packetsOf(call: CapturedCall, protocol: number): (PppPacket & { from: Side })[] {
  return call.frames
    .filter((frame) => frame.protocol === protocol)
    .map(({ from, information }) => ({ from, ...value(decodePacket(information)) }));
}

export function msChapV2(call: CapturedCall) {
  const packets = packetsOf(call, Protocol.chap);
  const challenge = packets.find(({ code }) => code === ChapCode.challenge)!;
  const response = packets.find(({ code }) => code === ChapCode.response)!;
  const said = value(decodeMsChapV2Response(value(decodeValueAndName(response.data)).value));
  return {
    authenticator: value(decodeValueAndName(challenge.data)).value,
    peer: said.peerChallenge,
    ntResponse: said.ntResponse,
    success: packets.find(({ code }) => code === ChapCode.success)!.data,
  };
}

/** Terms that the last CCP Configure-Ack agreed on. */
export function agreed(call: CapturedCall): { bits: 40 | 56 | 128; stateful: boolean } {
  const acks = packetsOf(call, Protocol.ccp).filter(({ code }) => code === LcpCode.configureAck);
  const [option] = value(decodeOptions(acks.at(-1)!.data, 1));
  if (option?.type !== CcpOption.microsoft) throw new Error("not MPPE");
  const { stateless, strengths, others } = value(decodeMppeOption(option));
  if (strengths.length !== 1 || others) throw new Error("agreed on more than one strength");
  return { bits: strengths[0]!, stateful: !stateless };
}

/** With the keys of whoever is `side`. */
export function encryptionOf(call: CapturedCall, password: string, side: Side): EncryptionTerms {
  const { ntResponse } = msChapV2(call);
  const { bits128 } = startKeysMsChapV2(ntPasswordHash(password), ntResponse, side);
  return { ...agreed(call), sendStart: bits128.send, receiveStart: bits128.receive };
}
