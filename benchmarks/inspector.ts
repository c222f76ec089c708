// Looks into a running Node process of the server, which knows nothing of it: SIGUSR1 opens its inspector,
// and this, a process in the same namespace, asks: `collect`, `profile`, `profiled FILE`, `snapshot FILE`,
// `scavenges` (so many since that was first asked), `heap` (octets in use, buffers too), `delay` (the longest of
// the event loop since that was last asked, ms).
// Needs --experimental-websocket before Node 22.
import { createWriteStream, writeFileSync } from "node:fs";
import { get } from "node:http";
import { createInterface } from "node:readline";

type Reply = {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { chunk?: string };
};
type Answer = {
  readonly result?: { readonly profile?: object; readonly result?: { readonly value?: unknown } };
  readonly error?: { message: string };
};

const [pid = "", port = ""] = process.argv.slice(2);
process.kill(Number(pid), "SIGUSR1");

function listed(): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = get({ host: "127.0.0.1", port, path: "/json/list" }, (reply) => {
      let text = "";
      reply.on("data", (part) => {
        text += part;
      });
      reply.on("end", () => {
        const [first] = JSON.parse(text) as { webSocketDebuggerUrl: string }[];
        if (first === undefined) reject(new Error("no target"));
        else resolve(first.webSocketDebuggerUrl);
      });
    });
    asked.on("error", reject);
  });
}

async function opened(): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await listed();
    } catch (failure) {
      if (attempt === 100) throw failure;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

const socket = new WebSocket(await opened());
await new Promise((resolve) => socket.addEventListener("open", resolve));
const waiting = new Map<number, (answer: Answer) => void>();
let chunks: (chunk: string) => void = () => {};
let last = 0;
socket.addEventListener("message", ({ data }) => {
  const reply = JSON.parse(String(data)) as Reply & Answer;
  if (reply.method === "HeapProfiler.addHeapSnapshotChunk") chunks(reply.params?.chunk ?? "");
  if (reply.id !== undefined) waiting.get(reply.id)?.(reply);
});

function ask(method: string, params: object = {}): Promise<Answer> {
  const id = ++last;
  return new Promise((resolve) => {
    waiting.set(id, resolve);
    socket.send(JSON.stringify({ id, method, params }));
  });
}

/** Runs in the process looked into: its scavenges, counted from the first time on. */
const SCAVENGES = `
  globalThis.scavengesSeen ??= (() => {
    const { PerformanceObserver, constants } = require("node:perf_hooks");
    const seen = { count: 0 };
    new PerformanceObserver((list) => {
      for (const { detail } of list.getEntries()) {
        if (detail.kind === constants.NODE_PERFORMANCE_GC_MINOR) seen.count++;
      }
    }).observe({ entryTypes: ["gc"] });
    return seen;
  })();
  scavengesSeen.count`;

const HEAP = `(() => {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
})()`;

const DELAY = `
  globalThis.delaySeen ??= (() => {
    const seen = require("node:perf_hooks").monitorEventLoopDelay({ resolution: 10 });
    seen.enable();
    return seen;
  })();
  (() => {
    const longest = delaySeen.max / 1e6;
    delaySeen.reset();
    return Math.max(0, longest - 10);
  })()`;

async function numberOf(expression: string): Promise<number> {
  // With the command line's API there is a `require`.
  const how = { expression, includeCommandLineAPI: true };
  const { result } = await ask("Runtime.evaluate", how);
  const count = result?.result?.value;
  if (typeof count !== "number") throw new Error(`no count: ${JSON.stringify(result)}`);
  return count;
}

/** What is said in answer. */
async function handle(command: string): Promise<string> {
  const [what, file = ""] = command.split(" ");
  switch (what) {
    case "collect":
      // What a first collection lets go of, finalizers included, the next ones take.
      for (let round = 0; round < 4; round++) {
        await ask("HeapProfiler.collectGarbage");
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      return "done";
    case "profile":
      await ask("Profiler.enable");
      await ask("Profiler.setSamplingInterval", { interval: 500 });
      await ask("Profiler.start");
      return "done";
    case "profiled": {
      const { result } = await ask("Profiler.stop");
      writeFileSync(file, JSON.stringify(result?.profile));
      return "done";
    }
    case "snapshot": {
      const out = createWriteStream(file);
      chunks = (chunk) => void out.write(chunk);
      await ask("HeapProfiler.takeHeapSnapshot", { reportProgress: false });
      await new Promise((resolve) => out.end(resolve));
      return "done";
    }
    case "scavenges":
      return String(await numberOf(SCAVENGES));
    case "heap":
      return String(await numberOf(HEAP));
    case "delay":
      return String(await numberOf(DELAY));
    default:
      throw new Error(`${command}: not a question`);
  }
}

process.stdout.write("ready\n");
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${await handle(line)}\n`);
}
socket.close();
