// One captured call: its control messages and its PPP frames, read by the product's own codecs.
import { readFileSync } from "node:fs";
import { parseIpv4 } from "../../src/base/ip.js";
import { Framer } from "../../src/core/pptp/framer.js";
import { GRE_PROTOCOL, GreHeader, readGre } from "../../src/wire/gre.js";
import { Ipv4Header, readIpv4, TCP } from "../../src/wire/ipv4.js";
import { decodeFrame } from "../../src/wire/ppp/frame.js";
import { type ControlMessage, decodeControlMessage } from "../../src/wire/pptp/index.js";
import { ETHERNET, readPcap } from "./pcap.js";

export const CLIENT = parseIpv4("198.18.1.2")!;
export const SERVER = parseIpv4("198.18.1.1")!;
const ETHERNET_HEADER_OCTETS = 14;

export type Side = "client" | "server";

export type CapturedFrame = {
  readonly from: Side;
  readonly callId: number;
  readonly sequence: number;
  readonly protocol: number;
  readonly information: Uint8Array;
};

export type CapturedCall = {
  readonly records: number;
  readonly tcpSegments: number;
  readonly messages: readonly { readonly from: Side; readonly message: ControlMessage }[];
  /** Of packets that only acknowledge. */
  readonly loneAcknowledgments: number;
  readonly frames: readonly CapturedFrame[];
  /** All of GRE, IPv4 header first. */
  readonly datagrams: readonly { readonly from: Side; readonly octets: Uint8Array }[];
};

/** TCP's octets of one direction in order, each once: captures hold retransmissions. */
class Direction {
  readonly framer = new Framer();
  #next: number | undefined;

  take(octets: Uint8Array, at: number, end: number): Uint8Array | undefined {
    const view = new DataView(octets.buffer, octets.byteOffset);
    const sequence = view.getUint32(at + 4);
    const synchronise = (octets[at + 13]! & 2) !== 0;
    if (synchronise) this.#next = (sequence + 1) >>> 0;
    const data = octets.subarray(at + 4 * (octets[at + 12]! >>> 4), end);
    if (data.length === 0 || this.#next === undefined) return undefined;
    const known = (this.#next - sequence) >>> 0;
    if (known >= 0x8000_0000) throw new Error("a segment is missing from the capture");
    if (known >= data.length) return undefined;
    this.#next = (sequence + data.length) >>> 0;
    return data.subarray(known);
  }
}

/** Throws on the first octet that our codecs do not take. */
export function readCall(name: string): CapturedCall {
  const file = new Uint8Array(
    readFileSync(new URL(`../vectors/captures/${name}.pcap`, import.meta.url)),
  );
  const records = readPcap(file, ETHERNET);
  const streams = { client: new Direction(), server: new Direction() };
  const messages: { from: Side; message: ControlMessage }[] = [];
  const frames: CapturedFrame[] = [];
  const datagrams: { from: Side; octets: Uint8Array }[] = [];
  const ip = new Ipv4Header();
  let tcpSegments = 0;
  let loneAcknowledgments = 0;
  for (const { octets } of records) {
    // TCP checksums are left to the network card in a veth pair; the IPv4 header's is there.
    const fault = readIpv4(octets, ETHERNET_HEADER_OCTETS, octets.length, ip);
    if (fault !== undefined) throw new Error(fault);
    const from = ip.source === CLIENT ? "client" : "server";
    if (ip.protocol === TCP) {
      tcpSegments++;
      const data = streams[from].take(octets, ip.payloadStart, ip.end);
      if (data !== undefined) messages.push(...readMessages(streams[from].framer, data, from));
    } else if (ip.protocol === GRE_PROTOCOL) {
      datagrams.push({ from, octets: octets.slice(ETHERNET_HEADER_OCTETS, ip.end) });
      const frame = readFrame(octets, ip, from);
      if (frame === undefined) loneAcknowledgments++;
      else frames.push(frame);
    } else {
      throw new Error(`IP protocol ${ip.protocol}`);
    }
  }
  return { records: records.length, tcpSegments, messages, loneAcknowledgments, frames, datagrams };
}

function readMessages(framer: Framer, data: Uint8Array, from: Side) {
  const messages: { from: Side; message: ControlMessage }[] = [];
  framer.feed(data);
  for (let next = framer.next(); next.kind !== "need-more"; next = framer.next()) {
    if (next.kind === "malformed") throw new Error(JSON.stringify(next));
    const read = decodeControlMessage(next.octets);
    if (!read.ok) throw new Error(JSON.stringify(read));
    messages.push({ from, message: read.value });
  }
  return messages;
}

function readFrame(octets: Uint8Array, ip: Ipv4Header, from: Side): CapturedFrame | undefined {
  const gre = new GreHeader();
  const fault = readGre(octets, ip.payloadStart, ip.end, gre);
  if (fault !== undefined) throw new Error(fault);
  if (!gre.hasSequence) return undefined;
  const frame = decodeFrame(octets.subarray(gre.payloadStart, gre.payloadEnd));
  if (!frame.ok) throw new Error(JSON.stringify(frame));
  return { from, callId: gre.callId, sequence: gre.sequence, ...frame.value };
}
