import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isOsError } from "../../src/os/errors.js";
import { lockFile } from "../../src/os/lock-file.js";
import { CompiledOs } from "./compiled.js";
import { held } from "./namespace.js";

const directory = mkdtempSync(join(tmpdir(), "hf-lock-"));
let compiled: CompiledOs;
beforeAll(() => {
  compiled = new CompiledOs();
});
afterAll(() => {
  compiled[Symbol.dispose]();
  rmSync(directory, { recursive: true });
});

test("held by one; free again when given back", () => {
  const path = join(directory, "lock");
  const first = held(lockFile(path));
  const second = lockFile(path);
  expect(second).toMatchObject({ kind: "OsError", errno: "EAGAIN" });
  expect(isOsError(second) ? second.detail : "").toContain(`held by process ${process.pid} (`);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  using third = held(lockFile(path));
  expect(third.path).toBe(path);
});

test("another process holds it until it is killed, and is named", async () => {
  const path = join(directory, "other");
  const script = compiled.script(
    "hold",
    `import { lockFile } from "./os/lock-file.js";
     globalThis.lock = lockFile(process.argv[2]);
     console.log("kind" in globalThis.lock ? "refused" : "held");
     setInterval(() => {}, 1000);`,
  );
  const child = spawn(process.execPath, [script, path], { stdio: ["ignore", "pipe", "inherit"] });
  const said = await new Promise((done) =>
    child.stdout.once("data", (data) => done(String(data).trim())),
  );
  expect(said).toBe("held");
  const refused = lockFile(path);
  expect(isOsError(refused) ? refused.detail : "").toContain(`held by process ${child.pid} (`);
  const ended = new Promise((done) => child.on("exit", done));
  child.kill("SIGKILL");
  await ended;
  using lock = held(lockFile(path));
  expect(lock.descriptor.open).toBe(true);
});

test("a link in its place is refused", () => {
  symlinkSync(join(directory, "elsewhere"), join(directory, "link"));
  expect(lockFile(join(directory, "link"))).toMatchObject({ kind: "OsError", errno: "ELOOP" });
  expect(lockFile("/nonexistent/lock")).toMatchObject({ kind: "OsError", errno: "ENOENT" });
});
