// A call's packets as a capture at the server has them, and how long the server let the client wait.
// A reader of its own: it shares nothing with the codecs of the server it judges.

/** The kernel-channel client; UNIT may be a word of the shell. */
export function dialling(server: string, unit: string, user: string, password: string): string {
  return `CHANNEL=kernel client ${server} mschap-v2 128 ${unit} ${user} ${password}`;
}

export type Dialogue = {
  /** First SYN to the IPCP Configure-Ack after which both ends have one. */
  readonly wholeMs: number;
  /** The gaps before each packet from the server, in sum. */
  readonly owedMs: number;
  /** Each of them: before which packet, after which. */
  readonly gaps: readonly {
    readonly before: string;
    readonly after: string;
    readonly ms: number;
  }[];
};

type Said = { readonly atMs: number; readonly fromServer: boolean; readonly what: string };

const IPCP_ACK = "IPCP Ack";
const PROTOCOLS: Readonly<Record<number, string>> = {
  49185: "LCP",
  49699: "CHAP",
  33021: "CCP",
  32801: "IPCP",
};
const MESSAGES: Readonly<Record<number, string>> = { 1: "SCCRQ", 2: "SCCRP", 7: "OCRQ", 8: "OCRP" };
const CODES = ["", "Request", "Ack", "Nak", "Reject"];
const CHAP_CODES = ["", "Challenge", "Response", "Success", "Failure"];

/** A pcap file of Ethernet with microseconds, as tcpdump writes it. */
export function readDialogue(pcap: Buffer, server: string): Dialogue {
  if (pcap.length < 24 || pcap.readUInt32LE(0) !== 0xa1b2c3d4) throw new Error("no capture");
  const said: Said[] = [];
  for (let at = 24; at + 16 <= pcap.length; ) {
    const atMs = pcap.readUInt32LE(at) * 1e3 + pcap.readUInt32LE(at + 4) / 1e3;
    const length = pcap.readUInt32LE(at + 8);
    const frame = pcap.subarray(at + 16, at + 16 + length);
    at += 16 + length;
    const what = meaning(frame);
    if (what === undefined) continue;
    said.push({ atMs, fromServer: source(frame) === server, what });
  }
  return judge(said);
}

function judge(said: readonly Said[]): Dialogue {
  const first = said.findIndex(({ what }) => what === "SYN");
  const acks = said.filter(({ what }) => what === IPCP_ACK);
  const last = Math.max(
    said.findIndex(({ what, fromServer }) => what === IPCP_ACK && fromServer),
    said.findIndex(({ what, fromServer }) => what === IPCP_ACK && !fromServer),
  );
  if (first < 0 || last < 0 || acks.length < 2) throw new Error("no whole call in the capture");
  const gaps: { before: string; after: string; ms: number }[] = [];
  for (let at = first + 1; at <= last; at++) {
    const [before, now] = [said[at - 1]!, said[at]!];
    if (!now.fromServer) continue;
    const after = `${before.fromServer ? "its own" : "the client's"} ${before.what}`;
    gaps.push({ before: now.what, after, ms: now.atMs - before.atMs });
  }
  const owedMs = gaps.reduce((sum, { ms }) => sum + ms, 0);
  return { wholeMs: said[last]!.atMs - said[first]!.atMs, owedMs, gaps };
}

function source(frame: Buffer): string {
  return [...frame.subarray(26, 30)].join(".");
}

/** What counts as a word of the dialogue; undefined for bare acknowledgments and the rest. */
function meaning(frame: Buffer): string | undefined {
  if (frame.length < 34 || frame.readUInt16BE(12) !== 0x0800) return undefined;
  const header = 14 + (frame[14]! & 15) * 4;
  const end = Math.min(frame.length, 14 + frame.readUInt16BE(16));
  const protocol = frame[23];
  if (protocol === 6) {
    const flags = frame[header + 13]!;
    if ((flags & 2) !== 0) return (flags & 16) !== 0 ? "SYN-ACK" : "SYN";
    const payload = header + (frame[header + 12]! >> 4) * 4;
    if (payload + 10 > end) return undefined;
    const message = frame.readUInt16BE(payload + 8);
    return MESSAGES[message] ?? `PPTP ${message}`;
  }
  return protocol === 47 ? ppp(frame, header, end) : undefined;
}

function ppp(frame: Buffer, gre: number, end: number): string | undefined {
  const flags = frame.readUInt16BE(gre);
  if ((flags & 0x1000) === 0) return undefined;
  let at = gre + 12 + ((flags & 0x80) !== 0 ? 4 : 0);
  if (at + 3 > end) return undefined;
  if (frame[at] === 0xff && frame[at + 1] === 3) at += 2;
  const name = PROTOCOLS[frame.readUInt16BE(at)];
  if (name === undefined) return "data";
  const code = frame[at + 2]!;
  return `${name} ${(name === "CHAP" ? CHAP_CODES : CODES)[code] ?? code}`;
}
