// Where a program wants to go, through a session that may not be there: an address, or a name that is
// asked for inside.
import type { Duplex } from "node:stream";
import type { Ipv4 } from "../../base/ip.js";
import type { DialFailure, Way } from "../tunnel.js";
import type { LookupFailure } from "./name-resolver.js";
import { type Reply, replies } from "./socks-message.js";

export type Failure =
  | DialFailure["why"]
  | LookupFailure["why"]
  /** There is no session now. */
  | "no-session"
  /** IPv6: the session carries IPv4. */
  | "ipv6";

/** What a program is told: a SOCKS reply (RFC 1928 §6), an HTTP status, a sentence. */
export type Told = { readonly reply: Reply; readonly status: number; readonly text: string };

export const told: { readonly [Why in Failure]: Told } = {
  refused: { reply: replies.refused, status: 502, text: "the port is closed there" },
  unreachable: { reply: replies.hostUnreachable, status: 502, text: "no way there" },
  "timed-out": { reply: replies.expired, status: 504, text: "no answer from there" },
  reset: { reply: replies.refused, status: 502, text: "it broke the connection off" },
  finished: { reply: replies.failure, status: 502, text: "it ended the connection at once" },
  aborted: { reply: replies.failure, status: 502, text: "the connection was given up" },
  stopped: { reply: replies.networkUnreachable, status: 503, text: "the session is ending" },
  full: { reply: replies.failure, status: 503, text: "too many connections or names at once" },
  "no-servers": {
    reply: replies.hostUnreachable,
    status: 502,
    text: "the session has no name server: use an address",
  },
  "bad-name": { reply: replies.hostUnreachable, status: 400, text: "no name that DNS can carry" },
  "no-such-name": { reply: replies.hostUnreachable, status: 502, text: "there is no such name" },
  "no-address": { reply: replies.hostUnreachable, status: 502, text: "the name has no address" },
  "no-answer": { reply: replies.hostUnreachable, status: 504, text: "no name server answers" },
  "no-session": { reply: replies.networkUnreachable, status: 503, text: "there is no session now" },
  ipv6: { reply: replies.addressNotSupported, status: 502, text: "the session carries IPv4 only" },
};

/** The address of `host`, or why there is none. */
export async function addressOf(
  way: Way | undefined,
  host: string | Ipv4,
): Promise<Ipv4 | Failure> {
  if (typeof host === "number") return host;
  if (way === undefined) return "no-session";
  const found = await way.lookup(host);
  return typeof found === "number" ? found : found.why;
}

export async function reach(
  way: Way | undefined,
  host: string | Ipv4,
  port: number,
): Promise<Duplex | Failure> {
  if (way === undefined) return "no-session";
  const address = await addressOf(way, host);
  if (typeof address === "string") return address;
  const dialled = await way.dial(address, port);
  return "kind" in dialled ? dialled.why : dialled;
}
