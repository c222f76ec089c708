// bench:throughput --profile : where the processor time of one TCP stream goes, in the guest's own
// accounts: of all its processors, and of the server's processes within that.
import { expectOk, type Place } from "../test/lab/place.js";
import { figure, type Table } from "./results.js";
import { between, spent } from "./threads.js";
import type { Direction } from "./traffic.js";

/** Of one stream: microseconds a packet of 1,348 octets of TCP payload. */
export type Profiled = {
  readonly peer: string;
  readonly mode: string;
  readonly direction: Direction;
  readonly mbits: number;
  /** The whole machine's: client, generators and server. */
  readonly machine: { readonly user: number; readonly system: number; readonly softirq: number };
  /** How busy its processors were, 1 each. */
  readonly busy: number;
  readonly serverUser: number;
  readonly serverSystem: number;
};

const PAYLOAD_OCTETS = 1_348;
const TICK_MS = 10;

/** proc(5), /proc/stat: milliseconds so far by what they went to, all processors together. */
async function machineTimes(place: Place): Promise<number[]> {
  const [, user = 0, nice = 0, system = 0, , , interrupts = 0, softirq = 0] = (
    await expectOk(place, "head -n 1 /proc/stat")
  )
    .split(/ +/)
    .map(Number);
  return [user + nice, system, interrupts + softirq].map((ticks) => ticks * TICK_MS);
}

/** Runs `transfer`, which answers Mbit/s, and says what it took. The server's own are of `server`'s. */
export async function profiled(
  name: Pick<Profiled, "peer" | "mode" | "direction">,
  server: Place,
  transfer: () => Promise<number>,
): Promise<Profiled> {
  const [machine, own, begun] = [
    await machineTimes(server),
    await spent(server),
    performance.now(),
  ];
  const mbits = await transfer();
  const elapsedMs = performance.now() - begun;
  const [after, parts] = [await machineTimes(server), between(own, await spent(server), 1)];
  const ours = Object.entries(parts).filter(([part]) => /data worker|main process/.test(part));
  const sumOf = (of: "userMs" | "systemMs") => ours.reduce((sum, [, one]) => sum + one[of], 0);
  const packets = ((mbits * 1e6) / 8 / PAYLOAD_OCTETS) * (elapsedMs / 1e3);
  const each = (ms: number) => (ms * 1e3) / packets;
  const [user = 0, system = 0, softirq = 0] = after.map((ms, at) => ms - (machine[at] ?? 0));
  return {
    ...name,
    mbits,
    machine: { user: each(user), system: each(system), softirq: each(softirq) },
    busy: (user + system + softirq) / elapsedMs,
    serverUser: each(sumOf("userMs")),
    serverSystem: each(sumOf("systemMs")),
  };
}

export function profileTable(found: readonly Profiled[]): Table {
  return {
    title: "Where the processor time goes: µs a packet, all of the guest's",
    columns: [
      "",
      "Mbit/s",
      "processors busy",
      "user",
      "system",
      "interrupts",
      "of which the server's processes, user",
      "and system",
    ],
    rows: found.map((one) =>
      [
        `${one.peer}, ${one.mode}, ${one.direction}`,
        ...[one.mbits, one.busy, one.machine.user, one.machine.system, one.machine.softirq],
        ...[one.serverUser, one.serverSystem],
      ].map((cell) => (typeof cell === "string" ? cell : figure(cell))),
    ),
    notes: [
      "/proc/stat of the guest and /proc/PID/task/TID/stat of the server's processes around one more stream, " +
        "by packets of 1,348 octets of payload. What a sender's system call runs of the receiver's network is in " +
        "the sender's.",
    ],
  };
}
