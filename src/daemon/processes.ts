// Which processes a server is, and what each may do: what /proc tells of its threads, under the names
// an operator knows, and loud where a process may do more than it was given.
import { basename } from "node:path";
import type { ProcessStatus, ThreadStatus } from "../console/contract.js";
import type { ProcessPrivileges, ThreadPrivileges } from "../os/capabilities.js";

const upper = (names: readonly string[]) => names.map((name) => name.toUpperCase());

/** `tree`: the server first, then what is below it. `storeTid`: of the store's thread. */
export function describeProcesses(
  tree: readonly ProcessPrivileges[],
  storeTid: number,
): ProcessStatus[] {
  const [main] = tree;
  const names = new Map<number, string>();
  return tree.map((one) => {
    const name = one === main ? "main" : nameOf(one, main?.command ?? [], names.get(one.parent));
    names.set(one.pid, name);
    const threads = one.threads.map((thread) => describeThread(thread, one.pid, storeTid));
    const [first] = threads;
    return {
      name,
      pid: one.pid,
      parent: one.parent,
      uid: first?.uid ?? -1,
      gid: first?.gid ?? -1,
      capabilities: [...new Set(threads.flatMap(({ effective }) => effective))],
      state: groupThreads(threads).length <= 1 ? "all threads alike" : "THREADS DIFFER",
      threads,
    };
  });
}

/** Threads that may do the same, together, in the order of their first ones. */
export function groupThreads(threads: readonly ThreadStatus[]): ThreadStatus[][] {
  const groups = new Map<string, ThreadStatus[]>();
  for (const thread of threads) {
    const { tid, name, ...rights } = thread;
    const key = JSON.stringify(rights);
    groups.set(key, [...(groups.get(key) ?? []), thread]);
  }
  return [...groups.values()];
}

/** A child is named by what it runs, and only once it runs it: until then it has our rights. */
function nameOf(
  { command, threads }: ProcessPrivileges,
  mains: readonly string[],
  parentsName: string | undefined,
): string {
  const [path = threads[0]?.name ?? "?", ...words] = command;
  const program = basename(path);
  if (parentsName === "hook runner" || parentsName === "hook") return "hook";
  if (command.join("\0") === mains.join("\0")) return "starting";
  if (program === "setpriv") {
    const target = words[words.indexOf("--") + 1] ?? "";
    return `starting ${scriptName(words) ?? basename(target)}`;
  }
  return scriptName(words) ?? program;
}

function scriptName(words: readonly string[]): string | undefined {
  if (words.some((word) => word.endsWith("/worker/main.js"))) return "data worker";
  if (words.some((word) => word.endsWith("/os/hook-runner-main.js"))) return "hook runner";
  return undefined;
}

function describeThread(thread: ThreadPrivileges, pid: number, storeTid: number): ThreadStatus {
  let { name } = thread;
  if (thread.tid === pid) name = "main";
  else if (thread.tid === storeTid) name = "store";
  return {
    tid: thread.tid,
    name,
    uid: thread.uid,
    gid: thread.gid,
    groups: [...thread.groups],
    noNewPrivileges: thread.noNewPrivileges,
    effective: upper(thread.effective),
    permitted: upper(thread.permitted),
    inheritable: upper(thread.inheritable),
    bounding: upper(thread.bounding),
    ambient: upper(thread.ambient),
  };
}

const nothing: readonly string[] = [];
const mayHave: Readonly<Record<string, readonly string[]>> = {
  main: ["NET_ADMIN", "NET_RAW"],
  ip: ["NET_ADMIN"],
  nft: ["NET_ADMIN"],
  "iptables-legacy-save": ["NET_ADMIN", "NET_RAW"],
};

/** One for each process that may do more than it should; one still starting is not judged. */
export function processWarnings(processes: readonly ProcessStatus[]): string[] {
  return processes.flatMap(({ name, pid, threads }) => {
    if (name.startsWith("starting")) return [];
    const allowed = mayHave[name] ?? nothing;
    const has = threads.flatMap((one) => [one.effective, one.permitted, one.ambient].flat());
    const excess = [...new Set(has)].filter((capability) => !allowed.includes(capability));
    if (excess.length === 0) return [];
    return [`the process ${name} (pid ${pid}) may do more than it should: ${excess.join(" ")}`];
  });
}
