// The bare data path as a peer: both ends of it, each a process of its own (bare.ts).
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { plane, ppp } from "../src/limits.js";
import type { FlowCounters } from "../src/wire/worker-link.js";
import type { BareWish } from "./bare.js";
import type { Peer } from "./peers.js";

class End {
  readonly process: ChildProcess;
  counters: FlowCounters | undefined;
  readonly up: Promise<void>;

  constructor(netns: string, processor: number | undefined, wish: BareWish) {
    const program = join(import.meta.dirname, "run.mjs");
    const pin = processor === undefined ? [] : ["taskset", "-c", String(processor)];
    const words = [...pin, process.execPath, program, "bare", JSON.stringify(wish)];
    this.process = spawn("ip", ["netns", "exec", netns, ...words], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    // An inspector's announcements are in it too: shown only where it matters.
    let complaints = "";
    this.process.stderr?.on("data", (text) => {
      complaints = (complaints + text).slice(-2_000);
    });
    const lines = createInterface({ input: this.process.stdout! });
    this.up = new Promise((resolve, reject) => {
      this.process.once("exit", (code) =>
        reject(new Error(`a bare end ended: ${code}\n${complaints}`)),
      );
      lines.on("line", (line) => {
        if (line === "up") resolve();
        else this.counters = JSON.parse(line) as FlowCounters;
      });
    });
  }

  get pids(): number[] {
    return [this.process.pid ?? 0];
  }
}

function wishes(number: number, encrypted: boolean) {
  const [near, far] = [`10.${number}.0.2`, `10.${number}.0.1`];
  const [client, server] = [`198.18.${number}.2`, `198.18.${number}.1`];
  const tun = `b${number}`;
  const both = { tun, mtu: ppp.defaultMru, encrypted };
  return {
    tun,
    near,
    far,
    server: { end: "gateway", local: server, peer: client, inner: far, otherInner: near, ...both },
    client: { end: "host", local: client, peer: server, inner: near, otherInner: far, ...both },
  } as const;
}

/** No log-in and no main process: only what a packet needs. */
export const bare: Peer = {
  name: "bare",
  guestOnly: false,
  tunnels: true,
  async start(site, server, { mode }) {
    if (mode === "128-stateful") throw new Error("the bare path is stateless or plain");
    const wish = wishes(server.number, mode === "128");
    const ends = {
      server: new End(server.place.netns, site.pins?.server, wish.server),
      client: new End(server.client.netns, site.pins?.client, wish.client),
    };
    const end = () => {
      for (const { process: one } of [ends.server, ends.client]) {
        one.removeAllListeners("exit");
        one.kill("SIGKILL");
      }
    };
    try {
      await Promise.all([ends.server.up, ends.client.up]);
    } catch (failure) {
      end();
      throw failure;
    }
    return {
      paths: [{ local: wish.near, device: wish.tun, remote: wish.far }],
      workers: {
        pids: async () => ({ server: ends.server.pids, client: ends.client.pids }),
        async counted() {
          // It tells once a second, for as long as anything changes.
          await new Promise((resolve) => setTimeout(resolve, 1.5 * plane.countersEveryMs));
          const found = ends.server.counters;
          return {
            received: found?.receivedPackets ?? 0,
            sent: found?.sentPackets ?? 0,
            receivedOctets: found?.receivedOctets ?? 0,
            sentOctets: found?.sentOctets ?? 0,
          };
        },
      },
      async [Symbol.asyncDispose]() {
        end();
      },
    };
  },
};
