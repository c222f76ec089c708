// RFC 1994 §4, RFC 2433 §3-§7, RFC 2759 §3-§7: CHAP, MS-CHAPv1 and MS-CHAPv2 packets.
import { type Decoded, decoded, malformed } from "../../base/decoded.js";
import { fromHex, toHex } from "../../base/hex.js";
import { invariant } from "../../base/invariant.js";

export const ChapCode = {
  challenge: 1,
  response: 2,
  success: 3,
  failure: 4,
  changePasswordV1: 5,
  changePasswordV2: 6,
  changePasswordV3: 7,
} as const;

/** RFC 2759 §7: the one length of a Change-Password packet, header included. */
export const CHANGE_PASSWORD_OCTETS = 586;
const MS_RESPONSE_OCTETS = 49;

/** Challenge and Response share one layout: Value-Size, Value, Name. */
export type ValueAndName = { readonly value: Uint8Array; readonly name: Uint8Array };

/** Views of `data`. */
export function decodeValueAndName(data: Uint8Array): Decoded<ValueAndName> {
  const size = data[0];
  if (size === undefined) return malformed("Value-Size", "missing");
  // RFC 1994 §4.1: the Value field is one or more octets.
  if (size === 0 || size > data.length - 1) return malformed("Value-Size", size);
  return decoded({ value: data.subarray(1, 1 + size), name: data.subarray(1 + size) });
}

export function encodeValueAndName({ value, name }: ValueAndName): Uint8Array {
  invariant(value.length >= 1 && value.length <= 255, "a CHAP value is counted by one octet");
  const data = new Uint8Array(1 + value.length + name.length);
  data[0] = value.length;
  data.set(value, 1);
  data.set(name, 1 + value.length);
  return data;
}

export type MsChapV1Response = {
  readonly lmResponse: Uint8Array;
  readonly ntResponse: Uint8Array;
  readonly useNt: boolean;
};

export function decodeMsChapV1Response(value: Uint8Array): Decoded<MsChapV1Response> {
  if (value.length !== MS_RESPONSE_OCTETS) return malformed("Value-Size", value.length);
  return decoded({
    lmResponse: value.subarray(0, 24),
    ntResponse: value.subarray(24, 48),
    useNt: value[48] === 1,
  });
}

export function encodeMsChapV1Response(response: MsChapV1Response): Uint8Array {
  const value = new Uint8Array(MS_RESPONSE_OCTETS);
  value.set(response.lmResponse, 0);
  value.set(response.ntResponse, 24);
  value[48] = response.useNt ? 1 : 0;
  return value;
}

export type MsChapV2Response = {
  readonly peerChallenge: Uint8Array;
  readonly ntResponse: Uint8Array;
};

/** Reserved and Flags MUST be zero when sent and are not looked at, as deployed servers do. */
export function decodeMsChapV2Response(value: Uint8Array): Decoded<MsChapV2Response> {
  if (value.length !== MS_RESPONSE_OCTETS) return malformed("Value-Size", value.length);
  return decoded({ peerChallenge: value.subarray(0, 16), ntResponse: value.subarray(24, 48) });
}

export function encodeMsChapV2Response(response: MsChapV2Response): Uint8Array {
  const value = new Uint8Array(MS_RESPONSE_OCTETS);
  value.set(response.peerChallenge, 0);
  value.set(response.ntResponse, 24);
  return value;
}

/** RFC 2759 §5: the 40 hexadecimal digits after `S=`, by prefix; peers leave ` M=` out. */
export function decodeAuthenticatorResponse(message: Uint8Array): Decoded<string> {
  const text = ascii(message);
  const digits = /(?:^| )S=([0-9A-Fa-f]{40})(?: |$)/.exec(text)?.[1];
  return digits === undefined ? malformed("S", text.length) : decoded(digits.toUpperCase());
}

export function encodeSuccess(authenticatorResponse: string, message: string): Uint8Array {
  return octets(`S=${authenticatorResponse} M=${message}`);
}

export type MsChapFailure = {
  /** E: RFC 2759 §6; undefined when the peer gave none. */
  readonly code: number | undefined;
  readonly retry: boolean;
  readonly challenge: Uint8Array | undefined;
  readonly version: number | undefined;
  readonly message: string;
};

/** By prefix, in any order, `M=` last and to the end (RFC 2433 §6, RFC 2759 §6). Never malformed. */
export function decodeMsChapFailure(data: Uint8Array): MsChapFailure {
  const text = ascii(data);
  const at = /(?:^| )M=/.exec(text);
  const head = at === null ? text : text.slice(0, at.index);
  const field = (pattern: RegExp) => pattern.exec(head)?.[1];
  const code = field(/(?:^| )E=([0-9]{1,10})(?: |$)/);
  const challenge = field(/(?:^| )C=([0-9A-Fa-f]{16}|[0-9A-Fa-f]{32})(?: |$)/);
  const version = field(/(?:^| )V=([0-9]{1,10})(?: |$)/);
  return {
    code: code === undefined ? undefined : Number(code),
    retry: field(/(?:^| )R=([01])(?: |$)/) === "1",
    challenge: challenge === undefined ? undefined : fromHex(challenge),
    version: version === undefined ? undefined : Number(version),
    message: at === null ? "" : text.slice(at.index + at[0].length),
  };
}

/** `challenge`: 8 octets (MS-CHAPv1) or 16 (MS-CHAPv2), present where another try is allowed. */
export function encodeMsChapFailure(failure: {
  readonly code: number;
  readonly challenge: Uint8Array;
  readonly retry: boolean;
  readonly version: 2 | 3;
  readonly message: string;
}): Uint8Array {
  const challenge = toHex(failure.challenge).toUpperCase();
  const retry = failure.retry ? 1 : 0;
  return octets(
    `E=${failure.code} R=${retry} C=${challenge} V=${failure.version} M=${failure.message}`,
  );
}

/** One character an octet: a peer's text can hold anything, and `printable` shows it. */
function ascii(message: Uint8Array): string {
  let text = "";
  for (const octet of message) text += String.fromCharCode(octet);
  return text;
}

function octets(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
