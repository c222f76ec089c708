// The re-exec from root, judged by /proc and by what the kernel then lets the process do.
import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  capabilityNames,
  type ProcessPrivileges,
  readPrivileges,
  type ThreadPrivileges,
} from "../../src/os/capabilities.js";
import {
  chooseOwnUser,
  DYNAMIC_UID_MAX,
  DYNAMIC_UID_MIN,
  lookUpUser,
} from "../../src/os/own-user.js";
import { missingPrivileges } from "../../src/os/privileges.js";
import { giveDirectory } from "../../src/os/state-directory.js";
import { CompiledOs } from "./compiled.js";
import { held, isRoot, Namespace } from "./namespace.js";

type Report = {
  pid: number;
  state: { kind: string; how: string; uid: number; why: string };
  own: ProcessPrivileges;
  children: Record<"none" | "netAdmin", ThreadPrivileges>;
  done: Record<string, unknown>;
  hook: { kind: string; output: string };
  tree: ProcessPrivileges[];
  passed: string[];
  variables: string[];
};

const SERVE = `
import { spawnSync } from "node:child_process";
import { readTreePrivileges, readPrivileges } from "./os/capabilities.js";
import { isOsError } from "./os/errors.js";
import { openGreSockets } from "./os/gre-socket.js";
import { HookRunner, startHookRunner } from "./os/hook-runner.js";
import { IpChanges } from "./os/ip.js";
import { NftTable } from "./os/nft.js";
import { takePassedDescriptors } from "./os/passed-descriptors.js";
import { missingPrivileges, withNetAdminOnly, withoutCapabilities } from "./os/privileges.js";
import { planReexec, privilegeState, reexecAsOwnUser } from "./os/reexec.js";
import { SysctlJournal } from "./os/sysctl.js";
import { openTun, openTunDevice } from "./os/tun.js";

const [stateDirectory, user] = process.argv.slice(2);
const state = privilegeState();
if (state.kind === "ReexecDue") {
  const plan = planReexec({ stateDirectory, user });
  const tun = openTunDevice();
  const hooks = startHookRunner({ stateDirectory, serverUid: plan.user?.uid });
  const capabilities = ["net_admin", "net_raw"];
  const failure = isOsError(plan)
    ? plan
    : reexecAsOwnUser({ ...plan, capabilities, descriptors: { tun, hooks: hooks.link } });
  console.log(JSON.stringify({ failure }));
  process.exit(1);
}
if (state.kind !== "Settled") {
  console.log(JSON.stringify({ failure: state }));
  process.exit(1);
}
const status = (argv) => spawnSync(argv[0], argv.slice(1), { encoding: "utf8" }).stdout;
const child = (wrap) => JSON.parse(status(wrap([process.execPath, process.argv[1].replace("serve", "who")])));
const passed = takePassedDescriptors();
const tun = openTun({ name: "hf0", fromFd: passed.get("tun")?.fd });
const gre = openGreSockets();
const table = new NftTable({ instance: "t", instanceId: "12345678", runtimeDirectory: stateDirectory });
const hooks = new HookRunner(passed.get("hooks"));
console.log(JSON.stringify({
  pid: process.pid,
  hook: await hooks.run({ path: "/usr/bin/id", env: {} }),
  state,
  own: readPrivileges(),
  children: { none: child(withoutCapabilities), netAdmin: child(withNetAdminOnly) },
  passed: [...passed.keys()],
  variables: Object.keys(process.env).filter((name) => name.startsWith("HOLDFAST")),
  done: {
    missing: missingPrivileges() ?? "nothing",
    tun: isOsError(tun) ? tun : "open",
    gre: isOsError(gre) ? gre : "open",
    ip: await new IpChanges().apply([{ kind: "LinkUp", device: "hf0", mtu: 1400 }]) ?? "done",
    nft: await table.apply("chain c { }") ?? "done",
    sysctl: new SysctlJournal(stateDirectory + "/sysctl-journal.json").set("net/ipv4/ip_forward", "1") ?? "done",
  },
  tree: readTreePrivileges(),
}));
hooks[Symbol.dispose]();
`;
const WHO = `
import { readPrivileges } from "./os/capabilities.js";
console.log(JSON.stringify(readPrivileges().threads[0]));
`;

let compiled: CompiledOs;
let script: string;
beforeAll(() => {
  compiled = new CompiledOs();
  script = compiled.script("serve", SERVE);
  compiled.script("who", WHO);
});
afterAll(() => compiled[Symbol.dispose]());

async function serve(
  stateDirectory: string,
  options: { user?: string; env?: NodeJS.ProcessEnv } = {},
) {
  using namespace = new Namespace();
  using _inside = namespace.entered();
  const argv = [script, stateDirectory, ...(options.user === undefined ? [] : [options.user])];
  const child = spawn(process.execPath, argv, {
    cwd: "/",
    env: { PATH: process.env.PATH, ...options.env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (data) => {
    text += data;
  });
  await new Promise((done) => child.on("close", done));
  return { report: JSON.parse(text) as Report & { failure?: unknown }, pid: child.pid };
}

const SETS = ["effective", "permitted", "inheritable", "ambient"] as const;

function uidOf(read: ProcessPrivileges | undefined): number | undefined {
  return read?.threads[0]?.uid;
}

function expectExactly(threads: readonly ThreadPrivileges[], names: string[]): void {
  for (const thread of threads) {
    expect(thread.noNewPrivileges).toBe(true);
    for (const set of SETS) expect(thread[set]).toEqual(names);
  }
}

describe.runIf(isRoot)("re-exec from root", () => {
  test("a user of its own, every thread with exactly two capabilities, and able to do its work", async () => {
    const stateDirectory = join(compiled.directory, "state");
    const { report, pid } = await serve(stateDirectory);
    expect(report.failure).toBeUndefined();
    expect(report.pid).toBe(pid);
    expect(report.state).toMatchObject({ kind: "Settled", how: "own-user", why: "" });
    const { threads } = report.own;
    expect(threads.length).toBeGreaterThan(5);
    expectExactly(threads, ["net_admin", "net_raw"]);
    for (const { uid, gid, groups, bounding } of threads) {
      expect(uid).toBe(report.state.uid);
      expect(gid).not.toBe(0);
      expect(groups).toEqual([]);
      expect(bounding).toEqual(["net_admin", "net_raw"]);
    }
    expect(report.passed).toEqual(["tun", "hooks"]);
    expect(report.variables).toEqual([]);
    expect(report.done).toEqual({
      missing: "nothing",
      tun: "open",
      gre: "open",
      ip: "done",
      nft: "done",
      sysctl: "done",
    });
    // The process for hooks was started before the exec and is still ours, as another user.
    expect(report.hook).toMatchObject({ kind: "Exited", code: 0 });
    const hooks = report.tree.find(({ parent }) => parent === pid);
    expectExactly(hooks?.threads ?? [], []);
    expect([0, uidOf(report.own)]).not.toContain(uidOf(hooks));
    expect(report.hook.output).toMatch(
      new RegExp(`^uid=${uidOf(hooks)} .* groups=${uidOf(hooks)}$`, "m"),
    );
    const { uid, mode } = statSync(stateDirectory);
    expect(uid).toBe(report.state.uid);
    expect(mode & 0o777).toBe(0o700);
    expectExactly([report.children.none], []);
    expectExactly([report.children.netAdmin], ["net_admin"]);
    // The same number again, from the directory's owner.
    const again = await serve(stateDirectory);
    expect(again.report.state.uid).toBe(uid);
  });

  test("a user who cannot reach the state directory: root's uid without root's power, and why", async () => {
    const closed = join(compiled.directory, "closed");
    mkdirSync(closed, { mode: 0o700 });
    const { report } = await serve(join(closed, "state"));
    expect(report.state).toMatchObject({ kind: "Settled", how: "confined-root", uid: 0 });
    expect(report.state.why).toContain("EACCES");
    expectExactly(report.own.threads, ["net_admin", "net_raw"]);
    expectExactly([report.children.none], []);
    expectExactly([report.children.netAdmin], ["net_admin"]);
    expect(report.done).toMatchObject({ tun: "open", gre: "open", ip: "done", nft: "done" });
    expect(statSync(join(closed, "state")).uid).toBe(0);
    const named = await serve(join(closed, "state"), { user: "nobody" });
    expect(named.report.failure).toMatchObject({ kind: "OsError", errno: "EACCES" });
  });

  test("a named user, root refused, an unknown name refused", async () => {
    const state = join(compiled.directory, "state-named");
    const { report } = await serve(state, { user: "nobody" });
    expect(report.state).toMatchObject({ how: "own-user", uid: lookUpUser("nobody")?.uid });
    const root = await serve(state, { user: "root" });
    expect(root.report.failure).toMatchObject({ kind: "OsError", errno: "EINVAL" });
    const unknown = await serve(state, { user: "no-such-user-here" });
    expect(unknown.report.failure).toMatchObject({ kind: "OsError", errno: "ENOENT" });
  });

  test("the marker alone convinces nobody", async () => {
    const state = join(compiled.directory, "state-marker");
    const { report } = await serve(state, { env: { HOLDFAST_REEXEC: "" } });
    expect(report.failure).toMatchObject({ kind: "OsError", call: "setpriv", errno: "EPERM" });
  });

  test("no user with a name, or a process, is taken for a free number", () => {
    const wish = { usualName: "no-such-user-here", stateDirectory: "/nonexistent" };
    const first = held(chooseOwnUser(wish));
    expect(first.uid).toBeGreaterThanOrEqual(DYNAMIC_UID_MIN);
    expect(first.uid).toBeLessThanOrEqual(DYNAMIC_UID_MAX);
    expect(chooseOwnUser(wish)).toEqual(first);
    const second = held(chooseOwnUser({ ...wish, taken: [first.uid] }));
    expect(second.uid).not.toBe(first.uid);
  });

  test("without root and without capabilities: what is missing and the command", () => {
    compiled.script(
      "missing",
      `import { missingPrivileges } from "./os/privileges.js";
       console.log(JSON.stringify(missingPrivileges()));`,
    );
    const argv = ["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--"];
    const missing = join(compiled.directory, "missing.js");
    const { stdout } = spawnSync("setpriv", [...argv, process.execPath, missing, "a b"], {
      encoding: "utf8",
    });
    const said = JSON.parse(stdout);
    expect(said).toMatchObject({ kind: "MissingPrivileges", missing: ["net_admin", "net_raw"] });
    expect(said.command).toBe(`sudo ${process.execPath} ${missing} 'a b'`);
    expect(said.text).toContain("CAP_NET_ADMIN and CAP_NET_RAW");
    expect(missingPrivileges()).toBeUndefined();
  });
});

describe.runIf(isRoot)("giving the state directory away", () => {
  test("ours with all in it; no link is followed, no second name given away", () => {
    const directory = mkdtempSync(join(tmpdir(), "hf-give-"));
    const state = join(directory, "state");
    mkdirSync(join(state, "db"), { recursive: true });
    mkdirSync(join(state, "keys"));
    writeFileSync(join(state, "db", "file"), "");
    writeFileSync(join(directory, "outside"), "");
    spawnSync("ln", ["-s", join(directory, "outside"), join(state, "link")]);
    spawnSync("ln", [join(directory, "outside"), join(state, "hard")]);
    expect(giveDirectory(state, 61_999, 61_999)).toBeUndefined();
    expect(statSync(state).uid).toBe(61_999);
    expect(statSync(join(state, "db", "file")).uid).toBe(61_999);
    expect(statSync(join(directory, "outside")).uid).toBe(0);
    rmSync(directory, { recursive: true });
  });

  test("somebody's home, named by mistake, stays theirs", () => {
    const home = mkdtempSync(join(tmpdir(), "hf-give-"));
    writeFileSync(join(home, "letter"), "");
    chmodSync(home, 0o755);
    expect(giveDirectory(home, 61_999, 61_999)).toMatchObject({ kind: "OsError", errno: "EEXIST" });
    expect(statSync(home).uid).toBe(0);
    expect(statSync(home).mode & 0o777).toBe(0o755);
    expect(existsSync(join(home, "letter"))).toBe(true);
    rmSync(home, { recursive: true });
  });
});

test("capability masks by name", () => {
  expect(capabilityNames("0000000000003000")).toEqual(["net_admin", "net_raw"]);
  expect(capabilityNames("0000008000000001")).toEqual(["chown", "bpf"]);
  expect(capabilityNames("8000000000000000")).toEqual(["cap_63"]);
  expect(capabilityNames("0000000000000000")).toEqual([]);
  expect(readPrivileges(2 ** 22 + 1)).toMatchObject({ kind: "OsError", errno: "ENOENT" });
});

test("threads: the first one first, then by number, however many digits that has", () => {
  const { threads } = held(readPrivileges());
  const [first, ...others] = threads.map(({ tid }) => tid);
  expect(first).toBe(process.pid);
  expect(others).toEqual([...others].sort((a, b) => a - b));
});
