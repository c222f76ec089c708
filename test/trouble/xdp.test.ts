// A server that refuses GRE at its interfaces: what `xdp:` turns on and off while it runs, what a session
// notices of it, which is nothing, and what is left when the server stops or is killed.
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseIpv4 } from "../../src/base/ip.js";
import { CallFilter, loadGreFilter, loadXdpFilter } from "../../src/os/gre-filter.js";
import { openGreSockets } from "../../src/os/gre-socket.js";
import { findInterface } from "../../src/os/interface.js";
import { until } from "../lab/place.js";
import { xdpLoadable } from "../os/filter-packets.js";
import { held } from "../os/namespace.js";
import { needRoot } from "../peers.js";
import { octets, vectors } from "../vectors/vectors.js";
import type { Caller } from "./caller.js";
import { CALLERS, Scene, SERVER } from "./scene.js";

/** The cable's end, in both namespaces. */
const CABLE = "veth0";
const LATER = "late0";
const JUNK = 20_000;
const CHUNK = 500;
const good = octets(vectors.gre_ppp_frames[0]?.gre_hex);

describe.runIf(needRoot() && xdpLoadable())("GRE refused at the interface", () => {
  let scene: Scene;
  let caller: Caller;

  beforeAll(async () => {
    scene = await Scene.started({ config: { xdp: "auto" } });
    caller = await scene.caller(scene.firstAccount());
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  const refusal = async () => (await scene.status()).earlyRefusal;
  const states = async () =>
    (await refusal()).xdp.map(({ interface: name, mode }) => `${name} ${mode}`);
  const hasProgram = (name = CABLE) => scene.server.ip("link", "show", name).includes("prog/xdp");
  const reload = async (xdp: unknown) => {
    scene.configure({ xdp });
    expect((await scene.cli(["reload"])).code).toBe(0);
  };

  test("auto: at the cable, not at the sessions' own interface; shown, and a lease", async () => {
    expect(await states()).toEqual([`${CABLE} native`]);
    expect(hasProgram()).toBe(true);
    expect(await scene.held()).toMatchObject({ "XDP link": 1 });
    const { stdout } = await scene.cli(["status"]);
    expect(stdout).toMatch(/^by XDP +veth0 native$/m);
    expect(stdout).toMatch(/^early refusal +eBPF, 1 live call; /m);
  });

  test(`${JUNK} of no live call: each counted once, and the session's pings pass`, async () => {
    using gre = held(openGreSockets());
    const pinging = caller.pinging();
    const { callId } = await scene.session((await scene.sessions()).sessions[0]?.id ?? 0);
    const junk = good.slice();
    new DataView(junk.buffer).setUint16(6, callId ^ 1);
    const [from, to] = [parseIpv4(CALLERS) ?? 0, parseIpv4(SERVER) ?? 0];
    const before = (await refusal()).refused ?? Number.NaN;
    const counted = (await scene.status()).counters["data unknown-call"] ?? 0;
    for (let i = 0; i < JUNK; i++) {
      // The cable's queue is full now and then.
      if (gre.send(junk, 0, junk.length, from, to, true) !== junk.length) i--;
      if (i % CHUNK === 0) await setImmediate();
    }
    await until(
      "all are counted",
      20,
      async () => ((await refusal()).refused ?? 0) >= before + JUNK,
    );
    expect((await refusal()).refused).toBe(before + JUNK);
    expect((await scene.status()).counters["data unknown-call"]).toBe(counted + JUNK);
    const { sent, received } = await pinging.stop();
    expect(received).toBeGreaterThanOrEqual(sent - 1);
    expect(received).toBeGreaterThan(0);
  });

  test("a reload takes it off and puts it on, and the session stays", async () => {
    await reload("off");
    expect([await states(), hasProgram()]).toEqual([[], false]);
    expect((await scene.held())["XDP link"]).toBeUndefined();
    await reload([CABLE, LATER]);
    expect([await states(), hasProgram()]).toEqual([[`${LATER} none`, `${CABLE} native`], true]);
    expect((await refusal()).xdp[0]?.why).toBe("there is no such interface");
    await until("its log says so", 20, () => scene.said("no XDP filter at this interface"));
    await caller.ping();
    expect((await scene.sessions()).sessions).toHaveLength(1);
  });

  test("an interface that comes gets it, one that goes takes it along; nothing is left held", async () => {
    scene.server.ip("link", "add", LATER, "type", "veth", "peer", "name", "late1");
    await until("it is there", 20, async () => (await states()).includes(`${LATER} native`));
    expect(hasProgram(LATER)).toBe(true);
    expect((await scene.held())["XDP link"]).toBe(2);
    scene.server.ip("link", "delete", LATER);
    await until("it is gone", 20, async () => (await states()).includes(`${LATER} none`));
    expect((await scene.held())["XDP link"]).toBe(1);
    await caller.ping();
  });

  test("with another XDP program there: a warning, and the socket filter alone", async () => {
    await reload("off");
    using others = held(CallFilter.of(held(loadXdpFilter(held(loadGreFilter(1)))), 1));
    const link = held(
      scene.server.inside(() => {
        return others.attachXdp(held(findInterface(CABLE)).index, "ethernet", "generic");
      }),
    );
    await reload("auto");
    expect(await refusal()).toMatchObject({ form: "eBPF", xdp: [{ mode: "none" }] });
    expect((await refusal()).xdp[0]?.why).toContain("another XDP program is there");
    await caller.ping();
    link[Symbol.dispose]();
    await reload("auto");
    expect(await states()).toEqual([`${CABLE} native`]);
  });

  test("killed: nothing of it is left at the interface; stopped: neither", async () => {
    scene.signal("SIGKILL");
    await scene.end();
    await until("the program is gone", 20, () => !hasProgram());
    await scene.start();
    expect([await states(), hasProgram()]).toEqual([[`${CABLE} native`], true]);
    expect(await scene.stop()).toBe(0);
    expect(hasProgram()).toBe(false);
  });
});
