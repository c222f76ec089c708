// Account commands without a server: the file itself, under the server's lock.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AccountService } from "../../src/daemon/admin/account-service.js";
import type { AdminSocket } from "../../src/daemon/admin/socket.js";
import { loadConfig } from "../../src/daemon/config/load.js";
import { storeTerms } from "../../src/daemon/config/store-terms.js";
import { lockFile } from "../../src/os/lock-file.js";
import type { Store } from "../../src/store/port.js";
import { openStore } from "../../src/store/sqlite-store.js";
import { fakePort, type Stage, serveFake, stage } from "./support.js";

let on: Stage;
beforeEach(() => {
  on = stage();
});
afterEach(() => on.dispose());

const typed = (text: string) => ({ readAll: () => text });
const add = (name: string, ...more: string[]) =>
  on.run(["user", "add", name, "--password-stdin", ...more], typed("secret-Pw1\n"));

async function serverUp(changed: string[] = []): Promise<{ store: Store; admin: AdminSocket }> {
  const opened = await openStore({ databasePath: on.paths.database, keyPath: on.paths.keyFile });
  if (!opened.ok) throw new Error(opened.message);
  const loaded = loadConfig("", "defaults");
  if (loaded.ok) await opened.store.configure(storeTerms(loaded.config));
  const accounts = new AccountService(opened.store, (name, event) => {
    changed.push(`${name} ${event}`);
  });
  return { store: opened.store, admin: await serveFake(on.paths, fakePort(accounts)) };
}

/** The same commands, the same words, whichever way the accounts are reached. */
describe.each(["in the file", "through the server"])("%s", (way) => {
  let up: Awaited<ReturnType<typeof serverUp>> | undefined;
  const changed: string[] = [];
  beforeEach(async () => {
    changed.length = 0;
    if (way === "through the server") up = await serverUp(changed);
  });
  afterEach(async () => {
    await up?.admin.close(0);
    await up?.store.close();
    up = undefined;
  });

  test("add, show, list, set, disable, enable, remove", async () => {
    const added = await add("ann", "--address", "10.98.0.9", "--route", "192.168.7.0/24", "--json");
    expect(added.code, added.err).toBe(0);
    expect(JSON.parse(added.out)).toMatchObject({
      name: "ann",
      enabled: true,
      staticAddress: "10.98.0.9",
      routes: ["192.168.7.0/24"],
      hasClearText: false,
    });
    expect(added.out + added.err).not.toContain("secret-Pw1");
    expect((await add("bob", "--disabled")).code).toBe(0);
    const { accounts } = JSON.parse((await on.run(["user", "list", "--json"])).out);
    expect(
      accounts.map((one: { name: string; enabled: boolean }) => [one.name, one.enabled]),
    ).toEqual([
      ["ann", true],
      ["bob", false],
    ]);
    const rates = async (up: string, down: string) => {
      const words = ["user", "set", "ann", "--rate-up", up, "--rate-down", down, "--json"];
      const { upBitsPerSecond, downBitsPerSecond } = JSON.parse((await on.run(words)).out);
      return [upBitsPerSecond, downBitsPerSecond];
    };
    expect(await rates("10M", "512k")).toEqual([10_000_000, 512_000]);
    const shown = (await on.run(["user", "show", "ann"])).out;
    expect(shown).toMatch(/rate from it +10Mbit\/s/);
    expect(shown).toMatch(/rate towards it +512kbit\/s/);
    expect(await rates("unlimited", "none")).toEqual([0, null]);
    const set = ["user", "set", "ann", "--address", "none", "--idle-seconds", "600", "--json"];
    expect(JSON.parse((await on.run(set)).out)).toMatchObject({
      staticAddress: null,
      idleSecondsMax: 600,
      routes: ["192.168.7.0/24"],
    });
    expect((await on.run(["user", "enable", "bob"])).out).toContain("bob may log in");
    expect((await on.run(["user", "disable", "bob"])).code).toBe(0);
    expect((await on.run(["user", "remove", "bob"])).code).toBe(0);
    expect((await on.run(["user", "show", "bob"])).code).toBe(4);
    if (up !== undefined)
      expect(changed.filter((one) => one !== "ann terms")).toEqual(["bob disabled", "bob removed"]);
  });

  test.each([
    ["a name that is taken", ["user", "add", "ann", "--password-stdin"], "already"],
    ["an unknown name", ["user", "passwd", "zed", "--random"], "no account"],
    ["a control character", ["user", "add", "a\u0007b", "--password-stdin"], "control"],
    ["an address that is none", ["user", "set", "ann", "--address", "10.0.0"], "IPv4 address"],
    ["host bits in a route", ["user", "set", "ann", "--route", "10.0.0.1/24"], "host bits"],
    ["a route into the pool", ["user", "set", "ann", "--route", "10.99.0.0/25"], "not possible"],
    ["hours that are none", ["user", "set", "ann", "--hours", "sometimes"], "hours"],
  ])("%s: exit code 4, nothing changed", async (_what, words, says) => {
    await add("ann");
    const before = (await on.run(["user", "list", "--json"])).out;
    const { code, err, out } = await on.run(words, typed("other-Pw2"));
    expect(err).toContain(says);
    expect(code).toBe(4);
    expect(out).toBe("");
    expect((await on.run(["user", "list", "--json"])).out).toBe(before);
    const leftOver = readdirSync(on.paths.directory).filter((name) => name.startsWith("password"));
    expect(leftOver).toEqual([]);
  });

  test.each([
    ["10", "write 10M"],
    ["10Mbit", "for example 10M"],
    ["200G", "unlimited"],
    ["0", "unlimited"],
  ])("a rate of %s: exit code 2, nothing changed, and what to write", async (rate, says) => {
    await add("ann", "--rate-up", "1M");
    const before = (await on.run(["user", "list", "--json"])).out;
    expect(before).toContain('"upBitsPerSecond":1000000'.replace(":", ": "));
    const { code, err } = await on.run(["user", "set", "ann", "--rate-up", rate]);
    expect(code).toBe(2);
    expect(err).toContain("--rate-up");
    expect(err).toContain(says);
    expect((await on.run(["user", "list", "--json"])).out).toBe(before);
  });

  test("an import is dry until --apply, and says of every line what becomes of it", async () => {
    await add("ann");
    const file = join(on.paths.directory, "chap-secrets");
    writeFileSync(
      file,
      '# x\ncarl * "pw 1" *\nann * other *\nbroken line\ndora * @/etc/passwd *\n',
    );
    const dry = await on.run(["user", "import", file]);
    expect(dry.code).toBe(1);
    expect(dry.out).toMatch(/2 +taken +carl/);
    expect(dry.out).toMatch(/3 +skipped +ann +there is an account/);
    expect(dry.out).toMatch(/4 +error +broken +it has fewer than three words/);
    expect(dry.out).toMatch(/5 +skipped +dora +.*--follow-files/);
    expect(dry.out).toContain("Nothing was changed: add --apply");
    expect((await on.run(["user", "show", "carl"])).code).toBe(4);
    const done = JSON.parse((await on.run(["user", "import", file, "--apply", "--json"])).out);
    expect(done).toMatchObject({ applied: true, taken: 1, errors: 1 });
    expect((await on.run(["user", "show", "carl"])).code).toBe(0);
    await on.run(["user", "import", file, "--apply", "--replace"]);
    if (up !== undefined) expect(changed).toEqual(["carl password", "ann password"]);
  });

  test("backup: a whole copy, 0600, never over a file, nothing left between", async () => {
    await add("ann");
    const file = join(on.paths.directory, "..", "copy.db");
    expect((await on.run(["backup", file])).code).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file).subarray(0, 15).toString()).toBe("SQLite format 3");
    expect((await on.run(["backup", file])).code).toBe(4);
    expect(readdirSync(on.paths.directory).filter((name) => name.startsWith("backup"))).toEqual([]);
  });

  test("key rotate: passwords stay good, the number goes up", async () => {
    await add("ann");
    const { out } = await on.run(["key", "rotate", "--json"]);
    expect(JSON.parse(out)).toEqual({ from: 1, to: 2, accounts: 1 });
    expect((await on.run(["user", "list"])).code).toBe(0);
  });

  test("accounting of the past: none yet", async () => {
    expect(JSON.parse((await on.run(["sessions", "--past", "--json"])).out)).toEqual({ lines: [] });
  });
});

describe("a password", () => {
  test("made here without a terminal: in a 0600 file whose path is said, never shown", async () => {
    const { code, out, err } = await on.run(["user", "add", "ann", "--random"]);
    expect(code).toBe(0);
    const path = join(on.paths.directory, "password-ann");
    expect(err).toContain(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const [name, password = ""] = readFileSync(path, "utf8").trim().split(" ");
    expect(name).toBe("ann");
    expect(password.length).toBeGreaterThan(15);
    expect(out + err).not.toContain(password);
    await on.run(["user", "passwd", "ann", "--random"]);
    expect(readFileSync(`${path}-2`, "utf8")).not.toContain(password);
  });

  test("made here on a terminal: shown there, in no file", async () => {
    const { err } = await on.run(["user", "add", "ann", "--random"], { outIsTerminal: true });
    expect(err).toMatch(/^Password: \S{15,}\n$/);
    expect(readdirSync(on.paths.directory).join()).not.toContain("password");
  });

  test("typed: twice, unseen; unequal ones and none are refused", async () => {
    const answers = (...lines: (string | undefined)[]) => ({
      inIsTerminal: true,
      askHidden: async () => lines.shift(),
    });
    expect((await on.run(["user", "add", "a"], answers("one-Pw", "two-Pw"))).code).toBe(2);
    expect((await on.run(["user", "add", "a"], answers(""))).code).toBe(2);
    expect((await on.run(["user", "add", "a"], answers(undefined))).code).toBe(1);
    expect((await on.run(["user", "add", "a"], answers("same-Pw", "same-Pw"))).code).toBe(0);
    expect((await on.run(["user", "add", "b"])).err).toContain("no terminal");
  });

  test("from a file: its first line; no file, no password", async () => {
    const file = join(on.paths.directory, "secret");
    writeFileSync(file, "first line\r\nsecond\n");
    expect((await on.run(["user", "add", "a", "--password-file", file])).code).toBe(0);
    expect((await on.run(["user", "add", "b", "--password-file", `${file}x`])).code).toBe(1);
    expect((await on.run(["user", "add", "b", "--password-file", "/dev/zero"])).code).toBe(1);
    writeFileSync(file, "\n");
    expect((await on.run(["user", "add", "b", "--password-file", file])).code).toBe(2);
  });
});

describe("when the file cannot be had", () => {
  test("its lock is held and nobody answers: said, nothing opened", async () => {
    const lock = lockFile(on.paths.lock);
    if ("errno" in lock) throw new Error(lock.errno);
    using _lock = lock;
    const { code, err } = await add("ann");
    expect(code).toBe(1);
    expect(err).toContain("in use, yet no server answers");
    expect(readdirSync(on.paths.databaseDirectory)).toEqual([]);
  });

  test("no state directory: exit code 3", async () => {
    const { code, err } = await on.run(["user", "list", "--state", "/nonexistent/state"]);
    expect(code).toBe(3);
    expect(err).toContain("no state directory");
  });

  test("a configuration that is wrong: exit code 5, nothing changed", async () => {
    writeFileSync(on.paths.config, "zebra: 1\n");
    expect((await add("ann")).code).toBe(5);
  });

  test("clear text is kept when the configuration the server last used needs it", async () => {
    const elsewhere = join(on.paths.directory, "elsewhere.yaml");
    const terms = "{authentication: [chap-md5], encryption: {required: false}}";
    writeFileSync(elsewhere, `defaultProfile: ${terms}\n`);
    const opened = await openStore({ databasePath: on.paths.database, keyPath: on.paths.keyFile });
    if (!opened.ok) throw new Error(opened.message);
    await opened.store.settings.set("config-file", elsewhere);
    await opened.store.close();
    const { out } = await add("ann", "--json");
    expect(JSON.parse(out).hasClearText).toBe(true);
    await on.run(["user", "disable", "ann"]);
    expect(JSON.parse((await on.run(["user", "show", "ann", "--json"])).out).hasClearText).toBe(
      true,
    );
  });
});
