// What a PPP session's outputs mean to the data path: the same for server and client.
import { never } from "../base/invariant.js";
import type { Ipv6, Prefix4 } from "../base/ip.js";
import type { FlowRef, PlaneCommand } from "../wire/worker-link.js";
import type { PppOutput } from "./ppp/ports.js";

type Plane =
  | "Send"
  | "LinkUp"
  | "LinkDown"
  | "EncryptionUp"
  | "EncryptionDown"
  | "Ipv4Up"
  | "Ipv4Down"
  | "Ipv6Up"
  | "Ipv6Down"
  | "ResyncExpected"
  | "FlushNeeded";

/** Outputs for the data path. */
export type PlaneOutput = Extract<PppOutput, { kind: Plane }>;
/** Outputs for whoever composes the session. */
export type SessionOutput = Exclude<PppOutput, PlaneOutput>;

export type PlaneContext = {
  readonly flow: FlowRef;
  /** Our MRU, and the most we send. */
  readonly mru: number;
  readonly mtu: number;
  /** Which end of the session the peer's data path is checked as: its address, or ours. */
  readonly end: "gateway" | "host";
  readonly routes: readonly Prefix4[];
  readonly prefix: Ipv6 | undefined;
};

export function isPlaneOutput(output: PppOutput): output is PlaneOutput {
  return kinds.has(output.kind);
}

const kinds: ReadonlySet<string> = new Set<Plane>([
  "Send",
  "LinkUp",
  "LinkDown",
  "EncryptionUp",
  "EncryptionDown",
  "Ipv4Up",
  "Ipv4Down",
  "Ipv6Up",
  "Ipv6Down",
  "ResyncExpected",
  "FlushNeeded",
]);

export function planeCommand(output: PlaneOutput, context: PlaneContext): PlaneCommand | undefined {
  const { flow, mru, mtu, end } = context;
  switch (output.kind) {
    case "Send":
      return { kind: "Send", flow, frame: output.frame };
    case "LinkUp": {
      const { acfc, pfc } = output;
      const peersMru = Math.min(output.peersMru, mtu);
      return { kind: "Link", flow, peersMru, acfc, pfc, mru };
    }
    case "LinkDown":
      return undefined;
    case "EncryptionUp":
      return { kind: "Encrypt", flow, terms: output.keys };
    case "EncryptionDown":
      return { kind: "Encrypt", flow, terms: undefined };
    case "Ipv4Up": {
      const address = end === "gateway" ? output.peers : output.ours;
      return { kind: "Network4", flow, network: { address, routes: context.routes } };
    }
    case "Ipv4Down":
      return { kind: "Network4", flow, network: undefined };
    case "Ipv6Up": {
      const [peers, ours] = [linkLocal(output.peers), linkLocal(output.ours)];
      const network =
        end === "gateway"
          ? { linkLocal: peers, ourLinkLocal: ours, prefix: context.prefix }
          : { linkLocal: ours, ourLinkLocal: ours, prefix: undefined };
      return { kind: "Network6", flow, network };
    }
    case "Ipv6Down":
      return { kind: "Network6", flow, network: undefined };
    case "ResyncExpected":
      return { kind: "Resync", flow, echoReply: output.echoReply };
    case "FlushNeeded":
      return { kind: "Flush", flow, side: output.side };
    default:
      return never(output);
  }
}

/** fe80::/64 with an Interface-Identifier (RFC 5072 §5). */
export function linkLocal(identifier: Uint8Array): Ipv6 {
  const address = new Uint8Array(16);
  address[0] = 0xfe;
  address[1] = 0x80;
  address.set(identifier, 8);
  return address;
}
