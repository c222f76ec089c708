// Hunts each target for its time, from the corpus that is kept of it, which is replayed first.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Chance } from "../../../src/base/chance.js";
import { fromHex } from "../../../src/base/hex.js";
import { calls } from "./calls.js";
import { decoders } from "./decoders.js";
import { door } from "./door.js";
import { guards } from "./guards.js";
import { edge, Finding, Hunt, type Target } from "./hunt.js";
import { keepers } from "./keepers.js";
import { machines } from "./machines.js";
import { maze } from "./maze.js";
import { planes } from "./plane.js";
import { pppTargets } from "./ppp.js";
import { streams } from "./streams.js";
import { tcpTargets } from "./tcp.js";

export type FuzzOptions = {
  readonly seconds: number;
  /** So many in place of a time; those of corpus and seeds come before. */
  readonly inputs: number | undefined;
  readonly seed: number;
  /** All of them where left out. */
  readonly target: string | undefined;
  readonly input: string | undefined;
  /** The corpus is written anew, with what was found. */
  readonly keep: boolean;
};

/** Of a target, kept in the tree. */
const CORPUS_MAX = 160;
const CORPUS_OCTETS_MAX = 32_768;

const blind: Target = { name: "maze-blind", seeds: [new Uint8Array(8)], run: maze };
/** Only where they are asked for by name: what is found there is found on purpose. */
const shown: readonly Target[] = [{ ...blind, name: "maze" }, blind];
export const targets: readonly Target[] = [
  ...[...decoders, ...machines, calls, door, ...pppTargets, ...tcpTargets, ...planes],
  ...[...keepers, ...guards, ...streams],
];

Object.assign(globalThis, { __edge: edge });

function fileOf(target: Target): string {
  return fileURLToPath(new URL(`../corpus/${target.name}.txt`, import.meta.url));
}

export function corpusOf(target: Target): Uint8Array[] {
  const file = fileOf(target);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "");
  return lines.map((line) => fromHex(line) ?? new Uint8Array());
}

/** The exit code. */
export function fuzzAll(options: FuzzOptions, say: (line: string) => void): number {
  const { target: named, seed, input } = options;
  const chosen =
    named === undefined ? targets : [...targets, ...shown].filter(({ name }) => name === named);
  if (chosen.length === 0) {
    say(`no target "${named}": ${targets.map(({ name }) => name).join(", ")}`);
    return 2;
  }
  for (const target of chosen) {
    try {
      if (input === undefined) fuzzOne(target, options, say);
      else new Hunt(target, new Chance(seed)).try(fromHex(input) ?? new Uint8Array());
    } catch (failure) {
      if (!(failure instanceof Finding)) throw failure;
      const hex = Buffer.from(failure.input).toString("hex");
      say(`${target.name}: found, from seed ${seed}: ${failure.why}`);
      say(`again: npm run fuzz -- --target ${target.name} --input ${hex || "-"}`);
      return 1;
    }
  }
  return 0;
}

function fuzzOne(
  target: Target,
  { seconds, inputs, seed, keep }: FuzzOptions,
  say: (line: string) => void,
) {
  const guided = target !== blind;
  const hunt = new Hunt(target, new Chance(seed), guided);
  const corpus = corpusOf(target);
  for (const one of corpus) hunt.try(one);
  const replayed = hunt.edges;
  const end = performance.now() + seconds * 1_000;
  let last: number | undefined;
  hunt.until(() => {
    if (inputs === undefined) return performance.now() >= end;
    last ??= hunt.runs + inputs;
    return hunt.runs >= last;
  });
  const { runs, edges } = hunt;
  const within = inputs === undefined ? ` in ${seconds} s` : "";
  say(
    `${target.name}: ${corpus.length} of the corpus took ${replayed} branches; ` +
      `${runs} inputs of seed ${seed}${within}: ${edges} branches, ${hunt.kept.length} kept`,
  );
  if (!keep) return;
  const lines: string[] = [];
  let octets = 0;
  for (const one of hunt.minimised()) {
    octets += one.length;
    if (lines.length >= CORPUS_MAX || octets > CORPUS_OCTETS_MAX) break;
    lines.push(Buffer.from(one).toString("hex"));
  }
  writeFileSync(fileOf(target), `${lines.filter((line) => line !== "").join("\n")}\n`);
}
