// Two network namespaces of our own on one cable, and our programs in them: nothing else of the machine is touched,
// and a scope gives all of it back. For what shows or tries the product where it is not installed.
import { type ChildProcess, type StdioOptions, spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lease } from "../base/lease.js";
import type { Scope } from "../base/scope.js";

export class StageFailed extends Error {}

export type Side = "server" | "client";
export type StageTerms = {
  /** Begins the names of namespaces and directory. */
  readonly name: string;
  /** Of either end, in one /24. */
  readonly addresses: Readonly<Record<Side, string>>;
};

const CABLE = "hfd0";
const WAIT_MS = 20_000;
const END_LOOKS = 50;

export class Stage {
  readonly directory: string;
  readonly #scope: Scope;
  readonly #names: Readonly<Record<Side, string>>;

  constructor(scope: Scope, { name, addresses }: StageTerms) {
    this.#scope = scope;
    this.directory = mkdtempSync(join(tmpdir(), `holdfast-${name}-`));
    scope.hold(
      "directory",
      lease(() => rmSync(this.directory, { recursive: true, force: true })),
    );
    // The server becomes a user of its own, who must get here.
    chmodSync(this.directory, 0o755);
    const prefix = `hf${name}-${process.pid}`;
    this.#names = { server: `${prefix}-s`, client: `${prefix}-c` };
    const { server, client } = this.#names;
    for (const netns of [server, client]) {
      ip("netns", "add", netns);
      scope.hold(
        "namespace",
        lease(() => void spawnSync("ip", ["netns", "delete", netns])),
      );
      ip("-n", netns, "link", "set", "lo", "up");
    }
    const near = ["link", "add", CABLE, "netns", server, "type", "veth"];
    ip(...near, "peer", "name", CABLE, "netns", client);
    for (const side of ["server", "client"] as const) {
      this.ip(side, "address", "add", `${addresses[side]}/24`, "dev", CABLE);
      this.ip(side, "link", "set", CABLE, "up");
    }
  }

  ip(side: Side, ...words: string[]): void {
    ip("-n", this.#names[side], ...words);
  }

  /** Node with these words; it ends with the scope. */
  start(side: Side, words: readonly string[], stdio: StdioOptions): ChildProcess {
    const all = ["netns", "exec", this.#names[side], process.execPath, ...words];
    const child = spawn("ip", all, { stdio, env: { ...process.env, HOLDFAST_STATE: "" } });
    this.#scope.hold(
      "child",
      lease(() => void endNow(child)),
      `${child.pid ?? ""}`,
    );
    return child;
  }

  /** A program, to its end. */
  run(side: Side, words: readonly string[]) {
    const all = ["netns", "exec", this.#names[side], ...words];
    return spawnSync("ip", all, { encoding: "utf8", timeout: 3 * WAIT_MS });
  }
}

/** In order, so that a server puts the kernel back as it was; waited for, bounded. */
function endNow(child: ChildProcess): void {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.kill("SIGTERM");
  for (let look = 0; look < END_LOOKS; look++) {
    const state = ["-o", "stat=", "-p", String(child.pid)];
    const { stdout } = spawnSync("ps", state, { encoding: "utf8" });
    if (stdout.trim() === "" || stdout.startsWith("Z")) return;
    spawnSync("sleep", ["0.1"]);
  }
  child.kill("SIGKILL");
}

function ip(...words: string[]): void {
  const { status, stderr } = spawnSync("ip", words, { encoding: "utf8" });
  if (status !== 0) throw new StageFailed(`ip ${words.join(" ")}: ${stderr?.trim() ?? "no ip"}`);
}

/** Resolves when the child's output matches; fails when it ends or says nothing in time. */
export function said(child: ChildProcess, pattern: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let heard = "";
    const settle = (act: () => void) => {
      clearTimeout(timer);
      act();
    };
    const timer = setTimeout(() => reject(new StageFailed(`nothing happened:\n${heard}`)), WAIT_MS);
    const hear = (text: Buffer) => {
      if (pattern.test(heard)) return;
      heard += text.toString();
      if (pattern.test(heard)) settle(resolve);
    };
    child.stdout?.on("data", hear);
    child.stderr?.on("data", hear);
    // Not at its exit: why it ended may still have to be read.
    child.once("close", () => settle(() => reject(new StageFailed(heard))));
  });
}
