// Network namespaces for tests: made, entered for one call, removed. The process itself stays where
// it was; sockets keep the namespace they were made in.
import { execFileSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import koffi from "koffi";
import { describeOsError, isOsError, type OsError } from "../../src/os/errors.js";

const setns = koffi.load(null).func("int setns(int fd, int type)");
const CLONE_NEWNET = 0x40000000;
let made = 0;

/** Tests of the kernel need root; where CI promises it, its absence is a failure. */
export const isRoot = process.geteuid?.() === 0;
if (!isRoot) {
  const why = "not root: tests in network namespaces are left out";
  if (process.env.CI !== undefined) throw new Error(why);
  console.warn(why);
}

/** What an opener gave, when it gave something. */
export function held<T extends object>(result: T | OsError): T {
  if (isOsError(result)) throw new Error(describeOsError(result));
  return result;
}

export class Namespace implements Disposable {
  readonly name: string;

  constructor() {
    this.name = `hf-test-${process.pid}-${++made}`;
    execFileSync("ip", ["netns", "add", this.name]);
    this.ip("link", "set", "lo", "up");
  }

  ip(...argv: string[]): string {
    return execFileSync("ip", ["-n", this.name, ...argv], { encoding: "utf8" });
  }

  run(command: string, ...argv: string[]): string {
    return execFileSync("ip", ["netns", "exec", this.name, command, ...argv], { encoding: "utf8" });
  }

  /** Calls `body` with this thread inside; children it starts are inside too. */
  inside<T>(body: () => T): T {
    using _inside = this.entered();
    return body();
  }

  /** This thread is inside until the end of what is given. */
  entered(): Disposable {
    const home = openSync("/proc/thread-self/ns/net", "r");
    const there = openSync(`/run/netns/${this.name}`, "r");
    if (setns(there, CLONE_NEWNET) !== 0) throw new Error(`setns ${this.name}`);
    closeSync(there);
    return {
      [Symbol.dispose]() {
        // A thread that stays in there would spoil every later test.
        if (setns(home, CLONE_NEWNET) !== 0) process.abort();
        closeSync(home);
      },
    };
  }

  [Symbol.dispose](): void {
    execFileSync("ip", ["netns", "del", this.name]);
  }
}

/** Two namespaces joined by a cable; each end has its addresses. */
export function joined(addressesA: string[], addressesB: string[], mtu = 1500) {
  const a = new Namespace();
  const b = new Namespace();
  a.ip("link", "add", "veth0", "type", "veth", "peer", "name", "veth0", "netns", b.name);
  for (const [side, addresses] of [
    [a, addressesA],
    [b, addressesB],
  ] as const) {
    side.ip("link", "set", "veth0", "mtu", String(mtu), "up");
    for (const address of addresses) side.ip("addr", "add", address, "dev", "veth0");
  }
  for (const side of [a, b]) waitForCarrier(side, "veth0");
  return {
    a,
    b,
    [Symbol.dispose]() {
      a[Symbol.dispose]();
      b[Symbol.dispose]();
    },
  };
}

/**
 * The end that is up first has no queue until the kernel has noted that the other one is up too: what it sends until
 * then is gone, and a lost ARP request costs a second, in which the packets behind it are too many to wait.
 */
function waitForCarrier(namespace: Namespace, name: string): void {
  const end = performance.now() + 20_000;
  while (!namespace.ip("link", "show", name).includes("state UP")) {
    if (performance.now() > end) throw new Error(`${name} has no carrier`);
  }
}

/** Tries `attempt` until it gives something else than undefined; fails after `ms`. */
export async function eventually<T>(attempt: () => T | undefined, ms = 20_000): Promise<T> {
  const end = performance.now() + ms;
  for (;;) {
    const result = attempt();
    if (result !== undefined) return result;
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${attempt}`);
    await new Promise((done) => setTimeout(done, 5));
  }
}
