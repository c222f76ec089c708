// A stop that has to wait for somebody who does not answer, and the second signal that does not wait.
import { describe, expect, test } from "vitest";
import { expectKernel, kernelState } from "../e2e/kernel-state.js";
import { settled } from "../e2e/settled.js";
import { HostNetns, until } from "../lab/place.js";
import { needRoot } from "../peers.js";
import { Scene } from "./scene.js";

describe.runIf(needRoot())("a stop while a session's peer stands still", () => {
  test("one signal: it is given its time, then the server ends, the kernel as before", async () => {
    await using scene = new Scene();
    const place = new HostNetns(scene.server.name);
    await settled(scene.server);
    const before = await kernelState(place);
    await scene.start();
    const caller = await scene.caller(scene.firstAccount());
    process.kill(caller.pid, "SIGSTOP");
    const begun = performance.now();
    scene.signal("SIGTERM");
    expect(await scene.end()).toBe(0);
    const ms = performance.now() - begun;
    process.kill(caller.pid, "SIGCONT");
    expect(ms).toBeGreaterThan(1_000);
    expect(scene.lines("stopping at once")).toEqual([]);
    expect(scene.lines("session ended")[0]).toMatchObject({ cause: "shutdown" });
    await expectKernel(before, place);
  });

  test("a second one: it ends at once, with its accounting written and the kernel as before", async () => {
    await using scene = new Scene();
    const place = new HostNetns(scene.server.name);
    await settled(scene.server);
    const before = await kernelState(place);
    await scene.start();
    const caller = await scene.caller(scene.firstAccount());
    process.kill(caller.pid, "SIGSTOP");
    scene.signal("SIGTERM");
    await until("it is stopping", 20, () => scene.lines("stopping").length === 1);
    // Closer together two are taken for one: a terminal's Ctrl-C comes twice, by way of npm.
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(scene.lines("stopped")).toEqual([]);
    scene.signal("SIGTERM");
    expect(await scene.end(5)).toBe(0);
    process.kill(caller.pid, "SIGCONT");
    expect(scene.lines("stopping at once")).toHaveLength(1);
    expect(scene.lines("session ended")[0]).toMatchObject({ cause: "shutdown" });
    await expectKernel(before, place);
    await scene.start();
    expect((await scene.accounting())[0]).toMatchObject({ cause: "shutdown" });
    expect(await scene.stop()).toBe(0);
  });
});
