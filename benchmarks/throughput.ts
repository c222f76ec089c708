// bench:throughput : what goes through a server of ours and through its peers, measured in turn within
// one boot of one guest (or on this host), with the same client and the same generator.
import { Guest, Lab } from "../test/lab/guest.js";
import { expectOk, type Place } from "../test/lab/place.js";
import { options } from "./options.js";
import { type Mode, modes, type Peer, peers, type Running } from "./peers.js";
import { made, type Results, report, say } from "./results.js";
import { Host, type Server, Site } from "./site.js";
import { type Profiled, profiled, profileTable } from "./throughput-profile.js";
import { reachOf, tablesOf } from "./throughput-report.js";
import { buildPrograms, type Direction, type Kind, kinds, listen, measure } from "./traffic.js";

export type Sample = {
  readonly peer: string;
  readonly mode: Mode;
  readonly sessions: number;
  readonly kind: Kind;
  readonly direction: Direction;
  /** One a round, in the unit of the kind. */
  readonly values: number[];
  /** Why there is none for a round. */
  readonly failures: string[];
};
export type ThroughputData = {
  readonly where: string;
  readonly samples: readonly Sample[];
  readonly profiles?: readonly Profiled[];
};

const peerNames = peers.map(({ name }) => name);
const given = options({
  guest: { kind: "list", of: ["uml", "qemu"], byDefault: ["uml"], help: "the guest's kind" },
  host: { kind: "flag", help: "no guest: namespaces of this host, both ends ours" },
  peers: { kind: "list", of: peerNames, byDefault: peerNames, help: "who is measured" },
  modes: { kind: "list", of: modes, byDefault: ["off", "128"], help: "MPPE" },
  sessions: { kind: "numbers", least: 1, most: 200, byDefault: [1], help: "sessions at once" },
  traffic: { kind: "list", of: kinds, byDefault: ["tcp1", "tcp8", "rtt"], help: "what is sent" },
  directions: {
    kind: "list",
    of: ["up", "down"],
    byDefault: ["up", "down"],
    help: "of the client",
  },
  rounds: { kind: "number", least: 1, most: 50, byDefault: 3, help: "each in turn, so often" },
  seconds: { kind: "number", least: 1, most: 60, byDefault: 4, help: "of each measurement" },
  warm: {
    kind: "number",
    least: 0,
    most: 120,
    byDefault: 6,
    help: "seconds before, both ways; 20 in QEMU",
  },
  memory: { kind: "number", least: 512, most: 16_384, byDefault: 2_048, help: "of the guest, MiB" },
  profile: { kind: "flag", help: "after one session's rounds: where the processor time goes" },
  quick: { kind: "flag", help: "one round of two seconds, one stream, 128: does it work at all" },
});

const quick = given.quick
  ? { rounds: 1, seconds: 2, warm: 2, modes: ["128" as Mode], traffic: ["tcp1", "rtt"] as Kind[] }
  : {};
const plan = { ...given, ...quick };
const where = plan.host ? "host" : (plan.guest[0] ?? "uml");
const warmS = where === "qemu" ? Math.max(20, plan.warm) : plan.warm;
const chosen = peers.filter(
  ({ name, guestOnly }) => plan.peers.includes(name) && !(guestOnly && where === "host"),
);
const samples = new Map<string, Sample>();
const profiles: Profiled[] = [];
const PROFILE_S = 8;

function sampleOf(peer: string, mode: Mode, sessions: number, kind: Kind, direction: Direction) {
  const key = [peer, mode, sessions, kind, direction].join(" ");
  const known = samples.get(key);
  if (known !== undefined) return known;
  const sample: Sample = { peer, mode, sessions, kind, direction, values: [], failures: [] };
  samples.set(key, sample);
  return sample;
}

type Up = { readonly peer: Peer; readonly running: Running; readonly server: Server };

/** All peers up at once, each in its namespace; who does not come up is said and left out. */
async function start(site: Site, mode: Mode, sessions: number): Promise<Up[]> {
  const up: Up[] = [];
  for (const [index, peer] of chosen.entries()) {
    if (sessions > 1 && !peer.tunnels) continue;
    try {
      const server = await site.server(peer.name, index + 1);
      const running = await peer.start(site, server, { mode, sessions });
      await listen(server.place);
      up.push({ peer, running, server });
      say(`  ${peer.name} is up`);
    } catch (failure) {
      say(`  ${peer.name} did not come up: ${failure}`);
      for (const kind of plan.traffic as Kind[]) {
        sampleOf(peer.name, mode, sessions, kind, "up").failures.push(String(failure));
      }
    }
  }
  return up;
}

/** With one session `streams` is one stream, the measure of many; the rest is iperf3's and ping's. */
function kindsFor(sessions: number): Kind[] {
  const wanted = plan.traffic as Kind[];
  if (sessions > 1) return ["streams"];
  return plan.sessions.some((count) => count > 1)
    ? [...new Set([...wanted, "streams" as const])]
    : wanted;
}

async function one({ peer, running, server }: Up, sample: Sample): Promise<void> {
  const { kind, direction } = sample;
  const ends = { client: server.client, server: server.place, paths: running.paths };
  try {
    const value = await measure(kind, ends, direction, plan.seconds);
    sample.values.push(value);
    say(`  ${peer.name} ${kind} ${direction}: ${value.toFixed(1)}`);
  } catch (failure) {
    sample.failures.push(String(failure).slice(0, 500));
    say(`  ${peer.name} ${kind} ${direction}: ${failure}`);
  }
}

async function profileOf({ peer, running, server }: Up, mode: Mode): Promise<void> {
  const ends = { client: server.client, server: server.place, paths: running.paths };
  for (const direction of plan.directions as Direction[]) {
    const name = { peer: peer.name, mode, direction };
    const transfer = () => measure("tcp1", ends, direction, PROFILE_S);
    profiles.push(await profiled(name, server.place, transfer));
  }
}

async function setting(place: Place, mode: Mode, sessions: number): Promise<void> {
  say(`MPPE ${mode}, ${sessions} session${sessions === 1 ? "" : "s"}`);
  await using site = await opened(place);
  const up = await start(site, mode, sessions);
  try {
    for (const { peer, running, server } of up) {
      if (peer.name !== "holdfast" || warmS === 0) continue;
      say(`  ${warmS} s of warm-up`);
      const ends = { client: server.client, server: server.place, paths: running.paths };
      const kind = sessions > 1 ? "streams" : "tcp1";
      for (const direction of ["up", "down"] as const) {
        await measure(kind, ends, direction, Math.max(1, warmS / 2)).catch((failure) =>
          say(`  ${failure}`),
        );
      }
    }
    for (let round = 1; round <= plan.rounds; round++) {
      say(`  round ${round} of ${plan.rounds}`);
      for (const kind of kindsFor(sessions)) {
        for (const direction of kind === "rtt"
          ? (["up"] as const)
          : (plan.directions as Direction[])) {
          for (const one_ of up) {
            await one(one_, sampleOf(one_.peer.name, mode, sessions, kind, direction));
          }
        }
      }
    }
    if (plan.profile && sessions === 1) for (const one_ of up) await profileOf(one_, mode);
  } finally {
    for (const { running } of up) await dispose(running);
  }
}

const open = new Set<AsyncDisposable>();

/** Says what could not be given back, and goes on. */
async function dispose(what: AsyncDisposable): Promise<void> {
  try {
    await what[Symbol.asyncDispose]();
  } catch (failure) {
    say(`  ${failure}`);
  }
}

async function opened(place: Place): Promise<Site> {
  const site = await Site.open(place);
  open.add(site);
  return site;
}

async function everySetting(place: Place): Promise<void> {
  for (const mode of plan.modes as Mode[]) {
    for (const sessions of plan.sessions) await setting(place, mode, sessions);
  }
}

async function measureAll(): Promise<void> {
  if (where === "host") return everySetting(new Host());
  await using lab = await Lab.open();
  open.add(lab);
  say(`booting a guest (${where})`);
  const vehicle = where === "qemu" ? "qemu" : "uml";
  const guest = await Guest.up({
    name: "bench",
    index: 1,
    memMb: plan.memory,
    vehicle,
    held: false,
  });
  say((await expectOk(guest, "uname -sr; nproc")).trim().replace("\n", ", processors: "));
  await everySetting(guest);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, async () => {
    say(`${signal}: cleaning up`);
    for (const one of [...open].reverse()) await dispose(one);
    process.exit(130);
  });
}

const from = made("throughput");
await buildPrograms();
await measureAll();
const data: ThroughputData = { where, samples: [...samples.values()], profiles };
const results: Results<ThroughputData> = {
  made: from,
  reach: reachOf(data),
  tables: [...tablesOf(data), ...(profiles.length > 0 ? [profileTable(profiles)] : [])],
  data,
};
const many = plan.sessions.some((count) => count > 1) ? "-sessions" : "";
report(`throughput-${where}${many}`, results, !given.quick);
// A generator that could not be ended must not keep this process.
process.exit(data.samples.every(({ values }) => values.length > 0) ? 0 : 1);
