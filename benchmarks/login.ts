// bench:login : what a log-in costs the server, and how long it lets the client wait. Servers stand
// side by side in one guest, the same client calls each in turn.
import { join } from "node:path";
import { expectOk, type Place, quote } from "../test/lab/place.js";
import { type Dialogue, dialling, readDialogue } from "./dialogue.js";
import { inGuest } from "./guest.js";
import type { Raised } from "./load/load.js";
import { reachOf, tablesOf } from "./login-report.js";
import { options } from "./options.js";
import { password, peerNamed, type Running, user } from "./peers.js";
import { made, report, say } from "./results.js";
import { type Server, Site } from "./site.js";
import { between, type Parts, spent, total } from "./threads.js";
import { buildPrograms } from "./traffic.js";

/** What was found of one server. */
export type LogIns = {
  /** Its first call: SYN to the last IPCP Configure-Ack, and what the server owed of it, ms. */
  readonly first: Dialogue[];
  /** Processor time of all its processes a log-in, ms: of the first ones, and one a round. */
  readonly coldMs: number[];
  readonly warmMs: number[];
  /** Where it went, in the rounds. */
  readonly parts: Parts[];
  /** The same without a log-in, ms a second: it is in the others, nothing is taken off. */
  readonly idleMs: number[];
  /** How long a round took, ms a log-in. */
  readonly roundMs: number[];
  /** Single calls after all that. */
  readonly calls: Dialogue[];
};
export type LogInData = Readonly<Record<string, LogIns>>;

const known = ["pptpd", "kserver", "holdfast"] as const;
const given = options({
  guest: { kind: "list", of: ["uml", "qemu"], byDefault: ["uml"], help: "the guest's kind" },
  peers: { kind: "list", of: known, byDefault: ["pptpd", "holdfast"], help: "who is called" },
  cold: {
    kind: "number",
    least: 1,
    most: 50,
    byDefault: 4,
    help: "the first log-ins after the very first, measured too",
  },
  "warm-up": {
    kind: "number",
    least: 0,
    most: 5_000,
    byDefault: 1_000,
    help: "log-ins at ours, by our load client, between the cold ones and the rounds",
  },
  rounds: { kind: "number", least: 1, most: 20, byDefault: 3, help: "each in turn, so often" },
  logins: {
    kind: "number",
    least: 1,
    most: 200,
    byDefault: 12,
    help: "log-ins a round, four at a time",
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
const quick = { cold: 1, "warm-up": 0, rounds: 1, logins: 4, calls: 1 };
const plan = given.quick ? { ...given, ...quick } : given;
const IDLE_S = 20;
const LOADED_AT_ONCE = 100;

type Up = { readonly name: string; readonly server: Server; readonly running: Running };

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

/** So many log-ins: what they cost its server, a log-in. */
async function cost(one: Up, count: number): Promise<Parts> {
  const before = await spent(one.server.place);
  await logIn(one, count);
  const parts = between(before, await spent(one.server.place), count);
  await hangUp(one.server);
  return parts;
}

/**
 * Of pptpd all but the listener is a new process for each call, which nothing before makes faster: it has
 * as many by pppd as the cold ones. Ours has them by our load client, which does not take two seconds each.
 */
async function warmUp(one: Up): Promise<void> {
  const count = one.name === "holdfast" ? plan["warm-up"] : 0;
  if (count > 0) await loaded(one.server, count);
  await logIn(one, plan.cold);
  await hangUp(one.server);
}

/** From addresses that the server's guard allows, see peers.ts, a hundred sessions at once at most. */
async function loaded({ number, address, place, client, clientAddress }: Server, count: number) {
  const sources = `198.19.${number}`;
  await expectOk(place, `ip route add ${sources}.0/24 via ${clientAddress}`);
  await expectOk(client, `ip route add local ${sources}.0/24 dev lo`);
  const words = [
    ...["--server", address, "--from", `${sources}.1`, "--user", user, "--users", "0"],
    ...["--password", password, "--concurrency", "4"],
  ].join(" ");
  const node = quote(process.execPath);
  const run = quote(join(import.meta.dirname, "run.mjs"));
  for (let left = count; left > 0; left -= LOADED_AT_ONCE) {
    const some = Math.min(left, LOADED_AT_ONCE);
    const text = await expectOk(
      client,
      `printf 'raise ${some}\\nend\\n' | ${node} ${run} load-client ${words}`,
      60 + 2 * some,
    );
    const [, found] = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Raised);
    if (found?.sessions !== some) throw new Error(`warm-up: ${text.slice(0, 500)}`);
  }
}

/** What the server's processes use while nobody calls, ms a second. */
async function idle({ server }: Up): Promise<number> {
  const before = await spent(server.place);
  const begun = performance.now();
  await new Promise((resolve) => setTimeout(resolve, IDLE_S * 1_000));
  const after = await spent(server.place);
  // Looking takes its time, too, in a guest.
  return total(between(before, after, (performance.now() - begun) / 1_000));
}

const nothing = (): LogIns => ({
  first: [],
  coldMs: [],
  warmMs: [],
  parts: [],
  idleMs: [],
  roundMs: [],
  calls: [],
});

async function startAll(site: Site, up: Up[]): Promise<void> {
  for (const [index, name] of plan.peers.entries()) {
    const server = await site.server(name, index + 1);
    const running = await peerNamed(name).start(site, server, { mode: "128", sessions: 0 });
    up.push({ name, server, running });
    say(`${name} is up`);
  }
}

async function measureAll(guest: Place): Promise<LogInData> {
  const data: Record<string, LogIns> = {};
  await using site = await Site.open(guest);
  const up: Up[] = [];
  try {
    await startAll(site, up);
    const all = up.map((one) => [one, nothing()] as const);
    for (const [{ name }, found] of all) data[name] = found;
    for (const [one, found] of all) {
      found.first.push(await watched(one));
      found.coldMs.push(total(await cost(one, plan.cold)));
      say(`${one.name}: ${found.coldMs[0]?.toFixed(1)} ms of processor a log-in, cold`);
      await warmUp(one);
      found.idleMs.push(await idle(one));
    }
    for (let round = 1; round <= plan.rounds; round++) {
      for (const [one, found] of all) await measureRound(round, one, found);
    }
    for (let call = 1; call <= plan.calls; call++) {
      for (const [one, found] of all) {
        const told = await watched(one);
        found.calls.push(told);
        say(`${one.name}: ${told.wholeMs.toFixed(1)} ms, ${told.owedMs.toFixed(1)} of them owed`);
      }
    }
  } finally {
    for (const { running } of up) await running[Symbol.asyncDispose]();
  }
  return data;
}

async function measureRound(round: number, one: Up, found: LogIns): Promise<void> {
  const begun = performance.now();
  const parts = await cost(one, plan.logins);
  found.roundMs.push((performance.now() - begun) / plan.logins);
  found.parts.push(parts);
  found.warmMs.push(total(parts));
  say(`round ${round}: ${one.name} ${total(parts).toFixed(1)} ms of processor a log-in`);
}

const from = made("login");
await buildPrograms();
const vehicle = plan.guest[0] === "qemu" ? "qemu" : "uml";
const data = await inGuest(vehicle, measureAll);
const results = { made: from, reach: reachOf(data), tables: tablesOf(data, plan), data };
report(`login-${vehicle}`, results, !given.quick);
process.exit(0);
