// Debian's systemd-resolved, run by hand in a namespace with a bus of its own: nothing of the test's host,
// whose names it must not take over, is touched. Unpacked, not installed: HOLDFAST_RESOLVED says where.
import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { run, until } from "../lab/place.js";
import type { Namespace } from "../os/namespace.js";
import { needPeer } from "../peers.js";

const root = process.env.HOLDFAST_RESOLVED ?? "";
const daemon = `${root}/lib/systemd/systemd-resolved`;
const resolvectl = `${root}/usr/bin/resolvectl`;
const verbs = ["method_call", "signal", "method_return", "error"];

/** Whoever is on this bus may do all there. */
const bus = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/><allow own="*"/>
    ${verbs.map((verb) => `<allow send_type="${verb}"/><allow receive_type="${verb}"/>`).join("")}
  </policy>
</busconfig>`;

/** It gives up root for a user of its own, which a host without the package has not. */
const script = `
  set -e
  trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT
  trap exit TERM
  mount -t tmpfs none /run
  mkdir -p /run/dbus /run/systemd/resolve /run/etc
  for file in passwd group; do cp /etc/$file /run/etc/; done
  grep -q ^systemd-resolve: /etc/passwd || {
    echo systemd-resolve:x:991:991::/:/usr/sbin/nologin >>/run/etc/passwd
    echo systemd-resolve:x:991: >>/run/etc/group
  }
  : >/run/etc/resolv.conf
  for file in passwd group resolv.conf; do mount --bind /run/etc/$file /etc/$file; done
  chown systemd-resolve:systemd-resolve /run/systemd/resolve
  mount -t tmpfs none /usr/local/sbin
  cp "$2" /usr/local/sbin/
  dbus-daemon --config-file="$1" --nofork --nopidfile &
  until [ -S /run/dbus/system_bus_socket ]; do sleep 0.05; done
  "$3" &
  wait -n`;

export function needResolved(): boolean {
  const packages = ["dbus-daemon", "and unpack systemd-resolved: .ci/run shows how"];
  return needPeer([daemon, resolvectl, "dbus-daemon", "nsenter"], packages);
}

export class Resolved implements AsyncDisposable {
  readonly #child: ChildProcess;
  #said = "";

  private constructor(namespace: Namespace, scratch: string) {
    const config = join(scratch, "bus.conf");
    writeFileSync(config, bus);
    const inside = ["unshare", "--mount", "bash", "-c", script, "_", config, resolvectl, daemon];
    this.#child = spawn("ip", ["netns", "exec", namespace.name, ...inside], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on("data", (text: Buffer) => {
        this.#said = (this.#said + text.toString()).slice(-4_000);
      });
    }
  }

  static async started(namespace: Namespace, scratch: string): Promise<Resolved> {
    const resolved = new Resolved(namespace, scratch);
    try {
      await until("systemd-resolved answers", 15, async () => (await resolved.ask("dns")) !== "");
    } catch (failure) {
      await resolved[Symbol.asyncDispose]();
      throw new Error(`${failure}\n${resolved.#said}`);
    }
    return resolved;
  }

  /** A shell's words that put what follows beside it. */
  get beside(): string {
    return `exec nsenter --mount --net --target ${this.#child.pid}`;
  }

  /** What `resolvectl COMMAND` prints; empty when it fails. */
  async ask(command: string): Promise<string> {
    const words = `resolvectl --no-pager --legend=no ${command}`;
    const { code, stdout } = await run("bash", ["-c", `${this.beside} ${words}`]);
    return code === 0 ? stdout : "";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once("close", resolve));
    this.#child.kill("SIGTERM");
    await ended;
  }
}
