// Coverage-guided fuzzing, short: every target replays its corpus and is hunted for so many inputs from a
// fresh seed, which a finding prints. Longer: `npm run fuzz -- --seconds 600`.
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { Chance } from "../../src/base/chance.js";
import { edge, Hunt } from "./guided/hunt.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const directory = fileURLToPath(new URL("corpus", import.meta.url));

function fuzz(...words: string[]): Promise<{ readonly code: number; readonly text: string }> {
  const own = /^(VITEST|NODE_ENV|TEST$)/;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
  return new Promise((resolve) => {
    const all = ["test/fuzz/guided/run.mjs", ...words];
    execFile(process.execPath, all, { cwd: root, env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), text: stdout + stderr });
    });
  });
}

/** Machines of a few lines. */
const FEW =
  /^(blocks|flow-slots|heavy-hitters|link-framer|log-in-holds|octet-ring|prefix-pool|send-window|session-history)$/;

/** Beyond its corpus, whatever time they take. */
const INPUTS = 128;

describe("coverage-guided fuzzing", () => {
  test("every target: its corpus again, and some inputs of a hunt", async () => {
    const { code, text } = await fuzz("--inputs", String(INPUTS));
    expect(code, text).toBe(0);
    const rows = [
      ...text.matchAll(/^(\S+): (\d+) of the corpus took (\d+) branches; (\d+) inputs/gm),
    ];
    const kept = readdirSync(directory).map((name) => name.replace(/\.txt$/, ""));
    expect(rows.map(([, name]) => name).sort()).toEqual(kept.sort());
    for (const [, name, corpus, branches, inputs] of rows) {
      expect(Number(corpus), name).toBeGreaterThan(0);
      // The instrument counts, and the corpus reaches far.
      expect(Number(branches), name).toBeGreaterThan(FEW.test(name ?? "") ? 7 : 20);
      expect(Number(inputs), name).toBeGreaterThanOrEqual(Number(corpus) + INPUTS);
    }
  }, 240_000);

  test("what it sees leads it to a fault that blind it does not find", async () => {
    // The one ends when it finds it, however slow the machine.
    const guided = await fuzz("--target", "maze", "--seconds", "60");
    const blind = await fuzz("--target", "maze-blind", "--seconds", "1");
    expect(guided.text).toContain("the end of the maze");
    expect(guided.code).toBe(1);
    expect(blind.code, blind.text).toBe(0);
    const input = /--input ([0-9a-f]+)/.exec(guided.text)?.[1] ?? "";
    const again = await fuzz("--target", "maze", "--input", input);
    expect(again.text).toContain("the end of the maze");
  }, 120_000);

  test("what runs between inputs hides none of their branches", () => {
    edge(7);
    const hunt = new Hunt({ name: "one", seeds: [], run: () => edge(7) }, new Chance(1));
    hunt.try(new Uint8Array());
    expect(hunt.edges).toBe(1);
  });

  test("the corpora are small", () => {
    for (const name of readdirSync(directory)) {
      expect(readFileSync(`${directory}/${name}`).length, name).toBeLessThan(100_000);
    }
  });

  test.each([
    ["--seconds x"],
    ["--inputs x"],
    ["--seed 4294967296"],
    ["--input 00"],
    ["--target none"],
  ])("%s: refused", async (words) => {
    expect((await fuzz(...words.split(" "))).code).toBe(2);
  });
});
