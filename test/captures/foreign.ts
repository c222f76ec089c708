// tshark as a foreign reader of what our encoders write.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GRE_PROTOCOL, greHeaderOctets, writeGre } from "../../src/wire/gre.js";
import { IPV4_HEADER_OCTETS, TCP, writeIpv4 } from "../../src/wire/ipv4.js";
import { CLIENT, SERVER } from "./call.js";
import { RAW_IPV4, writePcap } from "./pcap.js";

export const TSHARK = { commands: ["tshark"], aptPackages: ["tshark"] } as const;
const TCP_HEADER_OCTETS = 20;
const CONTROL_PORT = 1723;

/** An IPv4 packet with one control message in a TCP segment; each on a connection of its own. */
export function inTcp(message: Uint8Array, connection: number): Uint8Array {
  const total = IPV4_HEADER_OCTETS + TCP_HEADER_OCTETS + message.length;
  const packet = new Uint8Array(total);
  writeIpv4(packet, 0, total, TCP, CLIENT, SERVER);
  const view = new DataView(packet.buffer, IPV4_HEADER_OCTETS);
  view.setUint16(0, 20_000 + connection);
  view.setUint16(2, CONTROL_PORT);
  view.setUint32(4, 1);
  view.setUint32(8, 1);
  view.setUint16(12, 0x5018);
  view.setUint16(14, 65_535);
  packet.set(message, IPV4_HEADER_OCTETS + TCP_HEADER_OCTETS);
  return packet;
}

export type GreFields = {
  readonly callId: number;
  readonly sequence: number | undefined;
  readonly acknowledgment: number | undefined;
};

/** An IPv4 packet with one enhanced GRE packet. */
export function inGre(frame: Uint8Array, fields: GreFields): Uint8Array {
  const { callId, sequence, acknowledgment } = fields;
  const header = greHeaderOctets(sequence !== undefined, acknowledgment !== undefined);
  const total = IPV4_HEADER_OCTETS + header + frame.length;
  const packet = new Uint8Array(total);
  writeIpv4(packet, 0, total, GRE_PROTOCOL, SERVER, CLIENT);
  writeGre(packet, IPV4_HEADER_OCTETS, callId, frame.length, sequence, acknowledgment);
  packet.set(frame, IPV4_HEADER_OCTETS + header);
  return packet;
}

/** tshark's output for a capture of `packets`, checksums verified wherever it can. */
export function tshark(packets: readonly Uint8Array[], ...options: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-tshark-"));
  try {
    const file = join(folder, "ours.pcap");
    writeFileSync(file, writePcap(RAW_IPV4, packets));
    const verify = ["-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"];
    return execFileSync("tshark", ["-r", file, "-n", ...verify, ...options], {
      encoding: "utf8",
      maxBuffer: 64 * 1024 * 1024,
      stdio: ["ignore", "pipe", "ignore"],
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** One record a packet; a field that occurs more than once has its values joined by commas. */
export function tsharkFields(
  packets: readonly Uint8Array[],
  names: readonly string[],
): Record<string, string>[] {
  const wanted = names.flatMap((name) => ["-e", name]);
  const lines = tshark(packets, "-T", "fields", ...wanted)
    .split("\n")
    .slice(0, -1);
  return lines.map((line) => {
    const values = line.split("\t");
    return Object.fromEntries(names.map((name, at) => [name, values[at] ?? ""]));
  });
}

export type Complaint = { readonly packet: number; readonly what: string };

/** All that tshark finds malformed, or worth a warning or an error. */
export function complaints(packets: readonly Uint8Array[]): Complaint[] {
  const names = ["_ws.malformed", "_ws.expert.severity", "_ws.expert.message"];
  return tsharkFields(packets, names).flatMap((fields, packet) => {
    const severities = fields["_ws.expert.severity"]!.split(",").map(Number);
    const severe = severities.some((severity) => severity >= 0x60_0000);
    const malformed = fields["_ws.malformed"] !== "";
    return severe || malformed ? [{ packet, what: JSON.stringify(fields) }] : [];
  });
}

/** Fields of the PPTP dissector in PDML: place within the message, width and octets in hexadecimal. */
export type DissectedField = {
  readonly offset: number;
  readonly size: number;
  readonly hex: string;
};

export function dissectedMessages(packets: readonly Uint8Array[]): DissectedField[][] {
  const start = IPV4_HEADER_OCTETS + TCP_HEADER_OCTETS;
  const attribute = (element: string, name: string) =>
    new RegExp(` ${name}="([^"]*)"`).exec(element)?.[1] ?? "";
  return tshark(packets, "-T", "pdml")
    .split("<packet>")
    .slice(1)
    .map((packet) => {
      const proto = packet.split('<proto name="pptp"')[1]?.split("</proto>")[0] ?? "";
      return [...proto.matchAll(/<field [^>]*>/g)]
        .map(([element]) => ({
          offset: Number(attribute(element, "pos")) - start,
          size: Number(attribute(element, "size")),
          hex: attribute(element, "value"),
        }))
        .filter(({ size, hex }) => size > 0 && hex !== "");
    });
}
