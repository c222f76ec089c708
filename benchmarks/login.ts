// bench:login : what a log-in costs the server, and how long it lets the client wait. Servers stand
// side by side in one guest, the same client calls each in turn.
import { expectOk, type Place } from "../test/lab/place.js";
import { dialling, readDialogue } from "./dialogue.js";
import { inGuest } from "./guest.js";
import { options } from "./options.js";
import { password, peerNamed, type Running, user } from "./peers.js";
import { figure, made, median, type Reach, report, say, spread, type Table } from "./results.js";
import { type Server, Site } from "./site.js";
import { buildPrograms } from "./traffic.js";

export type LogInData = Readonly<
  Record<
    string,
    {
      /** Processor time of all the server's processes a log-in, ms, one a round. */
      readonly costMs: number[];
      /** The same without a log-in, ms a second: it is in costMs, nothing is taken off. */
      readonly idleMs: number[];
      /** How long a round took, ms a log-in. */
      readonly roundMs: number[];
      /** Of single calls: SYN to the last IPCP Configure-Ack, and what the server owed of it, ms. */
      readonly wholeMs: number[];
      readonly owedMs: number[];
      /** The longest it owed in each, and before which packet. */
      readonly longest: string[];
    }
  >
>;

const known = ["pptpd", "kserver", "holdfast"] as const;
const given = options({
  guest: { kind: "list", of: ["uml", "qemu"], byDefault: ["uml"], help: "the guest's kind" },
  peers: { kind: "list", of: known, byDefault: ["pptpd", "holdfast"], help: "who is called" },
  rounds: { kind: "number", least: 1, most: 20, byDefault: 3, help: "each in turn, so often" },
  logins: {
    kind: "number",
    least: 1,
    most: 200,
    byDefault: 24,
    help: "log-ins a round, four at a time",
  },
  "warm-up": {
    kind: "number",
    least: 0,
    most: 400,
    byDefault: 48,
    help: "log-ins at each server before anything is measured",
  },
  calls: {
    kind: "number",
    least: 1,
    most: 50,
    byDefault: 5,
    help: "single calls whose packets are looked at",
  },
  quick: { kind: "flag", help: "one round of four: does it work at all" },
});
const quick = { rounds: 1, logins: 4, calls: 1, "warm-up": 0 };
const plan = given.quick ? { ...given, ...quick } : given;
const IDLE_S = 4;

type Up = { readonly name: string; readonly server: Server; readonly running: Running };

/** Ticks of every process of the server's namespace, and of those children it has buried. */
async function processorMs(place: Place): Promise<number> {
  const netns = "ip netns pids $(ip netns identify)";
  const stats = await expectOk(
    place,
    `for pid in $(${netns}); do [ $pid = $$ ] || cat /proc/$pid/stat 2>/dev/null; done; true`,
  );
  let ticks = 0;
  for (const line of stats.trim().split("\n")) {
    const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
    for (const at of [11, 12, 13, 14]) ticks += Number(fields[at] ?? 0);
  }
  return ticks * 10;
}

/** Calls `count` times, four at a time; everybody stays. */
async function logIn({ server, name }: Up, count: number): Promise<void> {
  const text = await expectOk(
    server.client,
    `for ((unit = 100; unit < ${100 + count}; unit++)); do
       { ${dialling(server.address, "$unit", user, password)} >/run/login-$unit.log 2>&1 || echo $unit; } &
       [ $(((unit + 1) % 4)) != 0 ] || wait
     done
     wait`,
    60 + count * 8,
  );
  if (text.trim() === "") return;
  const units = text.trim().split("\n");
  const log = await expectOk(server.client, `tail -n 12 /run/login-${units[0]}.log`);
  throw new Error(
    `${name}: no session for ${units.join(", ")}; the first one's last words:\n${log}`,
  );
}

/** All clients end in order, and the server is left until it has buried them. */
async function hangUp(server: Server): Promise<void> {
  await expectOk(
    server.client,
    `kill -TERM $(head -qn 1 /run/ppp-client-*.pid) 2>/dev/null
     for ((n = 0; n < 200; n++)); do
       ip -br link | grep -q '^ppp' || break
       sleep 0.1
     done
     rm -f /run/ppp-client-*.pid
     sleep 2`,
    60,
  );
}

/** One call with a capture at the server. */
async function watched({ server }: Up) {
  const file = `/run/login-${server.number}.pcap`;
  await expectOk(
    server.place,
    `rm -f ${file}
     setsid tcpdump -q -U --immediate-mode -i ${server.cable} -w ${file} </dev/null >/run/tcpdump.log 2>&1 &
     echo $! >/run/tcpdump.pid
     for ((n = 0; n < 100; n++)); do grep -q listening /run/tcpdump.log && break; sleep 0.1; done`,
  );
  try {
    await expectOk(
      server.client,
      `${dialling(server.address, "90", user, password)} >/run/login-90.log 2>&1`,
    );
    await new Promise((resolve) => setTimeout(resolve, 500));
  } finally {
    await server.place.exec("kill $(cat /run/tcpdump.pid)");
  }
  await hangUp(server);
  const base64 = await expectOk(server.place, `base64 -w 0 ${file}`);
  return readDialogue(Buffer.from(base64, "base64"), server.address);
}

/** A server that has been up for a while is what its users meet. */
async function warmUp(one: Up): Promise<void> {
  for (let left = plan["warm-up"]; left > 0; left -= plan.logins) {
    await logIn(one, Math.min(left, plan.logins));
    await hangUp(one.server);
  }
}

/** What the server's processes use while nobody calls, ms a second. */
async function idle({ server }: Up): Promise<number> {
  const before = await processorMs(server.place);
  await new Promise((resolve) => setTimeout(resolve, IDLE_S * 1_000));
  return ((await processorMs(server.place)) - before) / IDLE_S;
}

const nothing = () => ({
  costMs: [],
  idleMs: [],
  roundMs: [],
  wholeMs: [],
  owedMs: [],
  longest: [],
});

async function measureAll(guest: Place): Promise<LogInData> {
  const data: LogInData = Object.fromEntries(plan.peers.map((name) => [name, nothing()]));
  await using site = await Site.open(guest);
  const up: Up[] = [];
  try {
    for (const [index, name] of plan.peers.entries()) {
      const server = await site.server(name, index + 1);
      const running = await peerNamed(name).start(site, server, { mode: "128", sessions: 1 });
      up.push({ name, server, running });
      say(`${name} is up`);
    }
    for (const { server } of up) await hangUp(server);
    for (const one of up) await warmUp(one);
    for (const one of up) data[one.name]?.idleMs.push(await idle(one));
    for (let round = 1; round <= plan.rounds; round++) {
      for (const one of up) {
        const before = await processorMs(one.server.place);
        const begun = performance.now();
        await logIn(one, plan.logins);
        data[one.name]?.roundMs.push((performance.now() - begun) / plan.logins);
        const cost = ((await processorMs(one.server.place)) - before) / plan.logins;
        data[one.name]?.costMs.push(cost);
        say(`round ${round}: ${one.name} ${cost.toFixed(1)} ms of processor a log-in`);
        await hangUp(one.server);
      }
    }
    for (let call = 1; call <= plan.calls; call++) {
      for (const one of up) {
        const { wholeMs, owedMs, longest } = await watched(one);
        data[one.name]?.wholeMs.push(wholeMs);
        data[one.name]?.owedMs.push(owedMs);
        data[one.name]?.longest.push(longest);
        say(`${one.name}: ${wholeMs.toFixed(1)} ms, ${owedMs.toFixed(1)} of them owed; ${longest}`);
      }
    }
  } finally {
    for (const { running } of up) await running[Symbol.asyncDispose]();
  }
  return data;
}

function tableOf(data: LogInData): Table {
  const rows = Object.entries(data).map(([name, one]) => [
    name,
    one.costMs.map(figure).join(", "),
    spread(one.idleMs),
    spread(one.roundMs),
    spread(one.wholeMs),
    spread(one.owedMs),
    one.longest[0] ?? "",
  ]);
  return {
    title: "A log-in, MS-CHAPv2 and MPPE-128, by the kernel-channel client",
    columns: [
      "server",
      "processor a log-in by round, ms",
      "processor of a second without one, ms",
      "a round took, ms a log-in",
      "SYN to last IPCP Ack, ms",
      "of which the server owed, ms",
      "the longest it owed, first call",
    ],
    rows,
    notes: [
      `After ${plan["warm-up"]} log-ins at each server: one that has been up for a while is what its users ` +
        "meet. What the processes use without a log-in is in the figure too: nothing is taken off.",
      "Processor: user and system time of all the server's processes, buried children included. Owed: " +
        "the sum of the gaps before each packet that came from the server, in a capture at the server.",
    ],
  };
}

function reachOf(data: LogInData): Reach[] {
  const { holdfast: ours, pptpd: theirs } = data;
  const reach: Reach[] = [];
  if (ours !== undefined && theirs !== undefined) {
    const share = median(theirs.costMs) / median(ours.costMs);
    const what = "processor a log-in, all the server's processes: pptpd + pppd's to ours";
    reach.push({ what, bar: ">= 20", found: figure(share), reached: share >= 20 });
  }
  if (ours !== undefined) {
    const owed = median(ours.owedMs);
    const what = "SYN to last IPCP Ack: what the server owed, in sum";
    reach.push({ what, bar: "< 30 ms", found: `${figure(owed)} ms`, reached: owed < 30 });
  }
  return reach;
}

const from = made("login");
await buildPrograms();
const vehicle = plan.guest[0] === "qemu" ? "qemu" : "uml";
const data = await inGuest(vehicle, measureAll);
const results = { made: from, reach: reachOf(data), tables: [tableOf(data)], data };
report(`login-${vehicle}`, results, !given.quick);
process.exit(0);
