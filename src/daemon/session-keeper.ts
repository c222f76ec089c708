// What the running server does around each session: accounting, routes, hooks, and its three log lines.
import type { Counters } from "../base/counters.js";
import { formatIpv4, formatIpv6, type Prefix4 } from "../base/ip.js";
import { printable } from "../base/printable.js";
import type { Scope } from "../base/scope.js";
import type { EndCause } from "../core/access/ports.js";
import type { SessionId, SessionInfo } from "../core/server-ports.js";
import type { Accounting, SessionCounters, SessionRecord } from "../store/port.js";

/** One line a log-in, refusal and session end: operators and their tools rely on them. */
export interface SessionLog {
  info(fields: Readonly<Record<string, unknown>>, line: string, by?: "stranger"): void;
  warn(fields: Readonly<Record<string, unknown>>, line: string): void;
}

export interface SessionRoutes {
  /** Routes to a session; the lease takes them away again. Undefined: refused, and logged. */
  add(prefixes: readonly Prefix4[], session: SessionId): Promise<Disposable | undefined>;
}

export interface SessionHooks {
  run(event: "ip-up" | "ip-down", environment: Readonly<Record<string, string>>): void;
}

export type SessionKeeperOptions = {
  readonly accounting: Accounting;
  /** Makes session numbers unique for ever: instance id and count of starts. */
  readonly run: string;
  readonly wallClockMs: () => number;
  /** Wall-clock moment of a monotonic one, Unix ms. */
  readonly wallClockOf: (monotonicMs: number) => number;
  readonly log: SessionLog;
  readonly routes: SessionRoutes;
  readonly hooks: SessionHooks;
  readonly scope: Scope;
  readonly reasons: Counters;
};

export class SessionKeeper {
  readonly #options: SessionKeeperOptions;
  /** Encryption as it was when the session came up: at its end it is down already. */
  readonly #kept = new Map<SessionId, string>();
  /** Of sessions with routes of their own, and of those that may get some. */
  readonly #routes = new Map<SessionId, Scope>();

  constructor(options: SessionKeeperOptions) {
    this.#options = options;
  }

  up(info: SessionInfo): void {
    const { accounting, log, hooks } = this.#options;
    this.#kept.set(info.session, info.encryption);
    log.info(
      { ...this.#fields(info), encryption: info.encryption, profile: info.profile },
      "logged in",
    );
    this.#settle(accounting.start(this.#record(info, info.encryption)), "start");
    this.#addRoutes(info);
    hooks.run("ip-up", this.#environment(info));
  }

  interim(info: SessionInfo): void {
    const encryption = this.#kept.get(info.session);
    if (encryption === undefined) return;
    const { accounting, wallClockMs } = this.#options;
    const record = this.#record(info, encryption);
    this.#settle(accounting.interim(record, counters(info), wallClockMs()), "interim");
  }

  ended(info: SessionInfo, cause: EndCause): void {
    const { accounting, log, hooks, wallClockMs } = this.#options;
    const encryption = this.#kept.get(info.session);
    this.#kept.delete(info.session);
    const { receivedOctets, sentOctets, receivedPackets, sentPackets } = info.counters;
    const fields = this.#fields(info);
    // A class of its own: a flood of strangers' calls must leave room for the ends of sessions.
    if (encryption === undefined) {
      return log.info({ ...fields, cause }, "call ended without a log-in", "stranger");
    }
    log.info(
      { ...fields, cause, receivedOctets, sentOctets, receivedPackets, sentPackets },
      "session ended",
    );
    const record = this.#record(info, encryption);
    this.#settle(accounting.stop(record, counters(info), wallClockMs(), cause), "stop");
    this.#endRoutes(info.session);
    hooks.run("ip-down", { ...this.#environment(info), HOLDFAST_CAUSE: cause });
  }

  refused(info: SessionInfo, name: string, code: number, method: string): void {
    this.#options.log.warn(
      { ...this.#fields(info), user: printable(name), code, method },
      "log-in refused",
    );
  }

  #addRoutes(info: SessionInfo): void {
    const own = this.#options.scope.child(`session ${info.session} outside`);
    this.#routes.set(info.session, own);
    const prefixes = [...info.routes];
    if (info.framedAddress !== undefined) {
      prefixes.push({ address: info.framedAddress, length: 32 });
    }
    this.#options.routes.add(prefixes, info.session).then((routes) => {
      if (!own.open) routes?.[Symbol.dispose]();
      else if (routes !== undefined) own.hold("route", routes, `session ${info.session}`);
      else this.#endRoutes(info.session);
    });
  }

  #endRoutes(session: SessionId): void {
    const own = this.#routes.get(session);
    this.#routes.delete(session);
    own?.[Symbol.dispose]();
  }

  #settle(answer: Promise<{ readonly ok: boolean }>, what: string): void {
    answer.then(
      ({ ok }) => {
        if (!ok) this.#options.reasons.add(`accounting-${what}-lost`);
      },
      () => this.#options.reasons.add(`accounting-${what}-lost`),
    );
  }

  #record(info: SessionInfo, encryption: string): SessionRecord {
    const { run, wallClockOf } = this.#options;
    return {
      sessionId: `${run}-${info.session}`,
      accountId: info.account?.accountId,
      name: info.user ?? "",
      peerAddress: formatIpv4(info.peerAddress),
      localAddress: formatIpv4(info.localAddress),
      framedAddress: info.framedAddress === undefined ? undefined : formatIpv4(info.framedAddress),
      framedPrefix:
        info.framedPrefix === undefined ? undefined : `${formatIpv6(info.framedPrefix)}/64`,
      method: info.method ?? "ms-chap-v2",
      encryption,
      profile: info.profile,
      startedAt: Math.round(wallClockOf(info.upAt ?? info.calledAt)),
    };
  }

  #fields(info: SessionInfo): Record<string, unknown> {
    return {
      session: info.session,
      user: info.user === undefined ? undefined : printable(info.user),
      peer: formatIpv4(info.peerAddress),
      address: info.framedAddress === undefined ? undefined : formatIpv4(info.framedAddress),
    };
  }

  /** No peer-chosen string but the user name. */
  #environment(info: SessionInfo): Record<string, string> {
    const { framedAddress, framedPrefix } = info;
    return {
      HOLDFAST_SESSION: String(info.session),
      HOLDFAST_USER: printable(info.user ?? "", 256),
      HOLDFAST_PEER_ADDRESS: formatIpv4(info.peerAddress),
      HOLDFAST_LOCAL_ADDRESS: formatIpv4(info.localAddress),
      HOLDFAST_FRAMED_ADDRESS: framedAddress === undefined ? "" : formatIpv4(framedAddress),
      HOLDFAST_FRAMED_PREFIX: framedPrefix === undefined ? "" : `${formatIpv6(framedPrefix)}/64`,
      HOLDFAST_ENCRYPTION: info.encryption,
      HOLDFAST_RECEIVED_OCTETS: String(info.counters.receivedOctets),
      HOLDFAST_SENT_OCTETS: String(info.counters.sentOctets),
    };
  }
}

function counters({ counters: flow }: SessionInfo): SessionCounters {
  return {
    octetsIn: flow.receivedOctets,
    octetsOut: flow.sentOctets,
    packetsIn: flow.receivedPackets,
    packetsOut: flow.sentPackets,
  };
}
