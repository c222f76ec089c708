// A command line in this process: its own input and output, and a server that is only a port.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CliContext, type Rooms } from "../../src/cli/context.js";
import type { Io } from "../../src/cli/io.js";
import { runCli } from "../../src/cli/program.js";
import type { ProcessStatus, Status } from "../../src/console/contract.js";
import type { IncidentShown } from "../../src/console/incident-contract.js";
import type { NoticesShown } from "../../src/console/notice-contract.js";
import type { Overview } from "../../src/console/overview-contract.js";
import { revised } from "../../src/core/bulletin/bulletin.js";
import { headOf, told } from "../../src/core/bulletin/told.js";
import type { AccountService } from "../../src/daemon/admin/account-service.js";
import { type AdminPort, adminFault, type ConsolePort } from "../../src/daemon/admin/port.js";
import { type AdminSocket, openAdminSocket } from "../../src/daemon/admin/socket.js";
import { inJapanese } from "../../src/daemon/japanese/texts.js";
import {
  prepareStateDirectory,
  type StatePaths,
  statePaths,
} from "../../src/daemon/state-directory.js";
import { fakeConfigEditor, fakeTrends } from "./fake-past.js";

export type Ran = { readonly code: number; readonly out: string; readonly err: string };

export type Stage = {
  readonly paths: StatePaths;
  /** Words after `holdfast`; `--state` is added where the command takes it. */
  run(words: readonly string[], io?: Partial<Io>, rooms?: Partial<Rooms>): Promise<Ran>;
  dispose(): void;
};

const ownUid = process.getuid?.() ?? 0;
/** 2027-01-02T03:04:05Z */
export const now = 1_798_859_045_000;

export function stage(): Stage {
  const base = mkdtempSync(join(tmpdir(), "holdfast-cli-"));
  const paths = statePaths(join(base, "state"));
  const unfit = prepareStateDirectory(paths, ownUid);
  if (unfit !== undefined) throw new Error(unfit.fault);
  return {
    paths,
    run: async (words, io, rooms) => {
      let out = "";
      let err = "";
      const context = new CliContext(
        {
          out: (text) => {
            out += text;
          },
          err: (text) => {
            err += text;
          },
          outIsTerminal: false,
          inIsTerminal: false,
          columns: undefined,
          readAll: () => "",
          askHidden: async () => undefined,
          now: () => now,
          ...io,
        },
        {
          environment: {
            HOLDFAST_STATE: paths.directory,
            HOLDFAST_PROFILES: join(base, "profiles", "profiles.yaml"),
            VPN_PASSWORD: "from the environment",
          },
          uid: ownUid,
          cwd: base,
          serviceUid: undefined,
          ownerOf: () => undefined,
        },
        {
          runServer: refuse,
          runDemo: refuse,
          runConnect: refuse,
          runProbe: refuse,
          storm: refuse,
          ...rooms,
        },
        "1.2.3",
      );
      const code = await runCli(words, context);
      return { code, out, err };
    },
    dispose: () => rmSync(base, { recursive: true }),
  };
}

async function refuse(): Promise<never> {
  throw new Error("this test starts no room");
}

export const BLOCK = {
  address: "203.0.113.7",
  reason: "failed log-ins",
  since: 1_700_000_000_000,
  until: 1_700_000_060_000,
  times: 1,
};

export const INCIDENT: IncidentShown = {
  number: 3,
  begin: now - 600_000,
  end: now - 540_000,
  ending: "quiet",
  seenAt: now - 480_000,
  overPerSecond: 100,
  perSecond: 0,
  peakPerSecond: 5_120,
  refused: 300_015,
  reasons: { "malformed Magic Cookie": 15, "data gre-flags": 300_000 },
  sources: [
    { address: "203.0.113.7", count: 12, mayBeForged: false },
    { address: "203.0.113.8", count: 290_000, mayBeForged: true },
  ],
  greSources: "sampled",
  sessionsAtBegin: 50,
  sessionsEnded: { "peer-terminated": 2, "echo-timeout": 1 },
  logIns: 4,
  logInsRefused: 0,
  processorPercent: 12,
  blocked: [{ address: "203.0.113.7", reason: "malformed control messages" }],
  blockedMore: 0,
  dropped: { connections: 40, gre: 0 },
};

export const NOTICES: NoticesShown = {
  language: "en",
  ways: [
    {
      ...{ way: "mail", on: true, destination: "noc@example.org by smtp.example.org:587" },
      ...{ waiting: 2, sent: 5, failed: 3, givenUp: 0, lastSentAt: now - 60_000 },
      lastFailure: { at: now - 5_000, message: "connect ECONNREFUSED" },
    },
    {
      ...{
        way: "webhook",
        on: false,
        destination: null,
        waiting: 0,
        sent: 0,
        failed: 0,
        givenUp: 0,
      },
      ...{ lastSentAt: null, lastFailure: null },
    },
  ],
};

const BULLETIN = revised(undefined, INCIDENT, "1.2.3");

export type FakePort = AdminPort & { readonly asked: string[] };

/** Sessions 1 to 3; session 3 has a name and a client that would like to move the cursor. */
export function fakePort(accounts?: AccountService, own?: ConsolePort): FakePort {
  const asked: string[] = [];
  let level: ReturnType<AdminPort["logLevel"]> = "info";
  const sessions = [1, 2, 3].map((id) => summary(id));
  return {
    asked,
    accounts: accounts as AccountService,
    console: own as ConsolePort,
    status: () => status,
    overview: () => OVERVIEW,
    history: () => ({ everyMs: 1_000, moments: [OVERVIEW.moment] }),
    trends: async (query) => fakeTrends(query, now, asked),
    sessions: ({ user, after = 0, most }) => {
      asked.push(`sessions after ${after}`);
      const matching = sessions.filter((one) => user === undefined || one.user === user);
      const rest = matching.filter(({ id }) => id > after);
      // Two a page whatever is asked for, so that the reader has to turn pages.
      const page = rest.slice(0, Math.min(most, 2));
      const next = rest.length > page.length ? (page.at(-1)?.id ?? null) : null;
      return { sessions: page, total: matching.length, next };
    },
    session: (id) => {
      const found = sessions.find((one) => one.id === id);
      return found === undefined ? undefined : detail(found);
    },
    disconnect: (target) => {
      asked.push(`disconnect ${JSON.stringify(target)}`);
      if ("id" in target && target.id > 3) {
        return adminFault("not-found", "no-session", "there is no session", "see sessions");
      }
      return { ok: true, value: { sessions: "id" in target ? [target.id] : [1, 2] } };
    },
    blocks: () => ({
      blocks: [BLOCK],
      kernel: true,
      problem: null,
      dropped: { connections: 7, gre: 9 },
    }),
    block: ({ address, seconds, reason }) => {
      asked.push(`block ${address} ${seconds} ${reason}`);
      return { ok: true, value: { ...BLOCK, address, reason } };
    },
    unblock: (address) => {
      asked.push(`unblock ${address}`);
      if (address === BLOCK.address) return { ok: true, value: { address } };
      const remedy = "see holdfast blocks";
      return adminFault("not-found", "not-blocked", `${address} is not blocked`, remedy);
    },
    incidents: async ({ most }) => {
      asked.push(`incidents ${most}`);
      const lost = { ...INCIDENT, number: 2, ending: "server-lost" as const };
      const open = { ...INCIDENT, number: 4, end: null, ending: null };
      return { ok: true, value: { incidents: [open, INCIDENT, lost], next: null } };
    },
    incident: async (number) => {
      if (number === INCIDENT.number) return { ok: true, value: INCIDENT };
      const remedy = "see holdfast incidents";
      return adminFault("not-found", "unknown-incident", `there is no incident ${number}`, remedy);
    },
    bulletins: async ({ most, lang }) => {
      asked.push(`bulletins ${most} ${lang}`);
      return { ok: true, value: { bulletins: [headOf(BULLETIN, lang)], next: null } };
    },
    bulletin: async (number, { lang }) => {
      const at = (ms: number) => new Date(ms).toISOString();
      if (number === INCIDENT.number) {
        return { ok: true, value: structuredClone(told(BULLETIN, lang, at)) as never };
      }
      const remedy = "see holdfast bulletins";
      return adminFault("not-found", "unknown-bulletin", `there is no bulletin ${number}`, remedy);
    },
    notices: () => NOTICES,
    testNotices: async () => {
      asked.push("test notices");
      const [mail] = NOTICES.ways;
      const destination = mail?.destination ?? "";
      return { results: [{ way: "mail", destination, ok: false, problem: "535 no\u001b[2J" }] };
    },
    ledger: ({ after = 0, state }) => {
      const line = { what: "callId", owner: "call 1", detail: "4711", since: now - 61_000 };
      const all = [
        { id: 1, ...line, state: "held" as const, why: "" },
        { id: 2, ...line, state: "stuck" as const, why: "EBUSY" },
      ].filter((one) => state === undefined || one.state === state);
      const lines = all.filter(({ id }) => id > after).slice(0, 1);
      const more = all.some(({ id }) => id > (lines[0]?.id ?? 2));
      return {
        lines,
        balance: { callId: 2 },
        total: 2,
        next: more ? (lines[0]?.id ?? null) : null,
      };
    },
    logLevel: () => level,
    setLogLevel: (next) => {
      level = next;
    },
    log: ({ after }) => ({
      lines: [
        { number: 1, at: now, level: "info" as const, line: "console", fields: '{"port":8723}' },
        {
          number: 2,
          at: now,
          level: "warn" as const,
          line: "log-in refused",
          fields: '{"user":"eve"}',
        },
      ].filter(({ number }) => number > after),
    }),
    config: () => ({ file: "/etc/holdfast/holdfast.yaml", text: "instance: main\n" }),
    ...fakeConfigEditor(asked),
    reload: async () => ({
      ok: true,
      value: {
        applied: [{ key: "log.level", why: "at once" }],
        needsRestart: [{ key: "listen.port", why: "calls are bound to it" }],
        warnings: ["careful"],
      },
    }),
    doctor: async () => ({
      verdicts: [
        { check: "tun", result: "wrong", message: "no", place: "/dev", remedy: "modprobe tun" },
        { check: "port", result: "well", message: "yes", place: "", remedy: "" },
      ],
    }),
  };
}

type Summary = ReturnType<AdminPort["sessions"]>["sessions"][number];

function summary(id: number): Summary {
  return {
    id,
    user: id === 3 ? "eve\u001b[2J" : "ann",
    peerAddress: `192.0.2.${id}`,
    localAddress: "198.51.100.1",
    framedAddress: `10.99.0.${id}`,
    framedPrefix: null,
    profile: "default",
    authentication: "ms-chap-v2",
    encryption: "MPPE-128 stateless",
    phase: "network",
    calledAt: now - 100_000,
    upAt: now - 90_000,
    counters: {
      receivedPackets: 10,
      receivedOctets: 12_345,
      sentPackets: 20,
      sentOctets: 2_345_678,
      dropped: 0,
      overRateUp: 17,
      overRateDown: 4,
      lost: 0,
      reordered: 0,
      roundTripMs: 12.5,
      idleMs: 3_000,
    },
    peersHostName: "",
    peersVendorString: id === 3 ? "\u202evendor" : "Microsoft Windows NT",
    ending: null,
  };
}

function detail(one: Summary): ReturnType<AdminPort["session"]> {
  return {
    ...one,
    connection: 7,
    callId: 4711,
    peersCallId: 0,
    routes: ["192.168.7.0/24"],
    sessionSecondsMax: null,
    idleSecondsMax: 600,
    octetsMax: null,
    upBitsPerSecond: 10_000_000,
    downBitsPerSecond: null,
    ppp: {
      lcp: "Opened",
      ccp: "Opened",
      ipcp: "Opened",
      ipv6cp: "Closed",
      peersMru: 1400,
      peersIdentification: "MSRASV5.20",
    },
    linkInfo: { sendAccm: 0xffffffff, receiveAccm: 0xffffffff },
    wanErrors: null,
    history: {
      beginAt: now - 90_000,
      slotMs: 5_000,
      slots: Array.from({ length: 18 }, (_, at) => ({
        receivedOctets: 40_000 * at,
        sentOctets: 900_000 + 50_000 * (at % 5),
        receivedPackets: 500,
        lost: at === 7 ? 5 : 0,
        reordered: at === 9 ? 3 : 0,
        roundTripMs: at < 2 ? null : 12 + (at % 3),
      })),
    },
    dialogue: ["< LCP Configure-Request", "> LCP Configure-Ack \u001b[31m"],
  };
}

function fakeProcess(
  name: string,
  pid: number,
  capabilities: string[],
  threads: string[],
): ProcessStatus {
  const sets = { permitted: capabilities, inheritable: capabilities, ambient: capabilities };
  const bounding = ["NET_ADMIN", "NET_RAW"];
  const rights = { effective: capabilities, ...sets, bounding };
  const who = { uid: 990, gid: 991, groups: [], noNewPrivileges: true };
  const all = threads.map((thread, at) => ({ tid: pid + at, name: thread, ...who, ...rights }));
  const state = "all threads alike";
  return { name, pid, parent: 1, uid: 990, gid: 991, capabilities, state, threads: all };
}

const status: Status = {
  version: "1.2.3",
  node: "v20.20.2",
  instance: "main",
  pid: 42,
  startedAt: now - 3_600_000,
  uptimeMs: 3_600_000,
  stateDirectory: "/var/lib/holdfast",
  configFile: null,
  listening: [{ address: "0.0.0.0", port: 1723 }],
  network: {
    tun: "holdfast0",
    tunState: "up",
    gateway: "10.99.0.1",
    pool: "10.99.0.0/24",
    ipv6Prefix: null,
    nat: "off",
  },
  dataPath: "child process",
  processes: [
    fakeProcess("main", 42, ["NET_ADMIN", "NET_RAW"], ["main", "store", "node", "node"]),
    fakeProcess("data worker", 43, [], ["main", "node"]),
  ],
  profiles: [
    {
      name: "legacy-9x",
      legacy: true,
      from: ["192.0.2.0/28"],
      on: [],
      authentication: ["ms-chap-v1"],
      encryption: "MPPE-40 required",
    },
  ],
  connections: 3,
  deadlines: 3,
  heapOctets: 20_000_000,
  sessions: { now: 3, logIns: 10, refusals: 2 },
  addresses: { leased: 3, size: 253 },
  ledger: { held: 12, stuck: 1, byKind: { callId: 3 } },
  blocks: 0,
  incident: null,
  limits: { connectionsMax: 1024, descriptorsMax: 4096, sessionsMax: 10_000 },
  store: { health: "well", queueLength: 0, oldestMs: 0, recordsRefused: 0, interimsDropped: 0 },
  earlyRefusal: {
    ...{ form: "eBPF", why: "", calls: 2, refused: 1_204, byReason: true },
    xdp: [
      { interface: "eth0", mode: "native", why: "" },
      { interface: "eth1", mode: "generic", why: "native: the driver has none" },
    ],
  },
  workers: [
    { pid: 43, state: "running", restarts: 0, engine: "WebAssembly", offload: "tso+gro+uso" },
    { pid: 44, state: "waiting to restart", restarts: 11, engine: "", offload: "" },
  ],
  counters: {},
  logLevel: "info",
  warnings: ["legacy-9x is on: its log-ins give nearly no protection"],
};

export async function serveFake(
  paths: StatePaths,
  port: AdminPort,
  broken: (failure: unknown) => void = () => {},
): Promise<AdminSocket> {
  const opened = await openAdminSocket(port, paths, {
    connectionsMax: 4,
    bodyOctetsMax: 4_096,
    importOctetsMax: 65_536,
    uid: ownUid,
    broken,
  });
  if (!opened.ok) throw new Error(opened.message);
  return opened.admin;
}

export const OVERVIEW: Overview = {
  version: status.version,
  instance: status.instance,
  startedAt: status.startedAt,
  addresses: status.addresses,
  ledger: status.ledger,
  incident: status.incident,
  limits: status.limits,
  store: status.store,
  workers: status.workers,
  logLevel: status.logLevel,
  warnings: status.warnings,
  warningsJapanese: status.warnings.map(inJapanese),
  moment: {
    at: now,
    ...{ sessions: 3, connections: 4, logIns: 17, refusals: 2 },
    ...{ receivedOctets: 1_000, sentOctets: 2_000, receivedPackets: 10, sentPackets: 20 },
    ...{ refused: 5, blocks: 1, held: 9, lateMs: 1 },
    ...{ processorPercent: 1.5, workersPercent: 12.5, residentOctets: 1e8, workersOctets: 5e7 },
  },
  ready: true,
};
