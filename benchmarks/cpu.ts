// bench:cpu : what a packet costs the data workers, in processor time, both ends ours in namespaces of
// this host, each end held to one processor. Configurations take turns within every round.
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import type { Place } from "../test/lab/place.js";
import { Child } from "./child.js";
import { type Configuration, configurations } from "./configurations.js";
import { reachOf, tablesOf } from "./cpu-report.js";
import { options } from "./options.js";
import { type Mode, modes, type Running } from "./peers.js";
import { perf, profile, type Shares } from "./profile.js";
import { made, report, say } from "./results.js";
import { Host, type Server, Site } from "./site.js";
import { buildPrograms, type Direction, listen, measure } from "./traffic.js";

/** One round of one configuration one way. */
export type CpuSample = {
  readonly configuration: string;
  readonly direction: Direction;
  readonly megabits: number;
  /** Microseconds of the worker's processor time a data packet; none for the plain cable. */
  readonly encrypting?: number;
  readonly decrypting?: number;
  /** Packets of the other way (acknowledgments) a data packet. */
  readonly back?: number;
  /** Octets of IP a data packet. */
  readonly octets?: number;
  /** Data packets, and the scavenges of the server's worker meanwhile. */
  readonly packets?: number;
  readonly scavenges?: number;
};
/** Where the server's worker's time went meanwhile. */
export type CpuShares = Pick<CpuSample, "configuration" | "direction"> & { readonly of: Shares };
export type CpuData = {
  readonly mode: Mode;
  readonly samples: readonly CpuSample[];
  readonly shares: readonly CpuShares[];
};

const names = configurations.map(({ name }) => name);
const given = options({
  configurations: { kind: "list", of: names, byDefault: names, help: "what takes turns" },
  mode: { kind: "list", of: modes, byDefault: ["128"], help: "MPPE" },
  rounds: { kind: "number", least: 1, most: 50, byDefault: 5, help: "each in turn, so often" },
  seconds: { kind: "number", least: 1, most: 60, byDefault: 5, help: "of each measurement" },
  warm: { kind: "number", least: 1, most: 60, byDefault: 4, help: "seconds before, each way" },
  profile: { kind: "flag", help: "afterwards: where the workers' time goes, by function" },
  quick: { kind: "flag", help: "one round of two seconds: does it work at all" },
});
const plan = given.quick ? { ...given, rounds: 1, seconds: 2, warm: 1 } : given;
const mode = (plan.mode[0] ?? "128") as Mode;
const directions = ["up", "down"] as const;
const TICKS_A_SECOND = 100;

type Up = {
  readonly configuration: Configuration;
  readonly running: Running;
  readonly server: Server;
  /** Eyes on the server's worker. */
  readonly worker?: Child;
};
const INSPECTOR_PORT = 9_229;

/** User and system time of processes, microseconds: /proc/PID/stat, fields 14 and 15. */
function processorTime(pids: readonly number[]): number {
  const ticks = pids.flatMap((pid) => {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return [Number(fields[11]), Number(fields[12])];
  });
  return (ticks.reduce((sum, count) => sum + count, 0) * 1e6) / TICKS_A_SECOND;
}

async function sample(up: Up, direction: Direction, seconds: number): Promise<CpuSample> {
  const { configuration, running, server, worker } = up;
  const { name, streams } = configuration;
  const paths = Array.from(
    { length: streams },
    (_, at) => running.paths[at % running.paths.length]!,
  );
  const ends = { client: server.client, server: server.place, paths };
  const traffic = () => measure("streams", ends, direction, seconds);
  const { workers } = running;
  if (workers === undefined) return { configuration: name, direction, megabits: await traffic() };
  const pids = await workers.pids();
  const scavenges = async () => Number(await worker?.ask("scavenges"));
  const packets = await workers.counted();
  const scavenged = await scavenges();
  const times = { server: processorTime(pids.server), client: processorTime(pids.client) };
  const megabits = await traffic();
  const spent = {
    server: processorTime(pids.server) - times.server,
    client: processorTime(pids.client) - times.client,
  };
  const after = await workers.counted();
  const scavengedAfter = await scavenges();
  const received = after.received - packets.received;
  const sent = after.sent - packets.sent;
  const octets =
    direction === "up"
      ? after.receivedOctets - packets.receivedOctets
      : after.sentOctets - packets.sentOctets;
  const data = direction === "up" ? received : sent;
  const [encrypting, decrypting] =
    direction === "up" ? [spent.client, spent.server] : [spent.server, spent.client];
  return {
    configuration: name,
    direction,
    megabits,
    encrypting: encrypting / data,
    decrypting: decrypting / data,
    back: (direction === "up" ? sent : received) / data,
    octets: octets / data,
    packets: data,
    scavenges: scavengedAfter - scavenged,
  };
}

function tell({ configuration, direction, megabits, encrypting, decrypting }: CpuSample): void {
  const cost =
    encrypting === undefined
      ? ""
      : `, encrypting ${encrypting.toFixed(2)} µs, decrypting ${decrypting?.toFixed(2)} µs a packet`;
  say(`  ${configuration} ${direction}: ${megabits.toFixed(0)} Mbit/s${cost}`);
}

/** A measurement that fails is said, and the others go on. */
async function tried(up: Up, direction: Direction, seconds: number) {
  try {
    return await sample(up, direction, seconds);
  } catch (failure) {
    say(`  ${up.configuration.name} ${direction}: ${failure}`);
    return undefined;
  }
}

/** What `look` finds out about the server's worker while traffic goes one way. */
async function watched<T>(
  up: Up,
  direction: Direction,
  look: (place: Place, pid: number, seconds: number) => Promise<T>,
): Promise<T> {
  const [pid = 0] = (await up.running.workers?.pids())?.server ?? [];
  const traffic = tried(up, direction, plan.seconds + 3);
  const found = await look(up.server.place, pid, plan.seconds);
  await traffic;
  return found;
}

async function profiles(up: readonly Up[], found: CpuShares[]): Promise<void> {
  for (const one of up) {
    if (one.running.workers === undefined) continue;
    const { name } = one.configuration;
    for (const direction of directions) {
      const does = `${name}: the server's worker ${direction === "up" ? "decrypts" : "encrypts"}`;
      say(`\n${does}, by V8\n${await watched(one, direction, profile)}`);
      const seen = await watched(one, direction, perf);
      if (seen === undefined) say("\nno shares: install linux-perf");
      else {
        say(`\n${does}, by perf\n${seen.text}`);
        found.push({ configuration: name, direction, of: seen.shares });
      }
    }
  }
}

async function looked(server: Server, { workers }: Running): Promise<Pick<Up, "worker">> {
  const [pid] = (await workers?.pids())?.server ?? [];
  if (pid === undefined) return {};
  const words = ["inspector", String(pid), String(INSPECTOR_PORT)] as const;
  const worker = await Child.started(server.place.netns, ...words);
  await worker.ask("scavenges");
  return { worker };
}

async function measureAll(site: Site, samples: CpuSample[], found: CpuShares[]): Promise<void> {
  const chosen = configurations.filter(({ name }) => plan.configurations.includes(name));
  const up: Up[] = [];
  try {
    for (const [index, configuration] of chosen.entries()) {
      const { name, peer, sessions } = configuration;
      const server = await site.server(name, index + 1);
      const running = await peer.start(site, server, { mode, sessions });
      up.push({ configuration, running, server, ...(await looked(server, running)) });
      await listen(server.place);
      say(`${name} is up`);
    }
    for (const one of up) {
      for (const direction of directions) await tried(one, direction, plan.warm);
    }
    for (let round = 1; round <= plan.rounds; round++) {
      say(`round ${round} of ${plan.rounds}`);
      for (const direction of directions) {
        for (const one of up) {
          const found = await tried(one, direction, plan.seconds);
          if (found === undefined) continue;
          samples.push(found);
          tell(found);
        }
      }
    }
    if (plan.profile) await profiles(up, found);
  } finally {
    for (const { running, worker } of up) {
      await worker?.[Symbol.asyncDispose]();
      await running[Symbol.asyncDispose]();
    }
  }
}

const from = made("cpu");
await buildPrograms();
const samples: CpuSample[] = [];
const found: CpuShares[] = [];
const site = await Site.open(new Host(), { client: cpus().length > 1 ? 1 : 0, server: 0 });
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => site[Symbol.asyncDispose]().then(() => process.exit(130)));
}
try {
  await measureAll(site, samples, found);
} finally {
  await site[Symbol.asyncDispose]();
}
const data: CpuData = { mode, samples, shares: found };
const results = { made: from, reach: reachOf(data), tables: tablesOf(data), data };
report(mode === "128" ? "cpu" : `cpu-${mode}`, results, !given.quick);
process.exit(0);
