// One attempt at a session: the name, the call, the checklist, and what became of it.
import { lookup } from "node:dns/promises";
import { formatIpv4, type Ipv4, parseIpv4 } from "../base/ip.js";
import type { ClientEvent } from "../core/client.js";
import { client as limits } from "../limits.js";
import { monotonicNow } from "../os/clock.js";
import { describeOsError } from "../os/errors.js";
import { ClientCall } from "./call.js";
import type { ClientHost } from "./client-host.js";
import type { ConnectOptions } from "./connect.js";
import { Diagnosis } from "./diagnosis/diagnosis.js";
import type { Checked } from "./diagnosis/steps.js";
import type { Verdict } from "./diagnosis/verdicts.js";
import { clientPolicy } from "./policy.js";
import type { Teller } from "./teller.js";

export type Outcome = {
  /** Undefined: it ended because it was asked to. */
  readonly verdict: Verdict | undefined;
  /** How long the session was up; undefined when it never was. */
  readonly upMs: number | undefined;
};

export class Attempt {
  readonly #host: ClientHost;
  readonly #options: ConnectOptions;
  readonly #teller: Teller;
  readonly #diagnosis: Diagnosis;
  #call: ClientCall | undefined;
  #stopped = false;

  constructor(host: ClientHost, options: ConnectOptions, teller: Teller) {
    this.#host = host;
    this.#options = options;
    this.#teller = teller;
    const { authentication, encryption } = clientPolicy(options.terms);
    const { server, port } = options;
    this.#diagnosis = new Diagnosis({ server, port, authentication, encryption });
  }

  /** In order; `run` then resolves. */
  stop(): void {
    this.#stopped = true;
    this.#call?.stop();
  }

  async run(): Promise<Outcome> {
    const { server } = this.#options;
    const address = parseIpv4(server) ?? (await resolve(server));
    if (this.#stopped) return { verdict: undefined, upMs: undefined };
    this.#show(this.#diagnosis.resolved(address));
    if (address === undefined) return this.#failed("control-closed", undefined);
    const call = this.#place(address);
    this.#call = call;
    const up = await call.up;
    const upAt = "ours" in up ? monotonicNow() : undefined;
    if ("ours" in up) {
      this.#teller.event("up", { address: formatIpv4(up.ours), tun: this.#host.tun });
    }
    const { cause, failure } = await call.ended;
    const upMs = upAt === undefined ? undefined : monotonicNow() - upAt;
    if (this.#stopped) return { verdict: undefined, upMs };
    if (failure !== undefined) this.#diagnosis.dialFailed(failure.errno);
    return this.#failed(cause, upMs);
  }

  #failed(cause: Parameters<Diagnosis["ended"]>[0], upMs: number | undefined): Outcome {
    const { lines, verdict } = this.#diagnosis.ended(cause, monotonicNow());
    this.#show(lines);
    return { verdict, upMs };
  }

  #place(server: Ipv4): ClientCall {
    const { port, user, password, terms } = this.#options;
    return new ClientCall(this.#host, {
      server,
      port,
      credentials: { name: user, password },
      ppp: clientPolicy(terms),
      configureTun: true,
      onConnected: () => this.#show(this.#diagnosis.connected()),
      onEvent: (event: ClientEvent) => this.#show(this.#diagnosis.handle(event, monotonicNow())),
      onFault: (failure) =>
        this.#teller.complain(
          describeOsError(failure),
          "see whether another interface has that address: ip address",
        ),
    });
  }

  #show(lines: readonly Checked[]): void {
    for (const line of lines) this.#teller.step(line);
  }
}

/** Undefined: no address, or nobody said so in time. */
async function resolve(name: string): Promise<Ipv4 | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((settle) => {
    timer = setTimeout(() => settle(undefined), limits.resolveMs);
  });
  const asked = lookup(name, 4).then(
    ({ address }) => parseIpv4(address),
    () => undefined,
  );
  const address = await Promise.race([asked, late]);
  clearTimeout(timer);
  return address;
}
