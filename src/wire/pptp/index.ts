// RFC 2637 §1.4, §2: the 15 control messages as one union, and octets to and from it.
import { type Decoded, malformed } from "../../base/decoded.js";
import { callClearRequest } from "./call-clear-request.js";
import { callDisconnectNotify } from "./call-disconnect-notify.js";
import { echoReply } from "./echo-reply.js";
import { echoRequest } from "./echo-request.js";
import {
  CONTROL_MESSAGE,
  decodeFields,
  encodeFields,
  HEADER_OCTETS,
  MAGIC_COOKIE,
  type MessageLayout,
  type MessageOf,
  oddFields,
  printFields,
  readNumber,
} from "./field-table.js";
import { incomingCallConnected } from "./incoming-call-connected.js";
import { incomingCallReply } from "./incoming-call-reply.js";
import { incomingCallRequest } from "./incoming-call-request.js";
import { outgoingCallReply } from "./outgoing-call-reply.js";
import { outgoingCallRequest } from "./outgoing-call-request.js";
import { setLinkInfo } from "./set-link-info.js";
import { startControlConnectionReply } from "./start-control-connection-reply.js";
import { startControlConnectionRequest } from "./start-control-connection-request.js";
import { stopControlConnectionReply } from "./stop-control-connection-reply.js";
import { stopControlConnectionRequest } from "./stop-control-connection-request.js";
import { wanErrorNotify } from "./wan-error-notify.js";

/** In the order of their Control Message Type, which is their index plus one. */
export const controlMessageLayouts = [
  startControlConnectionRequest,
  startControlConnectionReply,
  stopControlConnectionRequest,
  stopControlConnectionReply,
  echoRequest,
  echoReply,
  outgoingCallRequest,
  outgoingCallReply,
  incomingCallRequest,
  incomingCallReply,
  incomingCallConnected,
  callClearRequest,
  callDisconnectNotify,
  wanErrorNotify,
  setLinkInfo,
] as const;

export type ControlMessage = MessageOf<(typeof controlMessageLayouts)[number]>;
export type ControlMessageKind = ControlMessage["kind"];

const layoutByKind: ReadonlyMap<string, MessageLayout> = new Map(
  controlMessageLayouts.map((table) => [table.kind, table]),
);

export function layoutOf(kind: ControlMessageKind): MessageLayout<ControlMessageKind> {
  return layoutByKind.get(kind) as MessageLayout<ControlMessageKind>;
}

/**
 * The layout that the first 12 octets promise. Length must be exactly that type's (RFC 2637 §1.4);
 * a wrong Magic Cookie is never resynchronised: the caller closes the connection.
 */
export function decodeControlHeader(
  octets: Uint8Array,
): Decoded<MessageLayout<ControlMessageKind>> {
  if (octets.byteLength < HEADER_OCTETS) return malformed("Length", octets.byteLength);
  const cookie = readNumber(octets, 4, 4);
  if (cookie !== MAGIC_COOKIE) return malformed("Magic Cookie", cookie);
  const messageType = readNumber(octets, 2, 2);
  if (messageType !== CONTROL_MESSAGE) return malformed("PPTP Message Type", messageType);
  const type = readNumber(octets, 8, 2);
  const table = controlMessageLayouts[type - 1];
  if (table === undefined) return malformed("Control Message Type", type);
  const length = readNumber(octets, 0, 2);
  if (length !== table.length) return malformed("Length", length);
  return { ok: true, value: table };
}

/** One whole message, header included. */
export function decodeControlMessage(message: Uint8Array): Decoded<ControlMessage> {
  const header = decodeControlHeader(message);
  if (!header.ok) return header;
  if (message.byteLength !== header.value.length) return malformed("Length", message.byteLength);
  return decodeFields(header.value, message) as Decoded<ControlMessage>;
}

/** Fields of a well-formed message that are set although reserved, or have an unlisted value. */
export function oddities(message: Uint8Array): string[] {
  const header = decodeControlHeader(message);
  return header.ok && message.byteLength === header.value.length
    ? oddFields(header.value, message)
    : [];
}

export function encodeControlMessage(message: ControlMessage): Uint8Array {
  return encodeFields(layoutOf(message.kind), message);
}

/** One line for the log; strings of the peer are made printable and cut. */
export function printControlMessage(message: ControlMessage): string {
  return printFields(layoutOf(message.kind), message);
}
