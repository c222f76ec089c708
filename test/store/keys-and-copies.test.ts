// The key file with the database, its rotation cut off at any moment, and backups.
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { ntPasswordHash } from "../../src/crypto/ms-chap.js";
import type { Store } from "../../src/store/port.js";
import { compiledSources, notOpened, opened, type Place, place, value, why } from "./stores.js";

async function withAccounts(count: number): Promise<Place> {
  const where = place();
  const store = await opened(where);
  await value(store.configure({ keepClearText: true, reserved: [] }));
  const accounts = Array.from({ length: count }, (_, i) => ({ name: `u${i}`, password: `pw${i}` }));
  await value(store.accounts.import(accounts, { replace: false, apply: true }));
  await store.close();
  return where;
}

async function expectAllOpen(store: Store, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const found = await value(store.accounts.secrets([`u${i}`, `u${i}`]));
    expect(found?.ntHash).toEqual(ntPasswordHash(`pw${i}`));
    expect(found?.clearText).toBe(`pw${i}`);
  }
}

describe("the key over existing data", () => {
  it("missing: an error with the remedy, and never a new one", async () => {
    const where = await withAccounts(1);
    renameSync(where.keyPath, `${where.keyPath}.kept`);
    expect(await notOpened(where)).toMatchObject({ reason: "key-missing" });
    expect(existsSync(where.keyPath)).toBe(false);
    renameSync(`${where.keyPath}.kept`, where.keyPath);
    const store = await opened(where);
    await expectAllOpen(store, 1);
    await store.close();
  });
  it("its whole directory missing: the same", async () => {
    const where = await withAccounts(1);
    rmSync(dirname(where.keyPath), { recursive: true });
    expect(await notOpened(where)).toMatchObject({ reason: "key-missing" });
    expect(existsSync(dirname(where.keyPath))).toBe(false);
  });
  it("readable by others: an error that says chmod", async () => {
    const where = await withAccounts(1);
    chmodSync(where.keyPath, 0o640);
    const failure = await notOpened(where);
    expect(failure).toMatchObject({ reason: "key-exposed" });
    expect(failure.remedy).toContain("chmod 600");
  });
  it("another database's of the same number: told, and nothing written", async () => {
    const [where, other] = [await withAccounts(1), await withAccounts(1)];
    copyFileSync(other.keyPath, where.keyPath);
    const before = readFileSync(where.databasePath);
    expect(await notOpened(where)).toMatchObject({ reason: "key-wrong" });
    expect(readFileSync(where.databasePath)).toEqual(before);
  });
  it("in the database's directory: refused, and no database is made", async () => {
    const where = place();
    const keyPath = join(dirname(where.databasePath), "key");
    expect(await notOpened({ ...where, keyPath })).toMatchObject({ reason: "key-place" });
    expect(readdirSync(dirname(where.databasePath))).toEqual([]);
  });
  it("a secret moved to another account does not open, and is told as damage", async () => {
    const where = await withAccounts(2);
    const { Connection } = await import("../../src/store/sqlite-connection.js");
    const db = new Connection(where.databasePath, 0);
    db.run(`UPDATE account_secrets SET nt_hash =
      (SELECT nt_hash FROM account_secrets WHERE account_id = 1) WHERE account_id = 2`);
    db.rows("PRAGMA wal_checkpoint(TRUNCATE)");
    const store = await opened(where);
    expect(await why(store.accounts.secrets(["u1", "u1"]))).toBe("corrupt");
    expect(await why(store.accounts.secrets(["u0", "u0"]))).toBe("ok");
    expect(await why(store.keyRotate())).toBe("corrupt");
    expect(await why(store.accounts.secrets(["u0", "u0"]))).toBe("ok");
    await store.close();
    expect(readdirSync(dirname(where.keyPath))).toEqual(["key"]);
  });
});

describe("key rotation", () => {
  it("every secret opens with the new key alone", async () => {
    const where = await withAccounts(20);
    const store = await opened(where);
    const old = readFileSync(where.keyPath, "utf8");
    expect(await value(store.keyRotate())).toEqual({ from: 1, to: 2, accounts: 20 });
    await expectAllOpen(store, 20);
    expect(await value(store.keyRotate())).toEqual({ from: 2, to: 3, accounts: 20 });
    await store.close();
    expect(readFileSync(where.keyPath, "utf8")).toMatch(/^holdfast-key 3 /);
    expect(statSync(where.keyPath).mode & 0o777).toBe(0o600);
    expect(readdirSync(dirname(where.keyPath))).toEqual(["key"]);
    const again = await opened(where);
    await expectAllOpen(again, 20);
    await again.close();
    writeFileSync(where.keyPath, old);
    expect(await notOpened(where)).toMatchObject({ reason: "key-wrong" });
  });

  it("killed before any of its steps: every secret opens after, with one key", async () => {
    const where = await withAccounts(2);
    const out = join(compiledSources(), "src/store");
    const [fs, url] = ["node:fs", "node:module"];
    /** Ends itself by SIGKILL before step `last` of a rotation: each write to a file or the database. */
    const script = (last: number) => `
      import fs from ${JSON.stringify(fs)};
      import { syncBuiltinESMExports } from ${JSON.stringify(url)};
      let left = Infinity;
      const counted = (of, names) => {
        for (const name of names) {
          const real = of[name];
          of[name] = function (...args) {
            if (--left < 0) process.kill(process.pid, "SIGKILL");
            return real.apply(this, args);
          };
        }
      };
      counted(fs, ["openSync", "writeSync", "fsyncSync", "linkSync", "unlinkSync", "renameSync"]);
      syncBuiltinESMExports();
      const { Connection } = await import(${JSON.stringify(join(out, "sqlite-connection.js"))});
      counted(Connection.prototype, ["exec", "run"]);
      const { openDatabase } = await import(${JSON.stringify(join(out, "sqlite-open.js"))});
      const { rotateKey } = await import(${JSON.stringify(join(out, "sqlite-maintenance.js"))});
      const { opened } = openDatabase(${JSON.stringify({ ...where, owner: process.geteuid!() })});
      left = ${last};
      rotateKey(opened);
      process.exit(0);
    `;
    const keys: number[] = [];
    for (let step = 0, signal: unknown = "SIGKILL"; signal === "SIGKILL"; step++) {
      const child = spawn(process.execPath, ["--input-type=module", "-e", script(step)], {
        stdio: "inherit",
      });
      const before = Number(readFileSync(where.keyPath, "utf8").split(" ")[1]);
      [, signal] = await once(child, "exit");
      const store = await opened(where);
      await expectAllOpen(store, 2);
      await store.close();
      expect(readdirSync(dirname(where.keyPath)).filter((name) => name.endsWith(".new"))).toEqual(
        [],
      );
      keys.push(Number(readFileSync(where.keyPath, "utf8").split(" ")[1]) - before);
    }
    expect(keys.length).toBeGreaterThan(12);
    // Undone before the commit, finished after it, and never anything else.
    const committed = keys.indexOf(1);
    expect(keys).toEqual(keys.map((_, step) => (step < committed ? 0 : 1)));
    expect(keys.length - committed).toBeGreaterThan(1);
  }, 180_000);
});

describe("backup", () => {
  it("is a whole database, 0600, that opens with the key of its time", async () => {
    const where = await withAccounts(30);
    const store = await opened(where);
    const path = join(where.folder, "copy.db");
    const { octets } = await value(store.backup(path));
    expect(statSync(path).size).toBe(octets);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await value(store.accounts.remove("u0"));
    await store.close();
    const dir = join(where.folder, "restored");
    mkdirSync(dir);
    copyFileSync(path, join(dir, "holdfast.db"));
    const restored = await opened({ ...where, databasePath: join(dir, "holdfast.db") });
    expect(restored.instanceId).toBe(store.instanceId);
    await expectAllOpen(restored, 30);
    await restored.close();
  });
  it("never over a file, never beside the given name, never half", async () => {
    const where = await withAccounts(1);
    const store = await opened(where);
    const path = join(where.folder, "there");
    writeFileSync(path, "mine");
    expect(await why(store.backup(path))).toBe("file-exists");
    expect(readFileSync(path, "utf8")).toBe("mine");
    expect(await why(store.backup("relative"))).toBe("bad-path");
    expect(await why(store.backup(join(where.folder, "no/such")))).toBe("failed");
    expect(readdirSync(where.folder).sort()).toEqual(["db", "keys", "there"]);
    await store.close();
  });
});
