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

/** What the kernel does for a worker, by the function it is entered with. */
const entries = {
  "GRE out (sendmmsg), the peer's receiving on veth in it": "__sys_sendmmsg",
  "GRE in (recvmmsg)": "__x64_sys_recvmmsg",
  "TUN out (read)": "ksys_read",
  "TUN in (writev), the local TCP's answer in it": "do_writev",
  "others' timers and packets (interrupts)": "asm_sysvec_apic_timer_interrupt",
} as const;
const FUNCTIONS = "== functions";
const COMPUTING = "segments, checksums, headers, cipher (WebAssembly and JavaScript)";

export type Shares = Readonly<Record<string, number>>;

/** Of its processor time, by perf: shares to keep, and its functions, kernel and user, to read. */
export type Perf = { readonly shares: Shares; readonly text: string };

/** Undefined where there is no perf. */
export async function perf(place: Place, pid: number, seconds: number): Promise<Perf | undefined> {
  const file = `/tmp/hf-bench-perf-${pid}`;
  const report = (words: string) => `perf report -i ${file} --stdio -g none ${words} 2>/dev/null`;
  const functions = report("--no-children --sort dso,symbol --percent-limit 0.5");
  const { code, stdout } = await place.exec(
    `trap 'rm -f ${file}' EXIT
     perf record -q -g -e cpu-clock -F 2000 -p ${pid} -o ${file} -- sleep ${seconds} >/dev/null 2>&1 || exit
     ${report("--sort symbol")}
     ${report("--no-children --sort dso")}
     echo ${FUNCTIONS}
     ${functions} | grep -v '^#' | grep . | head -n 40`,
    { timeoutS: seconds + 120 },
  );
  if (code !== 0) return undefined;
  const [all = "", text = ""] = stdout.split(`${FUNCTIONS}\n`);
  const found: Record<string, number> = {};
  for (const [name, symbol] of Object.entries(entries)) {
    found[name] = percent(all, new RegExp(`^ +([0-9.]+)% .*\\] ${symbol} `, "m"));
  }
  found[COMPUTING] = percent(all, /^ +([0-9.]+)% +\[JIT\]/m);
  const told = Object.values(found).reduce((sum, share) => sum + share, 0);
  return { shares: { ...found, "the rest": Math.max(0, 1 - told) }, text };
}

function percent(text: string, line: RegExp): number {
  return Number(line.exec(text)?.[1] ?? 0) / 100;
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
