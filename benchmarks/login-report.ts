// What bench:login found, as tables: costs cold and warm, where the time goes, and what was owed when.
import type { Dialogue } from "./dialogue.js";
import type { LogInData, LogIns } from "./login.js";
import { figure, median, type Reach, spread, type Table } from "./results.js";

type Plan = { readonly cold: number; readonly "warm-up": number };

/** Parts that cost less are left out. */
const SHOWN_MS = 0.05;

export function tablesOf(data: LogInData, plan: Plan): Table[] {
  const { holdfast: ours } = data;
  const tables = [costs(data, plan)];
  if (ours !== undefined) tables.push(parts(ours), owed(ours));
  return tables;
}

function costs(data: LogInData, plan: Plan): Table {
  const owedOf = (calls: readonly Dialogue[]) => spread(calls.map(({ owedMs }) => owedMs));
  const wholeOf = (calls: readonly Dialogue[]) => spread(calls.map(({ wholeMs }) => wholeMs));
  return {
    title: "A log-in, MS-CHAPv2 and MPPE-128, by the kernel-channel client",
    columns: [
      "server",
      "processor, cold, ms",
      "processor, warm, ms by round",
      "a second without a log-in, ms",
      "a round took, ms a log-in",
      "very first call: SYN to last IPCP Ack, ms",
      "of which owed",
      "warm call: SYN to last IPCP Ack, ms",
      "of which owed",
    ],
    rows: Object.entries(data).map(([name, one]) => [
      name,
      spread(one.coldMs),
      one.warmMs.map(figure).join(", "),
      spread(one.idleMs),
      spread(one.roundMs),
      wholeOf(one.first),
      owedOf(one.first),
      wholeOf(one.calls),
      owedOf(one.calls),
    ]),
    notes: [
      `Cold: the ${plan.cold} log-ins after the very first one since the server started. Warm: after ` +
        `${plan["warm-up"]} more by our load client, as a server is that has been up for a while; at pptpd, which is a ` +
        "new process for each call, after a few by pppd, which ours had last, too. Owed: the sum of the gaps before each packet that came from the server, " +
        "in a capture at the server.",
      "Processor: user and system time of all the server's processes, buried children included. What they " +
        "use without a log-in is in it: nothing is taken off.",
    ],
  };
}

function parts(ours: LogIns): Table {
  const names = [...new Set(ours.parts.flatMap((one) => Object.keys(one)))];
  const of = (name: string, what: "userMs" | "systemMs") =>
    median(ours.parts.map((one) => one[name]?.[what] ?? 0));
  const rows = names.map((name) => ({
    name,
    user: of(name, "userMs"),
    system: of(name, "systemMs"),
  }));
  return {
    title: "Where the processor time of a warm log-in at holdfast goes",
    columns: ["part", "user, ms", "system, ms"],
    rows: rows
      .filter(({ user, system }) => user + system >= SHOWN_MS)
      .map(({ name, user, system }) => [name, figure(user), figure(system)]),
  };
}

/** Gaps of all warm calls, by what was waited for; repetitions in one call are one gap. */
function owed(ours: LogIns): Table {
  const sums = ours.calls.map(({ gaps }) => {
    const sum = new Map<string, number>();
    for (const { before, after, ms } of gaps) {
      const key = `${before} | ${after}`;
      sum.set(key, (sum.get(key) ?? 0) + ms);
    }
    return sum;
  });
  const keys = [...new Set(sums.flatMap((sum) => [...sum.keys()]))];
  return {
    title: "What holdfast owed in warm calls, by packet",
    columns: ["before its", "after", "in so many of the calls", "ms"],
    rows: keys.map((key) => {
      const values = sums.flatMap((sum) => sum.get(key) ?? []);
      return [...key.split(" | "), `${values.length} of ${sums.length}`, spread(values)];
    }),
  };
}

export function reachOf(data: LogInData): Reach[] {
  const { holdfast: ours, pptpd: theirs } = data;
  const reach: Reach[] = [];
  const bars = [
    ["cold", "coldMs", "first"],
    ["warm", "warmMs", "calls"],
  ] as const;
  for (const [when, cost, calls] of bars) {
    if (ours !== undefined && theirs !== undefined) {
      const share = median(theirs[cost]) / median(ours[cost]);
      const what = `processor a log-in, all the server's processes, ${when}: pptpd + pppd's to ours`;
      reach.push({ what, bar: ">= 20", found: figure(share), reached: share >= 20 });
    }
    if (ours !== undefined) {
      const found = median(ours[calls].map(({ owedMs }) => owedMs));
      const what = `SYN to last IPCP Ack, ${when}: what the server owed, in sum`;
      reach.push({ what, bar: "< 30 ms", found: `${figure(found)} ms`, reached: found < 30 });
    }
  }
  return reach;
}
