// Who the server's processes are and what they may do, read from /proc while it serves: main with two
// capabilities, ip and nft with one, data worker and hooks with none.
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type * as z from "zod";
import type { statusSchema } from "../../src/console/contract.js";
import {
  capabilityNames,
  type ProcessPrivileges,
  readPrivileges,
  readTreePrivileges,
} from "../../src/os/capabilities.js";
import { isOsError } from "../../src/os/errors.js";
import { HostNetns, until } from "../lab/place.js";
import { isRoot, joined, Namespace } from "../os/namespace.js";
import { Installation, Serving } from "./installation.js";
import { kernelDifference, kernelState } from "./kernel-state.js";
import { OwnClient } from "./own-client.js";

type Status = z.infer<typeof statusSchema>;
type Seen = {
  readonly uid: number;
  readonly noNewPrivileges: boolean;
  readonly sets: Readonly<Record<string, string[]>>;
};

const SERVER = "198.51.100.1";
const TWO = ["net_admin", "net_raw"];

/** What /proc/PID/status says of itself, as a shell script wrote it down. */
function seen(text: string): Seen {
  const line = (name: string) => new RegExp(`^${name}:\\s+(\\S+)`, "m").exec(text)?.[1] ?? "";
  const names = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"];
  return {
    uid: Number(line("Uid")),
    noNewPrivileges: line("NoNewPrivs") === "1",
    sets: Object.fromEntries(names.map((name) => [name, capabilityNames(line(name))])),
  };
}

function threadsOf(read: ReturnType<typeof readPrivileges>): ProcessPrivileges["threads"] {
  if (isOsError(read)) throw new Error("no such process");
  return read.threads;
}

describe.runIf(isRoot)("privileges of a server started by root", () => {
  const scratch = isRoot ? mkdtempSync(join(tmpdir(), "hf-privileges-")) : "";
  let installed: Installation;
  let cable: ReturnType<typeof joined>;
  let serving: Serving;

  /** A program in the place of the system's own, for the server alone: writes down who it is. */
  function watched(name: string): string {
    const path = execFileSync("bash", ["-c", `readlink -f "$(command -v ${name})"`], {
      encoding: "utf8",
    }).trim();
    const real = join(scratch, `real-${name}`);
    const wrapper = join(scratch, `watched-${name}`);
    copyFileSync(path, real);
    writeFileSync(
      wrapper,
      `#!/bin/bash\nmapfile -t status </proc/$$/status\n` +
        `printf '%s\\n' "\${status[@]}" "argv: $*" >${scratch}/seen-${name}-$$\nexec ${real} "$@"\n`,
    );
    chmodSync(wrapper, 0o755);
    return `mount --bind ${wrapper} ${path}`;
  }
  function allSeen(name: string): Seen[] {
    return readdirSync(scratch)
      .filter((file) => file.startsWith(`seen-${name}-`) && !file.endsWith("~"))
      .map((file) => seen(readFileSync(join(scratch, file), "utf8")));
  }

  beforeAll(async () => {
    installed = new Installation();
    cable = joined([`${SERVER}/24`], ["198.51.100.2/24"]);
    chmodSync(scratch, 0o1777);
    const hook = join(installed.directory, "hook");
    writeFileSync(
      hook,
      `#!/bin/bash\ncat /proc/$$/status >${scratch}/seen-$HOLDFAST_EVENT-$$~ &&
        env >${scratch}/environment-$HOLDFAST_EVENT &&
        mv ${scratch}/seen-$HOLDFAST_EVENT-$$~ ${scratch}/seen-$HOLDFAST_EVENT-$$\n`,
    );
    chmodSync(hook, 0o755);
    const config = join(installed.directory, "holdfast.yaml");
    writeFileSync(
      config,
      JSON.stringify({
        addresses: { pool: ["10.99.0.0/24"] },
        client: { dns: [] },
        network: { nat: { enabled: true } },
        hooks: { ipUp: hook, ipDown: hook },
      }),
    );
    serving = await Serving.start({
      namespace: cable.a,
      main: installed.main,
      state: join(installed.directory, "state"),
      config,
      prepare: `${watched("ip")}; ${watched("nft")}`,
    });
    await until("the data worker is ready", 10, async () =>
      (await serving.json<Status>("status")).workers.some(({ state }) => state === "running"),
    );
  });
  afterAll(async () => {
    await serving?.[Symbol.asyncDispose]();
    cable?.[Symbol.dispose]();
    installed?.[Symbol.dispose]();
    if (scratch !== "") rmSync(scratch, { recursive: true, force: true });
  });

  it("every thread of main: a user of its own, NET_ADMIN and NET_RAW in every set, no more", async () => {
    const { warnings } = await serving.json<Status>("status");
    expect(warnings.join()).not.toContain("root");
    const threads = threadsOf(readPrivileges(serving.pid));
    expect(threads.length).toBeGreaterThan(5);
    const [{ uid, gid } = { uid: 0, gid: 0 }] = threads;
    expect(uid).toBeGreaterThan(0);
    expect(gid).toBeGreaterThan(0);
    for (const thread of threads) {
      expect(thread).toMatchObject({
        uid,
        gid,
        groups: [],
        effective: TWO,
        permitted: TWO,
        inheritable: TWO,
        bounding: TWO,
        ambient: TWO,
        noNewPrivileges: true,
      });
    }
  });

  it("data worker and the process for hooks: nothing in any set of any thread", () => {
    const children = readTreePrivileges(serving.pid).filter(({ pid }) => pid !== serving.pid);
    expect(children).toHaveLength(2);
    for (const thread of children.flatMap(({ threads }) => threads)) {
      // A bounding set cannot be narrowed without CAP_SETPCAP; without a way to gain, it gives nothing.
      const none = { effective: [], permitted: [], inheritable: [], ambient: [] };
      expect(thread).toMatchObject({ ...none, groups: [], noNewPrivileges: true });
      expect(thread.uid).toBeGreaterThan(0);
      expect(TWO).toEqual(expect.arrayContaining([...thread.bounding]));
    }
  });

  it("ip and nft: the server's user, NET_ADMIN alone where they change something", async () => {
    const { uid } = threadsOf(readPrivileges(serving.pid))[0]!;
    for (const name of ["ip", "nft"]) {
      const all = allSeen(name);
      expect(all.length).toBeGreaterThan(0);
      for (const one of all) {
        expect(one.uid).toBe(uid);
        expect(TWO).toEqual(expect.arrayContaining(one.sets.CapBnd!));
        expect(one.noNewPrivileges).toBe(true);
        expect([[], ["net_admin"]]).toContainEqual(one.sets.CapEff);
        expect([[], ["net_admin"]]).toContainEqual(one.sets.CapAmb);
      }
      expect(all.map(({ sets }) => sets.CapEff)).toContainEqual(["net_admin"]);
    }
  });

  it("status says the same as /proc", async () => {
    const { processes } = await serving.json<Status>("status");
    const own = readTreePrivileges(serving.pid);
    expect(processes.map(({ pid }) => pid).sort()).toEqual(own.map(({ pid }) => pid).sort());
    for (const { pid, uid, capabilities, state, name } of processes) {
      const threads = own.find((one) => one.pid === pid)!.threads;
      expect(new Set(threads.map((thread) => thread.uid))).toEqual(new Set([uid]));
      const lower = capabilities.map((one) => one.toLowerCase());
      for (const { effective } of threads) expect(effective).toEqual(lower);
      expect(state).toBe("all threads alike");
      expect(name).toContain(`${threads.length} threads`);
    }
    expect(processes.find(({ pid }) => pid === serving.pid)?.name).toMatch(/^main/);
  });

  it("hooks: a third user, no capability, the session in their environment and no more", async () => {
    await using client = await OwnClient.start(cable.b);
    const password = "secret-Pw1";
    const add = await serving.cli(["user", "add", "ann", "--password-stdin"], `${password}\n`);
    expect(add.code).toBe(0);
    const { ours } = await client.call({ server: SERVER, user: "ann", password });
    const { uid: serverUid } = threadsOf(readPrivileges(serving.pid))[0]!;
    for (const event of ["ip-up", "ip-down"]) {
      await until(`the ${event} hook ran`, 10, () => allSeen(event).some(({ uid }) => uid > 0));
      const [hook] = allSeen(event);
      expect([0, serverUid]).not.toContain(hook!.uid);
      for (const set of Object.values(hook!.sets)) expect(set).toEqual([]);
      expect(hook!.noNewPrivileges).toBe(true);
      const environment = readFileSync(join(scratch, `environment-${event}`), "utf8");
      const names = environment
        .trim()
        .split("\n")
        .map((line) => line.split("=")[0]);
      expect(environment).toContain(`HOLDFAST_FRAMED_ADDRESS=${ours}\n`);
      expect(environment).toContain("HOLDFAST_USER=ann\n");
      expect(environment).toContain("HOLDFAST_PEER_ADDRESS=198.51.100.2\n");
      expect(names.filter((name) => !name?.startsWith("HOLDFAST_")).sort()).toEqual(
        ["LC_ALL", "PATH", "PWD", "SHLVL", "_"].filter((name) => names.includes(name)),
      );
      if (event === "ip-up") {
        client.end("LCP");
        await client.says("ended");
      } else expect(environment).toMatch(/^HOLDFAST_CAUSE=(call-cleared|peer-terminated)$/m);
    }
  });

  it("as nobody: says which is missing and the command that gives it, changes nothing", async () => {
    using namespace = new Namespace();
    const place = new HostNetns(namespace.name);
    const before = await kernelState(place);
    const state = join(installed.directory, "nobodys-state");
    const nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"];
    const words = ["serve", "--state", state];
    const { status, stderr } = spawnSync(
      "ip",
      ["netns", "exec", namespace.name, "setpriv", ...nobody, process.execPath].concat(
        installed.main,
        words,
      ),
      { encoding: "utf8", cwd: "/" },
    );
    expect(status).toBe(6);
    expect(stderr).toContain("CAP_NET_ADMIN and CAP_NET_RAW");
    const command = `sudo ${process.execPath} ${installed.main} ${words.join(" ")}`;
    expect(stderr.split("\n")).toContain(command);
    expect(existsSync(state)).toBe(false);
    expect(kernelDifference(before, await kernelState(place))).toEqual([]);
  });
});

describe.runIf(isRoot)("a server whose own user cannot reach it", () => {
  it("a checkout under a directory of mode 0700: serves with root's number, and says so loudly", async () => {
    using installed = new Installation({ mode: 0o700 });
    using namespace = new Namespace();
    await using serving = await Serving.start({
      namespace,
      main: installed.main,
      state: join(installed.directory, "state"),
    });
    const { warnings, processes } = await serving.json<Status>("status");
    expect(warnings.join("\n")).toMatch(/root's user number .*EACCES/);
    expect(serving.text).toMatch(/root's user number .*EACCES/);
    expect(processes.find(({ pid }) => pid === serving.pid)).toMatchObject({ uid: 0 });
    for (const thread of threadsOf(readPrivileges(serving.pid))) {
      expect(thread).toMatchObject({ uid: 0, effective: TWO, permitted: TWO, bounding: TWO });
    }
    expect(await serving.stop()).toBe(0);
  });
});
