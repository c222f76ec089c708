// `npm run bench:setup`: log-ins a second and the server's processor for one, one and fifty at a time.
// `--profile` writes .cpuprofile files of both Node processes beside the results. `--guest uml`: a server
// of ours and pptpd side by side in a guest instead.
import { join } from "node:path";
import { type Figure, from, percentile, tell } from "./figures.js";
import { options } from "./options.js";
import { report } from "./results.js";
import { Scene } from "./scene.js";
import { beside, besideTable } from "./setup-beside.js";
import { buildPrograms } from "./traffic.js";

const WARM_UP = 200;
const given = options({
  guest: {
    kind: "list",
    of: ["uml", "qemu"],
    byDefault: [],
    help: "in a guest of this kind, beside pptpd, 20 log-ins at most",
  },
  rounds: {
    kind: "number",
    least: 1,
    most: 20,
    byDefault: 3,
    help: "in a guest: in turn, so often",
  },
  "log-ins": {
    kind: "number",
    least: 10,
    most: 8000,
    byDefault: 1000,
    help: "measured, each time",
  },
  profile: { kind: "flag", help: "write .cpuprofile files of both Node processes" },
  quick: { kind: "flag", help: "does it work at all: nothing is kept" },
});
const { "log-ins": logIns, profile, quick } = given;
const begun = from("setup");
const [vehicle] = given.guest as ("uml" | "qemu")[];
if (vehicle !== undefined) {
  await buildPrograms();
  // pptpd takes a second for one.
  const count = Math.min(logIns, 20);
  const samples = await beside(vehicle, quick ? 1 : given.rounds, quick ? 10 : count);
  const tables = [besideTable(samples, count)];
  report(`setup-${vehicle}`, { made: begun, reach: [], tables, data: samples }, !quick);
  process.exit(0);
}

async function measured(concurrency: number): Promise<Figure[]> {
  const sessions = WARM_UP + logIns;
  await using scene = await Scene.started({ sessions, callsPerConnection: 1, concurrency });
  await scene.raise(WARM_UP);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const eyes = profile ? await scene.inspected() : undefined;
  await eyes?.main.ask("profile");
  await eyes?.worker.ask("profile");
  const before = scene.processor();
  const raised = await scene.raise(sessions);
  // What a log-in leaves to be done: accounting, counters.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const after = scene.processor();
  const file = (what: string) => join(process.cwd(), `benchmarks/results/${what}.cpuprofile`);
  await eyes?.main.ask(`profiled ${file("main")}`);
  await eyes?.worker.ask(`profiled ${file("worker")}`);
  await eyes?.main[Symbol.asyncDispose]();
  await eyes?.worker[Symbol.asyncDispose]();
  await scene.end(sessions);
  const grown = Object.keys(after).map((what): [string, number] => [
    what,
    ((after[what] ?? 0) - (before[what] ?? 0)) / logIns,
  ]);
  const at = `, ${concurrency} at a time`;
  return [
    { what: `log-ins${at}`, value: raised.logInsPerSecond, unit: "/s" },
    {
      what: `SYN to IPCP Opened, median${at}`,
      value: percentile(raised.milliseconds, 0.5),
      unit: "ms",
    },
    {
      what: `SYN to IPCP Opened, 99 %${at}`,
      value: percentile(raised.milliseconds, 0.99),
      unit: "ms",
    },
    ...grown.map(([what, value]) => ({
      what: `processor a log-in, ${what}${at}`,
      value,
      unit: "ms",
    })),
    {
      what: `processor a log-in, all processes${at}`,
      value: grown.reduce((sum, [, value]) => sum + value, 0),
      unit: "ms",
    },
  ];
}

const figures = [...(await measured(1)), ...(await measured(50))];
tell(
  "setup",
  begun,
  {
    title: "Set-up of sessions",
    notes: [
      `${logIns} log-ins after ${WARM_UP} to warm up, a control connection each from an address of its own; ` +
        "MS-CHAPv2, MPPE-128 stateless, IPv4; accounting on",
      "processor: user and system time of /proc/PID/stat, of the children they reaped too",
    ],
    figures,
  },
  !quick,
);
