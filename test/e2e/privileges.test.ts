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
import { AdminClient } from "../../src/cli/admin-client.js";
import { statusSchema } from "../../src/console/contract.js";
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
  /** While it is there, ip, nft and hooks wait before they do their work. */
  const gate = join(scratch, "gate");
  let installed: Installation;
  let cable: ReturnType<typeof joined>;
  let serving: Serving;

  /** Of a shell, without a child: nobody ever writes into what it reads. */
  const waiting = () =>
    `for i in {1..40}; do [ -e ${gate} ] || break; ` +
    `read -t 0.1 _ <>${installed.directory}/never; done`;

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
        `printf '%s\\n' "\${status[@]}" "argv: $*" >${scratch}/seen-${name}-$$\n` +
        `${waiting()}\n` +
        `exec ${real} "$@"\n`,
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
    execFileSync("mkfifo", ["--mode=666", join(installed.directory, "never")]);
    const hook = join(installed.directory, "hook");
    writeFileSync(
      hook,
      `#!/bin/bash\ncat /proc/$$/status >${scratch}/seen-$HOLDFAST_EVENT-$$~ &&
        env >${scratch}/environment-$HOLDFAST_EVENT &&
        mv ${scratch}/seen-$HOLDFAST_EVENT-$$~ ${scratch}/seen-$HOLDFAST_EVENT-$$
        ${waiting()}\n`,
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
    await until("the data worker is ready", 20, async () =>
      (await status()).workers.some(({ state }) => state === "running"),
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

  it("data worker and the process for hooks: nothing in any set of any thread", async () => {
    const children = () => readTreePrivileges(serving.pid).filter(({ pid }) => pid !== serving.pid);
    // An `ip` or `nft` of the start may be ending.
    await expect.poll(children).toHaveLength(2);
    for (const thread of children().flatMap(({ threads }) => threads)) {
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

  /** By its admin socket: a command line takes longer than some of what is looked at lasts. */
  function status(): Promise<Status> {
    const socket = join(installed.directory, "state/run/admin.sock");
    return new AdminClient(socket).get("/status", statusSchema);
  }

  /** Each thread of each process of a status against /proc, read right after. */
  function expectAsProc({ processes }: Status): void {
    const own = readTreePrivileges(serving.pid);
    expect(processes.map(({ pid }) => pid).sort()).toEqual(own.map(({ pid }) => pid).sort());
    const upper = (names: readonly string[]) => names.map((one) => one.toUpperCase());
    for (const { pid, parent, threads } of processes) {
      const real = own.find((one) => one.pid === pid)!;
      expect(parent).toBe(real.parent);
      expect(threads.map(({ name: _, ...thread }) => thread)).toEqual(
        real.threads.map(({ name: _, ...thread }) => ({
          ...thread,
          effective: upper(thread.effective),
          permitted: upper(thread.permitted),
          inheritable: upper(thread.inheritable),
          bounding: upper(thread.bounding),
          ambient: upper(thread.ambient),
        })),
      );
    }
  }

  /** A status as /proc: again, as long as a thread or a child comes or goes between the two looks. */
  async function statusAsProc(ask: () => Promise<Status> = status): Promise<Status> {
    let shown = await ask();
    let difference: unknown;
    await until("status says the same as /proc", 20, async () => {
      try {
        expectAsProc(shown);
        return true;
      } catch (failure) {
        difference = failure;
        shown = await ask();
        return false;
      }
    }).catch(() => {
      throw difference;
    });
    return shown;
  }

  it("status says the same as /proc of every thread, and names them", async () => {
    const { processes, warnings } = await statusAsProc(() => serving.json<Status>("status"));
    expect(processes.map(({ name }) => name).sort()).toEqual([
      "data worker",
      "hook runner",
      "main",
    ]);
    for (const { state } of processes) expect(state).toBe("all threads alike");
    const main = processes.find(({ pid }) => pid === serving.pid)!;
    expect(main.name).toBe("main");
    expect(main.threads.filter(({ name }) => name === "main").map(({ tid }) => tid)).toEqual([
      serving.pid,
    ]);
    expect(main.threads.filter(({ name }) => name === "store")).toHaveLength(1);
    expect(warnings.join()).not.toContain("may do more");
    const { stdout } = await serving.cli(["status"]);
    const { uid, gid, threads } = main;
    expect(stdout).toMatch(
      new RegExp(
        `^main +${main.pid} +${threads.length}: main, store, ${threads.length - 2} others +` +
          `${uid} +${gid} +NET_ADMIN NET_RAW +NET_ADMIN NET_RAW$`,
        "m",
      ),
    );
    expect(stdout).toMatch(/^data worker +\d+ +\d+: main, \d+ others +\d+ +\d+ +none +/m);
  });

  it("status shows nft while it runs: NET_ADMIN alone", async () => {
    writeFileSync(gate, "");
    const reloading = serving.cli(["reload"]);
    const seenNft = () =>
      until("status shows nft", 20, async () => {
        const shown = await statusAsProc();
        // The watching script in its place is what runs; its words are nft's.
        const child = shown.processes.find(
          ({ name, parent, capabilities }) =>
            name === "bash" && parent === serving.pid && capabilities.length > 0,
        );
        if (child === undefined) return false;
        for (const thread of child.threads) {
          const one = ["NET_ADMIN"];
          expect(thread).toMatchObject({ effective: one, permitted: one, inheritable: one });
          expect(thread).toMatchObject({ ambient: one, noNewPrivileges: true });
        }
        return true;
      });
    try {
      await seenNft();
    } finally {
      rmSync(gate);
    }
    expect((await reloading).code).toBe(0);
  });

  it("hooks: a third user, no capability, the session in their environment and no more", async () => {
    await using client = await OwnClient.start(cable.b);
    const password = "secret-Pw1";
    const add = await serving.cli(["user", "add", "ann", "--password-stdin"], `${password}\n`);
    expect(add.code).toBe(0);
    writeFileSync(gate, "");
    // Not until it carries, too: the hook waits only so long.
    const said = await client.dial({ server: SERVER, user: "ann", password });
    if (said.event !== "up") throw new Error(said.cause);
    const { ours } = said;
    await until("status shows the hook while it runs", 20, async () => {
      const shown = await status();
      const hooks = shown.processes.filter(({ name }) => name === "hook");
      if (!hooks.some(({ threads }) => threads.length > 0)) return false;
      for (const thread of hooks.flatMap(({ threads }) => threads)) {
        const none = { effective: [], permitted: [], inheritable: [], bounding: [], ambient: [] };
        expect(thread).toMatchObject({ ...none, groups: [], noNewPrivileges: true });
        expect([0, shown.processes[0]!.uid]).not.toContain(thread.uid);
      }
      return true;
    });
    rmSync(gate);
    const { uid: serverUid } = threadsOf(readPrivileges(serving.pid))[0]!;
    for (const event of ["ip-up", "ip-down"]) {
      await until(`the ${event} hook ran`, 20, () => allSeen(event).some(({ uid }) => uid > 0));
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
    expect(stderr.split("\n")).toContain(`Remedy: ${command}`);
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
