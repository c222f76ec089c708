// RFC 1334 §2.2: PAP Authenticate-Request, Authenticate-Ack and Authenticate-Nak.
import { type Decoded, decoded, malformed } from "../../base/decoded.js";
import { invariant } from "../../base/invariant.js";

export const PapCode = { authenticateRequest: 1, authenticateAck: 2, authenticateNak: 3 } as const;

export type AuthenticateRequest = { readonly peerId: Uint8Array; readonly password: Uint8Array };

/** Two counted fields; octets after them are tolerated as padding. Views of `data`. */
export function decodeAuthenticateRequest(data: Uint8Array): Decoded<AuthenticateRequest> {
  const peerIdLength = data[0];
  if (peerIdLength === undefined) return malformed("Peer-ID Length", "missing");
  const passwordLength = data[1 + peerIdLength];
  if (passwordLength === undefined) return malformed("Peer-ID Length", peerIdLength);
  const passwordAt = 2 + peerIdLength;
  if (passwordAt + passwordLength > data.length) {
    return malformed("Passwd-Length", passwordLength);
  }
  return decoded({
    peerId: data.subarray(1, 1 + peerIdLength),
    password: data.subarray(passwordAt, passwordAt + passwordLength),
  });
}

export function encodeAuthenticateRequest({ peerId, password }: AuthenticateRequest): Uint8Array {
  invariant(peerId.length <= 255 && password.length <= 255, "PAP fields are counted by one octet");
  return Uint8Array.of(peerId.length, ...peerId, password.length, ...password);
}

/** Message of an Ack or Nak; a missing Msg-Length is an empty message, as peers send it. */
export function decodeMessage(data: Uint8Array): Decoded<Uint8Array> {
  const length = data[0] ?? 0;
  if (length > Math.max(0, data.length - 1)) return malformed("Msg-Length", length);
  return decoded(data.subarray(1, 1 + length));
}

export function encodeMessage(message: Uint8Array): Uint8Array {
  invariant(message.length <= 255, "a PAP message is counted by one octet");
  return Uint8Array.of(message.length, ...message);
}
