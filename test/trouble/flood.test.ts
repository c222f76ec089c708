// More connections than there is room for: bounded below the descriptor limit, closed when they say
// nothing, and nothing of them retained. The live session carries on through all of it.
import { existsSync, readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { until } from "../lab/place.js";
import { needRoot } from "../peers.js";
import { octets, vectors } from "../vectors/vectors.js";
import { Crowd } from "./crowd.js";
import { Scene } from "./scene.js";

const anna = { name: "anna", password: "correct-Horse-7" };
const bert = { name: "bert", password: "correct-Horse-8" };
const startRequest = octets(vectors.control_messages.find(({ type }) => type === 1)?.hex);

function openDescriptors({ pid }: Scene): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

describe.runIf(needRoot())("descriptors limited to 160", () => {
  test("connections stop below the limit, those above are reset and counted, log-ins work after", async () => {
    // The silent ones stay, however long the machine takes for all that is asked meanwhile.
    const limits = { control: { startDeadlineMs: 60_000 } };
    await using scene = await Scene.started({ descriptors: 160, config: { limits } });
    await scene.addUser(bert);
    const first = await scene.caller(await scene.addUser(anna));
    const held = await scene.held();
    const pinging = first.pinging();
    const bounds = (await scene.status()).limits;
    expect(bounds).toMatchObject({ connectionsMax: 32, descriptorsMax: 160 });
    let most = 0;
    const counting = setInterval(() => {
      most = Math.max(most, openDescriptors(scene));
    }, 10);
    // One wave after the other: closed ones must not add up with new ones.
    for (let wave = 0; wave < 4; wave++) {
      using crowd = new Crowd(150, wave % 2 === 0 ? new Uint8Array(0) : startRequest);
      await until("each is in or out", 20, () => crowd.settled && crowd.open <= 31);
      // Everything else that takes descriptors goes on meanwhile, all the admin connections too.
      const asked = await Promise.all(Array.from({ length: 30 }, () => scene.status()));
      expect(asked.every(({ connections }) => connections <= 32)).toBe(true);
      const words = ["status", "--json"];
      expect((await scene.cli(words)).code).toBe(0);
      expect(crowd.open).toBeGreaterThan(0);
      expect(crowd.ends.ECONNRESET).toBeGreaterThan(50);
    }
    clearInterval(counting);
    expect(most).toBeGreaterThan(80);
    expect(most).toBeLessThan(160);
    const { counters } = await scene.status();
    expect(counters["connections-max"]).toBeGreaterThan(200);
    expect(counters).not.toHaveProperty("accept-failed");
    await scene.expectHeld(held);
    const second = await scene.caller(bert);
    await second.ping();
    const { sent, received } = await pinging.stop();
    expect(received).toBeGreaterThanOrEqual(sent - 1);
    expect(scene.log()).not.toMatch(/EMFILE|ENFILE/);
    await first.end();
    await second.end();
    expect(await scene.stop()).toBe(0);
  });

  test("too few for the server itself: refused with the remedy, nothing made", async () => {
    await using scene = new Scene({ descriptors: 150 });
    const refused = await scene.refused();
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(
      /may have 150 descriptors; at least 160 are needed\n.*ulimit -n/,
    );
    expect(existsSync(scene.state)).toBe(false);
  });

  test("the data worker dies while every place is taken: a new one all the same", async () => {
    await using scene = await Scene.started({ descriptors: 160 });
    const account = await scene.addUser(anna);
    {
      using crowd = new Crowd(150);
      await until("each is in or out", 20, () => crowd.settled);
      const [worker] = (await scene.status()).workers;
      process.kill(worker?.pid ?? 0, "SIGKILL");
      await until("a new one", 20, async () => {
        const [now] = (await scene.status()).workers;
        return now?.state === "running" && now.pid !== worker?.pid;
      });
    }
    const caller = await scene.caller(account);
    await caller.ping();
    await caller.end();
    expect(await scene.stop()).toBe(0);
  });
});

describe.runIf(needRoot())("every connection that there may be is a silent stranger's", () => {
  test("a newcomer finds room at once, and no more than a few are open above the bound", async () => {
    const most = 40;
    const sources = [60, 61, 62, 63, 64].map((host) => `198.51.100.${host}`);
    const limits = { control: { connectionsMax: most, startDeadlineMs: 60_000 } };
    await using scene = await Scene.started({ config: { limits, guard: { allow: [] } } });
    for (const address of sources) scene.callers.ip("addr", "add", `${address}/24`, "dev", "veth0");
    const account = await scene.addUser(anna);
    const crowds = sources.map(
      (address) => new Crowd(most / sources.length, new Uint8Array(0), address),
    );
    try {
      await until(
        "all places are taken",
        20,
        async () => (await scene.status()).connections === most,
      );
      const caller = await scene.caller(account);
      await caller.ping();
      const { counters, connections } = await scene.status();
      expect(counters["stranger gave way"]).toBeGreaterThan(0);
      expect(connections).toBeLessThanOrEqual(most);
      await caller.end();
    } finally {
      for (const crowd of crowds) crowd[Symbol.dispose]();
    }
    expect(await scene.stop()).toBe(0);
  });
});

describe.runIf(needRoot())("2,000 connections at once", () => {
  test.each([
    ["that say nothing: closed after 5 s", new Uint8Array(0), "deadline start"],
    [
      "that stop half-way through SCCRQ: closed after 5 s",
      startRequest.subarray(0, 100),
      "deadline start",
    ],
    ["that say rubbish: closed at once", new Uint8Array(200).fill(0x47), "malformed Magic Cookie"],
  ])("%s, nothing kept, the session undisturbed", async (_, say, reason) => {
    const guard = { halfOpenMax: 2_000, unprovenMax: 2_000 };
    await using scene = await Scene.started({ config: { limits: { guard } } });
    const caller = await scene.caller(await scene.addUser(anna));
    const held = await scene.held();
    const descriptors = openDescriptors(scene);
    const pinging = caller.pinging();
    const begun = performance.now();
    using crowd = new Crowd(2_000, say);
    await until("all are closed", 20, () => crowd.settled && crowd.open === 0);
    expect(performance.now() - begun).toBeLessThan(15_000);
    expect(crowd.answered).toBe(0);
    await scene.expectHeld(held);
    await until("descriptors", 20, () => openDescriptors(scene) <= descriptors);
    const { counters, connections } = await scene.status();
    expect(connections).toBe(1);
    const others = ["connections-max", "stranger gave way"].map((why) => counters[why] ?? 0);
    expect(others.reduce((sum, one) => sum + one, counters[reason] ?? 0)).toBe(2_000);
    expect(counters[reason]).toBeGreaterThan(0);
    const { sent, received } = await pinging.stop();
    expect(sent).toBeGreaterThan(1);
    expect(received).toBeGreaterThanOrEqual(sent - 1);
    await caller.ping();
    await caller.end();
    expect(await scene.stop()).toBe(0);
  });
});
