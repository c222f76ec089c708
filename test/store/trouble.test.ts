// The disk in trouble: each case says so, keeps what it can and loses nothing it acknowledged.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { SessionRecord, Store } from "../../src/store/port.js";
import { compiledSources, notOpened, opened, type Place, place, value, why } from "./stores.js";

const NOTHING = { octetsIn: 0, octetsOut: 0, packetsIn: 0, packetsOut: 0 };
const session = (sessionId: string): SessionRecord => ({
  sessionId,
  accountId: 1,
  name: "anna",
  peerAddress: "198.51.100.7",
  localAddress: "203.0.113.1",
  framedAddress: "10.0.0.5",
  framedPrefix: undefined,
  method: "ms-chap-v2",
  encryption: "MPPE-128 stateless",
  profile: "p".repeat(200),
  startedAt: 1_000,
});
const stopOf = (store: Store, id: string) =>
  store.accounting.stop(session(id), NOTHING, 2_000, "call-cleared");

/** Another process on the same database: runs `script` with `db` open, until told on its stdin. */
async function otherProcess({ databasePath }: Place, script: string) {
  const code = `
    import { createRequire } from "node:module";
    const Database = createRequire(${JSON.stringify(join(compiledSources(), "x.js"))})("libsql");
    const db = new Database(${JSON.stringify(databasePath)}, { timeout: 10000 });
    ${script}
    console.log("ready");
    process.stdin.once("data", () => { db.exec("ROLLBACK"); process.exit(0); });
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  return async () => {
    child.stdin.write("end\n");
    await once(child, "exit");
  };
}

describe("another process holds the write lock", () => {
  it("reads go on; a change is told locked; accounting waits and is written after", async () => {
    const where = place();
    const store = await opened(where);
    await value(store.accounts.add({ name: "anna", password: "x" }));
    const end = await otherProcess(where, 'db.exec("BEGIN IMMEDIATE");');
    let stopped = false;
    const stop = stopOf(store, "l-1").then((answer) => {
      stopped = true;
      return answer;
    });
    const change = store.accounts.disable("anna");
    const order: string[] = [];
    const locked = why(change).then((reason) => order.push(reason));
    for (let i = 0; i < 5; i++) {
      expect((await value(store.accounts.find("anna")))?.enabled).toBe(true);
      order.push("read");
    }
    await locked;
    expect(order).toEqual([...Array(5).fill("read"), "locked"]);
    expect(await change).toMatchObject({ remedy: expect.stringMatching(/another process/) });
    expect(stopped).toBe(false);
    expect(store.stats()).toMatchObject({ accountingLength: 1, inTrouble: "locked" });
    await end();
    expect((await stop).ok).toBe(true);
    expect(store.stats()).toMatchObject({ accountingLength: 0, inTrouble: undefined });
    expect(await value(store.accounting.recent())).toHaveLength(1);
    await store.close();
  });
  it("a lock that is let go within busyMs is not noticed", async () => {
    const where = place();
    const store = await opened(where);
    const end = await otherProcess(where, 'db.exec("BEGIN IMMEDIATE");');
    const added = store.accounts.add({ name: "anna", password: "x" });
    await value(store.accounts.count());
    await end();
    expect((await added).ok).toBe(true);
    await store.close();
  });
  it("while opening: says so, and who to look for", async () => {
    const where = place();
    await (await opened(where)).close();
    const end = await otherProcess(where, 'db.exec("BEGIN IMMEDIATE");');
    expect(await notOpened(where)).toMatchObject({ reason: "trouble", what: "locked" });
    await end();
    await (await opened(where)).close();
  });
  it("closing does not wait for ever, and says how many records are lost", async () => {
    const where = place();
    const store = await opened(where);
    const end = await otherProcess(where, 'db.exec("BEGIN IMMEDIATE");');
    const answers = Promise.all([why(stopOf(store, "c-1")), why(stopOf(store, "c-2"))]);
    expect(await store.close()).toEqual({ recordsLost: 2 });
    expect(await answers).toEqual(["closed", "closed"]);
    await end();
  });
});

/** A tmpfs of 1 MiB; mounting takes root. */
function onSmallDisk(): Place & { mountpoint: string } {
  const where = place();
  const mountpoint = join(where.folder, "small");
  mkdirSync(mountpoint);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m,mode=700", "holdfast-test", mountpoint]);
  return { ...where, mountpoint, databasePath: join(mountpoint, "holdfast.db") };
}

/** After a test that failed: whatever still uses it. */
function unmountIfThere(mountpoint: string): void {
  if (readFileSync("/proc/mounts", "utf8").includes(` ${mountpoint} `)) {
    execFileSync("umount", ["--lazy", mountpoint]);
  }
}

function fillUp(mountpoint: string): void {
  const fd = openSync(join(mountpoint, "ballast"), "a", 0o600);
  try {
    for (;;) writeSync(fd, Buffer.alloc(4_096));
  } catch (error) {
    expect(error).toMatchObject({ code: "ENOSPC" });
  } finally {
    closeSync(fd);
  }
}

const isRoot = process.geteuid?.() === 0;
if (!isRoot && process.env.CI === undefined) {
  console.warn("full disk: not tried, mounting a tmpfs of 1 MiB takes root");
}

describe.runIf(isRoot || process.env.CI !== undefined)("a full disk (tmpfs of 1 MiB)", () => {
  it("says so, keeps what it acknowledged, and writes what waited once there is room", async () => {
    const where = onSmallDisk();
    try {
      const store = await opened(where);
      await value(store.accounts.add({ name: "anna", password: "x" }));
      const acknowledged: string[] = [];
      const stops = (prefix: string, count: number) =>
        Array.from({ length: count }, async (_, i) => {
          const id = `${prefix}-${i}`;
          if ((await stopOf(store, id)).ok) acknowledged.push(id);
        });
      await Promise.all(stops("before", 100));
      let reason = "ok";
      for (let i = 0; reason !== "full" && i < 50; i++) {
        fillUp(where.mountpoint);
        reason = await why(store.accounts.add({ name: `n-${i}`, password: "x" }));
      }
      const waiting = stops("while", 300);
      expect(await why(store.accounts.disable("anna"))).toBe("full");
      expect((await value(store.accounts.find("anna")))?.enabled).toBe(true);
      expect(store.stats()).toMatchObject({ accountingLength: 300, inTrouble: "full" });
      expect(acknowledged).toHaveLength(100);
      expect(await value(store.accounting.recent())).toHaveLength(100);
      rmSync(join(where.mountpoint, "ballast"));
      await Promise.all(waiting);
      expect(acknowledged).toHaveLength(400);
      expect(await value(store.accounting.recent())).toHaveLength(400);
      expect(store.stats()).toMatchObject({ inTrouble: undefined, recordsRefused: 0 });
      await value(store.accounts.disable("anna"));
      expect(await store.close()).toEqual({ recordsLost: 0 });
      execFileSync("umount", [where.mountpoint]);
    } finally {
      unmountIfThere(where.mountpoint);
    }
  });
  it("when the database is made: says so, and leaves no half-made one", async () => {
    const where = onSmallDisk();
    try {
      fillUp(where.mountpoint);
      expect(await notOpened(where)).toMatchObject({ reason: "trouble", what: "full" });
      expect(existsSync(where.databasePath)).toBe(false);
      rmSync(join(where.mountpoint, "ballast"));
      await (await opened(where)).close();
      execFileSync("umount", [where.mountpoint]);
    } finally {
      unmountIfThere(where.mountpoint);
    }
  });
});

describe("a damaged file", () => {
  async function made(): Promise<Place> {
    const where = place();
    const store = await opened(where);
    for (let i = 0; i < 50; i++) await value(stopOf(store, `d-${i}`));
    await store.close();
    return where;
  }
  it.each([0, 1, 100, 4_096, 8_192, 20_000])(
    "cut to %i octets: corrupt, and left as it is",
    async (size) => {
      const where = await made();
      truncateSync(where.databasePath, size);
      const before = readFileSync(where.databasePath);
      const failure = await notOpened(where);
      expect(failure).toMatchObject({ reason: "trouble", what: "corrupt" });
      expect(failure.remedy).toMatch(/backup/);
      expect(readFileSync(where.databasePath)).toEqual(before);
    },
  );
  it.each([
    ["rubbish from its start", 0],
    ["rubbish within a page", 4_096],
    ["rubbish in a later page", 12_288],
  ])("%s: corrupt", async (_, at) => {
    const where = await made();
    const octets = readFileSync(where.databasePath);
    octets.fill(0xa5, at, at + 64);
    writeFileSync(where.databasePath, octets);
    expect(await notOpened(where)).toMatchObject({ reason: "trouble", what: "corrupt" });
  });
  it("somebody else's database, and one that is gone but for its log: not touched", async () => {
    const where = await made();
    copyFileSync(where.databasePath, `${where.databasePath}-wal`);
    rmSync(where.databasePath);
    expect((await notOpened(where)).message).toMatch(/write-ahead log/);
    expect(existsSync(where.databasePath)).toBe(false);
    rmSync(`${where.databasePath}-wal`);
    const end = await otherProcess(where, 'db.exec("CREATE TABLE t (x)"); db.exec("BEGIN");');
    await end();
    expect((await notOpened(where)).message).toMatch(/not one of holdfast/);
  });
  it("no directory for it, and a directory in its place: a failure with a remedy", async () => {
    const where = place();
    const nowhere = { ...where, databasePath: join(where.folder, "no/holdfast.db") };
    expect(await notOpened(nowhere)).toMatchObject({ reason: "trouble", what: "failed" });
    mkdirSync(where.databasePath);
    expect(await notOpened(where)).toMatchObject({ reason: "trouble", what: "failed" });
  });
  it("cut under the running server: what can be read is, what can't is told corrupt, the thread lives", async () => {
    const where = place();
    const store = await opened(where);
    for (let from = 0; from < 12_000; from += 2_000) {
      const chunk = Array.from({ length: 2_000 }, (_, i) => value(stopOf(store, `u-${from + i}`)));
      await Promise.all(chunk);
    }
    truncateSync(`${where.databasePath}-wal`, 0);
    truncateSync(where.databasePath, 8_192);
    const told: string[] = [];
    for (let before = 12_001; before > 0; before -= 500) {
      told.push(await why(store.accounting.recent({ before, most: 10 })));
    }
    expect(told).toContain("corrupt");
    const change = await why(store.accounts.add({ name: "anna", password: "x" }));
    const login = await why(store.accounts.secrets(["anna", "anna"]));
    expect(["ok", "corrupt", "failed"]).toEqual(expect.arrayContaining([change, login]));
    expect(store.stats().failures).toBeGreaterThan(0);
    expect(store.stats().threadRestarts).toBe(0);
    await store.close();
    expect(await notOpened(where)).toMatchObject({ reason: "trouble", what: "corrupt" });
  });
});
