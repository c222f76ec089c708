// Two data workers as real child processes, each with a raw GRE socket and a TUN of a namespace of its
// own: what passes through, and what is left when one ends in each of its ways.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { formatIpv4, parseIpv4 } from "../../src/base/ip.js";
import { Ledger } from "../../src/base/ledger.js";
import { Scope } from "../../src/base/scope.js";
import { monotonicNow } from "../../src/os/clock.js";
import { type GreSocket, openGreSockets } from "../../src/os/gre-socket.js";
import { openTun, type Tun } from "../../src/os/tun.js";
import type { PlaneEvent } from "../../src/wire/worker-link.js";
import { encodeCommand, encodeEvent } from "../../src/wire/worker-link-codec.js";
import { WorkerHost } from "../../src/worker/host.js";
import { pingsAnswered, pingWords } from "../lab/ping.js";
import { eventually, held, isRoot, joined, type Namespace } from "../os/namespace.js";
import { encryptionTerms, FLOW, GATEWAY, LEASED, TERMS } from "../plane/pair.js";

const SERVER = parseIpv4("198.51.100.1")!;
const CLIENT = parseIpv4("198.51.100.2")!;
/** Behind the server, on its loopback: reachable only through the tunnel. */
const BEHIND = "203.0.113.7";
const ENCRYPTION = { bits: 128, stateful: false } as const;

// The child runs what `npm run build` made: Node does not read TypeScript.
const entry = fileURLToPath(new URL("../../dist/worker/main.js", import.meta.url));
if (isRoot && !existsSync(entry)) throw new Error("dist is missing: run `npm run build` first");

class Side implements Disposable {
  readonly ledger = new Ledger(monotonicNow);
  readonly scope = new Scope("test", this.ledger);
  readonly events: PlaneEvent[] = [];
  readonly lost: string[] = [];
  readonly gre: GreSocket;
  readonly tun: Tun;
  readonly host: WorkerHost;

  constructor(
    readonly namespace: Namespace,
    prefix: readonly string[] = [],
    program = entry,
  ) {
    this.gre = held(namespace.inside(openGreSockets));
    this.tun = held(namespace.inside(() => openTun({ name: "hf0" })));
    this.host = new WorkerHost({
      gre: this.gre.descriptors,
      tun: this.tun.fd,
      scope: this.scope,
      entry: program,
      prefix,
      onEvent: (event) => this.events.push(event),
      onLost: (why) => this.lost.push(why),
    });
  }

  start(): void {
    this.namespace.inside(() => this.host.start());
  }

  async saw(kind: PlaneEvent["kind"], times = 1): Promise<PlaneEvent> {
    return eventually(() => this.events.filter((event) => event.kind === kind)[times - 1], 10_000);
  }

  [Symbol.dispose](): void {
    this.scope[Symbol.dispose]();
    this.tun[Symbol.dispose]();
    this.gre[Symbol.dispose]();
  }
}

function addresses(side: Side, own: string, peer: string): void {
  side.namespace.ip("addr", "add", own, "peer", peer, "dev", "hf0");
  side.namespace.ip("link", "set", "hf0", "mtu", "1400", "up");
}

function install(side: Side, role: "server" | "client"): void {
  const server = role === "server";
  const { host } = side;
  host.send({ kind: "Configure", gateway: TERMS });
  host.send({
    kind: "Install",
    flow: FLOW,
    localAddress: server ? SERVER : CLIENT,
    peerAddress: server ? CLIENT : SERVER,
    callId: server ? 0x5678 : 0x1234,
    peersCallId: server ? 0x1234 : 0x5678,
    peersWindow: 64,
    peersProcessingDelay: 0,
    end: server ? "gateway" : "host",
    encryptionRequired: true,
  });
  host.send({ kind: "Link", flow: FLOW, peersMru: 1400, mru: 1400, acfc: true, pfc: true });
  host.send({ kind: "Encrypt", flow: FLOW, terms: encryptionTerms(ENCRYPTION, role) });
  host.send({ kind: "Network4", flow: FLOW, network: { address: LEASED, routes: [] } });
}

describe.runIf(isRoot)("data worker", () => {
  test("carries pings and a full-sized packet through MPPE-128 with no privilege", async () => {
    using cable = joined([`${formatIpv4(SERVER)}/24`], [`${formatIpv4(CLIENT)}/24`]);
    const drop = [
      "setpriv",
      "--reuid=65534",
      "--regid=65534",
      "--clear-groups",
      "--bounding-set=-all",
    ];
    using server = new Side(cable.a, drop);
    using client = new Side(cable.b, drop);
    addresses(server, formatIpv4(GATEWAY), formatIpv4(LEASED));
    addresses(client, formatIpv4(LEASED), formatIpv4(GATEWAY));
    server.namespace.ip("addr", "add", BEHIND, "dev", "lo");
    client.namespace.ip("route", "add", BEHIND, "dev", "hf0");
    for (const [side, role] of [
      [server, "server"],
      [client, "client"],
    ] as const) {
      side.start();
      install(side, role);
      await side.saw("Ready");
      await side.saw("Installed");
    }
    const status = readFileSync(`/proc/${server.host.pid}/status`, "utf8");
    expect(status).toMatch(/^Uid:\s+65534\s+65534\s+65534\s+65534$/m);
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
      expect(status).toMatch(new RegExp(`^${set}:\\s+0+$`, "m"));
    }
    // It waits for a late answer, and asks once more meanwhile: what it sent is what must have come.
    const pings = (address: string, more: Parameters<typeof pingWords>[1]) => {
      const [program = "", ...words] = pingWords(address, more);
      return client.namespace.run(program, ...words);
    };
    const many = pings(BEHIND, { count: 20, intervalS: 0.01, options: ["-s", "1300"] });
    expect(pingsAnswered(many, 20)).toBe(20);
    const one = pings(formatIpv4(GATEWAY), { count: 1 });
    expect(pingsAnswered(one, 1)).toBe(1);
    const sent = [many, one].map((text) => Number(/(\d+) packets transmitted/.exec(text)?.[1]));
    server.host.send({ kind: "Remove", flow: FLOW });
    const removed = await server.saw("Removed");
    const receivedPackets = sent.reduce((sum, count) => sum + count);
    expect(removed).toMatchObject({ counters: { receivedPackets, dropped: 0, lost: 0 } });
    await Promise.all([server.host.stop(), client.host.stop()]);
    expect([...server.lost, ...client.lost]).toEqual([]);
    expect([server.ledger.size, client.ledger.size]).toEqual([0, 0]);
  });

  test("killed: noticed within a second, everything given back, and a new one starts", async () => {
    using cable = joined([`${formatIpv4(SERVER)}/24`], [`${formatIpv4(CLIENT)}/24`]);
    using side = new Side(cable.a);
    const descriptors = readdirSync("/proc/self/fd").length;
    side.start();
    await side.saw("Ready");
    process.kill(side.host.pid!, "SIGKILL");
    await eventually(() => side.lost[0], 1_000);
    expect(side.lost).toEqual(["SIGKILL"]);
    expect(side.ledger.size).toBe(0);
    // Of the test before some may have been closing when they were counted.
    await eventually(() => readdirSync("/proc/self/fd").length <= descriptors || undefined);
    side.start();
    await side.saw("Ready", 2);
    await side.host.stop();
    expect(side.lost).toHaveLength(1);
    expect(side.ledger.size).toBe(0);
  });

  test("stopped by a signal: its silence is noticed, it is killed and reaped", async () => {
    using cable = joined([`${formatIpv4(SERVER)}/24`], [`${formatIpv4(CLIENT)}/24`]);
    using side = new Side(cable.a);
    side.start();
    await side.saw("Ready");
    const pid = side.host.pid!;
    process.kill(pid, "SIGSTOP");
    await eventually(() => side.lost[0], 3_000);
    expect(side.lost).toEqual(["no answer to Ping"]);
    await eventually(() => side.ledger.size === 0 || undefined);
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });

  test("in an endless loop: its silence is noticed, it is killed and reaped", async () => {
    const directory = mkdtempSync(join(tmpdir(), "hf-endless-"));
    const ready = encodeEvent({ kind: "Ready", version: 1, engine: "", offload: "" }, 1_000)!;
    const endless = join(directory, "endless.mjs");
    const said = `writeSync(3, Buffer.from("${Buffer.from(ready).toString("hex")}", "hex"))`;
    writeFileSync(endless, `import { writeSync } from "node:fs"; ${said}; for (;;);`);
    try {
      using cable = joined([`${formatIpv4(SERVER)}/24`], [`${formatIpv4(CLIENT)}/24`]);
      using side = new Side(cable.a, [], endless);
      side.start();
      await side.saw("Ready");
      const pid = side.host.pid!;
      await eventually(() => side.lost[0], 3_000);
      expect(side.lost).toEqual(["no answer to Ping"]);
      await eventually(() => side.ledger.size === 0 || undefined);
      expect(existsSync(`/proc/${pid}`)).toBe(false);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test("SIGINT and SIGTERM of the group leave it to the main process", async () => {
    using cable = joined([`${formatIpv4(SERVER)}/24`], [`${formatIpv4(CLIENT)}/24`]);
    using side = new Side(cable.a);
    side.start();
    await side.saw("Ready");
    process.kill(side.host.pid!, "SIGINT");
    process.kill(side.host.pid!, "SIGTERM");
    install(side, "server");
    await side.saw("Installed");
    await side.host.stop();
    expect(side.lost).toEqual([]);
  });

  test("its TUN deleted: told as Trouble, and it lives on", async () => {
    using cable = joined([`${formatIpv4(SERVER)}/24`], [`${formatIpv4(CLIENT)}/24`]);
    using side = new Side(cable.a);
    side.start();
    await side.saw("Ready");
    side.namespace.ip("link", "del", "hf0");
    expect(await side.saw("Trouble")).toMatchObject({ call: "read TUN", errno: "EBADFD" });
    install(side, "server");
    await side.saw("Installed");
    await side.host.stop();
    expect(side.ledger.size).toBe(0);
  });

  test("Stop, or a closed link: gone within 10 ms beyond what a killed one takes", async () => {
    using cable = joined([`${formatIpv4(SERVER)}/24`], [`${formatIpv4(CLIENT)}/24`]);
    using side = new Side(cable.a);
    const { receive, sendNoDf } = side.gre.descriptors;
    const options = ["--link=3", "--gre=4", "--gre-fragmentable=5", "--tun=6"];
    const ends = {
      killed: (child: ChildProcess) => child.kill("SIGKILL"),
      stopped: (_: ChildProcess, link: Socket) =>
        link.write(encodeCommand({ kind: "Stop" }, 100) ?? ""),
      closed: (_: ChildProcess, link: Socket) => link.destroy(),
    };
    const took = { killed: [] as number[], stopped: [] as number[], closed: [] as number[] };
    // The fastest of each, since all wait for the same busy machine; some more rounds where it is.
    const late = () => {
      const [killed = 0, stopped = 0, closed = 0] = Object.values(took).map((ms) =>
        Math.min(...ms),
      );
      return Math.max(stopped, closed) - killed;
    };
    for (let round = 0; round < 3 || (round < 30 && late() >= 10); round++) {
      for (const [how, end] of Object.entries(ends)) {
        const child = spawn(process.execPath, [entry, ...options], {
          stdio: ["ignore", "ignore", "inherit", "pipe", receive, sendNoDf, side.tun.fd],
        });
        const link = child.stdio[3] as Socket;
        await once(link, "data");
        const before = performance.now();
        end(child, link);
        const [code] = await once(child, "exit");
        took[how as keyof typeof took].push(performance.now() - before);
        expect(code).toBe(how === "killed" ? null : 0);
      }
    }
    expect(late(), JSON.stringify(took)).toBeLessThan(10);
  });

  test("no such program: lost with the reason, nothing held", async () => {
    using cable = joined([`${formatIpv4(SERVER)}/24`], [`${formatIpv4(CLIENT)}/24`]);
    using side = new Side(cable.a, ["/nonexistent/wrapper"]);
    side.start();
    await eventually(() => side.lost[0]);
    expect(side.lost[0]).toContain("ENOENT");
    await eventually(() => side.ledger.size === 0 || undefined);
  });

  test("its scope ends: the child is reaped and no loss is reported", async () => {
    using cable = joined([`${formatIpv4(SERVER)}/24`], [`${formatIpv4(CLIENT)}/24`]);
    using side = new Side(cable.a);
    side.start();
    await side.saw("Ready");
    side.scope[Symbol.dispose]();
    await eventually(() => side.ledger.size === 0 || undefined);
    expect(side.lost).toEqual([]);
    expect(side.host.running).toBe(false);
  });
});
