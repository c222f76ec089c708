// Strangers from one address want all there is; whoever comes from another one logs in at once, and
// sessions go on.
import { describe, expect, test } from "vitest";
import { until } from "../lab/place.js";
import { needRoot } from "../peers.js";
import { octets, vectors } from "../vectors/vectors.js";
import { Crowd } from "./crowd.js";
import { CALLERS, Scene } from "./scene.js";

const anna = { name: "anna", password: "correct-Horse-7" };
const bert = { name: "bert", password: "correct-Horse-8" };
const startRequest = octets(vectors.control_messages.find(({ type }) => type === 1)?.hex);
const nothing = new Uint8Array(0);
const HOSTILE = "198.51.100.66";

describe.runIf(needRoot())("strangers from one address", () => {
  test("take its places and no more; another address logs in, the session goes on", async () => {
    await using scene = await Scene.started({ config: { guard: { allow: [] } } });
    scene.callers.ip("addr", "add", `${HOSTILE}/24`, "dev", "veth0");
    await scene.addUser(bert);
    const first = await scene.caller(await scene.addUser(anna));
    const held = await scene.held();
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
    await scene.expectHeld(held);
    const { sent, received } = await pinging.stop();
    expect(received).toBeGreaterThanOrEqual(sent - 1);
    expect(scene.lines("call refused").some(({ peer }) => peer === CALLERS)).toBe(false);
    await first.end();
    expect(await scene.stop()).toBe(0);
  });
});
