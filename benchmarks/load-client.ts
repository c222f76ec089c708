// The load client, a process of its own: `node benchmarks/run.mjs load-client --server 198.51.100.1 …`
// inside the namespace the load comes from. Each line of its input is a command, answered by one line of
// JSON: `raise N` (that many sessions), `tell`, `end` (all, in order). At the end of input it ends.
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { parseIpv4 } from "../src/base/ip.js";
import { Load } from "./load/load.js";

const { values } = parseArgs({
  options: {
    server: { type: "string", default: "198.51.100.1" },
    from: { type: "string", default: "10.77.0.1" },
    "calls-per-connection": { type: "string", default: "1" },
    concurrency: { type: "string", default: "50" },
    "per-second": { type: "string", default: "0" },
    user: { type: "string", default: "load" },
    users: { type: "string", default: "1" },
    password: { type: "string", default: "" },
  },
});

function address(name: "server" | "from"): number {
  const parsed = parseIpv4(values[name]);
  if (parsed === undefined) throw new Error(`--${name} ${values[name]}: not an IPv4 address`);
  return parsed;
}

function number(name: "calls-per-connection" | "concurrency" | "per-second" | "users"): number {
  const parsed = Number(values[name]);
  const least = name === "per-second" || name === "users" ? 0 : 1;
  if (Number.isInteger(parsed) && parsed >= least && parsed <= 65_535) return parsed;
  throw new Error(`--${name} ${values[name]}: a whole number from ${least} to 65535`);
}

const load = new Load({
  server: address("server"),
  from: address("from"),
  callsPerConnection: number("calls-per-connection"),
  concurrency: number("concurrency"),
  perSecond: number("per-second"),
  user: values.user,
  users: number("users"),
  password: values.password,
});

async function answer(command: string): Promise<object> {
  const [what, count] = command.trim().split(" ");
  if (what === "raise") return load.raise(Number(count));
  if (what === "tell") return { sessions: load.sessions, failures: load.failures };
  if (what === "end") return load.end();
  return { error: `${command}: raise N, tell or end` };
}

process.stdout.write('{"ready":true}\n');
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(line))}\n`);
}
await load.end();
load.close();
process.exit(0);
