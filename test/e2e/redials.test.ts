// `holdfast connect` whose session is lost again and again, in one way after the other: heap, descriptors,
// ledger and the kernel's tables stay where they were. HOLDFAST_REDIALS says how many, 60 unless it does.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AdminClient } from "../../src/cli/admin-client.js";
import { disconnectedSchema } from "../../src/console/contract.js";
import { HostNetns, until } from "../lab/place.js";
import { isRoot, joined } from "../os/namespace.js";
import { Connecting, serving } from "./connecting.js";
import type { TestServer } from "./harness.js";
import { type KernelState, kernelDifference, kernelState } from "./kernel-state.js";
import { settled } from "./settled.js";
import { type Point, slope } from "./slope.js";

const SERVER = "198.51.100.1";
const CLIENT = "198.51.100.2/24";
const CLIENT_NET = "198.51.100.0/24";
const REDIALS = Number(process.env.HOLDFAST_REDIALS ?? 60);
const BATCHES = 6;
const WARM_UP_BATCHES = 3;
const SILENCE_MS_MAX = 60_000;
const MISSES_MAX = 4;
/** Code is still being compiled and tables come to their size: a call that stays is more than this. */
const GROWTH_OCTETS_A_REDIAL_MAX = 4_000;

type Said = { readonly event: string; readonly step?: string; readonly [field: string]: unknown };

/** How a session goes, and at which line of the client's. */
type Loss = { readonly name: string; readonly at: (said: Said) => boolean; drop(): unknown };

function workerOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
  const commands = children.map((child) => readFileSync(`/proc/${child}/cmdline`, "utf8"));
  return Number(children[commands.findIndex((words) => words.includes("worker/main.js"))]);
}

/** Whichever address of the pool the session was given. */
function addressless(state: KernelState): KernelState {
  return JSON.parse(JSON.stringify(state).replaceAll(/10\.99\.0\.(?!1\b)\d+/g, "POOL"));
}

/** What the client says, as it comes; it never says nothing for long. */
async function* spoken(client: Connecting): AsyncGenerator<Said> {
  const lines = client.lines()[Symbol.asyncIterator]();
  for (;;) {
    const timer = setTimeout(() => client.signal("SIGKILL"), SILENCE_MS_MAX);
    const { value, done } = await lines.next();
    clearTimeout(timer);
    if (done === true) throw new Error(`it ended: ${client.out.slice(-2_000)}${client.err}`);
    yield JSON.parse(value) as Said;
  }
}

describe.runIf(isRoot)("redials", () => {
  const scratch = isRoot ? mkdtempSync(join(tmpdir(), "hf-redials-")) : "";
  const heapFile = join(scratch, "heap");
  let cable: ReturnType<typeof joined>;
  let server: TestServer;
  let admin: AdminClient;

  beforeAll(async () => {
    cable = joined([`${SERVER}/24`], [CLIENT]);
    await settled(cable.a, cable.b);
    // It dials faster than a stranger may log in.
    server = await serving(cable.a, { guard: { allow: [CLIENT_NET] } });
    admin = new AdminClient(join(server.directory, "state/run/admin.sock"));
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    cable?.[Symbol.dispose]();
    if (scratch !== "") rmSync(scratch, { recursive: true, force: true });
  });

  const up = ({ event }: Said) => event === "up";

  function losses(client: Connecting): readonly Loss[] {
    const reset = (side: "a" | "b", end: string) =>
      cable[side].run("ss", "-HKt", "state", "established", end, "=", ":1723");
    const disconnect = () =>
      admin.send("POST", "/disconnect", disconnectedSchema, { all: true as const });
    return [
      { name: "ended by an administrator", at: up, drop: disconnect },
      { name: "reset by the server", at: up, drop: () => reset("a", "sport") },
      { name: "reset on this side", at: up, drop: () => reset("b", "dport") },
      {
        name: "cut while it logs in",
        at: ({ event, step }) => event === "step" && step === "control",
        drop: () => reset("a", "sport"),
      },
      {
        name: "this host moves away; it is back once that is noticed",
        at: up,
        drop: () => cable.b.ip("address", "delete", CLIENT, "dev", "veth0"),
      },
      {
        name: "its data worker is killed",
        at: up,
        drop: () => process.kill(workerOf(client.pid), "SIGKILL"),
      },
    ];
  }

  async function heap(pid: number, nth: number): Promise<number> {
    process.kill(pid, "SIGUSR2");
    const lines = () => readFileSync(heapFile, "utf8").split("\n").filter(Boolean);
    await until("a heap sample", 20, () => lines().length > nth);
    const { heapUsed, external } = JSON.parse(lines()[nth]!);
    return heapUsed + external;
  }

  test("heap, descriptors, ledger and kernel are flat", { timeout: 3_600_000 }, async () => {
    const place = new HostNetns(cable.b.name);
    const [before, servers] = [await kernelState(place), await server.held()];
    writeFileSync(heapFile, "");
    const preloaded = ["heap-probe.mjs", "short-waits.mjs"].map(
      (file) => `--import=${join(import.meta.dirname, file)}`,
    );
    const words = [SERVER, "-u", "ann", "--routes", "10.0.0.0/8", "--json"];
    const variables = `export HEAP_PROBE=${heapFile} NODE_OPTIONS='${preloaded.join(" ")}';`;
    await using client = new Connecting(cable.b, scratch, "secret-Pw1", words, variables);
    const ways = losses(client);
    const samples: Point[] = [];
    const verdicts: Record<string, number> = {};
    const begun = performance.now();
    let [redials, misses, lost] = [0, 0, false];
    let first: KernelState | undefined;
    for await (const said of spoken(client)) {
      if (said.event === "verdict") {
        verdicts[String(said.verdict)] = (verdicts[String(said.verdict)] ?? 0) + 1;
      }
      if (said.event === "again") {
        redials++;
        lost = false;
      }
      if (said.event === "moved") cable.b.ip("address", "add", CLIENT, "dev", "veth0");
      if (up(said) && !lost && redials >= (samples.length * REDIALS) / BATCHES) {
        const state = addressless(await kernelState(place, client.pid));
        first ??= state;
        const differences = kernelDifference(first, state);
        // On a busy machine a session may end by itself meanwhile: then the next one is looked at.
        if (differences.length > 0)
          expect(++misses, differences.join("\n")).toBeLessThan(MISSES_MAX);
        else samples.push([redials, await heap(client.pid, samples.length)]);
        if (samples.length > BATCHES) break;
      }
      const way = ways[redials % ways.length]!;
      if (lost || !way.at(said)) continue;
      lost = true;
      await way.drop();
    }
    const ms = (performance.now() - begun) / redials;
    expect(await client.stop(), client.err).toBe(0);
    const growth = slope(samples.slice(WARM_UP_BATCHES));
    const megabytes = samples.map(([, octets]) => (octets / 1e6).toFixed(2)).join(" ");
    console.info(
      `${redials} redials, ${ms.toFixed(0)} ms each; heap after collection ${megabytes} MB, growth ` +
        `${growth.toFixed(1)} octets a redial\n${JSON.stringify(verdicts)}`,
    );
    expect(redials).toBeGreaterThanOrEqual(REDIALS);
    expect(client.out).toMatch(/"event":"ended","held":0/);
    expect(kernelDifference(before, await kernelState(place))).toEqual([]);
    await server.expectHeld(servers);
    expect(growth).toBeLessThan(GROWTH_OCTETS_A_REDIAL_MAX);
  });
});
