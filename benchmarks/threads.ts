// Processor time of all processes of a namespace, by what they are: where a server's time goes.
import { expectOk, type Place } from "../test/lab/place.js";

export type Spent = { readonly userMs: number; readonly systemMs: number };
/** By name of the part: a process, or of one of ours its first thread and its others. */
export type Parts = Readonly<Record<string, Spent>>;

const TICK_MS = 10;

/** What `part` of a Node process of ours is; another's by its own name. */
function partOf(words: string, name: string, first: boolean): string {
  if (!/dist\/(cli|worker)\/main\.js/.test(words)) return name;
  const what = words.includes("dist/worker/main.js") ? "data worker" : "main process";
  return first
    ? what
    : `${what}, other threads (${what === "data worker" ? "" : "store, "}V8, libuv)`;
}

/** So far. Threads that ended are missing, children that were buried are a part of their own. */
export async function spent(place: Place): Promise<Parts> {
  const text = await expectOk(
    place,
    `for pid in $(ip netns pids $(ip netns identify)); do
       [ $pid != $$ ] || continue
       { echo "= $pid $(tr '\\0' ' ' </proc/$pid/cmdline)" && cat /proc/$pid/task/*/stat; } 2>/dev/null
     done
     true`,
  );
  const parts: Record<string, Spent> = {};
  const add = (name: string, user: number, system: number) => {
    const { userMs, systemMs } = parts[name] ?? { userMs: 0, systemMs: 0 };
    parts[name] = { userMs: userMs + user * TICK_MS, systemMs: systemMs + system * TICK_MS };
  };
  let process = "";
  for (const line of text.split("\n")) {
    if (line.startsWith("= ")) process = line;
    const name = line.startsWith("= ") ? undefined : /\((.*)\)/.exec(line)?.[1];
    if (name === undefined) continue;
    const fields = line
      .slice(line.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number);
    const first = line.split(" ")[0] === process.split(" ")[1];
    add(partOf(process, name, first), fields[11] ?? 0, fields[12] ?? 0);
    if (first) add("children that ended", fields[13] ?? 0, fields[14] ?? 0);
  }
  return parts;
}

/** What was spent from `before` to `after`, a `count`-th of it. */
export function between(before: Parts, after: Parts, count: number): Parts {
  const names = Object.keys(after).map((name): [string, Spent] => {
    const [to, from] = [after[name]!, before[name] ?? { userMs: 0, systemMs: 0 }];
    // A process that ended and was buried is among the children now.
    const grown = (of: "userMs" | "systemMs") => Math.max(0, to[of] - from[of]) / count;
    return [name, { userMs: grown("userMs"), systemMs: grown("systemMs") }];
  });
  return Object.fromEntries(names);
}

export function total(parts: Parts): number {
  return Object.values(parts).reduce((sum, { userMs, systemMs }) => sum + userMs + systemMs, 0);
}
