// The process that runs hooks: no capability, a user of its own where that was possible. It is told
// what to run over descriptor 3 and ends, with what it runs, when the server does.
import { type ChildProcess, spawn } from "node:child_process";
import { Socket } from "node:net";
import { hooks as limits } from "../limits.js";
import { keepFromChildren } from "./descriptors.js";
import { hookProblem } from "./hook-file.js";
import { type HookAnswer, type HookOutcome, type HookRequest, LineCutter } from "./hook-link.js";
import { CHILD_ENVIRONMENT } from "./programs.js";

const LINK_FD = 3;
const [owners = "", runMs = "", atOnceMax = ""] = process.argv.slice(2);
const trusted = owners.split(",").filter(Boolean).map(Number);
const runMsMax = Number(runMs) || limits.runMs;
const atOnce = Number(atOnceMax) || limits.atOnceMax;

keepFromChildren();
const link = new Socket({ fd: LINK_FD, readable: true, writable: true });
const cutter = new LineCutter(limits.lineOctetsMax);
const waiting: HookRequest[] = [];
const running = new Set<ChildProcess>();

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // Nobody of the group is left.
  }
}

function leave(): void {
  for (const child of running) killGroup(child);
  process.exit(0);
}

function answer(id: number, outcome: HookOutcome): void {
  const line: HookAnswer = { id, outcome };
  link.write(`${JSON.stringify(line)}\n`);
}

function startNext(): void {
  while (running.size < atOnce) {
    const request = waiting.shift();
    if (request === undefined) return;
    const problem = hookProblem(request.path, trusted);
    if (problem === undefined) run(request);
    else answer(request.id, { kind: "NotRun", why: problem });
  }
}

function run({ id, path, env }: HookRequest): void {
  const started = performance.now();
  const child = spawn(path, [], {
    env: { ...env, PATH: CHILD_ENVIRONMENT.PATH },
    cwd: "/",
    // A group of its own, so that all of it can be ended.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let timedOut = false;
  let octets = 0;
  const output: Buffer[] = [];
  const timer = setTimeout(() => {
    timedOut = true;
    killGroup(child);
  }, runMsMax);
  const keep = (chunk: Buffer) => {
    const part = chunk.subarray(0, limits.outputOctetsMax - octets);
    octets += part.byteLength;
    if (part.byteLength > 0) output.push(part);
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  const finish = (outcome: (text: string) => HookOutcome) => {
    if (!running.delete(child)) return;
    clearTimeout(timer);
    answer(id, outcome(Buffer.concat(output).toString("utf8")));
    startNext();
  };
  child.on("error", ({ message }) => finish(() => ({ kind: "NotRun", why: message })));
  child.on("exit", (code, signal) => {
    // What it left behind would hold our pipes and outlive its time.
    killGroup(child);
    child.once("close", () =>
      finish((text) =>
        timedOut
          ? { kind: "TimedOut", output: text }
          : {
              kind: "Exited",
              code: code ?? undefined,
              signal: signal ?? undefined,
              output: text,
              ms: Math.round(performance.now() - started),
            },
      ),
    );
  });
}

link.on("data", (chunk: Buffer) => {
  const lines = cutter.push(chunk);
  if (lines === undefined) return leave();
  for (const line of lines) waiting.push(JSON.parse(line) as HookRequest);
  startNext();
});
link.on("end", leave);
link.on("close", leave);
link.on("error", leave);
// The terminal's interrupt goes to the server too, which still has hooks to run as it ends.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});
