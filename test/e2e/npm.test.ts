// README's commands as a new user types them: in a fresh copy of this checkout, the server in a
// namespace that has only `lo` and no route.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runtimeWarning } from "../../src/daemon/runtime-support.js";
import { HostNetns, type Result, run, until } from "../lab/place.js";
import { isRoot, Namespace } from "../os/namespace.js";
import { expectKernel, type KernelState, kernelDifference, kernelState } from "./kernel-state.js";
import { settled } from "./settled.js";

const ROOT = join(import.meta.dirname, "../..");

/** npm's and vitest's own variables are not a new user's; where the registry is may be in them. */
const environment: NodeJS.ProcessEnv = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^(npm_(?!config_)|VITEST|NODE_|HOLDFAST|CI$)/i.test(name),
  ),
);

/** What git would clone, with what is changed in the working tree. */
function freshCopy(): string {
  const directory = mkdtempSync(join(tmpdir(), "hf-npm-"));
  // As a directory somebody makes by hand is; mkdtemp's is closed to the server's own user.
  chmodSync(directory, 0o755);
  const list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const files = execFileSync("git", ["-c", "safe.directory=*", ...list], {
    cwd: ROOT,
    encoding: "utf8",
  });
  for (const file of new Set(files.split("\0").filter(Boolean))) {
    const to = join(directory, file);
    mkdirSync(dirname(to), { recursive: true });
    try {
      cpSync(join(ROOT, file), to);
    } catch (failure) {
      // Listed, and removed from the working tree.
      if ((failure as NodeJS.ErrnoException).code !== "ENOENT") throw failure;
    }
  }
  return directory;
}

describe.runIf(isRoot)("npm install, npm start, npm run demo in a fresh copy", () => {
  let directory: string;
  let namespace: Namespace;
  let place: HostNetns;
  let before: KernelState;

  beforeAll(async () => {
    directory = freshCopy();
    // From npm's cache: the copy here was installed through it, or the tests may have no network.
    const installed = await npm(["ci", "--prefer-offline", "--no-audit", "--no-fund"], 240);
    if (installed.code !== 0) throw new Error(`npm ci: ${installed.stdout}${installed.stderr}`);
    namespace = new Namespace();
    await settled(namespace);
    place = new HostNetns(namespace.name);
    before = await kernelState(place);
  }, 300_000);
  afterAll(() => {
    namespace?.[Symbol.dispose]();
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  });

  function npm(words: readonly string[], timeoutS: number): Promise<Result> {
    const line = `cd ${directory} && exec npm ${words.join(" ")}`;
    return run("bash", ["-c", line], { timeoutS, env: environment });
  }

  /** `npm start` in the namespace; npm is the process whose signals and exit count. */
  class Start {
    readonly child: ChildProcess;
    readonly exit: Promise<number | null>;
    text = "";

    private constructor() {
      this.child = spawn("ip", ["netns", "exec", namespace.name, "npm", "start"], {
        cwd: directory,
        env: environment,
        stdio: ["ignore", "pipe", "pipe"],
      });
      for (const stream of [this.child.stdout, this.child.stderr]) {
        stream?.on("data", (part) => {
          this.text += part;
        });
      }
      this.exit = new Promise((resolve) => this.child.once("close", resolve));
    }

    static async up(): Promise<Start> {
      const start = new Start();
      let over = false;
      start.exit.then(() => {
        over = true;
      });
      try {
        await until("npm start serves", 60, () => over || start.text.includes("serves PPTP"));
        if (over) throw new Error("it ended");
      } catch (failure) {
        await start.kill();
        throw new Error(`${failure}\n${start.text}`);
      }
      return start;
    }

    /** SIGTERM to npm alone, as a supervisor or `docker stop` does. */
    async stop(): Promise<number | null> {
      this.child.kill("SIGTERM");
      const timer = setTimeout(() => void this.kill(), 30_000);
      const code = await this.exit;
      clearTimeout(timer);
      return code;
    }

    /** Whatever is in the namespace. */
    async kill(): Promise<void> {
      for (const pid of processes()) process.kill(pid, "SIGKILL");
      await this.exit;
    }
  }

  function processes(): number[] {
    const text = execFileSync("ip", ["netns", "pids", namespace.name], { encoding: "utf8" });
    return text.split("\n").filter(Boolean).map(Number);
  }

  function holdfast(words: string): Promise<Result> {
    return run("bash", ["-c", `cd ${directory} && ./holdfast ${words}`], { env: environment });
  }

  it("comes up with no route, says how to connect and where everything is, stops through npm", async () => {
    const start = await Start.up();
    const state = join(directory, ".holdfast");
    for (const said of [
      "TCP 1723 and GRE",
      "first account  vpn",
      join(state, "first-password"),
      `configuration  ${join(state, "holdfast.yaml")} (made now)`,
      `state          ${state}`,
      "connect        Windows",
      "look           ./holdfast status, sessions, ledger, doctor",
    ]) {
      expect(start.text).toContain(said);
    }
    const outOfSupport = runtimeWarning(process.version, new Date());
    const warned = start.text.match(/this runtime is out of support/g) ?? [];
    expect(warned).toHaveLength(outOfSupport === undefined ? 0 : 1);
    const password = join(state, "first-password");
    expect(statSync(password).mode & 0o777).toBe(0o600);
    expect(statSync(state).mode & 0o777).toBe(0o700);
    const [name, secret = ""] = readFileSync(password, "utf8").trim().split(" ");
    expect(name).toBe("vpn");
    expect(start.text).not.toContain(secret);
    expect((await holdfast("status")).code).toBe(0);
    expect(await start.stop()).toBe(0);
    expect(processes()).toEqual([]);
    await expectKernel(before, place);
  });

  it("was installed without a script that starts, enables or installs anything", async () => {
    const { scripts } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
    const atInstall = ["preinstall", "install", "postinstall", "prepublish", "preprepare"];
    for (const name of [...atInstall, "postprepare"]) expect(scripts).not.toHaveProperty(name);
    expect(scripts.prepare).toBe("npm run build");
    // All that came is in the copy: no unit, no link, no process of it.
    for (const place of ["/etc/systemd/system", "/usr/lib/systemd/system", "/etc/init.d"]) {
      const found = existsSync(place) ? readdirSync(place) : [];
      expect(found.filter((one) => one.includes("holdfast"))).toEqual([]);
    }
    expect(processes()).toEqual([]);
    expect(kernelDifference(before, await kernelState(place))).toEqual([]);
  });

  it("a second start goes on with what is there", async () => {
    const configuration = join(directory, ".holdfast/holdfast.yaml");
    writeFileSync(configuration, `# mine\n${readFileSync(configuration, "utf8")}`);
    const start = await Start.up();
    expect(start.text).not.toContain("made now");
    expect(start.text).toMatch(/first account {2}its password is still in .*first-password/);
    expect(start.text).not.toContain("its password   in");
    const { stdout } = await holdfast("user list --json");
    expect(JSON.parse(stdout)).toMatchObject({ accounts: [{ name: "vpn" }] });
    expect(readFileSync(configuration, "utf8")).toMatch(/^# mine/);
    const second = await run("ip", ["netns", "exec", namespace.name, "npm", "start"], {
      env: environment,
      timeoutS: 60,
    }).catch((failure) => ({ code: -1, stdout: "", stderr: String(failure) }));
    expect(second.code).not.toBe(0);
    expect(await start.stop()).toBe(0);
    await expectKernel(before, place);
  });

  it("killed, then started again: lock, TUN and kernel settings are put right", async () => {
    const first = await Start.up();
    expect(await place.exec("cat /proc/sys/net/ipv4/ip_forward")).toMatchObject({ stdout: "1\n" });
    await first.kill();
    expect(await place.exec("cat /proc/sys/net/ipv4/ip_forward")).toMatchObject({ stdout: "1\n" });
    const again = await Start.up();
    expect(await again.stop()).toBe(0);
    await expectKernel(before, place);
  });

  it("npm run demo: under a minute, the ledger after as before, nothing left", async () => {
    const names = () => execFileSync("ip", ["netns", "list"], { encoding: "utf8" });
    const begun = performance.now();
    const { code, stdout, stderr } = await npm(["run", "demo"], 100);
    const seconds = (performance.now() - begun) / 1_000;
    expect(`${code} ${stderr}`).toMatch(/^0 /);
    expect(seconds).toBeLessThan(60);
    const ledger = (when: string) => new RegExp(`ledger ${when}: +(.*)`).exec(stdout)?.[1];
    expect(ledger("after")).toBe(ledger("before"));
    expect(ledger("during")).toContain("address 1");
    expect(stdout).toMatch(/ping: rtt .*MPPE-128, digest equal/s);
    expect(names()).not.toContain("hfdemo");
    console.info(`npm run demo took ${seconds.toFixed(1)} s`);
  });
});
