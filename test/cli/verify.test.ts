// Which configuration `holdfast verify` judges, and that it says so.
import { writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CliContext } from "../../src/cli/context.js";
import { processIo } from "../../src/cli/io.js";
import { configOf } from "../../src/cli/verify.js";
import { surroundings } from "../../src/daemon/state-directory.js";
import { fakePort, type Stage, serveFake, stage } from "./support.js";

const refuse = async (): Promise<never> => {
  throw new Error("this test starts no room");
};

let on: Stage;
let context: CliContext;
beforeEach(() => {
  on = stage();
  const rooms = {
    ...{ runServer: refuse, runDemo: refuse, runConnect: refuse, runProbe: refuse },
    storm: refuse,
  };
  context = new CliContext(processIo(), surroundings(), rooms, "1.2.3");
});
afterEach(() => on.dispose());

async function found(running?: string) {
  const port = fakePort();
  const config = () => ({ file: "/etc/holdfast/holdfast.yaml", text: running ?? "" });
  const admin = running === undefined ? undefined : await serveFake(on.paths, { ...port, config });
  try {
    return await configOf(context, { state: on.paths.directory });
  } finally {
    await admin?.close();
  }
}

test("no server: the file's, and that none runs", async () => {
  expect((await found()).from).toBe("the defaults: no server runs here");
  writeFileSync(on.paths.config, "guard: {block: false}\n");
  const { from, config } = await found();
  expect([from, config.guard.block]).toEqual([`of ${on.paths.config}: no server runs here`, false]);
});

test("a server: its own, whatever the file says", async () => {
  writeFileSync(on.paths.config, "guard: {block: true}\n");
  const { from, config } = await found("guard: {block: false}\n");
  expect([from, config.guard.block]).toEqual(["of the running server", false]);
});

test("a server whose configuration is none to this version: the file's, and why", async () => {
  const { from } = await found("of_another_version: true\n");
  expect(from).toBe("the defaults: what the running server has does not load here");
});
