// bench:report : docs/BENCHMARKS.md and its graph, from what lies in benchmarks/results.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chart, type Panel } from "./chart.js";
import { markdown, median, readResults, root } from "./results.js";
import type { ThroughputData } from "./throughput.js";

const titles: Readonly<Record<string, string>> = {
  "throughput-uml": "Throughput in a User Mode Linux guest",
  "throughput-uml-sessions": "Throughput of many sessions in a User Mode Linux guest",
  "throughput-qemu": "Throughput in a QEMU guest",
  "throughput-host": "Throughput on this host, both ends ours",
  cpu: "Processor time a packet",
  "login-uml": "A log-in",
  "client-uml": "One connection of the client's own TCP",
  "setup-uml": "Set-up of sessions beside pptpd",
  setup: "Set-up of sessions on this host",
  memory: "Memory",
  sessions: "Fifty thousand sessions",
  console: "Ten thousand sessions on the console",
  storm: "Under hostile streams",
  "storm-past": "Under hostile streams that no filter of the kernel refuses",
  "storm-uml": "Under hostile streams beside pptpd, in a guest",
  filter: "GRE refused at the socket and at the interface",
  micro: "The parts alone",
};

const places: Readonly<Record<string, string>> = {
  uml: "User Mode Linux guest (a system call costs 24 to 41 µs)",
  qemu: "QEMU guest (interpreted processor, calls in proportion)",
  host: "this host, both ends in user space",
};

const modes = [
  ["128", "MPPE-128"],
  ["off", "no MPPE"],
] as const;

function panels(data: ThroughputData): Panel[] {
  return modes.flatMap(([mode, modeName]): Panel[] => {
    const of = (peer: string, direction: string) => {
      const found = data.samples.find(
        (one) =>
          one.peer === peer &&
          one.mode === mode &&
          one.sessions === 1 &&
          one.kind === "tcp1" &&
          one.direction === direction,
      );
      return found === undefined || found.values.length === 0 ? undefined : median(found.values);
    };
    const names = ["pptpd", "holdfast", "kserver", "forwarder"].filter(
      (name) => of(name, "up") !== undefined || of(name, "down") !== undefined,
    );
    if (!names.includes("holdfast")) return [];
    const [up, down] = [of("veth", "up"), of("veth", "down")];
    const plain = `the plain cable: ${up?.toFixed(0)} and ${down?.toFixed(0)}`;
    return [
      {
        title: `${places[data.where] ?? data.where}, ${modeName}`,
        unit: "Mbit/s, TCP, one stream, median",
        series: ["client to server", "server to client"],
        bars: names.map((label) => ({ label, values: [of(label, "up"), of(label, "down")] })),
        ...(up !== undefined && down !== undefined && { note: plain }),
      },
    ];
  });
}

const names = readdirSync(join(root, "benchmarks", "results"))
  .filter((file) => file.endsWith(".json"))
  .map((file) => file.replace(".json", ""));
const known = Object.keys(titles);
const ordered = [
  ...known.filter((name) => names.includes(name)),
  ...names.filter((name) => !known.includes(name)).sort(),
];

const drawn = ["throughput-uml", "throughput-qemu", "throughput-host"].flatMap((name) => {
  const found = readResults<ThroughputData>(name);
  return found === undefined ? [] : panels(found.data);
});
if (drawn.length > 0) writeFileSync(join(root, "docs", "benchmarks.svg"), chart(drawn));

const parts = ordered.flatMap((name) => {
  const found = readResults<unknown>(name);
  if (found === undefined) return [];
  const part = markdown(found.made, found.tables, found.reach);
  return [`## ${titles[name] ?? name}\n\n${part}${notes(name)}`];
});

/** What no run prints: what was found by hand, with how. */
function notes(name: string): string {
  const file = join(root, "benchmarks", "notes", `${name}.md`);
  return existsSync(file) ? `\n${readFileSync(file, "utf8")}` : "";
}

const page = `# Benchmarks

Made by \`npm run bench:report\` from \`benchmarks/results/\`; each part says the command, the machine and
the commit it was taken with. Figures of different runs move by a third with what else the machine
does: compare only within a part, where peers took turns. Figures are medians, with the least and
the most. What each command can be told: \`npm run bench:throughput -- --help\` and so on.

The peers: \`pptpd\` (pptpd and pppd, Debian's), \`kserver\` (the kernel's own PPTP data path, no packet in
user space; the lab's, for measuring only), \`forwarder\` (two C programs between TUN and UDP: no
protocol, no cipher), \`veth\` (the plain cable). The client is pppd over the kernel's PPTP channel in
guests, which pays no system call a packet, and our own on this host.

${drawn.length > 0 ? "![Throughput of one TCP stream](benchmarks.svg)\n\n" : ""}${parts.join("\n")}`;
writeFileSync(join(root, "docs", "BENCHMARKS.md"), page);
process.stdout.write(`docs/BENCHMARKS.md: ${ordered.join(", ")}\n`);
