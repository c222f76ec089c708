// The running server as the admin API sees it: snapshots out, commands in.
import type { Instant } from "../base/instant.js";
import { formatIpv4, formatIpv6 } from "../base/ip.js";
import type { Ledger } from "../base/ledger.js";
import { printable } from "../base/printable.js";
import { formatPrefix4, formatSource } from "../base/range4.js";
import type {
  BulletinQuery,
  BulletinShown,
  BulletinsPage,
  BulletinsQuery,
} from "../console/bulletin-contract.js";
import type { ConfigChange, ConfigChanged, ConfigFields } from "../console/config-contract.js";
import type {
  BlockGiven,
  BlockShown,
  BlocksPage,
  Disconnected,
  DisconnectTarget,
  DoctorReport,
  LedgerPage,
  LedgerQuery,
  LogLevel,
  Reloaded,
  SessionDetail,
  SessionHistoryShown,
  SessionSummary,
  SessionsPage,
  SessionsQuery,
  Status,
} from "../console/contract.js";
import type { IncidentShown, IncidentsPage, IncidentsQuery } from "../console/incident-contract.js";
import type { ConfigShown, LogPage, LogQuery } from "../console/log-contract.js";
import type { NoticesShown, NoticeTested } from "../console/notice-contract.js";
import type { History, Overview } from "../console/overview-contract.js";
import type { TrendsPage, TrendsQuery } from "../console/trends-contract.js";
import type { EndCause } from "../core/access/ports.js";
import type { Block } from "../core/guard/blocks.js";
import type { IncidentReport } from "../core/guard/incident-report.js";
import type { SessionId, SessionInfo } from "../core/server-ports.js";
import type { SessionHistory } from "../core/session-history.js";
import { type AccountService, faultOf } from "./admin/account-service.js";
import { type AdminAnswer, type AdminPort, adminFault, type ConsolePort } from "./admin/port.js";
import type { Blocking } from "./blocking.js";
import type { Bulletins } from "./bulletins.js";
import { readPrefix4 } from "./config/addresses.js";
import type { ConfigEditor } from "./config-editor.js";
import type { CoreLoop } from "./core-loop.js";
import type { Incidents } from "./incidents.js";
import type { Notices } from "./notices/notices.js";

export type OperatorSurroundings = {
  readonly loop: CoreLoop;
  readonly ledger: Ledger;
  readonly accounts: AccountService;
  readonly blocking: Blocking;
  readonly incidents: Incidents;
  readonly bulletins: Bulletins;
  readonly notices: Notices;
  readonly console: ConsolePort;
  readonly clock: () => Instant;
  /** Wall-clock moment of a monotonic one, Unix ms. */
  readonly wallClockOf: (monotonicMs: number) => number;
  readonly status: () => Status | Promise<Status>;
  readonly overview: () => Overview;
  readonly history: () => History;
  readonly trends: (query: TrendsQuery) => Promise<AdminAnswer<TrendsPage>>;
  readonly logLevel: { get(): LogLevel; set(level: LogLevel): void };
  readonly log: (after: number) => LogPage["lines"];
  readonly config: () => ConfigShown;
  readonly configEditor: ConfigEditor;
  readonly reload: () => Promise<AdminAnswer<Reloaded>>;
  readonly doctor: () => Promise<DoctorReport>;
};

export class Operator implements AdminPort {
  constructor(readonly around: OperatorSurroundings) {}

  get accounts(): AccountService {
    return this.around.accounts;
  }

  get console(): ConsolePort {
    return this.around.console;
  }

  status(): Status | Promise<Status> {
    return this.around.status();
  }

  overview(): Overview {
    return this.around.overview();
  }

  history(): History {
    return this.around.history();
  }

  trends(query: TrendsQuery): Promise<AdminAnswer<TrendsPage>> {
    return this.around.trends(query);
  }

  sessions({ after, most, user, peer, address }: SessionsQuery): SessionsPage {
    const { server } = this.around.loop;
    const from = after ?? 0;
    const all = user === undefined && peer === undefined && address === undefined;
    const matches = ({ user: name, peerAddress, framedAddress }: SessionInfo) =>
      (user === undefined || name === user) &&
      (peer === undefined || formatIpv4(peerAddress) === peer) &&
      (address === undefined ||
        (framedAddress !== undefined && formatIpv4(framedAddress) === address));
    const sessions: SessionSummary[] = [];
    let [total, more] = [0, false];
    for (const info of server.sessions(all ? from : 0)) {
      if (!all && !matches(info)) continue;
      total++;
      if (info.session <= from) continue;
      more = sessions.length === most;
      if (!more) sessions.push(this.#summary(info));
      // Of thousands a page makes its own alone; those that match must all be counted.
      else if (all) break;
    }
    const last = sessions.at(-1)?.id ?? null;
    return { sessions, total: all ? server.sessionCount : total, next: more ? last : null };
  }

  session(id: number): SessionDetail | undefined {
    const info = this.around.loop.server.session(id as SessionId);
    return info === undefined ? undefined : this.#detail(info);
  }

  disconnect(target: DisconnectTarget): AdminAnswer<Disconnected> {
    const sessions: number[] = [];
    for (const info of [...this.around.loop.server.sessions()]) {
      const meant =
        "all" in target ||
        ("id" in target ? info.session === target.id : info.user === target.user);
      if (meant && this.#end(info.session, "administrator")) sessions.push(info.session);
    }
    if (sessions.length > 0 || "all" in target) return { ok: true, value: { sessions } };
    const which = "id" in target ? `session ${target.id}` : `session of ${target.user}`;
    const remedy = "see holdfast sessions";
    return adminFault("not-found", "no-session", `there is no ${which}`, remedy);
  }

  async blocks(): Promise<BlocksPage> {
    const { blocking } = this.around;
    return {
      blocks: blocking.live.map((block) => this.#blockShown(block)),
      kernel: blocking.problem === undefined,
      problem: blocking.problem ?? null,
      dropped: await blocking.dropped(),
    };
  }

  block({ address, seconds, reason }: BlockGiven): AdminAnswer<BlockShown> {
    const source = readPrefix4(address);
    if (!source.ok) return noSource(address, source.remedy);
    const { blockLengthMin } = this.around.blocking.limits;
    if (source.value.length < blockLengthMin) {
      const remedy = `block ${blockLengthMin} bits at least, or close the port in the firewall`;
      return adminFault("bad-request", "too-wide", `${address} is too wide a network`, remedy);
    }
    const answer = this.around.blocking.block(source.value, reason, seconds * 1_000);
    if (answer.kind === "blocked") return { ok: true, value: this.#blockShown(answer.block) };
    if (answer.kind === "overlaps") {
      const other = formatSource(answer.by.source);
      const message = `${address} overlaps ${other}, which is blocked`;
      return adminFault("refused", "overlaps", message, `holdfast unblock ${other} first`);
    }
    const message = `${address}, or a part of it, is in guard.allow: it is never blocked`;
    return adminFault("refused", "allowed-source", message, "take it out of guard.allow first");
  }

  unblock(address: string): AdminAnswer<{ address: string }> {
    const source = readPrefix4(address);
    if (!source.ok) return noSource(address, source.remedy);
    if (this.around.blocking.unblock(source.value)) return { ok: true, value: { address } };
    const message = `${address} is not blocked`;
    return adminFault("not-found", "not-blocked", message, "see holdfast blocks");
  }

  #blockShown({ source, reason, since, until, times }: Block): BlockShown {
    const at = (ms: number) => Math.round(this.around.wallClockOf(ms));
    return { address: formatSource(source), reason, since: at(since), until: at(until), times };
  }

  async incidents({ before, most }: IncidentsQuery): Promise<AdminAnswer<IncidentsPage>> {
    const listed = await this.around.incidents.list({ before, most });
    if (!listed.ok) return faultOf(listed);
    const last = listed.value.at(-1)?.number;
    const next = listed.value.length < most ? null : (last ?? null);
    return { ok: true, value: { incidents: listed.value.map(shownIncident), next } };
  }

  async incident(number: number): Promise<AdminAnswer<IncidentShown>> {
    const found = await this.around.incidents.find(number);
    if (!found.ok) return faultOf(found);
    if (found.value !== undefined) return { ok: true, value: shownIncident(found.value) };
    const message = `there is no incident ${number}`;
    return adminFault("not-found", "unknown-incident", message, "see holdfast incidents");
  }

  async bulletins({ before, most, lang }: BulletinsQuery): Promise<AdminAnswer<BulletinsPage>> {
    const listed = await this.around.bulletins.list({ before, most }, lang);
    if (!listed.ok) return faultOf(listed);
    const last = listed.value.at(-1)?.number;
    const next = listed.value.length < most ? null : (last ?? null);
    return { ok: true, value: { bulletins: listed.value, next } };
  }

  async bulletin(number: number, { lang }: BulletinQuery): Promise<AdminAnswer<BulletinShown>> {
    const found = await this.around.bulletins.find(number, lang);
    if (!found.ok) return faultOf(found);
    if (found.value !== undefined) return { ok: true, value: found.value };
    const message = `there is no bulletin ${number}`;
    return adminFault("not-found", "unknown-bulletin", message, "see holdfast bulletins");
  }

  notices(): NoticesShown {
    return this.around.notices.shown;
  }

  testNotices(): Promise<NoticeTested> {
    return this.around.notices.test();
  }

  ledger({ after, most, what, state }: LedgerQuery): LedgerPage {
    const { ledger, wallClockOf } = this.around;
    const from = after ?? 0;
    const lines: LedgerPage["lines"] = [];
    let total = 0;
    for (const line of ledger.lines()) {
      if (what !== undefined && line.what !== what) continue;
      if (state !== undefined && line.state !== state) continue;
      total++;
      if (line.id <= from || lines.length > most) continue;
      lines.push({ ...line, since: Math.round(wallClockOf(line.since)) });
    }
    const next = lines.length > most ? (lines[most - 1]?.id ?? null) : null;
    return { lines: lines.slice(0, most), balance: ledger.balance(), total, next };
  }

  logLevel(): LogLevel {
    return this.around.logLevel.get();
  }

  setLogLevel(level: LogLevel): void {
    this.around.logLevel.set(level);
  }

  log({ after }: LogQuery): LogPage {
    return { lines: this.around.log(after) };
  }

  config(): ConfigShown {
    return this.around.config();
  }

  configFields(): AdminAnswer<ConfigFields> {
    return this.around.configEditor.fields();
  }

  changeConfig(change: ConfigChange): Promise<AdminAnswer<ConfigChanged>> {
    return this.around.configEditor.change(change);
  }

  reload(): Promise<AdminAnswer<Reloaded>> {
    return this.around.reload();
  }

  doctor(): Promise<DoctorReport> {
    return this.around.doctor();
  }

  /** An account that may no longer log in loses its sessions. */
  endSessionsOf(user: string): void {
    for (const info of [...this.around.loop.server.sessions()]) {
      if (info.user === user) this.#end(info.session, "account-changed");
    }
  }

  #end(session: SessionId, cause: EndCause): boolean {
    let ended = false;
    this.around.loop.input((server, now) => {
      ended = server.disconnect(session, cause, now);
    });
    return ended;
  }

  #summary(info: SessionInfo): SessionSummary {
    const { wallClockOf } = this.around;
    return {
      id: info.session,
      user: info.user ?? null,
      peerAddress: formatIpv4(info.peerAddress),
      localAddress: formatIpv4(info.localAddress),
      framedAddress: info.framedAddress === undefined ? null : formatIpv4(info.framedAddress),
      framedPrefix: info.framedPrefix === undefined ? null : `${formatIpv6(info.framedPrefix)}/64`,
      profile: info.profile,
      authentication: info.method ?? null,
      encryption: info.encryption,
      phase: info.ppp?.phase ?? (info.ending === undefined ? "dead" : "terminate"),
      calledAt: Math.round(wallClockOf(info.calledAt)),
      upAt: info.upAt === undefined ? null : Math.round(wallClockOf(info.upAt)),
      counters: info.counters,
      peersHostName: info.peersHostName,
      peersVendorString: info.peersVendorString,
      ending: info.ending ?? null,
    };
  }

  #history(history: SessionHistory): SessionHistoryShown {
    const { clock, wallClockOf } = this.around;
    const { begin, slotMs, slots } = history.shown(clock());
    return {
      beginAt: Math.round(wallClockOf(begin)),
      slotMs,
      slots: slots.map(({ roundTripMs, ...counted }) => ({
        ...counted,
        roundTripMs: roundTripMs === 0 ? null : Math.round(roundTripMs * 10) / 10,
      })),
    };
  }

  #detail(info: SessionInfo): SessionDetail {
    const { ppp, account, rate } = info;
    return {
      ...this.#summary(info),
      connection: info.connection,
      callId: info.callId,
      peersCallId: info.peersCallId,
      routes: info.routes.map(formatPrefix4),
      sessionSecondsMax: account?.sessionSecondsMax ?? null,
      idleSecondsMax: account?.idleSecondsMax ?? null,
      octetsMax: account?.octetsMax ?? null,
      upBitsPerSecond: rate.upBitsPerSecond || null,
      downBitsPerSecond: rate.downBitsPerSecond || null,
      ppp:
        ppp === undefined
          ? null
          : {
              lcp: ppp.lcp,
              ccp: ppp.ccp,
              ipcp: ppp.ipcp,
              ipv6cp: ppp.ipv6cp,
              peersMru: ppp.peersMru,
              peersIdentification: ppp.peersIdentification ?? null,
            },
      linkInfo: info.linkInfo ?? null,
      wanErrors: info.wanErrors === undefined ? null : { ...info.wanErrors },
      history: info.history === undefined ? null : this.#history(info.history),
      dialogue: [...info.dialogue],
    };
  }
}

function shownIncident(report: IncidentReport): IncidentShown {
  const { reasons, sources, sessionsEnded, blocked } = report;
  return {
    ...report,
    reasons: { ...reasons },
    sources: [...sources],
    sessionsEnded: { ...sessionsEnded },
    blocked: [...blocked],
  };
}

function noSource(address: string, remedy: string): AdminAnswer<never> {
  const message = `${printable(address)} is no IPv4 address or network`;
  return adminFault("bad-request", "no-address", message, remedy);
}
