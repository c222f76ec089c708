// A wrong configuration at start and at reload, a second server, a port that is taken: said with the
// place and the remedy, and nothing changed.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../lab/place.js";
import { needRoot } from "../peers.js";
import type { Caller } from "./caller.js";
import { BASE_CONFIG, Scene } from "./scene.js";

const anna = { name: "anna", password: "correct-Horse-7" };

/** As an operator writes it: the place of a fault is a line of this. */
function yaml(lines: readonly string[]): string {
  return `${[
    "addresses:",
    "  pool: [10.99.0.0/24]",
    "  gateway: 10.99.0.1",
    "client:",
    "  dns: []",
    "network:",
    "  tun: hft0",
    ...lines,
  ].join("\n")}\n`;
}

const faults: readonly (readonly [string, readonly string[], RegExp])[] = [
  ["a key that does not exist", ["usres:", "  sessionsPerUser: 2"], /:8:.*usres/],
  ["a value of another kind", ["users:", "  sessionsPerUser: many"], /:9:.*users\.sessionsPerUser/],
  ["a value out of range", ["listen:", "  port: 70000"], /:9:.*listen\.port/],
  ["no YAML at all", ["listen: [", "x"], /:[0-9]+:/],
  [
    "what can never connect: encryption required with PAP alone",
    ["defaultProfile:", "  authentication: [pap]"],
    /defaultProfile/,
  ],
];

describe.runIf(needRoot())("a wrong configuration", () => {
  test.each(faults)("at start, %s: code 5, its line, and nothing made", async (_, lines, said) => {
    await using scene = new Scene();
    writeFileSync(scene.configFile, yaml(lines));
    const refused = await scene.refused();
    expect(refused.stderr).toMatch(said);
    expect(refused.stderr).toContain(scene.configFile);
    expect(refused.code).toBe(5);
    expect(existsSync(scene.state)).toBe(false);
    expect(scene.server.ip("-brief", "link", "show")).not.toContain("hft0");
  });

  test("at start, no such file: said, and nothing made", async () => {
    await using scene = new Scene();
    const refused = await scene.refused("--config", join(scene.directory, "none.yaml"));
    expect(refused.code).toBe(5);
    expect(refused.stderr).toContain("none.yaml");
    expect(existsSync(scene.state)).toBe(false);
  });

  test.each([
    ["/proc/nowhere", /ENOENT/, "name a --state in a place where directories can be made"],
    ["/proc/nowhere/below/it", /ENOENT/, "name a --state in a place where directories can be made"],
    ["/proc/self/x", /ENOENT/, "name a --state in a place where directories can be made"],
    ["/dev/null", /ENOTDIR/, "name another --state"],
    ["/dev/null/x", /ENOTDIR/, "name a --state in a place where directories can be made"],
    ["/usr", /other things than holdfast's/, "name a --state of its own"],
  ])("at start, --state %s: said at once with the remedy, and nothing made", async (...row) => {
    const [state, said, remedy] = row;
    await using scene = new Scene();
    const refused = await scene.refused("--state", state);
    expect(refused.stderr).toMatch(said);
    expect(refused.stderr).toContain(`Remedy: ${remedy}`);
    expect(refused.stderr).not.toContain("fault of ours");
    expect(refused.code).toBe(6);
    expect(scene.server.ip("-brief", "link", "show")).not.toContain("hft0");
  });

  test("at start, over a state directory that is in use already: its files are as before", async () => {
    await using scene = await Scene.started();
    expect(await scene.stop()).toBe(0);
    const files = () =>
      readdirSync(scene.state, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .map((path) => [path, readFileSync(path).toString("base64").length]);
    const before = files();
    writeFileSync(scene.configFile, yaml(["listen:", "  port: 0"]));
    expect((await scene.refused()).code).toBe(5);
    expect(files()).toEqual(before);
  });
});

describe.runIf(needRoot())("reload", () => {
  let scene: Scene;
  let caller: Caller;

  beforeAll(async () => {
    scene = await Scene.started();
    caller = await scene.caller(await scene.addUser(anna));
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  test.each(faults)("%s: refused with its line, the old one goes on", async (_, lines, said) => {
    const good = readFileSync(scene.configFile);
    writeFileSync(scene.configFile, yaml(["log:", "  level: debug", ...lines].slice(2)));
    const reloaded = await scene.cli(["reload"]);
    writeFileSync(scene.configFile, good);
    expect(reloaded.stderr).toMatch(said);
    expect(reloaded.stderr).toContain("the old configuration goes on");
    expect(reloaded.code).toBe(4);
    const { status, body } = await scene.admin("GET", "/log-level");
    expect([status, body]).toEqual([200, { level: "info" }]);
    await caller.ping();
  });

  test("SIGHUP with a fault: the same in the log", async () => {
    const good = readFileSync(scene.configFile);
    const said = () => scene.lines("configuration not reloaded");
    const before = said().length;
    writeFileSync(scene.configFile, yaml(["usres:", "  sessionsPerUser: 2"]));
    scene.signal("SIGHUP");
    await until("it is said", 20, () => said().length > before);
    writeFileSync(scene.configFile, good);
    expect(said()).toHaveLength(before + 1);
    expect(said().at(-1)?.reason).toMatch(/:8:.*usres/);
    await caller.ping();
  });

  test("a change applies without dropping sessions, and what needs a restart is told", async () => {
    scene.configure({
      log: { format: "json", level: "debug" },
      users: { sessionsPerUser: 3 },
      listen: { port: 1724 },
      network: { ...BASE_CONFIG.network, reachHost: true },
    });
    const { code, stdout } = await scene.cli(["reload", "--json"]);
    expect(code).toBe(0);
    const { applied, needsRestart } = JSON.parse(stdout) as Record<string, { key: string }[]>;
    expect(applied?.map(({ key }) => key).sort()).toEqual([
      "log.level",
      "network.reachHost",
      "users.sessionsPerUser",
    ]);
    expect(needsRestart).toMatchObject([
      { key: "listen.port", why: "calls are bound to the address they came to" },
    ]);
    const status = await scene.status();
    expect(status.logLevel).toBe("debug");
    expect(status.listening).toEqual([{ address: "0.0.0.0", port: 1723 }]);
    expect(status.sessions.now).toBe(1);
    await caller.ping();
    // Three at once of an account that may have had one.
    const second = await scene.caller(anna);
    await second.ping();
    await caller.ping();
    await second.end();
    const words = await scene.cli(["reload"]);
    expect(words.stdout).toMatch(/listen\.port/);
    const [logged] = await scene.logged("configuration reloaded");
    expect(logged?.needsRestart).toEqual([
      "listen.port: calls are bound to the address they came to",
    ]);
  });

  test("SIGHUP applies it as well", async () => {
    scene.configure({});
    scene.signal("SIGHUP");
    await until("it is applied", 20, async () => (await scene.status()).logLevel === "info");
    await scene.logged("configuration reloaded");
    await caller.ping();
    expect(caller.over).toBe(false);
    expect((await scene.accounting()).filter(({ endedAt }) => endedAt === null)).toHaveLength(1);
  });
});

describe.runIf(needRoot())("somebody is there already", () => {
  test("a second server on the same state directory: refused, says who has it; the first goes on", async () => {
    await using scene = await Scene.started();
    const caller = await scene.caller(await scene.addUser(anna));
    const refused = await scene.refused();
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`held by process ${scene.pid}`);
    expect(refused.stderr).toMatch(/cli\/main\.js serve/);
    expect(refused.stderr).toContain("stop it, or name another --state");
    await caller.ping();
    expect((await scene.status()).sessions.now).toBe(1);
    // What the command line changes goes through it, not past it.
    const added = await scene.cli(["user", "add", "bert", "--password-stdin"], "correct-Horse-8\n");
    expect(added.code).toBe(0);
    expect((await scene.admin("GET", "/users/bert")).status).toBe(200);
    await caller.end();
    expect(await scene.stop()).toBe(0);
  });

  test("port 1723 in use: says what to do, and gives all back", async () => {
    await using scene = new Scene();
    const kernel = () => [
      scene.server.ip("-4", "-o", "address"),
      scene.server.ip("-4", "route", "show", "table", "all"),
    ];
    const before = kernel();
    const listening =
      'require("net").createServer().listen(1723, "0.0.0.0", () => console.log("1"))';
    const words = ["netns", "exec", scene.server.name, process.execPath, "-e", listening];
    const other = spawn("ip", words, { stdio: ["ignore", "pipe", "inherit"] });
    await once(other.stdout, "data");
    try {
      const refused = await scene.refused();
      expect(refused.code).toBe(1);
      expect(refused.stderr).toMatch(/cannot listen on 0\.0\.0\.0:1723: EADDRINUSE/);
      expect(refused.stderr).toMatch(
        /another server \(pptpd, accel-ppp.*stop it, or change listen\.port/,
      );
      expect(kernel()).toEqual(before);
      expect(scene.server.run("nft", "list", "tables")).toBe("");
    } finally {
      other.kill();
      await once(other, "exit");
    }
    await scene.start();
    expect(await scene.stop()).toBe(0);
  });
});

describe.runIf(needRoot())("a profile for old clients", () => {
  const legacy = [{ name: "legacy-9x", enabled: true, from: ["192.0.2.0/28"] }];
  const loud = /^LEGACY PROFILE legacy-9x IS ON: /;
  const said = (scene: Scene) =>
    scene
      .log()
      .split("\n")
      .filter((line) => line.includes('"level":"warn"') && line.includes("LEGACY"));

  test("on at the start: loud in log and status", async () => {
    await using scene = await Scene.started({ config: { profiles: legacy } });
    expect(said(scene)).toHaveLength(1);
    const { warnings, profiles } = await scene.status();
    expect(warnings).toContainEqual(expect.stringMatching(loud));
    expect(profiles[0]).toMatchObject({ name: "legacy-9x", legacy: true });
    expect((await scene.cli(["status"])).stderr).toMatch(/WARNING: LEGACY PROFILE legacy-9x IS ON/);
    expect(await scene.stop()).toBe(0);
  });

  test("turned on by a reload: as loud; off by default, and off again: silent", async () => {
    await using scene = await Scene.started();
    expect(said(scene)).toEqual([]);
    expect((await scene.status()).warnings.join()).not.toContain("LEGACY");
    scene.configure({ profiles: legacy });
    expect((await scene.cli(["reload"])).code).toBe(0);
    await expect.poll(() => said(scene)).toHaveLength(1);
    expect((await scene.status()).warnings).toContainEqual(expect.stringMatching(loud));
    expect((await scene.cli(["reload"])).code).toBe(0);
    expect(said(scene)).toHaveLength(1);
    scene.configure({});
    expect((await scene.cli(["reload"])).code).toBe(0);
    expect((await scene.status()).warnings.join()).not.toContain("LEGACY");
    expect(await scene.stop()).toBe(0);
  });
});
