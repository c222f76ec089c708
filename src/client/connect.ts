// `holdfast connect`: the smallest client. One session over a TUN of its own, until a signal or the
// server ends it; it sets no routes beyond the server's end.
import { lookup } from "node:dns/promises";
import { formatIpv4, parseIpv4 } from "../base/ip.js";
import { Ledger } from "../base/ledger.js";
import type { EndCause } from "../core/access/ports.js";
import type { ClientEvent } from "../core/client.js";
import { monotonicNow } from "../os/clock.js";
import { describeOsError, type OsError } from "../os/errors.js";
import { ClientCall } from "./call.js";
import { ClientHost } from "./client-host.js";
import { clientPolicy } from "./policy.js";

export type ConnectOptions = {
  readonly server: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly tun: string | undefined;
  readonly encryption: "required" | "none";
  readonly json: boolean;
};

/** Returns the exit code once the session has ended: 0 when it was up and ended by us. */
export async function runConnect(options: ConnectOptions): Promise<number> {
  const say = (event: string, fields: Record<string, unknown>) => {
    const line = options.json
      ? JSON.stringify({ event, ...fields })
      : [event, ...Object.entries(fields).map(([name, value]) => `${name} ${value}`)].join("  ");
    process.stdout.write(`${line}\n`);
  };
  const complain = (message: string, remedy: string) =>
    void process.stderr.write(`holdfast: ${message}\nRemedy: ${remedy}.\n`);
  const server = parseIpv4(options.server) ?? (await resolve(options.server));
  if (server === undefined) {
    complain(`${options.server} has no IPv4 address`, "check the name, or give an address");
    return 1;
  }
  const ledger = new Ledger(monotonicNow);
  const host = ClientHost.open(options.tun ?? "holdfast-c0", ledger);
  if ("message" in host) {
    complain(host.message, host.remedy);
    return 6;
  }
  const call = new ClientCall(host, {
    server,
    port: options.port,
    credentials: { name: options.user, password: options.password },
    ppp: clientPolicy({ encryption: options.encryption }),
    configureTun: true,
    onEvent: (event) => tell(event, say),
    onFault: (failure) =>
      complain(
        describeOsError(failure),
        "see whether another interface has that address: ip address",
      ),
  });
  let asked = false;
  const stop = () => {
    asked = true;
    call.stop();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  const up = await call.up;
  if ("ours" in up) say("up", { address: formatIpv4(up.ours), tun: host.tun });
  const { cause, failure } = await call.ended;
  if (failure !== undefined && !asked)
    complain(describeOsError(failure), dialRemedy(failure, options));
  const hint = asked || failure !== undefined ? undefined : hintOf(cause, "ours" in up);
  if (hint !== undefined) complain(hint.message, hint.remedy);
  await host.close();
  say("ended", { cause, held: ledger.size });
  process.off("SIGINT", stop);
  process.off("SIGTERM", stop);
  return asked && "ours" in up ? 0 : 1;
}

/** Ends that the one who calls can do something about. */
const hints: { readonly [Cause in EndCause]?: { message: string; remedy: string } } = {
  "authentication-failed": {
    message: "the log-in was refused",
    remedy: "check name and password; the server may also want another method or encryption",
  },
  "encryption-refused": {
    message: "the server gives no MPPE-128",
    remedy: "turn it on there; --encryption none would send everything in the clear",
  },
  "server-not-proven": {
    message: "the server did not prove that it knows the password",
    remedy: "do not go on: it is another server than the one you mean",
  },
  "lcp-timeout": {
    message: "no answer to LCP: GRE (IP protocol 47) does not get through",
    remedy: "let it through both ways; a router between needs PPTP pass-through",
  },
  "session-limit": {
    message: "this account has a session already",
    remedy: "end that one, or have the limit raised on the server",
  },
};

function hintOf(cause: EndCause, wasUp: boolean): { message: string; remedy: string } | undefined {
  const hint = hints[cause];
  if (hint !== undefined || wasUp) return hint;
  const message = `there was no session: ${cause}`;
  return {
    message,
    remedy: "see the server's log; it may want encryption, or have no address left",
  };
}

function dialRemedy({ errno }: OsError, { server, port }: ConnectOptions): string {
  if (errno === "ECONNREFUSED")
    return `see that a server runs on ${server} and listens on TCP ${port}`;
  if (errno === "ENETUNREACH" || errno === "EHOSTUNREACH")
    return `see the route: ip route get ${server}`;
  return `see that ${server} is up and that TCP ${port} gets there through the firewalls between`;
}

function tell(event: ClientEvent, say: (name: string, fields: Record<string, unknown>) => void) {
  switch (event.kind) {
    case "Established":
      return say("control connection", { vendor: JSON.stringify(event.vendorString) });
    case "CallUp":
      return say("call", { id: event.terms.callId });
    case "Authenticated":
      return say("authenticated", { method: event.method });
    case "Encrypted":
      return say("encrypted", {
        bits: event.bits,
        mode: event.stateful ? "stateful" : "stateless",
      });
    case "Ipv4Up":
      return say("address", { ours: formatIpv4(event.ours), server: formatIpv4(event.peers) });
    default:
      return;
  }
}

async function resolve(name: string): Promise<number | undefined> {
  try {
    return parseIpv4((await lookup(name, 4)).address);
  } catch {
    return undefined;
  }
}
