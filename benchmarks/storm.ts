// `npm run bench:storm`: hostile streams at the highest rate the sender reaches beside 50 sessions that carry traffic,
// against a control run: the same sender, rate and packets with a protocol number that the kernel discards.
// `--guest uml`: pptpd and ours, one after the other in one guest, for comparison.
// `--past`: what gets past the kernel's filter instead, so that a data worker has each packet in its hands.
import { fork } from "node:child_process";
import { join } from "node:path";
import { scenarioOf } from "../src/storm/scenarios.js";
import { expectOk, quote } from "../test/lab/place.js";
import { inGuest } from "./guest.js";
import { options } from "./options.js";
import { made, report } from "./results.js";
import { reachOf, tablesOf } from "./storm/report.js";
import { type StormPeer, stormPeers } from "./storm/stage.js";
import type { Found, RunTerms } from "./storm/terms.js";
import { buildPrograms } from "./traffic.js";

const given = options({
  guest: { kind: "list", of: ["uml", "qemu"], byDefault: [], help: "in a guest of this kind" },
  peers: { kind: "list", of: stormPeers, byDefault: ["holdfast"], help: "pptpd: in a guest" },
  sessions: { kind: "number", least: 1, most: 200, byDefault: 50, help: "that carry traffic" },
  outstanding: {
    kind: "number",
    least: 1,
    most: 64,
    byDefault: 2,
    help: "echoes of each on the way",
  },
  seconds: {
    kind: "number",
    least: 1,
    most: 60,
    byDefault: 5,
    help: "each stream, each control run",
  },
  rounds: { kind: "number", least: 1, most: 20, byDefault: 5, help: "of streams of packets" },
  millions: {
    kind: "number",
    least: 0,
    most: 1000,
    byDefault: 100,
    help: "packets, for what is kept of them",
  },
  rate: {
    kind: "number",
    least: 0,
    most: 2000000,
    byDefault: 0,
    help: "packets a second; 0: as many as go",
  },
  connections: {
    kind: "number",
    least: 1,
    most: 2000,
    byDefault: 1000,
    help: "hostile ones a second",
  },
  past: { kind: "flag", help: "no filter in the kernel, and streams into live calls too" },
  quick: { kind: "flag", help: "does it work at all: nothing is kept" },
});
const STRANGERS = ["gre-unknown-call", "gre-vectors", "gre-mutated"];
const INTO_CALLS = ["live-vectors", "live-mutated", "live-forged"];
/** Four that can be blocked; and more than the bounds by source and by /24 hold. */
const BLOCKABLE = { floods: false, networks: 4, sources: 4 };
const FLOOD = { floods: true, networks: 250, sources: 1_000 };
const TALKS = [
  { name: "control-mutated", ...BLOCKABLE },
  { name: "control-vectors", ...BLOCKABLE },
  { name: "half-open", ...FLOOD },
  { name: "connection-flood", ...FLOOD },
  { name: "abandoned", ...FLOOD },
];
/** Inside calls and sessions, into those of others, and beneath PPTP; those that may take sessions away last. */
const INSIDE = [
  ...["call-mutated", "cut-session", "session-mutated", "session-floods", "session-gaps"],
  ...["log-in-churn", "guesses", "fragments", "live-tcp", "live-forged", "reset-storm"],
  "pool-exhaustion",
];
/** Of those the ones that log in themselves first, which takes a server some seconds, and how long they have. */
const LOGGING_IN = new Set([
  ...["session-mutated", "session-floods", "session-gaps", "log-in-churn", "pool-exhaustion"],
]);
const LOGGING_IN_SECONDS = 15;
/** Packets and log-ins of these, a second: more are no matter of rate any more. */
const INSIDE_PACKETS = 5_000;
const INSIDE_LOG_INS = 200;

/** Where in its /24 the first address of a stream of connections is, and how many are its own there. */
const FIRST = 40;
const EACH = 40;
/** Of those inside, one each in every /24, behind the packets' 26 and before the connections'. */
const FIRST_INSIDE = 28;

const { quick, guest, past } = given;
const packetScenarios = past ? [...STRANGERS, ...INTO_CALLS] : STRANGERS;
const talks = past ? [] : TALKS;
// For the comparison: on a host of its own each of them is `holdfast storm`'s to judge.
const inside = past || guest.length === 0 ? [] : INSIDE;
const begun = made("storm");
const [vehicle] = guest as ("uml" | "qemu")[];
const peers = given.peers as StormPeer[];
if (vehicle === undefined && peers.includes("pptpd")) {
  process.stderr.write("pptpd needs a kernel with PPP: --guest uml\n");
  process.exit(2);
}
await buildPrograms();

const termsOf = (peer: StormPeer): RunTerms => ({
  peer,
  filter: past ? "off" : "auto",
  sessions: quick ? Math.min(given.sessions, 5) : given.sessions,
  outstanding: given.outstanding,
  seconds: quick ? 1 : given.seconds,
  rounds: quick ? 1 : given.rounds,
  packets: quick ? 0 : given.millions * 1e6,
  rate: given.rate,
  seed: 7,
  packetScenarios: quick ? packetScenarios.slice(-1) : packetScenarios,
  talkScenarios: (quick ? talks.slice(1, 3) : talks).map((one, at) => ({
    ...one,
    // Of its own: what one stream's were blocked for is not held against the next.
    first: FIRST + at * EACH,
    perSecond: given.connections,
  })),
  insideScenarios: (quick ? inside.slice(-6) : inside).map((name, at) => ({
    ...{ name, networks: 4, sources: 4, first: FIRST_INSIDE + at },
    ...(LOGGING_IN.has(name) && !quick ? { seconds: LOGGING_IN_SECONDS } : {}),
    floods: scenarioOf(name)?.kind !== "packets",
    perSecond: scenarioOf(name)?.kind === "packets" ? INSIDE_PACKETS : INSIDE_LOG_INS,
  })),
});
const program = join(import.meta.dirname, "run.mjs");

async function onThisHost(terms: RunTerms): Promise<Found> {
  // Its channel tells it when this process is gone, however it ends.
  const stdio = ["ignore", "pipe", "inherit", "ipc"] as const;
  const child = fork(program, ["storm-run", JSON.stringify(terms)], { stdio: [...stdio] });
  let told = "";
  child.stdout?.on("data", (text) => {
    told += text;
  });
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`the run ended: ${code}`);
  return JSON.parse(told) as Found;
}

function inThisGuest(): Promise<Found[]> {
  return inGuest(vehicle ?? "uml", async (place) => {
    const found: Found[] = [];
    for (const peer of peers) {
      const words = [process.execPath, program, "storm-run", JSON.stringify(termsOf(peer))];
      const text = await expectOk(place, words.map(quote).join(" "), 1_800);
      found.push(JSON.parse(text.trim().split("\n").at(-1) ?? "") as Found);
    }
    return found;
  });
}

const found = vehicle === undefined ? [await onThisHost(termsOf("holdfast"))] : await inThisGuest();
const name = ["storm", ...(past ? ["past"] : []), ...guest].join("-");
const tables = tablesOf(found, termsOf("holdfast"));
// What is to be reached is so on a host of its own, not in a guest whose one processor all share.
const reach =
  vehicle === undefined ? found.flatMap((one) => reachOf(one, termsOf("holdfast"))) : [];
report(name, { made: begun, reach, tables, data: found }, !quick);
