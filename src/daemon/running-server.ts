// The running server, assembled: store, network, data path, core, listener, admin socket. Its scope
// holds all of it; `stop` gives it back in the opposite order.
import { formatIpv4, inPrefix4 } from "../base/ip.js";
import { lease } from "../base/lease.js";
import { Ledger } from "../base/ledger.js";
import { Scope } from "../base/scope.js";
import type { DoctorReport } from "../console/contract.js";
import { AddressPool } from "../core/access/address-pool.js";
import { CallIdPool } from "../core/access/call-id-pool.js";
import { FlowSlots } from "../core/access/flow-slots.js";
import { Guard } from "../core/guard/guard.js";
import { Server } from "../core/server.js";
import type { ServerEvent } from "../core/server-ports.js";
import { plane as planeLimits } from "../limits.js";
import { monotonicNow, turnNow, wallClockMs, wallClockOf } from "../os/clock.js";
import type { Descriptor } from "../os/descriptor.js";
import type { HookRunner } from "../os/hook-runner.js";
import type { NftTableOptions } from "../os/nft.js";
import type { Account, Store } from "../store/port.js";
import type { GatewayTerms, PlaneEvent } from "../wire/worker-link.js";
import { type AccessBackend, type AccessTerms, backendOf } from "./access-backend.js";
import { type AccountEvent, AccountService } from "./admin/account-service.js";
import type { AdminSocket } from "./admin/socket.js";
import { type Blocking, blockingOf } from "./blocking.js";
import { Bulletins } from "./bulletins.js";
import { type BusynessWatch, watchBusyness } from "./busy.js";
import { loadConfig, readConfigFile } from "./config/load.js";
import type { Config } from "./config/resolve.js";
import { showConfig } from "./config/show.js";
import { storeTerms } from "./config/store-terms.js";
import { ConfigEditor } from "./config-editor.js";
import { type Console, consoleOf } from "./console/console.js";
import { ControlListener } from "./control-listener.js";
import { CoreLoop } from "./core-loop.js";
import { type DataPath, dataPathOf } from "./data-path.js";
import { doctorReport } from "./doctor/doctor.js";
import { type Incidents, incidentsOf } from "./incidents.js";
import type { Log } from "./log.js";
import type { HostNetwork } from "./network.js";
import { type Notices, noticesOf } from "./notices/of-server.js";
import { Operator } from "./operator.js";
import { thisMachine } from "./outside.js";
import { accessTerms, gatewayTerms, serverPolicy } from "./policy.js";
import { overviewOf, type Pulse, pulseOf } from "./pulse.js";
import { type ReloadOutcome, reloadConfig, reloadFields } from "./reload.js";
import { SessionKeeper } from "./session-keeper.js";
import type { SettledPrivileges } from "./settle-privileges.js";
import type { StatePaths } from "./state-directory.js";
import { gatherStatus, legacyWarning } from "./status.js";
import { Trends } from "./trends.js";
import { TunKeeper } from "./tun-keeper.js";

/** Announced as Firmware Revision: neutral, the same for every caller. */
const firmwareRevision = 1;

export type RunningServerTerms = {
  readonly config: Config;
  readonly configFile: string | undefined;
  readonly paths: StatePaths;
  readonly store: Store;
  readonly log: Log;
  readonly version: string;
  readonly privileges: SettledPrivileges;
  readonly tunDevices: readonly Descriptor[];
  readonly hooks: Pick<HookRunner, "run"> | undefined;
  readonly connectionsMax: number;
  readonly descriptorsMax: number;
  /** Shown in status for as long as the server runs. */
  readonly warnings: readonly string[];
};

export type StartFault = { readonly message: string; readonly remedy: string };

export class RunningServer {
  readonly ledger = new Ledger(turnNow);
  readonly startedAt = wallClockMs();
  readonly counts = { logIns: 0, refusals: 0 };
  readonly scope = new Scope("server", this.ledger);
  readonly network: HostNetwork;
  readonly server: Server;
  readonly loop: CoreLoop;
  readonly listener: ControlListener;
  readonly guard: Guard;
  readonly blocking: Blocking;
  readonly incidents: Incidents;
  readonly bulletins: Bulletins;
  readonly notices: Notices;
  readonly console: Console;
  readonly pulse: Pulse;
  readonly trends: Trends;
  readonly pool: AddressPool;
  readonly callIds: CallIdPool;
  readonly flowSlots: FlowSlots;
  readonly operator: Operator;
  dataPath: DataPath | undefined;
  config: Config;
  drops: Readonly<Record<string, number>> = {};
  #keeper: SessionKeeper | undefined;
  #backend: AccessBackend;
  #admin: Pick<AdminSocket, "close"> | undefined;
  #stopped: (() => void) | undefined;
  #stoppedTimer: NodeJS.Timeout | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  #tunKeeper: TunKeeper | undefined;

  constructor(
    readonly terms: RunningServerTerms,
    readonly outside = thisMachine,
  ) {
    const { config, store, log, paths } = terms;
    this.config = config;
    this.network = outside.network({
      config,
      ledger: this.ledger,
      instanceId: store.instanceId,
      runtimeDirectory: paths.adminDirectory,
      sysctlJournal: paths.sysctlJournal,
      tunDevices: terms.tunDevices,
      log,
    });
    this.guard = new Guard({
      limits: config.limits.guard,
      blocks: () => this.config.guard.block,
      allows: (peer) => this.config.guard.allow.some((prefix) => inPrefix4(peer, prefix)),
    });
    this.callIds = new CallIdPool(config.limits.control);
    this.flowSlots = new FlowSlots(
      Math.min(planeLimits.flowsMax, config.limits.access.sessionsMax * 2),
    );
    this.server = new Server({
      guard: this.guard,
      policy: serverPolicy(config, firmwareRevision),
      rng: outside.rng(),
      ledger: this.ledger,
      callIds: this.callIds,
      flowSlots: this.flowSlots,
    });
    this.pool = new AddressPool({ ranges: config.addresses.pool, exclusions: [] });
    this.#backend = backendOf(this);
    this.listener = new ControlListener({
      createServer: outside.createServer,
      addresses: config.listen.addresses === "all" ? [0] : config.listen.addresses,
      port: config.listen.port,
      connectionsMax: terms.connectionsMax,
      connectionsLeavingMax: config.limits.control.connectionsLeavingMax,
      acceptQueueMax: config.limits.control.acceptQueueMax,
      guard: this.guard,
      busyness: this.#watchBusyness(),
      scope: this.scope.child("listener"),
      reasons: this.server.reasons,
    });
    this.loop = new CoreLoop(
      this.server,
      {
        plane: (command) => this.dataPath?.send(command),
        transmit: (transmission) => this.listener.transmit(transmission),
        event: (event) => this.#handle(event),
      },
      turnNow,
    );
    this.blocking = blockingOf(this);
    this.notices = noticesOf(this);
    this.bulletins = new Bulletins({
      ...{ store: store.bulletins, version: terms.version, log },
      tell: (bulletin, news) => this.notices.bulletin(bulletin, news),
    });
    this.incidents = incidentsOf(this);
    this.console = consoleOf(this);
    this.trends = new Trends({
      store: store.trends,
      wallClockMs,
      incident: () => this.incidents.isOpen,
    });
    this.pulse = pulseOf(this);
    this.operator = new Operator({
      blocking: this.blocking,
      incidents: this.incidents,
      bulletins: this.bulletins,
      notices: this.notices,
      console: this.console.directory,
      overview: () => overviewOf(this),
      history: () => this.pulse.history,
      trends: (query) => this.trends.list(query),
      loop: this.loop,
      ledger: this.ledger,
      accounts: new AccountService(store, (name, event, account) =>
        this.#accountChanged(name, event, account),
      ),
      clock: turnNow,
      wallClockOf: (ms) => wallClockOf(ms as never),
      status: () => gatherStatus(this),
      logLevel: { get: () => log.level, set: (level) => this.#setLogLevel(level) },
      log: (after) => log.tail.after(after),
      config: () => ({
        file: terms.configFile ?? null,
        text: showConfig(this.config.settings, undefined),
      }),
      configEditor: new ConfigEditor({
        file: terms.configFile,
        settings: () => this.config.settings,
        reload: () => this.reload(),
      }),
      reload: () => this.reload(),
      doctor: () => this.#doctor(),
    });
  }

  /** Everything up, or the fault and nothing left behind. */
  async start(): Promise<StartFault | undefined> {
    const fault = await this.#start();
    if (fault !== undefined) await this.#giveBack();
    return fault;
  }

  async #start(): Promise<StartFault | undefined> {
    const { store, log } = this.terms;
    const networkFault = await this.network.up();
    if (networkFault !== undefined) return networkFault;
    await this.blocking.begin();
    await this.notices.begin(this.scope);
    await this.incidents.begin(this.scope);
    await this.bulletins.begin(store.incidents);
    await this.#reserveStaticAddresses();
    const run = await this.#countRun();
    this.#keeper = new SessionKeeper({
      accounting: store.accounting,
      run,
      wallClockMs,
      wallClockOf: (ms) => wallClockOf(ms as never),
      log,
      routes: this.network,
      hooks: { run: (event, environment) => this.#runHook(event, environment) },
      scope: this.scope,
      reasons: this.server.reasons,
    });
    const dataPath = dataPathOf(this, (event) => this.#handlePlane(event));
    if ("remedy" in dataPath) return dataPath;
    this.dataPath = dataPath;
    await dataPath.refusal.begin();
    dataPath.start();
    this.#tunKeeper = new TunKeeper({
      network: this.network,
      tun: this.config.network.tun,
      watchLink: this.outside.watchLink,
      // The data path has stopped looking at it, and looks again with its terms.
      mended: () => this.dataPath?.configure(this.gatewayTerms()),
      log,
    });
    this.scope.hold("socket", this.#tunKeeper, "link watch");
    const admin = await this.outside.openAdminSocket(this.operator, this.terms.paths, {
      connectionsMax: this.config.limits.admin.connectionsMax,
      bodyOctetsMax: this.config.limits.admin.bodyOctetsMax,
      importOctetsMax: this.config.limits.admin.importOctetsMax,
      uid: process.getuid?.() ?? 0,
      broken: (failure) => log.error({ failure: String(failure) }, "admin request failed"),
    });
    if (!admin.ok) return admin;
    this.#admin = admin.admin;
    this.scope.hold(
      "listener",
      lease(() => void admin.admin.close()),
      "admin socket",
    );
    const problems = await this.listener.listen(this.loop);
    const [problem] = problems;
    if (problem !== undefined) {
      const message = `cannot listen on ${problem.address}:${this.config.listen.port}: ${problem.code}`;
      return { message, remedy: problem.remedy };
    }
    this.pulse.begin(this.scope);
    await this.console.begin(this);
    this.#retryTimer = setInterval(() => this.#chores(), choresMs);
    this.scope.hold(
      "timer",
      lease(() => clearInterval(this.#retryTimer)),
      "chores",
    );
    return undefined;
  }

  /** In order: sessions told, accounting written, kernel as before. `atOnce` skips the goodbyes. */
  async stop(): Promise<void> {
    const over = new Promise<void>((resolve) => {
      this.#stopped = resolve;
    });
    this.loop.input((server, now) => server.stop(now));
    this.#checkStopped();
    await over;
    await this.#giveBack();
  }

  /** A second signal: nobody is waited for. */
  stopAtOnce(): void {
    this.loop.input((server, now) => server.stopAtOnce(now));
    this.#checkStopped();
  }

  async reload(): Promise<ReloadOutcome> {
    const outcome = await reloadConfig(this);
    if (outcome.ok) this.terms.log.info(reloadFields(outcome.value), "configuration reloaded");
    else this.terms.log.warn({ reason: outcome.message }, "configuration not reloaded");
    return outcome;
  }

  /** Takes a merged configuration into use; what needs a restart is as before in it. */
  async apply(config: Config): Promise<StartFault | undefined> {
    const { store } = this.terms;
    const fault = await this.network.applyRules(config);
    if (fault !== undefined) return fault;
    const before = new Set(this.config.profiles.map(({ name }) => name));
    for (const { name, legacy } of config.profiles) {
      if (legacy && !before.has(name)) this.terms.log.warn({ profile: name }, legacyWarning(name));
    }
    this.config = config;
    this.loop.input((server, now) => {
      server.setPolicy(serverPolicy(config, firmwareRevision), now);
    });
    this.#backend.terms = this.accessTerms();
    this.dataPath?.configure(this.gatewayTerms());
    this.dataPath?.refusal.chooseXdp(config.xdp);
    this.#setLogLevel(config.log.level);
    const configured = await store.configure(storeTerms(config));
    if (configured.ok) return undefined;
    return { message: configured.message, remedy: configured.remedy };
  }

  /** Whose nftables tables are ours. */
  get tableOwner(): NftTableOptions {
    const { store, paths } = this.terms;
    const { instance } = this.config;
    return { instance, instanceId: store.instanceId, runtimeDirectory: paths.adminDirectory };
  }

  get sessionCount(): number {
    return this.server.sessionCount;
  }

  /** What sessions are told, by the configuration in force and by what this host has now. */
  accessTerms(): AccessTerms {
    return accessTerms(this.config, this.outside.nameServers());
  }

  gatewayTerms(): GatewayTerms {
    return gatewayTerms(this.config, this.outside.nameServers(), this.outside.addresses());
  }

  #handlePlane(event: PlaneEvent): void {
    this.pulse.traffic.handle(event);
    if (event.kind === "Counters") this.drops = event.drops;
    if (event.kind === "Trouble") return this.#handleTrouble(event.call, event.errno);
    this.loop.input((server, now) => server.handlePlane(event, now));
  }

  #handleTrouble(call: string, errno: string): void {
    this.server.reasons.add(`trouble ${call} ${errno}`);
    // Deleted, or down: traffic tells of it every second.
    if (errno === "EBADFD" || (errno === "EIO" && call.endsWith("TUN"))) {
      return this.#tunKeeper?.check();
    }
    this.terms.log.error({ call, errno }, "the data path has trouble");
  }

  #handle(event: ServerEvent): void {
    const { log } = this.terms;
    this.incidents.handle(event);
    switch (event.kind) {
      case "AuthenticationAsked":
        return this.#backend.authentication(event, this.loop);
      case "AddressAsked":
        return this.#backend.address(event, this.loop);
      case "LoginRefused":
        this.counts.refusals++;
        return this.#keeper?.refused(event.info, event.name, event.code, event.method);
      case "SessionUp":
        this.counts.logIns++;
        return this.#keeper?.up(event.info);
      case "SessionInterim":
        return this.#keeper?.interim(event.info);
      case "SessionEnded":
        this.#keeper?.ended(event.info, event.cause);
        return this.#checkStopped();
      case "ConnectionRefused":
        return log.warn({ peer: formatIpv4(event.peerAddress), why: event.why }, "call refused");
      case "InvariantBroken":
        return log.error({ failure: event.failure.message, stack: event.failure.stack }, "our bug");
    }
  }

  #accountChanged(name: string, event: AccountEvent, account?: Account): void {
    this.#reserveStaticAddresses().catch(() => {});
    if (event === "disabled" || event === "removed") this.operator.endSessionsOf(name);
    if (event !== "terms" || account === undefined) return;
    this.loop.input((server, now) => server.setRate(account.accountId, account, now));
  }

  async #reserveStaticAddresses(): Promise<void> {
    const reserved = await this.terms.store.accounts.staticAddresses();
    if (reserved.ok) this.pool.reserveStatic(reserved.value.map(({ address }) => address));
  }

  /** A name for this start that no other start of this instance has. */
  async #countRun(): Promise<string> {
    const { settings, instanceId } = this.terms.store;
    const before = await settings.get("runs");
    const run = Number((before.ok && before.value) || 0) + 1;
    await settings.set("runs", String(run));
    return `${instanceId.slice(0, 8)}-${run}`;
  }

  #runHook(event: "ip-up" | "ip-down", environment: Readonly<Record<string, string>>): void {
    const { ipUp, ipDown } = this.config.hooks;
    const path = event === "ip-up" ? ipUp : ipDown;
    const { hooks, log } = this.terms;
    if (path === undefined || hooks === undefined) return;
    hooks.run({ path, env: { ...environment, HOLDFAST_EVENT: event } }).then((result) => {
      if (result.kind === "Exited" && result.code === 0) return;
      log.warn({ event, path, ...result }, "hook failed");
    });
  }

  #doctor(): Promise<DoctorReport> {
    const { configFile, paths, privileges } = this.terms;
    return doctorReport({
      loaded: configFile === undefined ? loadConfig("", "defaults") : readConfigFile(configFile),
      paths,
      serverRuns: true,
      stateOwner: privileges.uid,
      today: new Date(wallClockMs()),
    });
  }

  #setLogLevel(level: Log["level"]): void {
    this.terms.log.level = level;
  }

  #chores(): void {
    this.ledger.retryStuck(stuckRetriesMax);
    const { store } = this.terms;
    const keptMs = this.config.accounting.retentionDays * 86_400_000;
    store.accounting.prune(wallClockMs() - keptMs).catch(() => {});
  }

  #watchBusyness(): BusynessWatch {
    const tell = (busy: boolean) => {
      this.guard.busy = busy;
      if (busy) this.terms.log.warn({}, "busy: new strangers are turned away");
      else this.terms.log.info({}, "no longer busy: strangers are let in");
    };
    const { processorMs } = this.outside;
    const limits = this.config.limits.guard;
    return watchBusyness({ limits, clock: monotonicNow, processorMs, tell });
  }

  #checkStopped(): void {
    if (this.server.stopped) {
      clearTimeout(this.#stoppedTimer);
      this.#stopped?.();
    } else if (this.#stopped !== undefined && this.#stoppedTimer === undefined) {
      // One for all: every session's end asks for it.
      this.#stoppedTimer = setTimeout(() => {
        this.#stoppedTimer = undefined;
        this.#checkStopped();
      }, 10);
    }
  }

  async #giveBack(): Promise<void> {
    await this.console.end();
    await this.#admin?.close();
    this.pulse.last();
    await this.trends.end();
    await this.incidents.end();
    await this.dataPath?.stop();
    await this.dataPath?.refusal.end();
    this.loop[Symbol.dispose]();
    try {
      this.scope[Symbol.dispose]();
    } catch (failure) {
      this.terms.log.error({ failure: String(failure) }, "not everything could be given back");
    }
    await this.blocking.end();
    await this.network.down();
  }
}

const choresMs = 60_000;
const stuckRetriesMax = 64;
