// The store's thread itself: that nobody else touches SQLite, and what its death costs.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { store as limits } from "../../src/limits.js";
import { openStore } from "../../src/store/sqlite-store.js";
import { compiledSources, opened, type Place, place, value, why } from "./stores.js";

const NOTHING = { octetsIn: 0, octetsOut: 0, packetsIn: 0, packetsOut: 0 };
const session = (sessionId: string) => ({
  sessionId,
  accountId: 1,
  name: "anna",
  peerAddress: "198.51.100.7",
  localAddress: "203.0.113.1",
  framedAddress: undefined,
  framedPrefix: undefined,
  method: "pap" as const,
  encryption: "none",
  profile: "default",
  startedAt: 1_000,
});

/** The thread's module with `code` run before it: it can end the thread at a chosen request. */
function threadWith(name: string, code: string): URL {
  const path = join(compiledSources(), "src/store", `${name}.js`);
  writeFileSync(
    path,
    `import { parentPort } from "node:worker_threads";\n${code}\nawait import("./sqlite-thread.js");`,
  );
  return pathToFileURL(path);
}

/** Ends the thread when a batch has a change that writes the setting `die`. */
const MORTAL = `
parentPort.on("message", (message) => {
  if (JSON.stringify(message).includes('"key":"die"')) process.exit(7);
});`;

function importsOf(path: string, seen = new Map<string, string[]>()): Map<string, string[]> {
  if (seen.has(path)) return seen;
  const text = readFileSync(path, "utf8");
  const found: string[] = [];
  seen.set(path, found);
  for (const [, clause, from] of text.matchAll(/^import ([^;]*?) from "([^"]+)";/gms)) {
    if (clause!.startsWith("type ")) continue;
    found.push(from!);
    if (from!.startsWith(".")) {
      importsOf(join(path, "..", from!.replace(/\.js$/, ".ts")), seen);
    }
  }
  return seen;
}

describe("the store's thread", () => {
  it("what the main thread loads never reaches SQLite", () => {
    const store = fileURLToPath(new URL("../../src/store/", import.meta.url));
    const main = ["sqlite-store.ts", "local-authenticator.ts", "first-account.ts"];
    const reached = new Map<string, string[]>();
    for (const file of [...main, "chap-secrets-import.ts"]) importsOf(join(store, file), reached);
    expect([...reached.values()].flat()).not.toContain("libsql");
    expect(reached.size).toBeGreaterThan(10);
    const thread = importsOf(join(store, "sqlite-thread.ts"));
    expect([...thread.values()].flat()).toContain("libsql");
    expect([...thread].filter(([, from]) => from.includes("libsql"))).toHaveLength(1);
  });

  it("dies: reads and accounting are asked again, a change is told nobody knows", async () => {
    const where: Place = place();
    const store = await opened({ ...where, thread: threadWith("mortal", MORTAL) });
    await value(store.configure({ keepClearText: true, reserved: [] }));
    await value(store.accounts.add({ name: "anna", password: "x" }));
    const change = store.settings.set("die", "now");
    const stop = store.accounting.stop(session("t-1"), NOTHING, 2_000, "shutdown");
    expect(await change).toMatchObject({ what: "failed", message: expect.stringMatching(/ended/) });
    expect((await stop).ok).toBe(true);
    expect(store.stats()).toMatchObject({ threadRestarts: 1, accountingLength: 0 });
    expect(await value(store.accounting.recent())).toHaveLength(1);
    // The terms it was given before hold in the new one.
    await value(store.accounts.setPassword("anna", "y"));
    expect((await value(store.accounts.find("anna")))?.hasClearText).toBe(true);
    await store.close();
  });

  it("dies again and again: started so often, then it waits; the server goes on", async () => {
    const where = place();
    const store = await opened({ ...where, thread: threadWith("mortal-2", MORTAL) });
    let refusals = 0;
    for (let i = 0; i < 3; i++) {
      expect(await why(store.settings.set("die", "now"))).toBe("failed");
      while ((await why(store.accounts.count())) !== "ok") {
        refusals++;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    expect(refusals).toBeGreaterThan(0);
    expect(store.stats().threadRestarts).toBe(3);
    expect(store.stats().threadRestarts).toBeLessThan(limits.restartsPerMinuteMax);
    await store.close();
  });

  it("closed: every answer is closed, and closing twice is once", async () => {
    const store = await opened(place());
    const before = store.accounts.add({ name: "anna", password: "x" });
    const closing = store.close();
    expect((await before).ok).toBe(true);
    expect(await why(store.accounts.find("anna"))).toBe("closed");
    expect(await why(store.accounting.start(session("t-2")))).toBe("closed");
    expect(await closing).toEqual({ recordsLost: 0 });
    expect(await store.close()).toEqual({ recordsLost: 0 });
  });

  it("an answer of an earlier thread, or after the close, is dropped and counted", async () => {
    const talkative = `
      parentPort.on("close", () => {});
      parentPort.on("message", (message) => {
        if (message.kind === "close") parentPort.postMessage({ kind: "written", answers: [] });
      });`;
    const store = await opened({ ...place(), thread: threadWith("talkative", talkative) });
    await store.close();
    expect(store.stats().lateAnswers).toBe(1);
  });

  it("more reads than the queue holds: queue-full for the rest, the others answered", async () => {
    const store = await opened(place());
    const all = await Promise.all(
      Array.from({ length: limits.queueMax + 10 }, () => why(store.accounts.count())),
    );
    expect(all.filter((reason) => reason === "queue-full").length).toBeGreaterThan(0);
    expect(all.filter((reason) => reason === "ok").length).toBeGreaterThanOrEqual(limits.queueMax);
    await store.close();
  });

  it("its module missing: a failure, no exception", async () => {
    const thread = pathToFileURL(join(compiledSources(), "nothing.js"));
    const result = await openStore({ ...place(), thread });
    expect(result).toMatchObject({ ok: false, reason: "trouble", what: "failed" });
  });

  it("leaves no descriptor of the database behind", async () => {
    const where = place();
    const held = () => {
      const lines = readFileSync("/proc/self/maps", "utf8").split("\n");
      return lines.filter((line) => line.includes(where.databasePath)).length;
    };
    const store = await opened(where);
    expect(held()).toBeGreaterThan(0);
    await store.close();
    expect(held()).toBe(0);
  });
});
