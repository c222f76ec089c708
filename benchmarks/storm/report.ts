// The tables and bars of a storm benchmark.
import { admin } from "../../src/limits.js";
import type { Sent } from "../../src/storm/messages.js";
import { scenarioOf } from "../../src/storm/scenarios.js";
import { figure, median, type Reach, spread, type Table } from "../results.js";
import type { PacketSample, Shown, TalkSample } from "./play.js";
import type { Found, MemoryAt, RunTerms } from "./terms.js";

const KEPT_PERCENT = 95;
const LOG_IN_MS = 5_000;
const FLOOD_PERCENT = 99;
const RECOVERED_S = 1;
/** Less than this cannot be told from noise over a hundred million packets: 1 MiB. */
const OCTETS_A_PACKET = 0.01;
const REASONS = 4;

const kept = ({ shown, control }: PacketSample | TalkSample) =>
  (100 * shown.met.echoesPerSecond) / control.met.echoesPerSecond;
const perSecond = ({ sent }: PacketSample) => sent.packets / sent.seconds;
const namesOf = (samples: readonly { readonly scenario: string }[]) => [
  ...new Set(samples.map(({ scenario }) => scenario)),
];
const sum = (values: readonly number[]) => values.reduce((all, one) => all + one, 0);
const count = (value: number) => String(Math.round(value)).replaceAll(/\B(?=(\d{3})+$)/g, ",");
const mebi = (octets: number) => `${figure(octets / 2 ** 20)} MiB`;

function logIns(shown: readonly Shown[]): string {
  const of = (what: "asked" | "succeeded" | "atOnce") => sum(shown.map((one) => one.logIns[what]));
  const slowest = Math.max(...shown.map((one) => one.logIns.slowestMs));
  return `${of("succeeded")} of ${of("asked")}, ${of("atOnce")} at once; ${(slowest / 1_000).toFixed(2)} s`;
}

function recovered(shown: readonly Shown[]): string {
  const times = shown.flatMap(({ recoveredS }) => recoveredS ?? []);
  const never = shown.length - times.length;
  return never === 0 ? `${figure(Math.max(...times))} s` : `not while watched, ${never} times`;
}

function reasons(shown: readonly Shown[], most = REASONS): string {
  const all = new Map<string, number>();
  for (const { counted = {} } of shown) {
    for (const [reason, times] of Object.entries(counted)) {
      all.set(reason, (all.get(reason) ?? 0) + times);
    }
  }
  const first = [...all].sort(([, a], [, b]) => b - a).slice(0, most);
  return first.map(([reason, times]) => `${reason} ${count(times)}`).join(", ") || "–";
}

export function tablesOf(found: readonly Found[], terms: RunTerms): Table[] {
  const tables = [packetTable(found, terms), longTable(found), talkTable(found, terms)];
  return [...tables, insideTable(found), memoryTable(found)].filter(({ rows }) => rows.length > 0);
}

function packetTable(found: readonly Found[], { sessions, outstanding, seconds }: RunTerms): Table {
  const rows = found.flatMap(({ peer, packets }) =>
    namesOf(packets).map((name) => {
      const of = packets.filter(({ scenario }) => scenario === name);
      const shown = of.map((one) => one.shown);
      return [
        ...[peer, name, spread(of.map((one) => perSecond(one) / 1_000))],
        ...[spread(of.map((one) => one.control.met.echoesPerSecond))],
        ...[spread(of.map(kept)), spread(shown.map(({ met }) => met.p99Ms))],
        ...[String(sum(shown.map(({ met }) => met.lost))), logIns(shown), recovered(shown)],
        ...[spread(shown.map(({ processorPercent }) => processorPercent)), reasons(shown)],
      ];
    }),
  );
  return {
    title: "Packets from strangers, as fast as the sender goes",
    columns: [
      ...["server", "stream", "1,000 packets/s", "echoes/s, control", "of which kept, %"],
      ...["99 % of echoes, ms", "sessions lost", "log-ins; the slowest", "recovered"],
      ...["processor, % of one", "counted"],
    ],
    rows,
    notes: [
      `${sessions} sessions with ${outstanding} ICMP echoes (64 octets) each on the way at once, and two new log-ins a second, ` +
        `each with three tries of ${LOG_IN_MS / 1_000} s; ` +
        `${seconds} s each, from 256 forged sources. Control: the same sender and packets at the rate that was ` +
        "reached, IP protocol 253, right after. Recovered: processor and event loops at their level " +
        "before, three looks of 250 ms in a row. Sender, honest and server share the cores.",
    ],
  };
}

/** All that the data path and the filter before it refused; undefined of a server that does not count. */
function refused({ counted }: Shown): number | undefined {
  if (counted === undefined) return undefined;
  return sum(Object.entries(counted).flatMap(([why, times]) => (/^data /.test(why) ? times : [])));
}

function longTable(found: readonly Found[]): Table {
  const rows = found.flatMap(({ peer, long }) =>
    long.map((one) => {
      const { scenario, sent, shown } = one;
      const counted = refused(shown);
      return [
        ...[peer, scenario, count(sent.packets), figure(perSecond(one) / 1_000)],
        ...[counted === undefined ? "–" : count(counted), figure(kept(one))],
        ...[String(shown.met.lost), logIns([shown]), reasons([shown], Number.POSITIVE_INFINITY)],
      ];
    }),
  );
  return {
    title: "Long streams of packets",
    columns: [
      ...["server", "stream", "packets", "1,000 packets/s", "refused and counted"],
      ...["echoes kept, %", "sessions lost", "log-ins; the slowest", "by reason"],
    ],
    rows,
    notes: [
      "Counted more than sent: what sessions that had just hung up still sent is refused likewise.",
    ],
  };
}

function talkTable(found: readonly Found[], { seconds }: RunTerms): Table {
  const rows = found.flatMap(({ peer, talks }) =>
    talks.map((one) => {
      const { scenario, sources, sent, shown } = one;
      return [
        ...[peer, scenario, String(sources), count(sent.connections / one.seconds)],
        ...[`${count(sent.taken)} of ${count(sent.connections)}`, figure(kept(one))],
        ...[String(shown.met.lost), logIns([shown]), recovered([shown])],
        ...[String(shown.descriptorsMost), String(shown.logLines), reasons([shown])],
      ];
    }),
  );
  return {
    title: "Hostile connections",
    columns: [
      ...["server", "stream", "sources", "connections/s", "taken", "echoes kept, %"],
      ...["sessions lost", "log-ins; the slowest", "recovered", "descriptors, most"],
      ...["log lines but for log-ins", "counted"],
    ],
    rows,
    notes: [
      `${seconds} s each; echoes: beside the same time without a stream, the sender's own work not made up for. ` +
        "Four sources can be blocked, 250 in as many /24 are more than the bounds of strangers hold.",
    ],
  };
}

/** What went, of whichever kind it is. */
function went({ packets, connections, taken, segments }: Sent): string {
  const parts: string[] = [];
  if (connections > 0) parts.push(`${count(taken)} of ${count(connections)} log-ins or calls`);
  if (packets > 0) parts.push(`${count(packets)} packets`);
  if (segments !== undefined) parts.push(`${count(segments.inWindow)} of them in the window`);
  return parts.join(", ") || "nothing";
}

function insideTable(found: readonly Found[]): Table {
  const rows = found.flatMap(({ peer, inside }) =>
    inside.map((one) => {
      const { scenario, sent, shown } = one;
      return [
        ...[peer, scenario, `${went(sent)} in ${one.seconds} s`, figure(kept(one))],
        String(shown.met.lost),
        ...[`${logIns([shown])}${exhausts(scenario) ? " (none owed)" : ""}`, recovered([shown])],
        ...[String(shown.descriptorsMost), String(shown.logLines), reasons([shown])],
      ];
    }),
  );
  return {
    title: "Hostile inside calls and sessions, into those of others, and beneath them",
    columns: [
      ...[
        "server",
        "stream",
        "sent; of log-ins those that came where they were to",
        "echoes kept, %",
      ],
      ...["sessions lost", "log-ins; the slowest", "recovered", "descriptors, most"],
      ...["log lines but for log-ins", "counted"],
    ],
    rows,
    notes: [
      "By the process of `holdfast storm` that sends them, from four sources or in the names of the honest; " +
        "echoes: beside one and the same time without a stream.",
    ],
  };
}

function exhausts(name: string): boolean {
  const scenario = scenarioOf(name);
  return scenario?.kind === "cuts" && scenario.exhausts === true;
}

function memoryTable(found: readonly Found[]): Table {
  const rows = found.flatMap(({ peer, memory }) => {
    const row = (what: string, octets: readonly number[]) => [
      ...[peer, what, memory.map(({ packets }) => count(packets)).join(", ")],
      ...[octets.map(mebi).join(", "), figure(slope(memory, octets))],
    ];
    const heaps = Object.keys(memory[0]?.heaps ?? {}).map((what) =>
      row(
        `heap, ${what}`,
        memory.map(({ heaps: its }) => its[what] ?? 0),
      ),
    );
    const resident = memory.map(({ residentOctets }) => residentOctets);
    return [...heaps, row("resident, all processes", resident)];
  });
  return {
    title: "Kept of what was sent",
    columns: ["server", "what", "after so many packets", "held", "octets a packet"],
    rows,
    notes: ["Heaps with their buffers, after four full collections through the inspector."],
  };
}

/** From the first look to the last. */
function slope(memory: readonly MemoryAt[], octets: readonly number[]): number {
  return ((octets.at(-1) ?? 0) - (octets[0] ?? 0)) / (memory.at(-1)?.packets ?? 0);
}

export function reachOf({ packets, long, talks, memory }: Found, { filter }: RunTerms): Reach[] {
  const all = [...packets, ...long, ...talks];
  const shown = all.map((one) => one.shown);
  const lost = sum(shown.map(({ met }) => met.lost));
  const heaps = Object.keys(memory[0]?.heaps ?? {}).map((what) =>
    slope(
      memory,
      memory.map(({ heaps: its }) => its[what] ?? 0),
    ),
  );
  // Into a live call some are acknowledgments and echoes as good as any.
  const strange = long.filter(({ scenario }) => !scenario.startsWith("live-"));
  const counted = sum(strange.map((one) => refused(one.shown) ?? 0));
  const sent = sum(strange.map((one) => one.sent.packets));
  const lines = Math.max(...shown.map(({ logLinesOfAKind }) => logLinesOfAKind));
  const bar = (what: string, wanted: string, text: string, reached: boolean): Reach => ({
    ...{ what, bar: wanted, found: text, reached },
  });
  return [
    bar("sessions lost", "0", String(lost), lost === 0),
    // Without a filter the work is the data worker's own: the table says what is left.
    ...(filter === "off" ? [] : namesOf(packets)).map((name) => {
      const of = [...packets, ...long].filter(({ scenario }) => scenario === name);
      const share = median(of.map(kept));
      const what = `throughput under ${name}, of the control run`;
      return bar(what, `at least ${KEPT_PERCENT} %`, `${figure(share)} %`, share >= KEPT_PERCENT);
    }),
    ...[
      ["any GRE stream", [...packets, ...long]] as const,
      ["malformed messages", talks.filter(({ floods }) => !floods)] as const,
    ].flatMap(([what, of]) => {
      if (of.length === 0) return [];
      const good = of.every(({ shown: { logIns: its } }) => {
        return its.atOnce === its.asked && its.slowestMs <= LOG_IN_MS;
      });
      const text = logIns(of.map((one) => one.shown));
      const wanted = `all at once within ${LOG_IN_MS / 1_000} s`;
      return [bar(`log-ins under ${what}`, wanted, text, good)];
    }),
    ...talks
      .filter(({ floods }) => floods)
      .map((one) => {
        const { asked, succeeded } = one.shown.logIns;
        const good = (100 * succeeded) / asked >= FLOOD_PERCENT;
        const wanted = `${FLOOD_PERCENT} % within three tries of ${LOG_IN_MS / 1_000} s`;
        return bar(`log-ins under ${one.scenario}`, wanted, logIns([one.shown]), good);
      }),
    bar(
      "heap kept of a packet, the most of both processes",
      `at most ${OCTETS_A_PACKET} octets`,
      `${figure(Math.max(...heaps))} octets over ${count(memory.at(-1)?.packets ?? 0)}`,
      Math.max(...heaps) <= OCTETS_A_PACKET,
    ),
    bar(
      "packets of the long streams refused and counted by reason",
      "each",
      `${count(counted)} of ${count(sent)}`,
      counted >= sent,
    ),
    bar(
      "recovered after the stream",
      `within ${RECOVERED_S} s`,
      recovered(shown),
      shown.every(({ recoveredS }) => (recoveredS ?? Number.POSITIVE_INFINITY) <= RECOVERED_S),
    ),
    bar(
      "log lines of a kind in a stream",
      `at most ${admin.logLinesPerMinute} a minute`,
      String(lines),
      lines <= admin.logLinesPerMinute,
    ),
  ];
}
