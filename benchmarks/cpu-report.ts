// The tables and bars of bench:cpu, from its samples.
import { configurations } from "./configurations.js";
import type { CpuData, CpuSample } from "./cpu.js";
import { figure, median, type Reach, spread, type Table } from "./results.js";

type Figure = "megabits" | "encrypting" | "decrypting" | "back" | "octets";
/** Where a worker's figure of one way was taken: the server encrypts what goes down. */
const atServer = { encrypting: "down", decrypting: "up" } as const;

function values(
  { samples }: CpuData,
  configuration: string,
  direction: CpuSample["direction"],
  name: Figure,
): number[] {
  return samples
    .filter((sample) => sample.configuration === configuration && sample.direction === direction)
    .flatMap((sample) => sample[name] ?? []);
}

/** Of the server's worker, a million data packets, all rounds of one way together. */
function scavenges(
  { samples }: CpuData,
  configuration: string,
  direction: CpuSample["direction"],
): number {
  let [count, packets] = [0, 0];
  for (const sample of samples) {
    if (sample.configuration !== configuration || sample.direction !== direction) continue;
    count += sample.scavenges ?? Number.NaN;
    packets += sample.packets ?? 0;
  }
  return (count * 1e6) / packets;
}

export function tablesOf(data: CpuData): Table[] {
  const names = configurations
    .map(({ name }) => name)
    .filter((name) => data.samples.some(({ configuration }) => configuration === name));
  const rows = names.flatMap((name) =>
    (["up", "down"] as const).map((way) => {
      const at = (what: Figure) => values(data, name, way, what);
      const [encrypts, decrypts] = way === "up" ? ["client", "server"] : ["server", "client"];
      return [
        name,
        `${encrypts} to ${decrypts}`,
        spread(at("megabits")),
        spread(at("encrypting")),
        spread(at("decrypting")),
        figure(median(at("back"))),
        figure(median(at("octets"))),
        figure(scavenges(data, name, way)),
      ];
    }),
  );
  return [
    {
      title: `A packet's cost to the data workers, MPPE ${data.mode}`,
      columns: [
        "sessions",
        "way",
        "Mbit/s",
        "encrypting, µs",
        "decrypting, µs",
        "packets back, each",
        "IP octets, each",
        "scavenges, a million",
      ],
      rows,
      notes: [
        "User and system time of the worker's process (/proc/PID/stat) by the data packets that " +
          "`holdfast sessions` counted; what acknowledgments the other way cost is in it. The " +
          "sender's system call also runs the receiving end's share of the kernel's network on veth. " +
          "Scavenges: V8's collections of young objects in the server's worker, by its own account " +
          "(perf_hooks), a million data packets. `bare`: the same data path with one fixed session, " +
          "without main process, link and log-in. `one-of-hundred-streams` tells a hundred sessions from " +
          "a hundred streams: those send shorter super-packets and more acknowledgments, and the " +
          "kernel's TCP of the generator runs within the worker's calls (`--profile` tells how much).",
      ],
    },
    ...sharesOf(data),
  ];
}

/** Each part of the server's worker's time, as microseconds of a packet's. */
function sharesOf(data: CpuData): Table[] {
  if (data.shares.length === 0) return [];
  const parts = Object.keys(data.shares[0]!.of);
  const columns = data.shares.map(({ configuration, direction }) => {
    const does = direction === "up" ? "decrypting" : "encrypting";
    return {
      title: `${configuration}, ${does}`,
      whole: median(values(data, configuration, direction, does)),
    };
  });
  return [
    {
      title: "Where the server's worker's time goes, µs a packet",
      columns: ["", ...columns.map(({ title }) => title)],
      rows: parts.map((part) => [
        part,
        ...data.shares.map(({ of }, at) => figure((of[part] ?? 0) * columns[at]!.whole)),
      ]),
      notes: [
        "perf's shares of a run apart from those above (which it would slow), of their medians.",
      ],
    },
  ];
}

function ceiling(data: CpuData, what: "encrypting" | "decrypting", most: number): Reach[] {
  const found = median(values(data, "one", atServer[what], what));
  if (!Number.isFinite(found)) return [];
  const bar = `<= ${most} µs`;
  return [
    {
      what: `${what} end, a packet (server's worker)`,
      bar,
      found: `${figure(found)} µs`,
      reached: found <= most,
    },
  ];
}

function collections(data: CpuData, most: number): Reach[] {
  return (["up", "down"] as const).flatMap((way): Reach[] => {
    const found = scavenges(data, "one", way);
    if (!Number.isFinite(found)) return [];
    const what = `scavenges a million packets, the server ${way === "up" ? "decrypting" : "encrypting"}`;
    return [{ what, bar: `<= ${most}`, found: figure(found), reached: found <= most }];
  });
}

/** A configuration's share of another's efficiency: packets a second of processor time. */
function share(data: CpuData, of: string, to: string, least: number): Reach[] {
  return (["encrypting", "decrypting"] as const).flatMap((what): Reach[] => {
    const at = (name: string) => median(values(data, name, atServer[what], what));
    const found = at(to) / at(of);
    if (!Number.isFinite(found)) return [];
    return [
      {
        what: `${of} of ${to}, ${what}`,
        bar: `>= ${least}`,
        found: figure(found),
        reached: found >= least,
      },
    ];
  });
}

export function reachOf(data: CpuData): Reach[] {
  if (data.mode !== "128") return [];
  return [
    ...ceiling(data, "encrypting", 9.5),
    ...ceiling(data, "decrypting", 7),
    ...share(data, "one", "bare", 0.95),
    ...collections(data, 20),
    ...share(data, "hundred", "one", 0.9),
    ...share(data, "hundred", "one-of-hundred-streams", 0.9),
  ];
}
