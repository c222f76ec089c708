// `holdfast/client`: sessions for programs. A session of the library makes no interface and no route;
// its packets come to the program (docs/LIBRARY.md).
import type { Ipv4 } from "../base/ip.js";
import { Ledger } from "../base/ledger.js";
import type { AuthenticationMethod, EndCause } from "../core/access/ports.js";
import type { ClientEvent } from "../core/client.js";
import type { MppeBits } from "../core/ppp/ports.js";
import { monotonicNow } from "../os/clock.js";
import { describeOsError } from "../os/errors.js";
import { type CallEnd, ClientCall } from "./call.js";
import { ClientHost } from "./client-host.js";
import { clientPolicy } from "./policy.js";
import { addressOf } from "./resolve.js";
import { Session } from "./session.js";

export type { AuthenticationMethod, EndCause } from "../core/access/ports.js";
export type { ClientEvent } from "../core/client.js";
export type { MppeBits } from "../core/ppp/ports.js";
export type { FlowCounters } from "../wire/worker-link.js";
export type { PacketStream } from "./packet-stream.js";
export { DialError, type Session, type SessionEnd, type SessionEvents } from "./session.js";
export type { ProxyListens, ProxyPlace, ProxyPlaces, SessionProxies } from "./session-proxies.js";

export type SessionOptions = {
  /** IPv4 address or name. */
  readonly server: string;
  /** TCP port, 1723 unless it is given. */
  readonly port?: number;
  readonly user: string;
  readonly password: string;
  /** What we let the server ask for: MS-CHAPv2 alone unless it is given. */
  readonly authentication?: readonly AuthenticationMethod[];
  /** `required` unless it is given: a server without MPPE is refused. */
  readonly encryption?: "required" | "none";
  /** Key lengths that do: 128 alone unless it is given. */
  readonly bits?: readonly MppeBits[];
  /** Ends the session, or the attempt at one. */
  readonly signal?: AbortSignal;
  /** From the first step on; once there is a session, it emits them too. */
  readonly onEvent?: (event: ClientEvent) => void;
};

/** Why there is no session. */
export class ConnectError extends Error {
  override readonly name = "ConnectError";

  constructor(
    message: string,
    /** `local` when this machine lacks something, `unreachable` when there was no TCP connection. */
    readonly reason: EndCause | "local" | "unreachable" | "aborted",
    /** What to do about it, where that is known. */
    readonly remedy?: string,
  ) {
    super(message);
  }
}

/** Resolves once the network phase is open; rejects with a ConnectError, everything given back. */
export async function connect(options: SessionOptions): Promise<Session> {
  const { signal } = options;
  check(options);
  const server = await serverOf(options.server);
  refuseAborted(signal);
  const ledger = new Ledger(monotonicNow);
  const host = ClientHost.openWithoutTun(ledger);
  if ("message" in host) throw new ConnectError(host.message, "local", host.remedy);
  let session: Session | undefined;
  let dns: readonly Ipv4[] = [];
  const ppp = clientPolicy(termsOf(options));
  const call = new ClientCall(host, {
    server,
    port: options.port ?? 1723,
    credentials: { name: options.user, password: options.password },
    ppp,
    configureTun: false,
    onEvent: (event) => {
      if (event.kind === "Ipv4Up") dns = event.dns;
      options.onEvent?.(event);
      session?.emit("event", event);
    },
  });
  const abort = () => call.stop();
  signal?.addEventListener("abort", abort, { once: true });
  void call.ended.then(() => signal?.removeEventListener("abort", abort));
  const up = await call.up;
  if ("ours" in up) {
    session = new Session({ host, call, ledger, up, dns, mtu: ppp.mtu });
    return session;
  }
  await host.close();
  refuseAborted(signal);
  throw refusal(up);
}

function check({ user, password, port = 1723 }: SessionOptions): void {
  const problems = [
    [user !== "", "user: it is empty"],
    [password !== "", "password: it is empty"],
    [Number.isInteger(port) && port >= 1 && port <= 65_535, `port: ${port} is not from 1 to 65535`],
  ] as const;
  for (const [fine, problem] of problems) if (!fine) throw new TypeError(`connect: ${problem}`);
}

function termsOf({ authentication, encryption, bits }: SessionOptions) {
  return {
    ...(authentication === undefined ? {} : { authentication }),
    ...(encryption === undefined ? {} : { encryption }),
    ...(bits === undefined ? {} : { bits }),
  };
}

async function serverOf(name: string): Promise<Ipv4> {
  const address = await addressOf(name);
  if (address !== undefined) return address;
  const remedy = "check the name, or give an address";
  throw new ConnectError(`${name} has no IPv4 address`, "unreachable", remedy);
}

function refuseAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new ConnectError("connect: aborted", "aborted");
}

function refusal({ cause, failure }: CallEnd): ConnectError {
  return failure === undefined
    ? new ConnectError(`there was no session: ${cause}`, cause)
    : new ConnectError(describeOsError(failure), "unreachable");
}
