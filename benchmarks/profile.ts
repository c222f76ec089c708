// Where a Node process spends its time while it runs: V8's sampling profiler by the inspector
// (SIGUSR1), and by perf for what the kernel does for it.
import { join } from "node:path";
import { type Place, quote } from "../test/lab/place.js";

type Frame = { readonly functionName: string; readonly url: string; readonly lineNumber: number };
export type CpuProfile = {
  readonly nodes: readonly { readonly id: number; readonly callFrame: Frame }[];
  readonly samples: readonly number[];
};

const ROWS = 25;

/** Its functions by own time, a line each. */
export async function profile(place: Place, pid: number, seconds: number): Promise<string> {
  const program = join(import.meta.dirname, "inspect.mjs");
  const inspect = `kill -USR1 ${pid}; sleep 0.5; ${quote(process.execPath)} --experimental-websocket ${quote(program)} ${seconds}`;
  const { code, stdout, stderr } = await place.exec(inspect, { timeoutS: seconds + 20 });
  return code === 0 ? ownTimes(JSON.parse(stdout) as CpuProfile) : `no profile: ${stderr}`;
}

/** perf's view of the same process: shares of functions, kernel and user. */
export async function perf(place: Place, pid: number, seconds: number): Promise<string> {
  const file = `/tmp/hf-bench-perf-${pid}`;
  const { stdout } = await place.exec(
    `perf record -q -e cpu-clock -F 2000 -p ${pid} -o ${file} -- sleep ${seconds} >/dev/null 2>&1
     perf report -i ${file} --stdio --sort dso,symbol --percent-limit 0.5 2>/dev/null | grep -v '^#' | grep . | head -n 40
     rm -f ${file}`,
    { timeoutS: seconds + 60 },
  );
  return stdout;
}

function ownTimes({ nodes, samples }: CpuProfile): string {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const counts = new Map<string, number>();
  for (const id of samples) {
    const { functionName = "?", url = "", lineNumber = 0 } = frames.get(id) ?? {};
    const file = url.replace(/^.*\/(dist|node_modules)\//, "");
    // V8 gives every foreign function the name of a native symbol that happens to lie before it.
    const foreign = url === "" && /^\w/.test(functionName);
    const own = foreign ? "(system calls, waiting included)" : functionName;
    const name = `${own || "(anonymous)"}${file === "" ? "" : `  ${file}:${lineNumber + 1}`}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .slice(0, ROWS)
    .map(([name, count]) => `${((count * 100) / samples.length).toFixed(1).padStart(6)} %  ${name}`)
    .join("\n");
}
