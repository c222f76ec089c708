import { execFileSync } from "node:child_process";
import { chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { ntPasswordHash } from "../../src/crypto/ms-chap.js";
import { store as limits } from "../../src/limits.js";
import { planImport } from "../../src/store/chap-secrets.js";
import {
  importChapSecrets,
  readChapSecrets,
  secretFileReader,
} from "../../src/store/chap-secrets-import.js";
import { makeFirstAccount, writePasswordFile } from "../../src/store/first-account.js";
import { opened, place, value } from "./stores.js";

const FILE = Buffer.from(
  [
    "# client server secret addresses",
    "anna * new-anna 10.0.0.9",
    "bob * new-bob *",
    "carl * new-carl 10.0.0.7",
    "dora * new-dora 10.0.0.7",
    "broken *",
  ].join("\n"),
);

describe("importing a chap-secrets file", async () => {
  const store = await opened(place());
  const { accounts } = store;
  afterAll(() => store.close());
  await value(accounts.add({ name: "anna", password: "old-anna", sessionsMax: 4 }));
  const run = (how: { replace: boolean; apply: boolean }) =>
    value(importChapSecrets(accounts, planImport(FILE), how));
  const shown = (lines: readonly { line: number; what: string; reason: string }[]) =>
    lines.map(({ line, what, reason }) => `${line} ${what}: ${reason}`);
  const secret = async (name: string) =>
    (await value(accounts.secrets([name, name])))?.ntHash ?? null;

  const DRY = [
    "1 skipped: comment",
    "2 skipped: there is an account of this name: --replace changes it",
    "3 taken: ",
    "4 taken: ",
    "5 error: the static address is not possible: it lies in the static address of carl",
    "6 error: it has fewer than three words",
  ];

  it("a dry run tells all of it and changes nothing", async () => {
    const report = await run({ replace: false, apply: false });
    expect(shown(report.lines)).toEqual(DRY);
    expect(report).toMatchObject({ applied: false, taken: 2, skipped: 2, errors: 2 });
    expect((await value(accounts.list())).map(({ name }) => name)).toEqual(["anna"]);
  });
  it("applied it does what the dry run said, and overwrites nothing", async () => {
    const report = await run({ replace: false, apply: true });
    expect(shown(report.lines)).toEqual(DRY);
    expect((await value(accounts.list())).map(({ name }) => name)).toEqual(["anna", "bob", "carl"]);
    expect(await secret("anna")).toEqual(ntPasswordHash("old-anna"));
    expect(await secret("bob")).toEqual(ntPasswordHash("new-bob"));
  });
  it("with replace the password and address are the file's, other terms stay", async () => {
    const report = await run({ replace: true, apply: true });
    expect(shown(report.lines).slice(1, 4)).toEqual([
      "2 taken: replaces the account there is",
      "3 taken: replaces the account there is",
      "4 taken: replaces the account there is",
    ]);
    expect(await secret("anna")).toEqual(ntPasswordHash("new-anna"));
    const anna = await value(accounts.find("anna"));
    expect(anna).toMatchObject({ sessionsMax: 4, staticAddress: 0x0a000009 });
  });
});

describe("files that secrets name", () => {
  const { folder } = place();
  const me = process.getuid!();
  const read = secretFileReader(me);
  const file = (name: string, content: string | Buffer = "secret\n") => {
    const path = join(folder, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  const whyNot = (path: string, uid = me) => {
    const result = secretFileReader(uid)(path);
    return result.ok ? "ok" : result.why;
  };

  it("a regular file of the caller's own is read", () => {
    const result = read(file("own"));
    expect(result.ok && Buffer.from(result.content).toString()).toBe("secret\n");
    expect(read(file("empty", ""))).toEqual({ ok: true, content: new Uint8Array(0) });
  });
  it("another's is not, whoever can read it", () => {
    expect(whyNot(file("theirs"), me + 1)).toMatch(/belongs to user id/);
  });
  it.runIf(me === 0)("given away, root does not follow it", () => {
    const path = file("given");
    chownSync(path, 65_534, 65_534);
    expect(whyNot(path)).toMatch(/belongs to user id 65534/);
  });
  it("no symbolic link, at its end or on the way", () => {
    symlinkSync(file("target"), join(folder, "link"));
    expect(whyNot(join(folder, "link"))).toMatch(/symbolic link/);
    mkdirSync(join(folder, "real"));
    writeFileSync(join(folder, "real/x"), "s");
    symlinkSync(join(folder, "real"), join(folder, "way"));
    expect(whyNot(join(folder, "way/x"))).toMatch(/not its real path/);
    expect(whyNot(`${folder}/real/../real/x`)).toMatch(/not its real path/);
  });
  it("no directory, pipe or device, none that is missing or too large", () => {
    execFileSync("mkfifo", [join(folder, "pipe")]);
    expect(whyNot(join(folder, "pipe"))).toMatch(/not a regular file/);
    expect(whyNot(folder)).toMatch(/not a regular file/);
    expect(whyNot("/dev/zero")).toMatch(/not a regular file/);
    expect(whyNot(join(folder, "none"))).toMatch(/ENOENT/);
    const large = file("large", Buffer.alloc(limits.secretFileOctetsMax + 1));
    expect(whyNot(large)).toMatch(/larger than/);
  });
  it("the secrets file itself may be a link, not a device", () => {
    expect(readChapSecrets(join(folder, "link")).ok).toBe(true);
    expect(readChapSecrets("/dev/zero").ok).toBe(false);
  });
});

describe("the first account", () => {
  it("is made once, with a random password that opens it, told in a 0600 file", async () => {
    const where = place();
    const store = await opened(where);
    const first = await value(makeFirstAccount(store, "vpn"));
    const found = await value(store.accounts.secrets(["vpn", "vpn"]));
    expect(found?.ntHash).toEqual(ntPasswordHash(first!.password));
    expect(await value(makeFirstAccount(store, "vpn"))).toBeUndefined();
    await store.close();
    const path = join(where.folder, "first-password");
    expect(writePasswordFile(path, first!)).toMatchObject({ ok: true });
    expect(execFileSync("stat", ["-c", "%a", path], { encoding: "utf8" })).toBe("600\n");
    expect(writePasswordFile(path, first!)).toMatchObject({ reason: "file-exists" });
    expect(writePasswordFile(join(where.folder, "no/x"), first!)).toMatchObject({
      reason: "trouble",
    });
  });
});
