// What is sent through a path, and how it is measured: iperf3 and ping, and for many sessions at once
// `streams` of the lab, one TCP stream each.
import { join } from "node:path";
import { expectOk, type Place, run } from "../test/lab/place.js";
import { median } from "./results.js";

const lab = join(import.meta.dirname, "..", "test", "lab");
export const labBin = join(lab, "bin");

/** Compiles what of the lab is C. */
export async function buildPrograms(): Promise<void> {
  const { code, stderr } = await run(join(lab, "program", "build"), []);
  if (code !== 0) throw new Error(`the lab's programs: ${stderr}`);
}

/** One way through: from the client's place to the server's. */
export type Path = { readonly local: string; readonly device: string; readonly remote: string };
export type Direction = "up" | "down";

export const kinds = ["tcp1", "tcp8", "udp64", "udp512", "udp1372", "streams", "rtt"] as const;
export type Kind = (typeof kinds)[number];

export const unitOf: Readonly<Record<Kind, string>> = {
  tcp1: "Mbit/s",
  tcp8: "Mbit/s",
  udp64: "kpackets/s",
  udp512: "kpackets/s",
  udp1372: "kpackets/s",
  streams: "Mbit/s",
  rtt: "µs",
};

export const titleOf: Readonly<Record<Kind, string>> = {
  tcp1: "TCP, one stream",
  tcp8: "TCP, eight streams",
  udp64: "UDP, 64 octets, as fast as it goes: what arrives",
  udp512: "UDP, 512 octets, as fast as it goes: what arrives",
  udp1372: "UDP, 1372 octets, as fast as it goes: what arrives",
  streams: "TCP, one stream a session",
  rtt: "round trip at idle, median",
};

type Ends = { readonly client: Place; readonly server: Place; readonly paths: readonly Path[] };

const IPERF_PORT = 5201;
const STREAMS_PORT = 5300;
/** More than any pair of TCP and GRE buffers holds back. */
const PATIENCE_S = 20;

/** The far ends of the generators, in the background of the server's place until it ends. */
export async function listen(server: Place): Promise<void> {
  await expectOk(
    server,
    `setsid iperf3 -s -p ${IPERF_PORT} </dev/null >/dev/null 2>&1 &
     setsid ${labBin}/streams sink ${STREAMS_PORT} </dev/null >/dev/null 2>&1 &
     for ((n = 0; n < 200; n++)); do
       [ "$(ss -Hltn "sport = :${IPERF_PORT} or sport = :${STREAMS_PORT}" | wc -l)" = 2 ] && exit 0
       sleep 0.1
     done
     exit 1`,
  );
}

/** In the unit of its kind. A round trip has no direction. */
export async function measure(
  kind: Kind,
  ends: Ends,
  direction: Direction,
  seconds: number,
): Promise<number> {
  if (kind === "rtt") return roundTrip(ends, seconds);
  if (kind === "streams") return streams(ends, direction, seconds);
  if (kind === "tcp1" || kind === "tcp8") {
    const words = kind === "tcp8" ? "-P 8" : "";
    const { end } = await iperf(ends, direction, seconds, `-O 1 ${words}`);
    return (end.sum_received?.bits_per_second ?? Number.NaN) / 1e6;
  }
  const octets = kind.slice("udp".length);
  const { end } = await iperf(ends, direction, seconds, `-u -b 0 -l ${octets}`);
  const sum = end.sum;
  if (sum === undefined) throw new Error("iperf3: no sum");
  return (sum.packets - sum.lost_packets) / sum.seconds / 1e3;
}

type IperfReport = {
  readonly error?: string;
  readonly end: {
    readonly sum_received?: { readonly bits_per_second: number };
    readonly sum?: {
      readonly packets: number;
      readonly lost_packets: number;
      readonly seconds: number;
    };
  };
};

async function iperf(
  { client, paths }: Ends,
  direction: Direction,
  seconds: number,
  more: string,
): Promise<IperfReport> {
  const { local, device, remote } = first(paths);
  const way = direction === "down" ? "-R" : "";
  const limit = Math.ceil(seconds) + PATIENCE_S;
  const command = `timeout ${limit} iperf3 -J -c ${remote} -p ${IPERF_PORT} -B ${local} --bind-dev ${device} \
    --connect-timeout 5000 -t ${seconds} ${way} ${more}`;
  for (let tries = 1; ; tries++) {
    const { stdout, stderr } = await client.exec(command, { timeoutS: limit + 20 });
    const report = parse<IperfReport>(stdout);
    if (report?.end !== undefined && report.error === undefined) return report;
    // An overloaded tunnel can lose the last word of the test before: its server is busy for a while.
    if (tries === 3) throw new Error(`iperf3: ${report?.error ?? (stderr.trim() || "no report")}`);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
  }
}

async function streams({ client, paths }: Ends, direction: Direction, seconds: number) {
  const pairs = paths.map(({ local, device, remote }) => `${local}%${device}=${remote}`).join(" ");
  const command = `${labBin}/streams run ${direction} ${STREAMS_PORT} ${seconds} ${pairs}`;
  const text = await expectOk(client, command, seconds + 60);
  const report = parse<{ octetsPerSecond: number; streams: number; moved: number }>(text);
  if (report === undefined) throw new Error(`streams: ${text}`);
  // A few of a hundred may wait out a lost packet; more than that is no figure of so many sessions.
  if (report.moved < report.streams * 0.9) {
    throw new Error(`streams: only ${report.moved} of ${report.streams} moved`);
  }
  return (report.octetsPerSecond * 8) / 1e6;
}

/** Median of all echoes, microseconds, 56 octets, one every 10 ms. */
async function roundTrip({ client, paths }: Ends, seconds: number): Promise<number> {
  const { device, remote } = first(paths);
  const count = Math.max(50, Math.round(seconds * 100));
  const command = `ping -n -I ${device} -c ${count} -i 0.01 -W 2 ${remote}`;
  const { stdout } = await client.exec(command, { timeoutS: seconds * 3 + 30 });
  const times = [...stdout.matchAll(/time=([0-9.]+) ms/g)].map(([, ms]) => Number(ms) * 1e3);
  if (times.length < count * 0.9) throw new Error(`ping: ${times.length} of ${count} came back`);
  return median(times);
}

function first(paths: readonly Path[]): Path {
  const [path] = paths;
  if (path === undefined) throw new Error("no session");
  return path;
}

function parse<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}
