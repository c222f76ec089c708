// `npm run bench:sessions -- --sessions 50000`: so many at once on one server: how fast they come up, the
// last thousand beside the first, what they hold, and what keeping them alive costs.

import { type Figure, from, percentile, tell } from "./figures.js";
import { options } from "./options.js";
import { openDescriptors } from "./processes.js";
import { lifted, Scene } from "./scene.js";

const given = options({
  sessions: { kind: "number", least: 10, most: 60000, byDefault: 50000, help: "at once" },
  "calls-per-connection": {
    kind: "number",
    least: 1,
    most: 64,
    byDefault: 4,
    help: "sessions of a control connection",
  },
  concurrency: {
    kind: "number",
    least: 1,
    most: 500,
    byDefault: 50,
    help: "connections that log in at once",
  },
  "idle-seconds": { kind: "number", least: 5, most: 600, byDefault: 70, help: "keep-alives only" },
  quick: { kind: "flag", help: "does it work at all: nothing is kept" },
});
const begun = from("sessions");
const { sessions, concurrency } = given;
const callsPerConnection = given["calls-per-connection"];
const terms = { sessions, callsPerConnection, concurrency };
await using scene = await Scene.started(terms);

const empty = scene.resident();
const startCpu = scene.processor();
const raised = await scene.raise(sessions);
const raisedCpu = scene.processor();
const status = await scene.server.status();
const full = scene.resident();
const descriptors = openDescriptors(scene.pid);
// Longer than both keep-alives: an LCP Echo of ours every 30 s, a control Echo after 60 s of silence.
const idleFor = given["idle-seconds"];
await new Promise((resolve) => setTimeout(resolve, 2_000));
const idleBefore = scene.processor();
await new Promise((resolve) => setTimeout(resolve, idleFor * 1_000));
const idleAfter = scene.processor();
const asked = performance.now();
await scene.server.status();
const statusMs = performance.now() - asked;
const endSeconds = await scene.end(sessions);

const { milliseconds } = raised;
const thousand = Math.min(1_000, Math.floor(milliseconds.length / 2));
const first = milliseconds.slice(0, thousand);
const last = milliseconds.slice(-thousand);
const sum = (of: Record<string, number>) => Object.values(of).reduce((all, one) => all + one, 0);
const medians = percentile(last, 0.5) / percentile(first, 0.5);
const idle = Object.keys(idleAfter).map((what): Figure => {
  const ms = (idleAfter[what] ?? 0) - (idleBefore[what] ?? 0);
  return { what: `processor when idle, ${what}`, value: ms / idleFor / 10, unit: "% of one" };
});
tell(
  "sessions",
  begun,
  {
    title: `${sessions} sessions at once`,
    notes: [
      `${sessions} sessions over ${raised.connections} control connections (${callsPerConnection} calls each), ` +
        `each from an address of its own, ${concurrency} connections logging in at once; MS-CHAPv2, MPPE-128 stateless`,
      `limits lifted for it: ${JSON.stringify(lifted(terms))}`,
      `the server may have ${status.limits.descriptorsMax} descriptors, which allow ` +
        `${status.limits.connectionsMax} connections; it has ${descriptors} open`,
    ],
    figures: [
      { what: "log-ins", value: raised.logInsPerSecond, unit: "/s" },
      { what: "first thousand, median", value: percentile(first, 0.5), unit: "ms" },
      { what: "last thousand, median", value: percentile(last, 0.5), unit: "ms" },
      { what: "last beside first", value: medians, unit: "times", most: 1.1 },
      { what: "first thousand, 99 %", value: percentile(first, 0.99), unit: "ms" },
      { what: "last thousand, 99 %", value: percentile(last, 0.99), unit: "ms" },
      {
        what: "server's processor a log-in",
        value: (sum(raisedCpu) - sum(startCpu)) / milliseconds.length,
        unit: "ms",
      },
      {
        what: "resident a session, no collection forced",
        value: (sum(full) - sum(empty)) / sessions / 1_024,
        unit: "KiB",
      },
      { what: "resident, all processes", value: sum(full) / 2 ** 20, unit: "MiB" },
      ...idle,
      { what: "holdfast status, the whole command", value: statusMs, unit: "ms" },
      { what: "ending all in order", value: endSeconds, unit: "s" },
    ],
  },
  !given.quick,
);
