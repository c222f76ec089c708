// `npm run sim` as somebody with a failed run in front of him uses it.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { replayable } from "./replay.js";
import { World } from "./world.js";

const root = fileURLToPath(new URL("../../", import.meta.url));

type Ended = { readonly code: number; readonly text: string };

function shell(command: string): Promise<Ended> {
  // The runner's own variables would make the inner one its worker.
  const own = /^(VITEST|HOLDFAST_SIM|NODE_ENV|TEST$)/;
  const kept = Object.entries(process.env).filter(([name]) => !own.test(name));
  const env = { ...Object.fromEntries(kept), NO_COLOR: "1" };
  return new Promise((resolve) => {
    execFile("sh", ["-c", command], { cwd: root, env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), text: stdout + stderr });
    });
  });
}

describe("a failed run is seen again", () => {
  test("by the command it prints: that seed alone, with the same digest", async () => {
    const lease = () => {
      throw new Error("a lease was kept");
    };
    let said = "";
    try {
      replayable(7, lease);
    } catch (failure) {
      said = String(failure);
    }
    expect(said).toMatch(/^Error: seed 7: Error: a lease was kept/);
    const command = /^again: (.*)$/m.exec(said)?.[1] ?? "";
    expect(command).toBe(
      "HOLDFAST_SIM_SEED=7 HOLDFAST_SIM_RUNS=1 npx vitest run test/sim/sim.test.ts",
    );
    const { code, text } = await shell(command);
    expect(code, text).toBe(0);
    expect(text.match(/^seed \d+: /gm)).toEqual(["seed 7: "]);
    expect(text).toContain(`seed 7: ${new World(7).run().digest}`);
  }, 120_000);

  // A fresh seed each time, which the text says if it fails; a night's run is in CONTRIBUTING.
  test("whole servers, of a fresh seed: all is given back, and again it is the same to the digest", async () => {
    const first = await shell("npm run sim -- --callers 60 --runs 2");
    expect(first.code, first.text).toBe(0);
    const seed = /^seed (\d+): /m.exec(first.text)?.[1];
    const digests = (text: string) => text.match(/^seed \d+: [0-9a-f]{16}/gm);
    expect(digests(first.text)).toHaveLength(2);
    const again = await shell(`npm run sim -- --callers 60 --seed ${seed} --runs 2`);
    expect(digests(again.text), first.text).toEqual(digests(first.text));
    const last = (text: string) => text.trimEnd().split("\n").at(-1);
    expect(last(first.text)).toMatch(/^digest [0-9a-f]{16}$/);
    expect(last(again.text)).toBe(last(first.text));
  }, 240_000);

  test("whole servers, of a fresh seed, with either engine: the same to the digest", async () => {
    const words = "npm run sim -- --callers 60 --runs 3";
    const alone = await shell(`${words} --engine typescript`);
    expect(alone.code, alone.text).toBe(0);
    const seed = /^seed (\d+): /m.exec(alone.text)?.[1];
    const lane = await shell(`${words} --engine wasm --seed ${seed}`);
    const runs = (text: string) => text.match(/^seed .* steps/gm);
    expect(runs(alone.text)).toHaveLength(3);
    expect(runs(lane.text), alone.text).toEqual(runs(alone.text));
    // It was the lane that took them.
    expect(alone.text).toContain('"byLane":0,');
    expect(lane.text).toMatch(/"engines":\{"wasm":3\},"byLane":[1-9]/);
  }, 240_000);

  test.each([
    ["--engine lane", "--engine lane"],
    ["--seed x", "--seed x"],
    ["--seed -1", "--seed"],
    ["--seed 4294967296", "--seed 4294967296"],
    ["--runs 0", "--runs 0"],
    ["--sead 7", "--sead"],
    ["7", "7"],
  ])("%s: refused with what is wrong and the usage", async (words, named) => {
    const { code, text } = await shell(`node test/sim/run.mjs ${words}`);
    expect(code).toBe(2);
    expect(text).toContain(named);
    expect(text).toContain("usage: npm run sim -- [--seed N] [--callers M] [--runs M]");
  });
});
