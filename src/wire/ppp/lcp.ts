// RFC 1661 §5, §6 and RFC 1570: LCP's codes, options, Echo, Protocol-Reject and Identification.
import { type Decoded, decoded, malformed } from "../../base/decoded.js";
import { type ConfigurationOption, octetsOfUint32, uint32At } from "./options.js";
import { Protocol } from "./protocols.js";

export const LcpCode = {
  configureRequest: 1,
  configureAck: 2,
  configureNak: 3,
  configureReject: 4,
  terminateRequest: 5,
  terminateAck: 6,
  codeReject: 7,
  protocolReject: 8,
  echoRequest: 9,
  echoReply: 10,
  discardRequest: 11,
  identification: 12,
  timeRemaining: 13,
} as const;

export const LcpOption = {
  maximumReceiveUnit: 1,
  asyncControlCharacterMap: 2,
  authenticationProtocol: 3,
  qualityProtocol: 4,
  magicNumber: 5,
  protocolFieldCompression: 7,
  addressAndControlFieldCompression: 8,
  callback: 13,
  multilinkMrru: 17,
  endpointDiscriminator: 19,
} as const;

/** What an Authentication-Protocol option asks for; `eap` and `unknown` are only ever refused. */
export type AuthenticationProtocol =
  | "pap"
  | "chap-md5"
  | "ms-chap-v1"
  | "ms-chap-v2"
  | "eap"
  | "unknown";

const CHAP_ALGORITHM = { "chap-md5": 0x05, "ms-chap-v1": 0x80, "ms-chap-v2": 0x81 } as const;

export function decodeAuthenticationProtocol({
  data,
}: ConfigurationOption): Decoded<AuthenticationProtocol> {
  if (data.length < 2) return malformed("Authentication-Protocol", data.length);
  const protocol = (data[0]! << 8) | data[1]!;
  if (protocol === Protocol.pap) return decoded(data.length === 2 ? "pap" : "unknown");
  if (protocol === Protocol.eap) return decoded("eap");
  if (protocol !== Protocol.chap || data.length !== 3) return decoded("unknown");
  switch (data[2]) {
    case CHAP_ALGORITHM["chap-md5"]:
      return decoded("chap-md5");
    case CHAP_ALGORITHM["ms-chap-v1"]:
      return decoded("ms-chap-v1");
    case CHAP_ALGORITHM["ms-chap-v2"]:
      return decoded("ms-chap-v2");
    default:
      return decoded("unknown");
  }
}

export function encodeAuthenticationProtocol(
  protocol: "pap" | keyof typeof CHAP_ALGORITHM,
): ConfigurationOption {
  const type = LcpOption.authenticationProtocol;
  if (protocol === "pap") return { type, data: Uint8Array.of(0xc0, 0x23) };
  return { type, data: Uint8Array.of(0xc2, 0x23, CHAP_ALGORITHM[protocol]) };
}

/** The body of Echo-Request, Echo-Reply, Discard-Request, Identification and Time-Remaining. */
export type MagicAndData = { readonly magicNumber: number; readonly data: Uint8Array };

export function decodeMagicAndData(octets: Uint8Array): Decoded<MagicAndData> {
  if (octets.length < 4) return malformed("Magic-Number", octets.length);
  return decoded({ magicNumber: uint32At(octets, 0), data: octets.subarray(4) });
}

export function encodeMagicAndData({ magicNumber, data }: MagicAndData): Uint8Array {
  const octets = new Uint8Array(4 + data.length);
  octets.set(octetsOfUint32(magicNumber));
  octets.set(data, 4);
  return octets;
}

export type ProtocolReject = {
  readonly rejectedProtocol: number;
  readonly rejectedInformation: Uint8Array;
};

export function decodeProtocolReject(octets: Uint8Array): Decoded<ProtocolReject> {
  if (octets.length < 2) return malformed("Rejected-Protocol", octets.length);
  return decoded({
    rejectedProtocol: (octets[0]! << 8) | octets[1]!,
    rejectedInformation: octets.subarray(2),
  });
}

/** `octetsMax`: RFC 1661 §5.7, truncated to the peer's MRU (the data's share of it). */
export function encodeProtocolReject(reject: ProtocolReject, octetsMax: number): Uint8Array {
  const room = Math.max(0, Math.min(reject.rejectedInformation.length, octetsMax - 2));
  const octets = new Uint8Array(2 + room);
  octets[0] = reject.rejectedProtocol >>> 8;
  octets[1] = reject.rejectedProtocol & 255;
  octets.set(reject.rejectedInformation.subarray(0, room), 2);
  return octets;
}
