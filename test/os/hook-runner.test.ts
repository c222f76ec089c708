import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hooks as limits } from "../../src/limits.js";
import { readPrivileges } from "../../src/os/capabilities.js";
import { Descriptor } from "../../src/os/descriptor.js";
import { hookProblem } from "../../src/os/hook-file.js";
import { LineCutter } from "../../src/os/hook-link.js";
import { HookRunner, startHookRunner } from "../../src/os/hook-runner.js";
import { Memory, socketPair, write } from "../../src/os/libc.js";
import { CompiledOs } from "./compiled.js";
import { eventually, held, isRoot } from "./namespace.js";

let compiled: CompiledOs;
/** Its parents are writable by root alone, as a hook's must be; /tmp is not. */
let hooks: string;
/** Where hooks leave signs. */
let signs: string;
beforeAll(() => {
  if (!isRoot) return;
  compiled = new CompiledOs();
  hooks = mkdtempSync("/var/lib/hf-hooks-");
  chmodSync(hooks, 0o755);
  signs = mkdtempSync("/tmp/hf-signs-");
  chmodSync(signs, 0o777);
});
afterAll(() => {
  if (!isRoot) return;
  compiled[Symbol.dispose]();
  rmSync(hooks, { recursive: true });
  rmSync(signs, { recursive: true });
});

function hook(name: string, text: string, mode = 0o755): string {
  const path = join(hooks, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, mode);
  return path;
}

function started(runMs = 10_000) {
  const script = join(compiled.directory, "os", "hook-runner-main.js");
  return held(startHookRunner({ stateDirectory: signs, runMs, script }));
}

/** Ended, whether or not its new parent has noticed. */
function isGone(pid: number | string): true | undefined {
  try {
    return /^State:\sZ/m.test(readFileSync(`/proc/${pid}/status`, "utf8")) ? true : undefined;
  } catch {
    return true;
  }
}

describe.runIf(isRoot)("hooks", () => {
  test("the session in the environment, a user of their own, no capability, no shell", async () => {
    const { link, uid, why } = started();
    using runner = new HookRunner(link);
    const path = hook(
      "up",
      'id -u; grep -E "^(Cap|NoNew)" /proc/self/status; echo "$USER_NAME"; echo fds $(ls /proc/self/fd); env',
    );
    const env = { USER_NAME: "$(touch /tmp/never) `x`", IP: "10.99.0.7" };
    const result = await runner.run({ path, env });
    expect(result).toMatchObject({ kind: "Exited", code: 0 });
    const lines = "output" in result ? result.output.split("\n") : [];
    expect(why).toBe("");
    expect(uid).toBeGreaterThan(0);
    expect(lines[0]).toBe(String(uid));
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
      expect(lines).toContain(`${set}:\t0000000000000000`);
    }
    expect(lines).toContain("NoNewPrivs:\t1");
    expect(lines).toContain(env.USER_NAME);
    // The fourth is the directory that ls reads: the link to the server is not the hook's.
    expect(lines).toContain("fds 0 1 2 3");
    const names = lines.filter((line) => /^[A-Z_]+=/.test(line)).map((line) => line.split("=")[0]);
    expect(
      names.filter((name) => !["PWD", "OLDPWD", "SHLVL", "_"].includes(name ?? "")).sort(),
    ).toEqual(["IP", "PATH", "USER_NAME"]);
  });

  test("four at once, the fifth waits", async () => {
    const { link } = started();
    using runner = new HookRunner(link);
    const path = hook(
      "wait",
      `touch ${signs}/began-$N; while [ ! -e ${signs}/go ]; do sleep 0.05; done`,
    );
    const began = () => ["1", "2", "3", "4", "5"].filter((n) => existsSync(`${signs}/began-${n}`));
    const results = ["1", "2", "3", "4", "5"].map((N) => runner.run({ path, env: { N } }));
    await eventually(() => (began().length === 4 ? true : undefined));
    expect(runner.pending).toBe(5);
    expect(began()).toEqual(["1", "2", "3", "4"]);
    writeFileSync(`${signs}/go`, "");
    for (const result of await Promise.all(results)) expect(result).toMatchObject({ code: 0 });
    expect(began()).toHaveLength(5);
  });

  test("over its time: killed with all of its group", async () => {
    // Long enough for a busy machine to have come to its two lines.
    const { link } = started(3_000);
    using runner = new HookRunner(link);
    const path = hook("slow", "sleep 600 & echo $!; echo $$; sleep 600");
    const result = await runner.run({ path, env: {} });
    expect(result.kind).toBe("TimedOut");
    const pids = "output" in result ? result.output.trim().split("\n") : [];
    expect(pids).toHaveLength(2);
    for (const pid of pids) await eventually(() => isGone(pid));
  });

  test("what a hook leaves behind does not outlive it", async () => {
    const { link } = started();
    using runner = new HookRunner(link);
    const result = await runner.run({ path: hook("leaver", "sleep 600 & echo $!"), env: {} });
    expect(result).toMatchObject({ kind: "Exited", code: 0 });
    const pid = "output" in result ? result.output.trim() : "";
    expect(pid).toMatch(/^[0-9]+$/);
    await eventually(() => isGone(pid));
  });

  test("of much output the first part is kept, and the hook still ends", async () => {
    const { link } = started();
    using runner = new HookRunner(link);
    const path = hook("loud", "head -c 3000000 /dev/zero | tr '\\0' x; echo end >&2; exit 3");
    const result = await runner.run({ path, env: {} });
    expect(result).toMatchObject({ kind: "Exited", code: 3 });
    expect("output" in result ? result.output : "").toBe("x".repeat(limits.outputOctetsMax));
  });

  test("beyond the queue: dropped and counted; the end of the server ends them all", async () => {
    const { link, pid } = started();
    const runner = new HookRunner(link);
    // Once setpriv has become Node.
    const threads = await eventually(() => {
      const read = held(readPrivileges(pid)).threads;
      return read.length > 1 ? read : undefined;
    });
    for (const { effective, bounding } of threads) expect([...effective, ...bounding]).toEqual([]);
    const path = hook("long", `echo $$ > ${signs}/long-$N; exec sleep 600`);
    const room = limits.atOnceMax + limits.queueMax;
    const results = Array.from({ length: room }, (_, N) =>
      runner.run({ path, env: { N: String(N) } }),
    );
    expect(await runner.run({ path, env: {} })).toMatchObject({ kind: "Dropped" });
    expect(await runner.run({ path, env: {} })).toMatchObject({ kind: "Dropped" });
    expect(runner.dropped).toBe(2);
    await eventually(() => (existsSync(`${signs}/long-3`) ? true : undefined));
    runner[Symbol.dispose]();
    for (const result of await Promise.all(results)) expect(result.kind).toBe("NotRun");
    await eventually(() => isGone(pid));
    expect(await runner.run({ path, env: {} })).toMatchObject({ kind: "NotRun" });
  });

  test("the process killed: told once, the waiting answered", async () => {
    const { link, pid } = started();
    let lost = 0;
    using runner = new HookRunner(link, () => lost++);
    const waiting = runner.run({ path: hook("forever", "exec sleep 600"), env: {} });
    process.kill(pid, "SIGKILL");
    expect(await waiting).toMatchObject({ kind: "NotRun" });
    expect(lost).toBe(1);
  });
});

describe.runIf(isRoot)("which file may be a hook", () => {
  test("absolute, executable, and written by nobody but root and the server's user", () => {
    expect(hookProblem(hook("fine", ""), [])).toBeUndefined();
    expect(hookProblem("up", [])).toContain("not an absolute path");
    expect(hookProblem("/nonexistent/up", [])).toContain("ENOENT");
    expect(hookProblem(hooks, [])).toContain("not a regular file");
    expect(hookProblem(hook("plain", "", 0o644), [])).toContain("not executable");
    expect(hookProblem(hook("group", "", 0o775), [])).toContain("writable by others");
    expect(hookProblem(hook("world", "", 0o757), [])).toContain("writable by others");
  });

  test("the server's own file yes, a stranger's no", () => {
    const path = hook("owned", "");
    chownSync(path, 61_999, 61_999);
    expect(hookProblem(path, [61_999])).toBeUndefined();
    expect(hookProblem(path, [])).toContain("belongs to user 61999");
  });

  test("a directory on the way that others may write to spoils it, a link from there too", () => {
    mkdirSync(join(hooks, "open"));
    chmodSync(join(hooks, "open"), 0o777);
    expect(hookProblem(hook("open/up", ""), [])).toContain("open: writable by others");
    const link = join(signs, "up");
    symlinkSync(hook("target", ""), link);
    expect(hookProblem(link, [])).toContain("writable by others");
    const good = join(hooks, "good-link");
    symlinkSync(join(hooks, "target"), good);
    expect(hookProblem(good, [])).toBeUndefined();
  });
});

test("an answer that is none ends the link", async () => {
  for (const strange of ["x", "{}", '{"id":1,"outcome":{"kind":"Else"}}', "null"]) {
    const [ours, theirs] = held(socketPair());
    using stranger = new Descriptor(theirs);
    let lost = 0;
    using runner = new HookRunner(new Descriptor(ours), () => lost++);
    const waiting = runner.run({ path: "/up", env: {} });
    const line = Buffer.from(`${strange}\n`);
    const memory = new Memory(line.byteLength);
    memory.octets.set(line);
    write(stranger.fd, memory.address, line.byteLength);
    expect(await waiting).toMatchObject({ kind: "NotRun" });
    expect(lost).toBe(1);
  }
});

test("lines are cut wherever the stream was; one without an end is refused", () => {
  const cutter = new LineCutter(8);
  expect(cutter.push(Buffer.from("ab"))).toEqual([]);
  expect(cutter.push(Buffer.from("c\nd\ne"))).toEqual(["abc", "d"]);
  expect(cutter.push(Buffer.from("\n\n"))).toEqual(["e", ""]);
  expect(cutter.push(Buffer.from("123456789"))).toBeUndefined();
});
