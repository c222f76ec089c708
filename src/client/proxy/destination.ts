// Where a program wants to go, through a session that may not be there: an address, or a name that is
// asked for inside.
import { isIPv6 } from "node:net";
import type { Duplex } from "node:stream";
import type { Ipv4 } from "../../base/ip.js";
import { proxy as limits } from "../../limits.js";
import type { DialFailure, Dialled, Way } from "../tunnel.js";
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
  "no-address": {
    reply: replies.hostUnreachable,
    status: 502,
    text: "the name has no IPv4 address",
  },
  "no-answer": { reply: replies.hostUnreachable, status: 504, text: "no name server answers" },
  "no-session": { reply: replies.networkUnreachable, status: 503, text: "there is no session now" },
  ipv6: { reply: replies.addressNotSupported, status: 502, text: "the session carries IPv4 only" },
};

/** The addresses of `host`, or why there is none. */
async function addressesOf(way: Way, host: string | Ipv4): Promise<readonly Ipv4[] | Failure> {
  if (typeof host === "number") return [host];
  if (isIPv6(host)) return "ipv6";
  const found = await way.lookup(host);
  return "kind" in found ? found.why : found;
}

/** One of them, for datagrams: nobody hears which of them answers. */
export async function addressOf(
  way: Way | undefined,
  host: string | Ipv4,
): Promise<Ipv4 | Failure> {
  if (way === undefined) return "no-session";
  const addresses = await addressesOf(way, host);
  return typeof addresses === "string" ? addresses : (addresses[0] ?? "no-address");
}

/** RFC 8305 §5: the next address when the one before has failed, or says nothing for a while. */
export async function reach(
  way: Way | undefined,
  host: string | Ipv4,
  port: number,
): Promise<Duplex | Failure> {
  if (way === undefined) return "no-session";
  const addresses = await addressesOf(way, host);
  if (typeof addresses === "string") return addresses;
  const tried = addresses.slice(0, limits.addressesTriedMax);
  return firstOf(tried.map((address) => () => way.dial(address, port)));
}

/** The first that connects; a later one is ended. Why the last failed, when all did. */
function firstOf(dials: readonly (() => Promise<Dialled>)[]): Promise<Duplex | Failure> {
  return new Promise((resolve) => {
    let begun = 0;
    let failed = 0;
    let won = false;
    let timer: NodeJS.Timeout | undefined;
    const next = () => {
      clearTimeout(timer);
      const dial = dials[begun];
      if (dial === undefined || won) return;
      begun++;
      if (begun < dials.length) timer = setTimeout(next, limits.nextAddressMs);
      void dial().then((dialled) => {
        if (!("kind" in dialled)) {
          if (won) return void dialled.destroy();
          won = true;
          clearTimeout(timer);
          return resolve(dialled);
        }
        failed++;
        if (failed === dials.length) resolve(dialled.why);
        else if (failed === begun) next();
      });
    };
    next();
  });
}
