// Two data workers on one TUN: each has the sessions its Call IDs fall to, whatever queue the kernel
// puts a packet on, and the end of one is not the end of the other's sessions.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { Counters } from "../../src/base/counters.js";
import { formatIpv4, parseIpv4 } from "../../src/base/ip.js";
import { Ledger } from "../../src/base/ledger.js";
import { Scope } from "../../src/base/scope.js";
import { DataPath } from "../../src/daemon/data-path.js";
import { EarlyRefusal } from "../../src/daemon/early-refusal.js";
import { openPlaces } from "../../src/daemon/worker-places.js";
import { plane } from "../../src/limits.js";
import { monotonicNow } from "../../src/os/clock.js";
import { openTun } from "../../src/os/tun.js";
import type { FlowRef, PlaneEvent } from "../../src/wire/worker-link.js";
import { until } from "../lab/place.js";
import { eventually, held, isRoot, joined, type Namespace } from "../os/namespace.js";
import { TERMS } from "../plane/pair.js";

const SERVER = parseIpv4("198.51.100.1")!;
const CLIENT = parseIpv4("198.51.100.2")!;
const FLOWS = 12;
const entry = fileURLToPath(new URL("../../dist/worker/main.js", import.meta.url));
if (isRoot && !existsSync(entry)) throw new Error("dist is missing: run `npm run build` first");

/** Both ends are gateways: flow i joins one address of either side. */
const ours = (side: "server" | "client", i: number) =>
  parseIpv4(`10.${side === "server" ? 88 : 99}.0.${i + 10}`)!;

class End implements Disposable {
  readonly ledger = new Ledger(monotonicNow);
  readonly scope = new Scope("test", this.ledger);
  readonly events: PlaneEvent[] = [];
  readonly lost: { readonly why: string; readonly slots: readonly number[] }[] = [];
  readonly path: DataPath;
  readonly #tuns: Disposable[];

  constructor(
    readonly side: "server" | "client",
    readonly namespace: Namespace,
    readonly workers: number,
  ) {
    const queue = (i: number) => (workers === 1 ? "only" : i === 0 ? "first" : "further");
    const tuns = Array.from({ length: workers }, (_, i) =>
      held(namespace.inside(() => openTun({ name: "hf0", queue: queue(i) }))),
    );
    this.#tuns = tuns;
    const places = namespace.inside(() =>
      openPlaces(
        tuns.map(({ fd }) => fd),
        this.scope,
      ),
    );
    if ("remedy" in places) throw new Error(places.message);
    const log = { warn: () => {}, info: () => {}, error: () => {} };
    const choice = side === "server" ? "auto" : "classic";
    this.path = new DataPath({
      places,
      refusal: namespace.inside(
        () => new EarlyRefusal({ choice, loaded: undefined, places, scope: this.scope, log }),
      ),
      scope: this.scope,
      prefix: [],
      gateway: { ...TERMS, clientToClient: true, reachHost: true },
      limits: plane,
      engine: "auto",
      entry,
      reasons: new Counters(64),
      onEvent: (event) => void this.events.push(event),
      onLost: (why, wasIts) => {
        const slots = Array.from({ length: FLOWS }, (_, slot) => slot).filter((slot) =>
          wasIts({ slot, generation: 1 }),
        );
        this.lost.push({ why, slots });
      },
      log,
    });
    for (let i = 0; i < FLOWS; i++) namespace.ip("addr", "add", this.#own(i), "dev", "lo");
    namespace.ip("link", "set", "hf0", "mtu", "1400", "up");
    const others = side === "server" ? "10.99.0.0/24" : "10.88.0.0/24";
    namespace.ip("route", "add", others, "dev", "hf0");
  }

  #own(i: number): string {
    return formatIpv4(ours(this.side, i));
  }

  install(i: number): void {
    const server = this.side === "server";
    const flow: FlowRef = { slot: i, generation: 1 };
    this.path.send({
      kind: "Install",
      flow,
      localAddress: server ? SERVER : CLIENT,
      peerAddress: server ? CLIENT : SERVER,
      callId: (server ? 1_000 : 2_000) + i,
      peersCallId: (server ? 2_000 : 1_000) + i,
      peersWindow: 64,
      peersProcessingDelay: 0,
      end: "gateway",
      encryptionRequired: false,
    });
    this.path.send({ kind: "Link", flow, peersMru: 1400, mru: 1400, acfc: true, pfc: true });
    const address = ours(server ? "client" : "server", i);
    this.path.send({ kind: "Network4", flow, network: { address, routes: [] } });
  }

  async saw(kind: PlaneEvent["kind"], times: number): Promise<void> {
    await eventually(
      () => this.events.filter((event) => event.kind === kind).length >= times || undefined,
      10_000,
    );
  }

  /** Which flows answer to this end; those of `patient` are waited for. */
  answering(patient: readonly number[]): number[] {
    const other = this.side === "server" ? "client" : "server";
    return Array.from({ length: FLOWS }, (_, i) => i).filter((i) => {
      const wait = patient.includes(i) ? "20" : "1";
      const argv = ["-c", "1", "-W", wait, "-I", this.#own(i), formatIpv4(ours(other, i))];
      try {
        return this.namespace.run("ping", ...argv).includes("1 received");
      } catch {
        return false;
      }
    });
  }

  get drops(): Readonly<Record<string, number>> {
    const last = this.events.filter((event) => event.kind === "Counters").at(-1);
    return last?.drops ?? {};
  }

  [Symbol.dispose](): void {
    this.scope[Symbol.dispose]();
    for (const tun of this.#tuns) tun[Symbol.dispose]();
  }
}

describe.runIf(isRoot)("two data workers", () => {
  test("many sessions, pings both ways; one is killed: the other's sessions live", async () => {
    using cable = joined([`${formatIpv4(SERVER)}/24`], [`${formatIpv4(CLIENT)}/24`]);
    using server = new End("server", cable.a, 2);
    using client = new End("client", cable.b, 1);
    const all = Array.from({ length: FLOWS }, (_, i) => i);
    const halves = [0, 1].map((half) => all.filter((i) => i % 2 === half));
    for (const end of [server, client]) {
      end.namespace.inside(() => end.path.start());
      for (const i of all) end.install(i);
      await end.saw("Ready", end.workers);
      await end.saw("Installed", FLOWS);
    }
    expect(server.path.workers.map(({ state, engine }) => [state, engine !== ""])).toEqual([
      ["running", true],
      ["running", true],
    ]);
    expect(client.answering(all)).toEqual(all);
    expect(server.answering(all)).toEqual(all);
    // The kernel cannot know whose the first packet of a flow is; it may guess right each time.
    await until("one is handed over", 30, () => {
      if ((server.drops["handed-over"] ?? 0) > 0) return true;
      return server.answering(all).length === 0;
    });
    expect(server.drops["no-flow"] ?? 0).toBe(0);
    const before = server.path.workers.map(({ pid }) => pid);
    process.kill(before[1]!, "SIGKILL");
    await eventually(() => server.lost[0], 1_000);
    expect(server.lost).toEqual([{ why: "SIGKILL", slots: halves[1] }]);
    // What lies on the lost one's queue waits for the new one, which hands it over.
    await server.saw("Ready", 3);
    expect(client.answering(halves[0]!)).toEqual(halves[0]);
    expect(server.path.workers[0]).toMatchObject({ pid: before[0], restarts: 0 });
    expect(server.path.workers[1]).toMatchObject({ state: "running", restarts: 1 });
    expect(server.answering(halves[0]!)).toEqual(halves[0]);
    for (const i of halves[1]!) server.install(i);
    await server.saw("Installed", FLOWS + halves[1]!.length);
    // Its generation of numbers began anew at this end only: the other one's must, too.
    for (const i of halves[1]!)
      client.path.send({ kind: "Remove", flow: { slot: i, generation: 1 } });
    for (const i of halves[1]!) client.install(i);
    await client.saw("Installed", FLOWS + halves[1]!.length);
    expect(server.answering(all)).toEqual(all);
    expect(client.answering(all)).toEqual(all);
    await Promise.all([server.path.stop(), client.path.stop()]);
    expect(server.lost).toHaveLength(1);
    expect(client.lost).toEqual([]);
  });

  test("a destination that nobody has goes round once, is counted and is gone", async () => {
    using cable = joined([`${formatIpv4(SERVER)}/24`], [`${formatIpv4(CLIENT)}/24`]);
    using server = new End("server", cable.a, 2);
    server.namespace.inside(() => server.path.start());
    await server.saw("Ready", 2);
    expect(server.answering([])).toEqual([]);
    await eventually(() => (server.drops["no-flow"] ?? 0) >= FLOWS || undefined);
    await eventually(() => (server.drops["handed-over"] ?? 0) > 0 || undefined);
    await new Promise((done) => setTimeout(done, 1_500));
    const { "no-flow": gone = 0, "handed-over": handedOver = 0 } = server.drops;
    // The hand-overs are told with the next counters, the drops by themselves.
    expect(handedOver).toBeGreaterThan(0);
    expect(handedOver).toBeLessThanOrEqual(gone);
    expect(gone).toBeLessThan(2 * FLOWS);
    await server.path.stop();
  });

  test("one stopped by a signal: noticed, killed and replaced; the other goes on", async () => {
    using cable = joined([`${formatIpv4(SERVER)}/24`], [`${formatIpv4(CLIENT)}/24`]);
    using server = new End("server", cable.a, 2);
    server.namespace.inside(() => server.path.start());
    await server.saw("Ready", 2);
    const before = server.path.workers.map(({ pid }) => pid);
    process.kill(before[0]!, "SIGSTOP");
    await eventually(() => server.lost[0], 3_000);
    expect(server.lost[0]).toMatchObject({ why: "no answer to Ping" });
    await server.saw("Ready", 3);
    expect(server.path.workers[1]).toMatchObject({ pid: before[1], restarts: 0 });
    await server.path.stop();
    server.scope[Symbol.dispose]();
    expect(server.ledger.size).toBe(0);
  });
});
