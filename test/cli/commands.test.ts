import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { completion } from "../../src/cli/completion.js";
import { CliContext } from "../../src/cli/context.js";
import { processIo } from "../../src/cli/io.js";
import { createProgram } from "../../src/cli/program.js";
import type { ConnectOptions } from "../../src/client/connect.js";
import type { Status } from "../../src/console/contract.js";
import type { AdminSocket } from "../../src/daemon/admin/socket.js";
import type { ServeOptions } from "../../src/daemon/server-process.js";
import { surroundings } from "../../src/daemon/state-directory.js";
import { type FakePort, fakePort, INCIDENT, now, type Stage, serveFake, stage } from "./support.js";

let on: Stage;
beforeEach(() => {
  on = stage();
});
afterEach(() => on.dispose());

const nothing = async () => 0;
const rooms = {
  runServer: nothing,
  runDemo: nothing,
  runConnect: nothing,
  runProbe: async () => ({ ok: true, text: "" }) as const,
  storm: () => import("../../src/storm/room.js"),
};

function tree(): Command {
  return createProgram(new CliContext(processIo(), surroundings(), rooms, "1.2.3"));
}

function* everyCommand(at: Command, path: string[] = []): IterableIterator<[string, Command]> {
  for (const one of at.commands) {
    const words = [...path, one.name()];
    yield [words.join(" "), one];
    yield* everyCommand(one, words);
  }
}

describe("every command", () => {
  const all = [...everyCommand(tree())];

  test.each(all)("%s has a description, and help with an example", async (name, one) => {
    expect(one.description()).not.toBe("");
    const { code, out } = await on.run([...name.split(" "), "--help"]);
    expect(code).toBe(0);
    expect(out).toContain("Usage: holdfast");
    if (one.commands.length === 0)
      expect(out).toMatch(/\nExamples:\n {2}\S*(sudo |source <\()?holdfast/);
  });

  test("no option of any command takes a password", () => {
    for (const [name, one] of all) {
      for (const option of one.options) {
        if (!/pass|secret/i.test(option.long ?? "")) continue;
        expect(`${name} ${option.flags}`).toMatch(
          /--password-file <file>$|--password-env <variable>$|--password-command <command>$|--password-stdin$/,
        );
      }
    }
  });

  test.each([
    ["no command", [], "Usage:"],
    ["an unknown command", ["stats"], "Did you mean status"],
    ["an unknown command of a group", ["user", "ad"], "Did you mean add"],
    ["an unknown option", ["status", "--jsn"], "Did you mean --json"],
    ["an argument too few", ["session"], "missing required argument"],
    ["an argument too many", ["status", "x"], "too many arguments"],
    ["not a number", ["session", "x"], "Not a whole number"],
    ["an unknown level", ["log-level", "loud"], "Allowed choices"],
    ["a date that is none", ["user", "set", "a", "--valid-until", "soon"], "Not a date"],
    ["two sources of a password", ["user", "add", "a", "--random", "--password-stdin"], "exclude"],
    ["a port that is none", ["connect", "h", "--user", "a", "--port", "0"], "Not a port"],
    ["no user to connect as", ["connect", "h"], "no user is named"],
  ])("%s: exit code 2, and what is wrong", async (_what, words, says) => {
    const { code, out, err } = await on.run(words);
    expect(code).toBe(2);
    expect(err).toContain(says);
    expect(out).toBe("");
    if (words.length > 0) expect(err).toMatch(/^Remedy: .+\.$/m);
  });

  test.each([
    ["status"],
    ["sessions"],
    ["session", "1"],
    ["disconnect", "all"],
    ["blocks"],
    ["block", "203.0.113.7"],
    ["unblock", "203.0.113.7"],
    ["incidents"],
    ["incidents", "show", "3"],
    ["bulletins"],
    ["notice", "show"],
    ["notice", "test"],
    ["bulletins", "show", "3"],
    ["ledger"],
    ["log-level"],
    ["reload"],
  ])("%s without a server: exit code 3 and the remedy", async (...words) => {
    const { code, err } = await on.run(words);
    expect(code).toBe(3);
    expect(err).toContain("no server runs here");
    expect(err).toContain("Remedy: ");
  });

  test("with --json a failure is JSON too", async () => {
    const { code, err } = await on.run(["status", "--json"]);
    expect(code).toBe(3);
    expect(JSON.parse(err).error).toMatchObject({
      code: 3,
      remedy: expect.stringMatching(/serve/),
    });
    const usage = await on.run(["session", "x", "--json"]);
    expect(usage.code).toBe(2);
    expect(JSON.parse(usage.err).error).toEqual({
      code: 2,
      reason: "usage",
      message: expect.stringContaining("Not a whole number"),
      remedy: "see holdfast session --help",
    });
  });
});

describe("with a server", () => {
  let admin: AdminSocket;
  let port: FakePort;
  beforeEach(async () => {
    port = fakePort();
    admin = await serveFake(on.paths, port);
  });
  afterEach(() => admin.close(0));

  test("status is loud about what its operator should know", async () => {
    const { code, out, err } = await on.run(["status"]);
    expect(code).toBe(0);
    expect(err).toContain("WARNING: legacy-9x is on");
    expect(out).toContain("legacy-9x (LEGACY: nearly no protection)");
    expect(out).toContain("1 STUCK");
    expect(out).toMatch(/^by XDP +eth0 native\n +eth1 generic \(native: the driver has none\)$/m);
  });

  test("status shows threads that are alike in one line, those that differ in lines of their own", async () => {
    const { out } = await on.run(["status"]);
    const two = "NET_ADMIN NET_RAW";
    expect(out).toMatch(
      new RegExp(`^main +42 +4: main, store, 2 others +990 +991 +${two} +${two}$`, "m"),
    );
    expect(out).toMatch(
      new RegExp(`^data worker +43 +2: main, 1 other +990 +991 +none +${two}$`, "m"),
    );
    const { processes } = JSON.parse((await on.run(["status", "--json"])).out);
    processes[0].threads[3].effective = [];
    port.status = () => ({ ...fakePort().status(), processes });
    const differing = (await on.run(["status"])).out;
    expect(differing).toMatch(/^main +42 +3: main, store, 1 other +990 +991 +NET_ADMIN NET_RAW +/m);
    expect(differing).toMatch(
      /^main +42 +1: 1 other +990 +991 +effective: none; permitted: NET_ADMIN NET_RAW; /m,
    );
  });

  test("sessions turns every page", async () => {
    const { out } = await on.run(["sessions"]);
    expect(out.trimEnd().split("\n")).toHaveLength(4);
    expect(out).toMatch(/ 1 +ann +192\.0\.2\.1 +10\.99\.0\.1 +1m 30s +12k +2\.3M +3s/);
    expect(port.asked).toEqual(["sessions after 0", "sessions after 2"]);
    const { sessions } = JSON.parse((await on.run(["sessions", "--json"])).out);
    expect(sessions).toHaveLength(3);
  });

  test("sessions of one user", async () => {
    const { out } = await on.run(["sessions", "--user", "ann"]);
    expect(out.trimEnd().split("\n")).toHaveLength(3);
    expect((await on.run(["sessions", "--user", "bob"])).err).toContain("no session");
  });

  test.each([
    ["sessions", []],
    ["sessions", ["--json"]],
    ["session", ["3"]],
    ["session", ["3", "--json"]],
  ])("%s %j: no string of a peer moves the cursor", async (command, more) => {
    const { out } = await on.run([command, ...more]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
    expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });

  test("a table fits the terminal, and only what may be cut is cut", async () => {
    const { out } = await on.run(["sessions"], { outIsTerminal: true, columns: 100 });
    for (const line of out.trimEnd().split("\n")) expect(line.length).toBeLessThanOrEqual(100);
    expect(out).toContain("192.0.2.1");
    expect(out).toContain("…");
  });

  test("session: terms, counters, negotiation; one that is gone: exit code 4", async () => {
    const { out } = await on.run(["session", "1"]);
    expect(out).toContain("LCP Opened, CCP Opened, IPCP Opened, IPV6CP Closed");
    expect(out).toContain("send 0xffffffff, receive 0xffffffff");
    expect(out).toContain("Negotiation\n  < LCP Configure-Request");
    expect(out).toMatch(/^rate +up 10Mbit\/s, down no limit$/m);
    expect(out).toMatch(/^over the rate +17 packets up, 4 down, all dropped$/m);
    const gone = await on.run(["session", "99"]);
    expect(gone).toMatchObject({ code: 4, out: "" });
  });

  test.each([
    [["4"], '{"id":4}', 4],
    [["2"], '{"id":2}', 0],
    [["ann"], '{"user":"ann"}', 0],
    [["all"], '{"all":true}', 0],
    [["all", "--user"], '{"user":"all"}', 0],
    [["7", "--user"], '{"user":"7"}', 0],
  ])("disconnect %j asks for %s", async (words, target, code) => {
    expect((await on.run(["disconnect", ...words])).code).toBe(code);
    expect(port.asked).toEqual([`disconnect ${target}`]);
  });

  test("ledger: every page, the stuck ones, the counts", async () => {
    const { out } = await on.run(["ledger"]);
    expect(out).toMatch(/1 +callId +call 1 +4711 +1m 1s +held/);
    expect(out).toMatch(/2 +callId +call 1 +4711 +1m 1s +STUCK +EBUSY/);
    expect((await on.run(["ledger", "--only", "stuck"])).out).not.toMatch(/ held /);
    expect((await on.run(["ledger", "--summary", "--json"])).out).toContain('"callId": 2');
  });

  test("blocks: who, how often and why, and what the kernel dropped", async () => {
    const { out, err } = await on.run(["blocks"]);
    expect(out).toMatch(/203\.0\.113\.7 .* 1 +failed log-ins/);
    expect(err).toContain("dropped 7 attempts to connect and 9 GRE packets");
  });

  test("block and unblock ask for what they say", async () => {
    const words = ["198.51.100.9", "--for", "12h", "--reason", "ticket 4711"];
    expect((await on.run(["block", ...words])).out).toContain("198.51.100.9");
    expect((await on.run(["unblock", "203.0.113.7"])).code).toBe(0);
    expect((await on.run(["unblock", "203.0.113.8"])).code).toBe(4);
    expect(port.asked).toEqual([
      "block 198.51.100.9 43200 ticket 4711",
      "unblock 203.0.113.7",
      "unblock 203.0.113.8",
    ]);
    expect((await on.run(["block", "203.0.113.0/24"])).out).toContain("203.0.113.0/24");
    for (const wrong of [["2001:db8::1"], ["203.0.113.7/24"], ["198.51.100.9", "--for", "1y"]]) {
      expect((await on.run(["block", ...wrong])).code).toBe(2);
    }
  });

  test("incidents: one a line, how long and how much, sessions lost", async () => {
    const { out } = await on.run(["incidents"]);
    expect(out).toMatch(/^ +4 .* GOES ON +5120 +300015 +1 +1 +data gre-flags$/m);
    expect(out).toMatch(/^ +3 +2027-01-02T02:54:05Z +1m 0s +over +5120 /m);
    expect(out).toMatch(/^ +2 .* server lost /m);
    await on.run(["incidents", "--most", "7"]);
    expect(port.asked).toEqual(["incidents 50", "incidents 7"]);
  });

  test("incidents show: reasons, sources that may be forged, effect, blocks; none: exit code 4", async () => {
    const { out } = await on.run(["incidents", "show", "3"]);
    expect(out).toMatch(/^reasons +300000 data gre-flags\n +15 malformed Magic Cookie$/m);
    expect(out).toContain("203.0.113.7: at least 12, proven by TCP");
    expect(out).toContain("203.0.113.8: about 290000 GRE packets, source may be forged");
    expect(out).toContain("50 at its begin; 3 sessions ended meanwhile");
    expect(out).toContain("(2 peer-terminated, 1 echo-timeout), 1 of them LOST");
    expect(out).toMatch(/^blocked +203\.0\.113\.7: malformed control messages$/m);
    for (const words of [
      ["show", "3", "--json"],
      ["--json", "show", "3"],
    ]) {
      expect(JSON.parse((await on.run(["incidents", ...words])).out)).toEqual(INCIDENT);
    }
    expect(await on.run(["incidents", "show", "9"])).toMatchObject({ code: 4, out: "" });
  });

  test("bulletins: one a line, in a language; one in every form; none: exit code 4", async () => {
    const { out } = await on.run(["bulletins"]);
    expect(out).toMatch(/^ +3 +HIGH +2027-.*Z +2027-.*Z +2 +Refused: a stream of malformed GRE/m);
    await on.run(["bulletins", "list", "--most", "7", "--lang", "ja"]);
    expect(port.asked).toEqual(["bulletins 50 en", "bulletins 7 ja"]);
    const show = async (...words: string[]) =>
      (await on.run(["bulletins", "show", "3", ...words])).out;
    expect(await show()).toMatch(/^Bulletin 3: .*\n\nSeverity: HIGH\nState: over\n/);
    expect(await show("--lang", "ja")).toMatch(/^セキュリティ情報 3: .*\n\n深刻度: 高\n/);
    expect(await show("--format", "markdown")).toMatch(/^# Bulletin 3: /);
    expect(await show("--format", "html", "--lang", "ja")).toMatch(
      /<html lang="ja">.*content="default-src/s,
    );
    expect(JSON.parse(await show("--format", "json"))).toMatchObject({ number: 3, language: "en" });
    expect(await on.run(["bulletins", "show", "9"])).toMatchObject({ code: 4, out: "" });
  });

  test("notice: how each way does; a test that fails: exit code 1, none on: 4", async () => {
    const { out } = await on.run(["notice", "show"]);
    expect(out).toMatch(/^mail +noc@example\.org by smtp\.example\.org:587$/m);
    expect(out).toMatch(/^notices +2 wait, 5 sent, 3 tries failed, 0 given up$/m);
    expect(out).toMatch(/^last failure .*connect ECONNREFUSED$/m);
    expect(out).toMatch(/^webhook +not on$/m);
    const tested = await on.run(["notice", "test"]);
    expect(tested.code).toBe(1);
    expect(tested.out).toContain(": NOT SENT: 535 no\\u{1b}[2J");
    expect(port.asked).toEqual(["test notices"]);
    port.testNotices = async () => ({ results: [] });
    expect(await on.run(["notice", "test"])).toMatchObject({ code: 4, out: "" });
  });

  test("status says of an incident in one line", async () => {
    expect((await on.run(["status"])).out).toMatch(/^incident +none$/m);
    const incident = { number: 4, begin: now, perSecond: 9, refused: 88, reason: "data gre-flags" };
    port.status = () => ({ ...(fakePort().status() as Status), incident });
    expect((await on.run(["status"])).out).toMatch(
      /^incident +4, since .*: 9 a second now, 88 in all, mostly data gre-flags \(holdfast incidents/m,
    );
  });

  test("log-level shows and changes", async () => {
    expect((await on.run(["log-level"])).out).toBe("info\n");
    expect((await on.run(["log-level", "debug"])).out).toBe("debug\n");
    expect((await on.run(["log-level", "--json"])).out).toContain('"debug"');
  });

  test("reload says what counts now and what waits", async () => {
    const { out, err } = await on.run(["reload"]);
    expect(out).toContain("applied        log.level (at once)");
    expect(out).toContain("needs restart  listen.port");
    expect(err).toContain("Note: careful");
  });

  test("doctor: what is wrong, where, the remedy; exit code 1", async () => {
    const { code, out } = await on.run(["doctor"]);
    expect(code).toBe(1);
    expect(out).toContain(
      "WRONG    tun: no\n          where: /dev\n          remedy: modprobe tun",
    );
    expect(out).not.toContain("port: yes");
    expect((await on.run(["doctor", "--all"])).out).toContain("port: yes");
  });
});

describe("without a server", () => {
  test("config check: right is 0, wrong is 5 with line, key and remedy", async () => {
    const file = join(on.paths.directory, "x.yaml");
    writeFileSync(file, "listen:\n  prot: 1\n");
    const wrong = await on.run(["config", "check", file]);
    expect(wrong.code).toBe(5);
    expect(wrong.err).toContain(`${file}:2: listen.prot: unknown key under listen`);
    expect(wrong.out).toBe("");
    writeFileSync(file, "network: {mtu: 1500}\n");
    const noted = await on.run(["config", "check", "--config", file]);
    expect(noted).toMatchObject({ code: 0, out: `${file}: in order\n` });
    expect(noted.err).toContain("Note: ");
    expect((await on.run(["config", "check", "/nonexistent"])).code).toBe(5);
  });

  test("config check and show take the state directory's file, else the defaults", async () => {
    expect((await on.run(["config", "check"])).out).toContain("No file: the defaults");
    writeFileSync(on.paths.config, "listen: {port: 1999}\n");
    expect((await on.run(["config", "check"])).out).toContain(on.paths.config);
    expect((await on.run(["config", "show"])).out).toMatch(/port: 1999\n/);
    expect(JSON.parse((await on.run(["config", "show", "--json"])).out).listen.port).toBe(1999);
  });

  test("config schema is a JSON Schema", async () => {
    const schema = JSON.parse((await on.run(["config", "schema"])).out);
    expect(schema.properties.listen.properties.port.maximum).toBe(65_535);
  });

  test("version", async () => {
    expect((await on.run(["version"])).out).toContain("holdfast 1.2.3, Node v");
    expect((await on.run(["--version"])).out).toBe("1.2.3\n");
  });

  test("serve and connect hand over what was given, and their exit code", async () => {
    const seen: (ServeOptions | ConnectOptions)[] = [];
    const room = async (options: ServeOptions | ConnectOptions) => {
      seen.push(options);
      return 6;
    };
    const serve = ["serve", "--config", "/c", "--state", "/s", "--log-level", "debug"];
    expect((await on.run(serve, {}, { runServer: room })).code).toBe(6);
    const words = ["connect", "192.0.2.1", "--user", "ann", "--password-stdin", "--port", "99"];
    const typed = { readAll: () => "pass word\nmore" };
    expect((await on.run(words, typed, { runConnect: room })).code).toBe(6);
    expect(seen).toEqual([
      { config: "/c", state: "/s", logLevel: "debug", logFormat: undefined },
      expect.objectContaining({
        server: "192.0.2.1",
        user: "ann",
        password: "pass word",
        port: 99,
      }),
    ]);
  });

  test("a fault of ours is said as one", async () => {
    const { code, err } = await on.run(["serve"]);
    expect(code).toBe(1);
    expect(err).toContain("a fault of ours");
  });
});

describe("completion", () => {
  test("bash takes it, and completes commands, subcommands, options and choices", () => {
    const script = completion("bash", tree());
    const complete = (...words: string[]) => {
      const list = words.map((word) => `'${word}'`).join(" ");
      const asked = `COMP_WORDS=(holdfast ${list}); COMP_CWORD=${words.length}; _holdfast; echo "\${COMPREPLY[@]}"`;
      const { stdout, stderr, status } = spawnSync("bash", ["-c", `${script}\n${asked}`]);
      expect(stderr.toString()).toBe("");
      expect(status).toBe(0);
      return stdout.toString().trim().split(" ");
    };
    expect(complete("sess")).toEqual(["sessions", "session"]);
    expect(complete("user", "")).toContain("import");
    expect(complete("user", "add", "--ro")).toEqual(["--route"]);
    expect(complete("log-level", "de")).toEqual(["debug"]);
    expect(complete("--state", "user", "stat")).toEqual(["status"]);
    expect(complete("completion", "z")).toEqual(["zsh"]);
  });

  test.each(["bash", "zsh", "fish"] as const)("%s: every command and option is in it", (shell) => {
    const script = completion(shell, tree());
    for (const [name, one] of everyCommand(tree())) {
      expect(script).toContain(name);
      for (const { long } of one.options) {
        expect(script).toContain(shell === "fish" ? `-l ${long?.slice(2)}` : long);
      }
    }
    const [checker] = shell === "bash" ? ["bash"] : [`/usr/bin/${shell}`];
    if (shell !== "bash" && !existsSync(checker ?? "")) return;
    expect(spawnSync(checker ?? "", ["-n"], { input: script }).stderr.toString()).toBe("");
  });
});
