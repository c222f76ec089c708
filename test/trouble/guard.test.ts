// Strangers from one address want all there is; whoever comes from another one logs in at once, and
// sessions go on.
import { connect } from "node:net";
import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { parseIpv4 } from "../../src/base/ip.js";
import type { BlocksPage } from "../../src/console/contract.js";
import { openGreSockets } from "../../src/os/gre-socket.js";
import { until } from "../lab/place.js";
import { held } from "../os/namespace.js";
import { needRoot } from "../peers.js";
import { octets, vectors } from "../vectors/vectors.js";
import { Crowd } from "./crowd.js";
import { CALLERS, Scene, SERVER } from "./scene.js";

const anna = { name: "anna", password: "correct-Horse-7" };
const bert = { name: "bert", password: "correct-Horse-8" };
const startRequest = octets(vectors.control_messages.find(({ type }) => type === 1)?.hex);
const nothing = new Uint8Array(0);
const FORGED = 1_000_000;
const HOSTILE = "198.51.100.66";
const NETWORK = "203.0.113.0/24";

describe.runIf(needRoot())("strangers from one address", () => {
  test("take its places and no more; another address logs in, the session goes on", async () => {
    await using scene = await Scene.started({ config: { guard: { allow: [], block: false } } });
    scene.callers.ip("addr", "add", `${HOSTILE}/24`, "dev", "veth0");
    await scene.addUser(bert);
    const first = await scene.caller(await scene.addUser(anna));
    const before = await scene.held();
    const pinging = first.pinging();
    {
      using silent = new Crowd(300, nothing, HOSTILE);
      await until("each is in or out", 5, () => silent.settled && silent.open <= 8);
      const more: Crowd[] = [];
      const coming = setInterval(() => more.push(new Crowd(20, nothing, HOSTILE)), 500);
      const second = await scene.caller(bert).finally(() => clearInterval(coming));
      expect([silent, ...more].some(({ open }) => open > 0)).toBe(true);
      await second.ping();
      await second.end();
      for (const crowd of more) crowd[Symbol.dispose]();
    }
    using started = new Crowd(40, startRequest, HOSTILE);
    await until("each is in or out", 5, () => started.settled && started.open <= 16);
    const { counters } = await scene.status();
    const shed = ["source half-open", "source rate"].map(
      (why) => counters[`shed connection, ${why}`],
    );
    expect(shed[0]).toBeGreaterThan(0);
    expect((shed[0] ?? 0) + (shed[1] ?? 0)).toBeGreaterThan(290);
    started[Symbol.dispose]();
    await scene.expectHeld(before);
    const { sent, received } = await pinging.stop();
    expect(received).toBeGreaterThanOrEqual(sent - 1);
    expect(scene.lines("call refused").some(({ peer }) => peer === CALLERS)).toBe(false);
    await first.end();
    expect(await scene.stop()).toBe(0);
  });
});

/** Whether the kernel answers a connection from there at all. */
async function answers(localAddress: string): Promise<boolean> {
  const socket = connect({ host: SERVER, port: 1_723, localAddress, timeout: 1_000 });
  return new Promise((resolve) => {
    socket.on("connect", () => resolve(true));
    socket.on("timeout", () => resolve(false));
    socket.on("error", () => resolve(false));
  }).finally(() => socket.destroy()) as Promise<boolean>;
}

async function blocked(scene: Scene): Promise<string[]> {
  const { body } = await scene.admin("GET", "/blocks");
  return (body as unknown as BlocksPage).blocks.map(({ address }) => address);
}

describe.runIf(needRoot())("blocks", () => {
  test("rubbish from one address blocks it alone, over a restart too; sessions of a blocked one go on", async () => {
    await using scene = await Scene.started({ config: { guard: { allow: [] } } });
    scene.callers.ip("addr", "add", `${HOSTILE}/24`, "dev", "veth0");
    const account = await scene.addUser(anna);
    // "From" the honest one, as far as GRE can tell.
    using forger = held(openGreSockets());
    const packet = Uint8Array.of(0x30, 1, 0x88, 0x0b, 0, 4, 0, 0, 0, 0, 0, 0, 0xff, 3, 0xc0, 0x21);
    const [from = 0, to = 0] = [CALLERS, SERVER].map(parseIpv4);
    for (let i = 0; i < FORGED; i++) {
      new DataView(packet.buffer).setUint16(6, i & 0xffff);
      // The cable's queue is full now and then.
      if (forger.send(packet, 0, packet.length, from, to, false) <= 0) i--;
      if (i % 1_000 === 0) await setImmediate();
    }
    // The very next thing that comes from there: answered at once, and let in.
    using next = new Crowd(1, startRequest, CALLERS);
    await until("it is answered", 1, () => next.answered === 1);
    expect((await scene.status()).counters["data unknown-call"]).toBe(FORGED);
    expect(await blocked(scene)).toEqual([]);
    next[Symbol.dispose]();
    const caller = await scene.caller(account);
    // No more at once than may be half-open: others could be reset before they are read.
    using some = new Crowd(8, new Uint8Array(200).fill(0x47), HOSTILE);
    await until("they are closed", 5, () => some.settled && some.open === 0);
    expect(await blocked(scene)).toEqual([]);
    using rubbish = new Crowd(8, new Uint8Array(200).fill(0x47), HOSTILE);
    await until("it is blocked", 10, async () => (await blocked(scene)).includes(HOSTILE));
    await until("in the kernel", 5, async () => !(await answers(HOSTILE)));
    expect(await answers(CALLERS)).toBe(true);
    rubbish[Symbol.dispose]();
    // By hand, the address of a session: it goes on, a new one cannot be made.
    expect((await scene.cli(["block", CALLERS, "--for", "1h"])).code).toBe(0);
    expect((await scene.cli(["block", NETWORK])).code).toBe(0);
    expect((await scene.cli(["block", "198.51.100.0/24"])).code).toBe(0);
    expect((await scene.cli(["block", "198.51.0.0/16"])).stderr).toContain("overlaps");
    expect((await scene.cli(["unblock", "198.51.100.0/24"])).code).toBe(0);
    await until("in the kernel", 5, async () => !(await answers(CALLERS)));
    await caller.ping();
    await caller.end();
    expect(await scene.stop()).toBe(0);
    expect(scene.server.run("nft", "list", "tables")).not.toContain("blocks");
    await scene.start();
    expect((await blocked(scene)).sort()).toEqual([CALLERS, HOSTILE, NETWORK].sort());
    await until("in the kernel", 5, async () => !(await answers(CALLERS)));
    const unblocked = await scene.cli(["unblock", CALLERS]);
    expect(unblocked).toMatchObject({ code: 0 });
    await until("it answers", 5, () => answers(CALLERS));
    await (await scene.caller(account)).end();
    expect(await scene.stop()).toBe(0);
  });

  test("without nft: refused at the accept, and said", async () => {
    const config = { guard: { allow: [] } };
    await using scene = await Scene.started({ config, without: "nft" });
    expect((await scene.cli(["block", CALLERS])).code).toBe(0);
    await until("it is said", 5, async () =>
      (await scene.status()).warnings.some((warning) => warning.includes("refused at the accept")),
    );
    using crowd = new Crowd(3);
    await until("they are reset", 5, () => crowd.ends.ECONNRESET === 3);
    expect((await scene.status()).counters["blocked connection"]).toBe(3);
    expect(await scene.stop()).toBe(0);
  });
});
