// `holdfast connect`: a session over a TUN of its own, or behind proxies without one, until a signal or
// its end; one that was up and is lost is dialled again unless `once` is asked for. What a dead client
// left is put back first.
import { lease } from "../base/lease.js";
import { Ledger } from "../base/ledger.js";
import { printable } from "../base/printable.js";
import { client, proxy as limits } from "../limits.js";
import { monotonicNow } from "../os/clock.js";
import { describeOsError, isOsError, type OsError } from "../os/errors.js";
import type { IpChanges } from "../os/ip.js";
import { Attempt } from "./attempt.js";
import { Capture, type CaptureEnd } from "./capture/capture.js";
import { ClientHost } from "./client-host.js";
import { type NetworkWish, undo } from "./network/borrowed.js";
import { type ClientState, forget, leftBehind, StateFile } from "./network/state-file.js";
import type { ClientTerms } from "./policy.js";
import { isLoopback, Proxies, type ProxyWish, placeText } from "./proxy/proxies.js";
import { Redial } from "./redial.js";
import { Teller } from "./teller.js";

export type ConnectOptions = {
  readonly server: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly tun: string | undefined;
  readonly terms: ClientTerms;
  readonly network: NetworkWish;
  /** In place of a TUN, whose name then means nothing. */
  readonly proxies: ProxyWish | undefined;
  /** Where running clients keep what they have changed. */
  readonly stateDirectory: string;
  /** One session at most: its end is the end. */
  readonly once: boolean;
  /** A file for all that is said, in the clear; and how large it may get. */
  readonly capture: { readonly file: string; readonly octetsMax: number } | undefined;
  readonly json: boolean;
};

/** Returns the exit code: 0 when a session was up and ended by us, else the verdict's. */
export async function runConnect(options: ConnectOptions): Promise<number> {
  const teller = new Teller(options.json);
  const ledger = new Ledger(monotonicNow);
  const proxies = await listening(options, ledger, teller);
  if (isOsError(proxies)) return 1;
  const host =
    options.proxies === undefined
      ? ClientHost.open(options.tun ?? "holdfast-c0", ledger)
      : ClientHost.openWithoutTun(ledger);
  if ("message" in host) {
    teller.complain(host.message, host.remedy);
    await proxies?.close();
    return 6;
  }
  await cleanUp(options.stateDirectory, host.changes, teller);
  const capture = captured(options, host, teller);
  if (isOsError(capture)) {
    await proxies?.close();
    await host.close();
    return 1;
  }
  const connection = new Connection(host, options, teller, capture, proxies);
  const stop = () => connection.stop();
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  const code = await connection.run();
  if (capture !== undefined) tellCapture(capture.close(), options, teller);
  await proxies?.close();
  const refused = proxies?.refused ?? 0;
  if (refused > 0) {
    const message = `${refused} connections to the proxies were refused: too many at once`;
    teller.complain(
      message,
      `let fewer programs connect: ${limits.clientsMax} at once is the bound`,
    );
  }
  await host.close();
  teller.event("ended", { held: ledger.size });
  process.off("SIGINT", stop);
  process.off("SIGTERM", stop);
  return code;
}

/** Why not is said already where there are none although they are asked for. */
async function listening(
  { proxies: wish }: ConnectOptions,
  ledger: Ledger,
  teller: Teller,
): Promise<Proxies | OsError | undefined> {
  if (wish === undefined) return undefined;
  const opened = await Proxies.open(wish, ledger);
  if (isOsError(opened)) {
    const remedy = remedies[opened.errno] ?? "give another port of this host with --socks, --http";
    teller.complain(describeOsError(opened), remedy);
    return opened;
  }
  for (const [kind, place] of Object.entries(opened.listening)) {
    const where = placeText(place);
    teller.event("proxy", { [kind]: where });
    if (isLoopback(place)) continue;
    const message = `whoever reaches ${where} uses this session as you: the proxy asks no password`;
    teller.complain(message, "give an address of 127.0.0.0/8, or let the firewall say who may");
  }
  return opened;
}

const remedies: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program listens there: give another port with --socks, --http, or end it",
  EADDRNOTAVAIL: "that is no address of this host: give one of its own, as 127.0.0.1:1080",
  EACCES: "ports below 1024 need CAP_NET_BIND_SERVICE: give another one, as 1080",
};

/** Likewise. */
function captured(
  { capture: wish }: ConnectOptions,
  host: ClientHost,
  teller: Teller,
): Capture | OsError | undefined {
  if (wish === undefined) return undefined;
  const capture = Capture.open({ ...wish, ledger: host.ledger, tun: host.tun });
  if (isOsError(capture)) {
    teller.complain(describeOsError(capture), "name a file that is not there yet: --capture");
    return capture;
  }
  const message = `${printable(wish.file, 300)} will hold the log-in and all traffic in the clear`;
  teller.complain(message, "give it to nobody you would not let read along; remove it when done");
  return capture;
}

function tellCapture(end: CaptureEnd, { capture: wish }: ConnectOptions, teller: Teller): void {
  const { octets, packets, lost, stopped } = end;
  if (stopped === "full") {
    teller.complain("the capture is full: it ends before the session", "--capture-size");
  } else if (stopped !== undefined) {
    teller.complain(describeOsError(stopped), "make room: the capture ends before the session");
  }
  teller.event("captured", { file: wish?.file, octets, packets, lost });
}

/** After a kill -9 or a crash: its interface is gone, what it changed beside it is not. */
async function cleanUp(directory: string, changes: IpChanges, teller: Teller): Promise<void> {
  for (const record of leftBehind(directory)) {
    const failures = await undo(changes, record.changed);
    if (failures.length === 0) forget(directory, record);
    for (const failure of failures) {
      teller.complain(describeOsError(failure), "put it back yourself: ip route, resolvconf -l");
    }
    const back = Object.keys(record.changed).join(",");
    teller.event("cleaned up", { after: record.pid, back: back === "" ? "nothing" : back });
  }
}

class Connection {
  readonly #file: StateFile;
  #state: ClientState;
  #stopped = false;
  #attempt: Attempt | undefined;
  #wake: (() => void) | undefined;

  constructor(
    readonly host: ClientHost,
    readonly options: ConnectOptions,
    readonly teller: Teller,
    readonly capture: Capture | undefined,
    readonly proxies: Proxies | undefined,
  ) {
    const { server, user, stateDirectory } = options;
    this.#file = new StateFile(stateDirectory);
    const none = { address: undefined, encryption: undefined, lastVerdict: undefined };
    const fresh = { phase: "connecting", since: Date.now(), sessions: 0, changed: {} } as const;
    const places = Object.entries(proxies?.listening ?? {});
    const listening = places.map(([kind, place]) => `${kind} ${placeText(place)}`);
    const ways = { tun: host.tun, ...(proxies && { proxies: listening }) };
    this.#state = { server, user, ...ways, ...none, ...fresh };
  }

  stop(): void {
    this.#stopped = true;
    this.#attempt?.stop();
    this.#wake?.();
  }

  async run(): Promise<number> {
    using _file = this.#file;
    using _told = this.#tellTraffic();
    const { host, options, teller, capture, proxies } = this;
    const redial = new Redial();
    const note = (state: Partial<ClientState>) => this.#note(state);
    for (let wasUp = false; ; ) {
      note({ phase: "connecting", since: Date.now(), address: undefined });
      this.#attempt = new Attempt({ host, options, teller, note, capture, proxies });
      const { verdict, upMs } = await this.#attempt.run();
      wasUp ||= upMs !== undefined;
      if (verdict === undefined) return wasUp ? 0 : 1;
      teller.verdict(verdict);
      if (options.once || !wasUp || !verdict.again) return verdict.exitCode;
      redial.ended(upMs ?? 0);
      const ms = redial.waitMs(Math.random());
      const sessions = this.#state.sessions + (upMs === undefined ? 0 : 1);
      note({ phase: "waiting", since: Date.now(), sessions, lastVerdict: verdict.name });
      teller.event("again", { in: `${(ms / 1_000).toFixed(1)} s` });
      await this.#wait(ms);
      if (this.#stopped) return 0;
    }
  }

  /** For --status, where no interface counts it. */
  #tellTraffic(): Disposable {
    const tell = () => {
      const traffic = this.#attempt?.traffic;
      if (traffic !== undefined || this.#state.traffic !== undefined) this.#note({ traffic });
    };
    const timer = this.proxies && setInterval(tell, client.trafficToldMs);
    return lease(() => clearInterval(timer));
  }

  #note(state: Partial<ClientState>): OsError | undefined {
    this.#state = { ...this.#state, ...state };
    return this.#file.write(this.#state);
  }

  /** Until then, or until it is told to stop. */
  async #wait(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }
}
