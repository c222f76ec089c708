// The console of a running server: who may use it is known always; it listens where the configuration
// says so. What keeps it from listening is told and shown, and keeps nothing else.
import { hostname } from "node:os";
import { lease } from "../../base/lease.js";
import { monotonicNow, wallClockMs, wallClockOf } from "../../os/clock.js";
import type { ConsoleStore } from "../../store/port.js";
import type { Config } from "../config/resolve.js";
import type { Log } from "../log.js";
import type { RunningServer } from "../running-server.js";
import type { StatePaths } from "../state-directory.js";
import { consoleApp } from "./app.js";
import {
  type Certificate,
  type CertificateFault,
  endOf,
  fingerprintOf,
  givenCertificate,
  ownCertificate,
} from "./certificate.js";
import { Directory } from "./directory.js";
import { type ConsoleListener, listenForConsole } from "./listener.js";
import { LogIns } from "./log-ins.js";
import { isLoopback } from "./names.js";

export type ConsoleTerms = {
  readonly store: ConsoleStore;
  readonly log: Log;
  readonly paths: StatePaths;
  readonly version: string;
  readonly clock: () => number;
  readonly wallClockOf: (monotonicMs: number) => number;
  /** As it is at the moment: some of it changes by a reload. */
  readonly config: () => Config;
};

export class Console {
  readonly logIns: LogIns;
  readonly directory: Directory;
  /** Why it does not listen, though it should. */
  problem: string | undefined;
  /** Where it listens, for a browser of this host. */
  url: string | undefined;
  /** When its certificate ends, Unix ms; undefined: it has none. */
  certificateEndsAt: number | undefined;
  #listener: ConsoleListener | undefined;

  constructor(readonly terms: ConsoleTerms) {
    this.logIns = new LogIns(terms.clock);
    this.directory = new Directory(terms.store, this.logIns, wallClockMs);
  }

  async begin({
    operator,
    pulse,
    scope,
  }: Pick<RunningServer, "operator" | "pulse" | "scope">): Promise<void> {
    const { log, config } = this.terms;
    const { enabled, address, port: number } = config().console;
    if (!enabled) return;
    const certificate = await this.#certificate();
    if (certificate !== undefined && "message" in certificate) return this.#fails(certificate);
    this.certificateEndsAt = certificate && endOf(certificate.cert);
    const app = consoleApp(operator, {
      ...this.terms,
      directory: this.directory,
      logIns: this.logIns,
      names: () => config().console.names,
      metricsFrom: () => config().console.metricsFrom,
      listen: (told) => pulse.listen(told),
      connections: () => this.#listener?.connections ?? 0,
      tls: certificate !== undefined,
      bodyOctetsMax: config().limits.admin.bodyOctetsMax,
      importOctetsMax: config().limits.admin.importOctetsMax,
      broken: (failure) => log.error({ failure: String(failure) }, "console request failed"),
      told: (level, fields, line) => log[level](fields, line),
    });
    const opened = await listenForConsole(app, { address, port: number }, certificate);
    if (!opened.ok) return this.#fails(opened);
    const { listener } = opened;
    this.#listener = listener;
    const fingerprint =
      certificate === undefined ? {} : { fingerprint: fingerprintOf(certificate.cert) };
    const scheme = certificate === undefined ? "http" : "https";
    const host = address.includes(":") ? `[${address}]` : address;
    scope.hold(
      "listener",
      lease(() => void listener.close()),
      `console ${host}:${listener.port}`,
    );
    this.url = `${scheme}://${host}:${listener.port}/`;
    log.info({ scheme, address, port: listener.port, ...fingerprint }, "console");
  }

  async end(): Promise<void> {
    await this.#listener?.close();
    this.#listener = undefined;
  }

  #fails({ message, remedy }: CertificateFault): void {
    this.problem = `${message}; ${remedy}`;
    this.terms.log.warn({ problem: message, remedy }, "no console");
  }

  /** Undefined: plain HTTP, which by default is for this host alone. */
  async #certificate(): Promise<Certificate | CertificateFault | undefined> {
    const { config, paths } = this.terms;
    const { tls, certificate, key, address, names } = config().console;
    if (tls === "off") return undefined;
    if (certificate !== undefined && key !== undefined)
      return givenCertificate({ certificate, key });
    if (tls === "auto" && isLoopback(address)) return undefined;
    const any = address === "0.0.0.0" || address === "::";
    const own = ["localhost", "127.0.0.1", ...(any ? [hostname()] : [address])];
    const made = { certificate: paths.consoleCertificate, key: paths.consoleKey };
    return ownCertificate(made, [...new Set([...own, ...names])], wallClockMs());
  }
}

export function consoleOf(running: RunningServer): Console {
  const { store, log, paths, version } = running.terms;
  return new Console({
    ...{ store: store.console, log, paths, version, clock: monotonicNow },
    wallClockOf: (ms) => wallClockOf(ms as never),
    config: () => running.config,
  });
}
