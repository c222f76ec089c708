// `npm run bench:filter`: a stream of GRE that is refused, as fast as the sender goes, at a server whose kernel
// refuses it at the socket alone, or at the interface already (XDP), by turns at the same running server; and at
// one whose filter is the classic one, with the rules of nft that count by reason and with these taken away.
// Sender and reception run on one core (a cable of two ends hands packets on in the sender's own time), the
// server's processes on the other; what a packet costs is what the kernel says these cores were busy.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseIpv4 } from "../src/base/ip.js";
import { plane } from "../src/limits.js";
import { TestServer } from "../test/e2e/harness.js";
import { settled } from "../test/e2e/settled.js";
import { HostNetns } from "../test/lab/place.js";
import { joined } from "../test/os/namespace.js";
import { options } from "./options.js";
import { serverProcesses } from "./processes.js";
import { figure, made, type Reach, report, say, spread, type Table } from "./results.js";
import { Ammunition, GRE, NOBODYS } from "./storm/flood.js";
import { buildPrograms } from "./traffic.js";

const given = options({
  seconds: { kind: "number", least: 1, most: 60, byDefault: 4, help: "each stream" },
  rounds: { kind: "number", least: 1, most: 20, byDefault: 5, help: "of all, by turns" },
  quick: { kind: "flag", help: "does it work at all: nothing is kept" },
});
const seconds = given.quick ? 1 : given.seconds;
const rounds = given.quick ? 1 : given.rounds;

const SERVER = "198.51.100.1";
const SENDER = "198.51.100.2";
const STRANGERS = ["198.51.100.3", "198.51.100.4", "198.51.100.5"];
const CABLE = "veth0";
/** Of the sender's end: the cable's driver takes no program where a frame is larger than a page; generic remains. */
const MTUS = { native: 1_500, generic: 9_000 };
const TICK_NS = 1e7;
const SEED = 7;
const SETTLED_MS = 2 * plane.countersEveryMs;

const ways = [
  { name: "at the socket, eBPF", xdp: "off", mtu: MTUS.native, mode: undefined },
  { name: "XDP, generic", xdp: "auto", mtu: MTUS.generic, mode: "generic" },
  { name: "XDP, native", xdp: "auto", mtu: MTUS.native, mode: "native" },
] as const;
/** It knows no calls: what is well-formed goes on to the data worker. */
const classic = { rules: "classic, with its rules", alone: "classic alone" } as const;
const names = [...ways.map(({ name }) => name), classic.rules, classic.alone];
const streams = [
  { name: "of no live call", scenario: "gre-unknown-call", protocol: GRE },
  { name: "malformed and foreign", scenario: "gre-vectors", protocol: GRE },
  { name: "protocol 253, which nobody takes", scenario: "gre-unknown-call", protocol: NOBODYS },
] as const;

type Sample = {
  readonly way: string;
  readonly stream: string;
  readonly packets: number;
  readonly perSecond: number;
  /** Nanoseconds a packet: of the core of sender and reception, in softirq alone, and of the server's core. */
  readonly core: number;
  readonly softirq: number;
  readonly server: number;
  /** Refused and counted by reason; with eBPF other tunnels' too. */
  readonly counted: number;
};

/** In ticks: busy in all, and in softirq. */
function busy(core: number): { all: number; softirq: number } {
  const line = readFileSync("/proc/stat", "utf8")
    .split("\n")
    .find((one) => one.startsWith(`cpu${core} `));
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (line ?? "")
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return { all: user + nice + system + irq + softirq, softirq };
}

function pin(pid: number, core: number): void {
  execFileSync("taskset", ["-a", "-c", "-p", String(core), String(pid)], { stdio: "ignore" });
}

const begun = made("filter");
await buildPrograms();
using net = joined([`${SERVER}/24`], [`${SENDER}/24`]);
for (const stranger of STRANGERS) net.b.ip("addr", "add", `${stranger}/32`, "dev", "lo");
await settled(net.a, net.b);
const config = {
  addresses: { pool: ["10.99.0.0/24"] },
  client: { dns: [] },
  log: { format: "json" },
};
pin(process.pid, 0);
using _entered = net.b.entered();
using ammunition = new Ammunition(
  parseIpv4(SERVER)!,
  STRANGERS.map((one) => parseIpv4(one)!),
  [],
  SEED,
);

/** In its namespace, its processes on their core, while `measure` is. */
async function atServer(
  filter: "auto" | "classic",
  measure: (server: TestServer) => Promise<void>,
): Promise<void> {
  const place = new HostNetns(net.a.name);
  await using server = await TestServer.start({ place, config: { ...config, filter } });
  const { pid } = await server.status();
  for (const one of serverProcesses(pid)) pin(one.pid, 1);
  await measure(server);
}

async function refuse(server: TestServer, { xdp, mtu, mode }: (typeof ways)[number]) {
  const file = join(server.directory, "holdfast.yaml");
  const reload = async (wanted: string) => {
    writeFileSync(file, JSON.stringify({ ...config, xdp: wanted }));
    const { code, stdout, stderr } = await server.cli("reload");
    if (code !== 0) throw new Error(`reload: ${stdout}${stderr}`);
  };
  // A program that is there holds the MTU down.
  await reload("off");
  net.b.ip("link", "set", CABLE, "mtu", String(mtu));
  await reload(xdp);
  const { form, xdp: states } = (await server.status()).earlyRefusal;
  const found = states.map((one) => `${one.interface} ${one.mode}`).join();
  const wanted = mode === undefined ? "" : `${CABLE} ${mode}`;
  if (form !== "eBPF" || found !== wanted)
    throw new Error(`wanted "${wanted}", is ${form} "${found}"`);
}

async function counted(server: TestServer): Promise<number> {
  const { counters } = await server.status();
  const reasons = Object.entries(counters).filter(([name]) =>
    /^data (gre-|unknown-call)/.test(name),
  );
  return reasons.reduce((sum, [, count]) => sum + count, 0);
}

/** Once it stands still: a data worker tells what it refused a second later. */
async function countedAll(server: TestServer): Promise<number> {
  for (let before = await counted(server); ; ) {
    await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
    const now = await counted(server);
    if (now === before) return now;
    before = now;
  }
}

async function sample(
  server: TestServer,
  way: string,
  { name, scenario, protocol }: (typeof streams)[number],
): Promise<Sample> {
  const countedBefore = await countedAll(server);
  const before = [busy(0), busy(1)] as const;
  const sent = await ammunition.flood(scenario, { protocol, rate: 0, packets: 0, seconds });
  const after = [busy(0), busy(1)] as const;
  const each = (ticks: number) => (ticks * TICK_NS) / sent.packets;
  return {
    ...{ way, stream: name, packets: sent.packets, perSecond: sent.packets / sent.seconds },
    core: each(after[0].all - before[0].all),
    softirq: each(after[0].softirq - before[0].softirq),
    server: each(after[1].all - before[1].all),
    counted: (await countedAll(server)) - countedBefore,
  };
}

/** The rules that count what the classic filter refuses are another's to take away, like any of nft. */
function takeRulesAway(): void {
  const table = /^table inet (\S+-refused)$/m.exec(net.a.run("nft", "list", "tables"))?.[1];
  if (table === undefined) throw new Error("no rules beside the classic filter");
  net.a.run("nft", "delete", "table", "inet", table);
}

const data: Sample[] = [];
for (let round = 1; round <= rounds; round++) {
  const all = async (server: TestServer, way: string) => {
    for (const stream of streams) {
      say(`round ${round} of ${rounds}: ${way}, ${stream.name}`);
      data.push(await sample(server, way, stream));
    }
  };
  await atServer("auto", async (server) => {
    for (const way of ways) {
      await refuse(server, way);
      await all(server, way.name);
    }
  });
  net.b.ip("link", "set", CABLE, "mtu", String(MTUS.native));
  await atServer("classic", async (server) => {
    const { form, byReason } = (await server.status()).earlyRefusal;
    if (form !== "classic" || !byReason) throw new Error(`is ${form}, by reason: ${byReason}`);
    await all(server, classic.rules);
    takeRulesAway();
    await all(server, classic.alone);
  });
}

const of = (stream: string, way: string) =>
  data.filter((one) => one.stream === stream && one.way === way);
const tables = streams.map(
  ({ name, protocol }): Table => ({
    title: `A stream ${protocol === GRE ? "" : "of "}${name}`,
    columns: [
      "refused",
      "packets a second, sent",
      "ns a packet: sending and receiving core",
      "of these in softirq",
      "ns a packet: the server's core",
      "counted by reason, of what was sent",
    ],
    rows: names.map((way) => {
      const found = of(name, way);
      const share = found.map((one) => (100 * one.counted) / one.packets);
      return [
        protocol === GRE ? way : `nobody's; ${way}`,
        spread(found.map((one) => one.perSecond)),
        spread(found.map((one) => one.core)),
        spread(found.map((one) => one.softirq)),
        spread(found.map((one) => one.server)),
        protocol === GRE && way !== classic.alone ? `${figure(Math.min(...share))} %` : "–",
      ];
    }),
  }),
);

/** Whether a packet is counted once, whichever layer refuses it, where all layers know every reason. */
const shares = data.filter(
  ({ stream, way }) => stream !== streams[2].name && ways.some(({ name }) => name === way),
);
const missed = Math.max(...shares.map((one) => Math.abs(one.counted - one.packets) / one.packets));
const reach: Reach[] = [
  {
    what: "counted once, whichever of eBPF and XDP refuses it: difference to what was sent",
    bar: "at most 0.1 %",
    found: `${figure(100 * missed)} %`,
    reached: missed <= 0.001,
  },
];
report("filter", { made: begun, reach, tables, data }, !given.quick);
