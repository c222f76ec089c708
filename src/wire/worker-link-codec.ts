// The link's messages as octets: u32 length of the rest, u8 version, u8 kind, body. The two kinds that
// carry PPP frames are binary, the rare rest JSON of a checked shape.
import { type Decoded, decoded, malformed } from "../base/decoded.js";
import { read16, read32, write16, write32 } from "./ip-octets.js";
import type { FlowRef, PlaneCommand, PlaneEvent } from "./worker-link.js";
import {
  count,
  counts,
  flag,
  list,
  MISFIT,
  octets,
  oneOf,
  optional,
  record,
  type Shape,
  text,
  u16,
  u32,
  uint,
} from "./worker-link-shape.js";

export const LINK_VERSION = 1;
export const LINK_LENGTH_OCTETS = 4;
const BODY_AT = 6;

/** Generations are 48 bits on this wire: one a microsecond lasts for nine years. */
const flow = record({ slot: u32, generation: uint(2 ** 48 - 1) });
const address6 = octets(16, 16);
const prefix4 = record({ address: u32, length: uint(32) });
const frame = octets(0, 1_600);

const gatewayTerms = record({
  gatewayAddress: u32,
  dns: list(u32, 16),
  nbns: list(u32, 16),
  domain: text(255),
  routes: list(record({ prefix: prefix4, via: u32 }), 256),
  clientToClient: flag,
  reachHost: flag,
  hostAddresses: list(u32, 1_024),
  hostAddresses6: list(address6, 1_024),
  dns6: list(address6, 16),
  sendWindow: oneOf("off", "rfc"),
  clampMss: flag,
});

const encryptionTerms = record({
  bits: oneOf(40, 56, 128),
  stateful: flag,
  sendStart: octets(8, 16),
  receiveStart: octets(8, 16),
});

const network4 = record({ address: u32, routes: list(prefix4, 256) });
const network6 = record({
  linkLocal: address6,
  ourLinkLocal: address6,
  prefix: optional(address6),
});

const flowCounters = record({
  receivedPackets: count,
  receivedOctets: count,
  sentPackets: count,
  sentOctets: count,
  dropped: count,
  overRateUp: count,
  overRateDown: count,
  lost: count,
  reordered: count,
  roundTripMs: count,
  idleMs: count,
});

/** The place in this list is the kind on the wire; `Send` is 1. */
const COMMANDS = {
  Send: record({ flow, frame }),
  Configure: record({ gateway: gatewayTerms }),
  Install: record({
    flow,
    localAddress: u32,
    peerAddress: u32,
    callId: u16,
    peersCallId: u16,
    peersWindow: u16,
    peersProcessingDelay: u16,
    end: oneOf("gateway", "host"),
    encryptionRequired: flag,
  }),
  Remove: record({ flow }),
  Link: record({ flow, peersMru: u16, acfc: flag, pfc: flag, mru: u16 }),
  Encrypt: record({ flow, terms: optional(encryptionTerms) }),
  Network4: record({ flow, network: optional(network4) }),
  Network6: record({ flow, network: optional(network6) }),
  Rate: record({ flow, bucket: u32, upBitsPerSecond: count, downBitsPerSecond: count }),
  Resync: record({ flow, echoReply: frame }),
  Flush: record({ flow, side: oneOf("send", "receive") }),
  Ping: record({ nonce: u32 }),
  Stop: record({}),
  Authenticated: record({ flow }),
} as const satisfies Bodies<PlaneCommand>;

/** `Frame` is 1. */
const EVENTS = {
  Frame: record({ flow, protocol: u16, information: frame }),
  Ready: record({ version: u16, engine: text(40), offload: text(40) }),
  Installed: record({ flow }),
  InstallRefused: record({ flow, why: text(200) }),
  Removed: record({ flow, counters: flowCounters }),
  ResyncNeeded: record({ flow }),
  DataProven: record({ flow }),
  KeysLost: record({ flow }),
  ResetNeeded: record({ flow }),
  Counters: record({
    flows: list(record({ flow, counters: flowCounters }), 256),
    drops: counts(128),
  }),
  Pong: record({ nonce: u32 }),
  Trouble: record({ call: text(100), errno: text(40) }),
} as const satisfies Bodies<PlaneEvent>;

/** A shape for each kind, of everything but the kind. */
type Bodies<M extends { kind: string }> = {
  readonly [K in M["kind"]]: Shape<Omit<Extract<M, { kind: K }>, "kind">>;
};

type Message = { readonly kind: string };
type Table = Readonly<
  Record<string, { write(value: never): unknown; read(json: unknown): unknown }>
>;

/** The message with its length before it, or undefined when it would exceed `octetsMax`. */
export function encodeCommand(command: PlaneCommand, octetsMax: number): Uint8Array | undefined {
  if (command.kind !== "Send") return encodeJson(COMMANDS, command, octetsMax);
  return encodeFrame(command.flow, undefined, command.frame, octetsMax);
}

export function encodeEvent(event: PlaneEvent, octetsMax: number): Uint8Array | undefined {
  if (event.kind !== "Frame") return encodeJson(EVENTS, event, octetsMax);
  return encodeFrame(event.flow, event.protocol, event.information, octetsMax);
}

/** `message` is what follows the length: version, kind, body. */
export function decodeCommand(message: Uint8Array): Decoded<PlaneCommand> {
  const kind = decodeKind(COMMANDS, message);
  if (!kind.ok) return kind;
  if (kind.value !== "Send") return decodeJson<PlaneCommand>(COMMANDS, kind.value, message);
  const read = decodeFrame(message, 0);
  if (!read.ok) return read;
  return decoded({ kind: "Send", flow: read.value.flow, frame: read.value.octets });
}

export function decodeEvent(message: Uint8Array): Decoded<PlaneEvent> {
  const kind = decodeKind(EVENTS, message);
  if (!kind.ok) return kind;
  if (kind.value !== "Frame") return decodeJson<PlaneEvent>(EVENTS, kind.value, message);
  const read = decodeFrame(message, 2);
  if (!read.ok) return read;
  const protocol = read16(message, FRAME_AT);
  const { flow: ref, octets: information } = read.value;
  return decoded({ kind: "Frame", flow: ref, protocol, information });
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

function head(kind: number, bodyOctets: number, octetsMax: number): Uint8Array | undefined {
  if (2 + bodyOctets > octetsMax) return undefined;
  const message = new Uint8Array(BODY_AT + bodyOctets);
  write32(message, 0, 2 + bodyOctets);
  message[4] = LINK_VERSION;
  message[5] = kind;
  return message;
}

function encodeJson(table: Table, message: Message, octetsMax: number): Uint8Array | undefined {
  const body = encoder.encode(JSON.stringify(table[message.kind]!.write(message as never)));
  const octets = head(Object.keys(table).indexOf(message.kind) + 1, body.length, octetsMax);
  octets?.set(body, BODY_AT);
  return octets;
}

function decodeKind<T extends Table>(table: T, message: Uint8Array): Decoded<keyof T> {
  if (message.length < 2) return malformed("length", message.length);
  if (message[0] !== LINK_VERSION) return malformed("version", message[0]!);
  const kind = Object.keys(table)[message[1]! - 1];
  return kind === undefined ? malformed("kind", message[1]!) : decoded(kind as keyof T);
}

function decodeJson<M extends Message>(
  table: Table,
  kind: string,
  message: Uint8Array,
): Decoded<M> {
  const json = parse(message.subarray(2));
  const body = json === undefined ? MISFIT : table[kind]!.read(json);
  if (body === MISFIT) return malformed("body", kind);
  return decoded({ kind, ...(body as object) } as unknown as M);
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(body));
  } catch {
    return undefined;
  }
}

/** Slot u32, generation u48: where a frame's own fields begin in what follows the length. */
const FRAME_AT = 2 + 10;

function encodeFrame(
  ref: FlowRef,
  protocol: number | undefined,
  octets: Uint8Array,
  octetsMax: number,
): Uint8Array | undefined {
  const extra = protocol === undefined ? 0 : 2;
  const message = head(1, 10 + extra + octets.length, octetsMax);
  if (message === undefined) return undefined;
  const at = BODY_AT;
  write32(message, at, ref.slot);
  write16(message, at + 4, Math.floor(ref.generation / 0x1_0000_0000));
  write32(message, at + 6, ref.generation);
  if (protocol !== undefined) write16(message, at + 10, protocol);
  message.set(octets, at + 10 + extra);
  return message;
}

function decodeFrame(
  message: Uint8Array,
  extra: number,
): Decoded<{ flow: FlowRef; octets: Uint8Array }> {
  if (message.length < FRAME_AT + extra) return malformed("length", message.length);
  const slot = read32(message, 2);
  const generation = read16(message, 6) * 0x1_0000_0000 + read32(message, 8);
  return decoded({ flow: { slot, generation }, octets: message.slice(FRAME_AT + extra) });
}
