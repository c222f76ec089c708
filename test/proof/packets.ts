// `npm run proof:packets`: so many malformed packets through the data path and the control framer, in
// this process. What it shows: no exception, every one refused for the reason it was made for, memory
// flat, and two sessions that go on. The last line but one has the counts, the last their digest.
import { createHash } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { FramerBench } from "./framer.js";
import { MalformedBench } from "./plane.js";

export type ProofOptions = {
  readonly packets: number;
  readonly seed: number;
  readonly part: "wasm" | "typescript" | "framer";
};

export type Proof = {
  readonly counts: Readonly<Record<string, number>>;
  readonly honest: number;
  /** Octets retained more at the end than after the first tenth. */
  readonly grownOctets: number;
  readonly digest: string;
};

const BATCH = 64;
/** A heap after a collection is only so exact: compiled code and its feedback come and go. */
const GROWTH_OCTETS_MAX = 1_048_576;
const SAY_EVERY_MS = 10_000;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function retained(): number {
  collect();
  collect();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + Math.max(external, arrayBuffers);
}

/** Throws what is wrong. */
export function prove(options: ProofOptions, say: (line: string) => void): Proof {
  const { packets, seed, part } = options;
  const bench = part === "framer" ? new FramerBench(seed) : new MalformedBench(part, seed);
  const begun = performance.now();
  let said = begun;
  let before: number | undefined;
  while (bench.packets < packets) {
    for (let i = 0; i < 256 && bench.packets < packets; i++) {
      bench.batch(Math.min(BATCH, packets - bench.packets));
    }
    if (before === undefined && bench.packets >= packets / 10) before = retained();
    const now = performance.now();
    if (now - said < SAY_EVERY_MS) continue;
    said = now;
    const rate = bench.packets / (now - begun) / 1_000;
    say(`${part}: ${bench.packets} of ${packets}, ${rate.toFixed(2)} million a second`);
  }
  bench.check();
  const seconds = (performance.now() - begun) / 1_000;
  const grownOctets = retained() - (before ?? 0);
  if (grownOctets > GROWTH_OCTETS_MAX) throw new Error(`${grownOctets} octets more are retained`);
  const { counts, honest } = bench;
  const state = JSON.stringify({ counts, honest });
  const digest = createHash("sha256").update(state).digest("hex").slice(0, 16);
  const rate = (packets / seconds / 1e6).toFixed(2);
  say(
    `${part}: ${packets} malformed packets of seed ${seed} refused, ${honest} honest ones taken, ` +
      `in ${seconds.toFixed(0)} s (${rate} million a second); ${grownOctets} octets more retained`,
  );
  say(JSON.stringify(counts));
  say(`digest ${digest}`);
  return { counts, honest, grownOctets, digest };
}
