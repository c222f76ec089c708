// `npm run bench:memory`: what an idle session holds, (N - 0) / N, in the data worker and in all
// processes of the server, and in the kernel's sockets beside them.

import { from, tell } from "./figures.js";
import { options } from "./options.js";
import { socketMemory } from "./processes.js";
import { Scene } from "./scene.js";

const WARM_UP = 200;
const { sessions, concurrency, quick } = options({
  sessions: {
    kind: "number",
    least: 50,
    most: 18000,
    byDefault: 10000,
    help: "idle ones, a connection each",
  },
  concurrency: { kind: "number", least: 1, most: 500, byDefault: 50, help: "log-ins at once" },
  quick: { kind: "flag", help: "does it work at all: nothing is kept" },
});
const begun = from("memory");
await using scene = await Scene.started({
  sessions: sessions + WARM_UP,
  callsPerConnection: 1,
  concurrency,
});
const { main, worker } = await scene.inspected();

async function measured() {
  // Deadlines of the log-in are over, and counters told, before anything is counted as held.
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  await main.ask("collect");
  await worker.ask("collect");
  return { resident: scene.resident(), kernel: socketMemory() };
}

// Code compiled, pools and tables at their size: none of that is a session's.
await scene.raise(WARM_UP);
const none = await measured();
const { logInsPerSecond } = await scene.raise(sessions + WARM_UP);
const all = await measured();
await scene.end(sessions + WARM_UP);
await main[Symbol.asyncDispose]();
await worker[Symbol.asyncDispose]();

const grown = (what: string) =>
  ((all.resident[what] ?? 0) - (none.resident[what] ?? 0)) / sessions / 1_024;
const total = Object.keys(all.resident).reduce((sum, what) => sum + grown(what), 0);
const kernel = (what: keyof typeof all.kernel) =>
  (all.kernel[what] - none.kernel[what]) / sessions / 1_024;
tell(
  "memory",
  begun,
  {
    title: "Memory of an idle session",
    notes: [
      `resident set (Rss of smaps_rollup) of the server's processes with ${sessions} more sessions than ` +
        `with ${WARM_UP}, divided by ${sessions}; both after four full collections in both Node processes ` +
        "(HeapProfiler.collectGarbage through their inspectors)",
      "one control connection a session, each from an address of its own; MS-CHAPv2, MPPE-128 stateless, IPv4",
      "kernel: /proc/net/sockstat of the server's namespace, and /proc/slabinfo of the whole machine, so " +
        "both ends of each TCP connection are in the latter",
    ],
    figures: [
      { what: "data worker", value: grown("data worker"), unit: "KiB", most: 4 },
      { what: "main process", value: grown("main"), unit: "KiB" },
      { what: "all processes", value: total, unit: "KiB", most: 16 },
      { what: "kernel slabs of sockets, both ends", value: kernel("slabOctets"), unit: "KiB" },
      { what: "TCP buffers in use", value: kernel("tcpOctets"), unit: "KiB" },
      {
        what: "resident at the beginning, main",
        value: (none.resident.main ?? 0) / 2 ** 20,
        unit: "MiB",
      },
      {
        what: "resident at the beginning, data worker",
        value: (none.resident["data worker"] ?? 0) / 2 ** 20,
        unit: "MiB",
      },
      { what: "log-ins, inspectors attached", value: logInsPerSecond, unit: "/s" },
    ],
  },
  !quick,
);
