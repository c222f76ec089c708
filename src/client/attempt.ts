// One attempt at a session: the name, the call, the checklist, this host's network, and what became of it.
import type { Instant } from "../base/instant.js";
import { formatIpv4, type Ipv4 } from "../base/ip.js";
import type { EndCause } from "../core/access/ports.js";
import type { ClientEvent } from "../core/client.js";
import { monotonicNow } from "../os/clock.js";
import { describeOsError, isOsError, type OsError } from "../os/errors.js";
import { type CallUp, ClientCall } from "./call.js";
import type { Capture } from "./capture/capture.js";
import type { ClientHost } from "./client-host.js";
import type { ConnectOptions } from "./connect.js";
import { Diagnosis } from "./diagnosis/diagnosis.js";
import type { Checked } from "./diagnosis/steps.js";
import type { Verdict } from "./diagnosis/verdicts.js";
import { Borrowed } from "./network/borrowed.js";
import type { ClientState, Traffic } from "./network/state-file.js";
import { clientPolicy } from "./policy.js";
import type { Proxies } from "./proxy/proxies.js";
import { addressOf } from "./resolve.js";
import { watchAddress } from "./roaming.js";
import type { Teller } from "./teller.js";
import { Tunnel } from "./tunnel.js";

export type Outcome = {
  /** Undefined: it ended because it was asked to. */
  readonly verdict: Verdict | undefined;
  /** How long the session was up; undefined when it never was. */
  readonly upMs: number | undefined;
};

export type Around = {
  readonly host: ClientHost;
  readonly options: ConnectOptions;
  readonly teller: Teller;
  readonly capture: Capture | undefined;
  readonly proxies: Proxies | undefined;
  /** Writes down how the session stands, and what it is about to change. */
  readonly note: (state: Partial<ClientState>) => OsError | undefined;
};

export class Attempt {
  readonly #around: Around;
  readonly #diagnosis: Diagnosis;
  #call: ClientCall | undefined;
  #watch: Disposable | undefined;
  #nameServers: readonly Ipv4[] = [];
  #encryption: string | undefined;
  #upAt: Instant | undefined;
  #stopped = false;
  #tunnel: Tunnel | undefined;

  constructor(around: Around) {
    this.#around = around;
    const { server, port, terms } = around.options;
    const { authentication, encryption } = clientPolicy(terms);
    this.#diagnosis = new Diagnosis({ server, port, authentication, encryption });
  }

  /** In order; `run` then resolves. */
  stop(): void {
    this.#stopped = true;
    // First: what its connections say at their end goes through the session.
    this.#leave();
    this.#call?.stop();
  }

  async run(): Promise<Outcome> {
    const { server } = this.#around.options;
    const address = await addressOf(server);
    if (this.#stopped) return { verdict: undefined, upMs: undefined };
    this.#show(this.#diagnosis.resolved(address));
    if (address === undefined) return this.#failed("control-closed", undefined);
    const call = this.#place(address);
    this.#call = call;
    const up = await call.up;
    const borrowed = "ours" in up ? await this.#settle(address, up) : undefined;
    const { cause, failure } = await call.ended;
    this.#watch?.[Symbol.dispose]();
    this.#leave();
    for (const left of (await borrowed?.giveBack()) ?? []) {
      this.#complain(left, "put it back yourself: ip route, resolvconf -l");
    }
    const upMs = this.#upAt && monotonicNow() - this.#upAt;
    if (this.#stopped) return { verdict: undefined, upMs };
    if (failure !== undefined) this.#diagnosis.dialFailed(failure.errno);
    return this.#failed(cause, upMs);
  }

  #failed(cause: EndCause, upMs: number | undefined): Outcome {
    const { lines, verdict } = this.#diagnosis.ended(cause, monotonicNow());
    this.#show(lines);
    return { verdict, upMs };
  }

  #place(server: Ipv4): ClientCall {
    const { host, options, capture } = this.#around;
    const { port, user, password, terms } = options;
    const deaf = capture?.follow(server, port);
    if (deaf !== undefined) this.#complain(deaf, "the capture lacks the outer side");
    return new ClientCall(host, {
      server,
      port,
      credentials: { name: user, password },
      ppp: clientPolicy(terms),
      configureTun: true,
      onConnected: (localAddress) => {
        this.#show(this.#diagnosis.connected());
        this.#watchFor(localAddress);
      },
      onEvent: (event) => this.#handle(event),
      ...(capture && { tap: capture }),
      onFault: (failure) =>
        this.#complain(failure, "see whether another interface has that address: ip address"),
    });
  }

  #handle(event: ClientEvent): void {
    if (event.kind === "Ipv4Up") this.#nameServers = event.dns;
    if (event.kind === "Encrypted") {
      this.#encryption = `MPPE-${event.bits} ${event.stateful ? "stateful" : "stateless"}`;
    }
    this.#show(this.#diagnosis.handle(event, monotonicNow()));
  }

  /** The session's routes and name servers; a session that cannot have them ends. */
  async #settle(server: Ipv4, { ours }: CallUp): Promise<Borrowed | undefined> {
    const { host, options, teller, note } = this.#around;
    const { tun } = host;
    const address = formatIpv4(ours);
    const session = tun && { tun, server, nameServers: this.#nameServers };
    const borrowed = session
      ? new Borrowed(host.changes, options.network, session, (changed) => note({ changed }))
      : undefined;
    const failure = await borrowed?.take();
    if (failure !== undefined) {
      this.#complain(failure, "free that route, or choose others with --routes");
      this.#call?.stop();
      return borrowed;
    }
    const unled = this.#lead(ours);
    if (unled !== undefined) {
      this.#complain(unled, "dial again");
      this.#call?.stop();
      return borrowed;
    }
    this.#upAt = monotonicNow();
    note({ phase: "up", since: Date.now(), address, encryption: this.#encryption });
    const dns = this.#nameServers.map(formatIpv4).join(",");
    const { nameServers } = borrowed ?? {};
    const told = nameServers === undefined ? {} : { dns, by: nameServers };
    if (borrowed?.unheard === true) {
      const message = `the server gave name servers (${dns}), and nobody here takes them`;
      teller.complain(message, "install resolvconf or systemd-resolved, or say --no-dns");
    }
    teller.event("up", { address, tun, ...told });
    return borrowed;
  }

  /** The proxies lead through this session from here on. */
  #lead(address: Ipv4): OsError | undefined {
    const { host, options, proxies, capture } = this.#around;
    if (proxies === undefined || !("packets" in host.end)) return undefined;
    const { mtu } = clientPolicy(options.terms);
    const { ledger, end } = host;
    const inside = { address, dns: this.#nameServers, mtu };
    const tunnel = Tunnel.open({ ...inside, port: end.packets, ledger, tap: capture });
    if (isOsError(tunnel)) return tunnel;
    this.#tunnel = tunnel;
    proxies.use(tunnel);
    return undefined;
  }

  /** Of a session behind proxies; undefined of any other, and where there is none. */
  get traffic(): Traffic | undefined {
    const tunnel = this.#tunnel;
    const { size: programs = 0 } = this.#around.proxies ?? {};
    return tunnel && { ...tunnel.octets, connections: tunnel.size, programs };
  }

  #leave(): void {
    this.#around.proxies?.use(undefined);
    this.#tunnel?.[Symbol.dispose]();
    this.#tunnel = undefined;
  }

  #watchFor(localAddress: Ipv4): void {
    const watch = watchAddress(localAddress, () => {
      this.#around.teller.event("moved", { from: formatIpv4(localAddress) });
      this.#call?.vanish("rst");
    });
    if (isOsError(watch)) this.#complain(watch, "a change of address is noticed later: go on");
    else this.#watch = watch;
  }

  #complain(failure: OsError, remedy: string): void {
    this.#around.teller.complain(describeOsError(failure), remedy);
  }

  #show(lines: readonly Checked[]): void {
    for (const line of lines) this.#around.teller.step(line);
  }
}
