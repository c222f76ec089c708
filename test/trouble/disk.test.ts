// The disk below a running server in trouble: full, locked by another process, the database damaged.
// Sessions go on, log-ins too as far as can be, and no record that was acknowledged is lost.
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { store } from "../../src/limits.js";
import { until } from "../lab/place.js";
import { needRoot } from "../peers.js";
import { type AdminReply, Scene } from "./scene.js";

const inTrouble = "the store is in trouble";
const wellAgain = "the store is well again";
const anna = { name: "anna", password: "correct-Horse-7" };
const bert = { name: "bert", password: "correct-Horse-8" };

function ballast({ disk }: Scene): string {
  return join(disk, "ballast");
}

/** To the last octet; may be called again when something was freed. */
function fillUp(scene: Scene): void {
  const fd = openSync(ballast(scene), "a", 0o600);
  try {
    for (;;) writeSync(fd, Buffer.alloc(4_096));
  } catch (error) {
    expect(error).toMatchObject({ code: "ENOSPC" });
  } finally {
    closeSync(fd);
  }
}

/** Until not one change fits: what the store had reserved, and what it frees by itself, is used up. */
async function fillUntilNoticed(scene: Scene): Promise<void> {
  let refused = 0;
  await until("the store notices", 20, async () => {
    fillUp(scene);
    const name = `filler-${Math.random()}`;
    const { status } = await scene.admin("POST", "/users", { name, password: "x".repeat(200) });
    refused = status === 503 ? refused + 1 : 0;
    return refused === 3;
  });
  fillUp(scene);
}

/** Digests of all that matters: SQLite's own index and an empty log come and go. */
function files(scene: Scene): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(scene.state, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || entry.name === "lock" || entry.name.endsWith("-shm")) continue;
    const octets = readFileSync(path);
    if (octets.length === 0 && entry.name.endsWith("-wal")) continue;
    found[path] = createHash("sha256").update(octets).digest("hex");
  }
  return found;
}

describe.runIf(needRoot())("a full disk (tmpfs of 1 MiB)", () => {
  test("sessions and log-ins go on, accounting waits and is written when there is room", async () => {
    await using scene = await Scene.started({ diskOctets: 1_048_576 });
    await scene.addUser(bert);
    const first = await scene.caller(await scene.addUser(anna));
    await until("its start is written", 20, async () => (await scene.accounting()).length === 1);
    const pinging = first.pinging();
    await fillUntilNoticed(scene);
    expect((await scene.status()).store.health).toBe("full");
    const { warnings } = await scene.status();
    expect(warnings.join()).toContain("the store is in trouble: full");
    // A log-in reads; nothing of it has to be written first.
    const second = await scene.caller(bert);
    await second.ping();
    await first.ping();
    await second.end();
    const refused = await scene.admin("PUT", "/users/anna/password", { password: "other-Horse-9" });
    expect(refused.status).toBe(503);
    expect(refused.body.error).toMatchObject({
      reason: "full",
      remedy: expect.stringContaining("free some room on the disk"),
    });
    expect((await scene.accounting()).map(({ user }) => user)).toEqual(["anna"]);
    expect((await scene.status()).store.queueLength).toBeGreaterThanOrEqual(2);
    // Several tries later it is still one line.
    await until("tried again", 20, async () => (await scene.status()).store.oldestMs > 3_000);
    expect(await scene.logged(inTrouble)).toHaveLength(1);
    expect(scene.lines(inTrouble)[0]).toMatchObject({
      level: "error",
      what: "full",
      remedy: expect.stringContaining("what waits is then written"),
    });
    rmSync(ballast(scene));
    await until("what waited is written", 20, async () => {
      const lines = await scene.accounting();
      return lines.some(({ user, endedAt }) => user === "bert" && endedAt !== null);
    });
    expect(await scene.logged(wellAgain)).toHaveLength(1);
    const status = await scene.status();
    expect(status.store).toMatchObject({ health: "well", queueLength: 0, recordsRefused: 0 });
    await until("there were enough pings", 20, () => pinging.answered > 20);
    const { sent, received } = await pinging.stop();
    expect(sent).toBeGreaterThan(20);
    expect(received).toBeGreaterThanOrEqual(sent - 1);
    await first.end();
    expect(await scene.stop()).toBe(0);
  });

  test("stopped while it is full: says how many records were lost, and fails; kept are the others", async () => {
    await using scene = await Scene.started({ diskOctets: 1_048_576 });
    const caller = await scene.caller(await scene.addUser(anna));
    await until("its start is written", 20, async () => (await scene.accounting()).length === 1);
    await fillUntilNoticed(scene);
    expect(await scene.stop()).toBe(1);
    expect(scene.lines("accounting records could not be written")).toEqual([
      expect.objectContaining({ level: "error", recordsLost: 1 }),
    ]);
    await caller.ended();
    const full = await scene.refused();
    expect(full.code).toBe(1);
    expect(full.stderr).toMatch(/full|No space/i);
    expect(full.stderr).toContain("free some room on the disk");
    rmSync(ballast(scene));
    await scene.start();
    expect(await scene.accounting()).toMatchObject([{ user: "anna", cause: "server-lost" }]);
    expect(await scene.stop()).toBe(0);
  });

  test("full before the first start: refused with the remedy; with room it starts", async () => {
    await using scene = new Scene({ diskOctets: 1_048_576 });
    fillUp(scene);
    const refused = await scene.refused();
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/ENOSPC|No space|full/);
    expect(refused.stderr).toMatch(/room/);
    rmSync(ballast(scene));
    await scene.start();
    expect((await scene.status()).store.health).toBe("well");
    expect(await scene.stop()).toBe(0);
  });
});

/** Another process that holds the database's write lock until its input ends. */
async function lockedElsewhere(scene: Scene): Promise<ChildProcess> {
  const libsql = createRequire(import.meta.url).resolve("libsql");
  const code = `
    const Database = require(${JSON.stringify(libsql)});
    const db = new Database(${JSON.stringify(join(scene.state, "db/holdfast.db"))}, { timeout: 10000 });
    db.exec("BEGIN IMMEDIATE");
    console.log("held");
    process.stdin.once("data", () => { db.exec("ROLLBACK"); process.exit(0); });
    process.stdin.once("end", () => process.exit(0));`;
  const child = spawn(process.execPath, ["-e", code], { stdio: ["pipe", "pipe", "inherit"] });
  await once(child.stdout ?? child, "data");
  return child;
}

describe.runIf(needRoot())("the database locked by another process", () => {
  test("nobody waits for it: sessions, log-ins and answers go on, accounting is late", async () => {
    await using scene = await Scene.started();
    await scene.addUser(bert);
    const first = await scene.caller(await scene.addUser(anna));
    await until("its start is written", 20, async () => (await scene.accounting()).length === 1);
    const other = await lockedElsewhere(scene);
    const pinging = first.pinging();
    const asked: Promise<AdminReply>[] = [];
    const watching = setInterval(() => asked.push(scene.admin("GET", "/sessions")), 100);
    try {
      const second = await scene.caller(bert);
      await second.ping();
      await second.end();
      expect(await scene.logged(inTrouble)).toMatchObject([
        {
          what: "locked",
          remedy: expect.stringContaining("another process holds the database's write lock"),
        },
      ]);
      const change = await scene.admin("PUT", "/users/anna/password", { password: "x-Horse-9" });
      expect(change.status).toBe(503);
      expect(change.body.error).toMatchObject({ reason: "locked" });
      expect((await scene.status()).store.health).toBe("locked");
      expect((await scene.accounting()).map(({ user }) => user)).toEqual(["anna"]);
      clearInterval(watching);
      const replies = await Promise.all(asked);
      expect((await scene.status()).store.health).toBe("locked");
      expect(replies.length).toBeGreaterThan(10);
      expect(replies.every(({ status }) => status === 200)).toBe(true);
      // Who waits for the lock waits that long; a busy machine alone takes less.
      expect(Math.max(...replies.map(({ ms }) => ms))).toBeLessThan(store.busyMs);
    } finally {
      clearInterval(watching);
      other.stdin?.write("end\n");
    }
    await until("accounting is written", 20, async () => {
      const lines = await scene.accounting();
      return lines.some(({ user, endedAt }) => user === "bert" && endedAt !== null);
    });
    await until("it is said", 20, () => scene.lines(wellAgain).length === 1);
    const { sent, received } = await pinging.stop();
    expect(received).toBeGreaterThanOrEqual(sent - 1);
    await first.end();
    expect(await scene.stop()).toBe(0);
  });

  test("before the start: refused, says who to look for", async () => {
    await using scene = await Scene.started();
    expect(await scene.stop()).toBe(0);
    const other = await lockedElsewhere(scene);
    const refused = await scene.refused();
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("another process holds the database's write lock");
    other.stdin?.write("end\n");
    await once(other, "exit");
    await scene.start();
    expect(await scene.stop()).toBe(0);
  });
});

describe.runIf(needRoot())("the database cut off", () => {
  test("under the running server: said with the remedy, the session goes on; the next start is refused and changes nothing", async () => {
    await using scene = await Scene.started();
    const database = join(scene.state, "db/holdfast.db");
    // Enough pages that not all of them are in the server's memory.
    for (let part = 0; part < 6; part++) {
      const accounts = Array.from({ length: 1_000 }, (_, at) => ({
        name: `user-${part}-${at}-${"n".repeat(200)}`,
        password: "correct-Horse-7",
      }));
      const given = { accounts, replace: false, apply: true };
      expect((await scene.admin("POST", "/users/import", given)).status).toBe(200);
    }
    const caller = await scene.caller(await scene.addUser(anna));
    const pinging = caller.pinging();
    truncateSync(`${database}-wal`, 0);
    truncateSync(database, 8_192);
    await until("it is noticed", 20, async () => {
      let after = "";
      for (;;) {
        const page = await scene.admin("GET", `/users?most=1000&after=${after}`);
        if (page.status !== 200) return page.status === 503;
        if (page.body.next === null) return false;
        after = encodeURIComponent(String(page.body.next));
      }
    });
    await until("it is said", 20, () => scene.lines(inTrouble).length === 1);
    expect(scene.lines(inTrouble)[0]).toMatchObject({
      level: "error",
      what: "corrupt",
      remedy: expect.stringContaining("holdfast backup"),
    });
    const status = await scene.status();
    expect(status.store.health).toBe("corrupt");
    expect(status.warnings.join()).toContain("the store is in trouble: corrupt");
    expect(status.sessions.now).toBe(1);
    await caller.ping();
    const { sent, received } = await pinging.stop();
    expect(received).toBeGreaterThanOrEqual(sent - 1);
    await caller.end();
    const code = await scene.stop();
    const lost = scene.lines("accounting records could not be written");
    expect([code, lost.length]).toEqual(lost.length > 0 ? [1, 1] : [0, 0]);
    const before = files(scene);
    const refused = await scene.refused();
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("holdfast backup");
    expect(files(scene)).toEqual(before);
  });

  test.each([
    ["empty", () => Buffer.alloc(0)],
    ["cut in the middle", (whole: Buffer) => whole.subarray(0, whole.length / 2)],
    ["rubbish", (whole: Buffer) => Buffer.alloc(whole.length, 0xa5)],
  ])("%s before the start: refused with the remedy, nothing changed", async (_, damage) => {
    await using scene = await Scene.started();
    expect(await scene.stop()).toBe(0);
    const database = join(scene.state, "db/holdfast.db");
    const { size } = statSync(database);
    expect(size).toBeGreaterThan(8_192);
    writeFileSync(database, damage(readFileSync(database)));
    const before = files(scene);
    const refused = await scene.refused();
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/keep the damaged file aside.*holdfast backup/);
    expect(files(scene)).toEqual(before);
  });
});
