// The TUN deleted under a running server: sessions live on, and what lay on it is there again.
import { describe, expect, test } from "vitest";
import { until } from "../lab/place.js";
import { needRoot } from "../peers.js";
import { BASE_CONFIG, Scene } from "./scene.js";

const tun = BASE_CONFIG.network.tun;
const madeAgain = "the TUN was deleted under us: made again";
const notYet = "the TUN was deleted under us and cannot be made again yet";

describe.runIf(needRoot())("the TUN is deleted under us", () => {
  test("made again with its address and routes, a session's own one too; the session goes on", async () => {
    await using scene = await Scene.started();
    const account = { name: "anna", password: "correct-Horse-7", routes: ["192.0.2.0/24"] };
    const caller = await scene.caller(await scene.addUser(account));
    const about = () => [
      scene.server.ip("-4", "route", "show", "dev", tun).replaceAll(" linkdown", ""),
      scene.server.ip("-4", "-brief", "address", "show", "dev", tun),
    ];
    await until("the account's route", 5, () => about()[0]?.includes("192.0.2.0/24") === true);
    const before = about();
    const held = await scene.held();
    for (let times = 1; times <= 3; times++) {
      scene.server.ip("link", "delete", tun);
      await until("it is made again", 10, () => scene.lines(madeAgain).length === times);
      expect(about()).toEqual(before);
      await caller.ping();
      // The kernel's own packets come to the worker through the TUN, and its answers through it.
      expect(scene.server.run("ping", "-c", "1", "-W", "3", caller.address)).toContain(
        "1 received",
      );
    }
    expect(scene.lines(notYet)).toEqual([]);
    expect((await scene.status()).warnings.join()).not.toContain("TUN");
    expect(await scene.held()).toEqual(held);
    await caller.end();
    expect(about()[0]).not.toContain("192.0.2.0/24");
    expect(await scene.stop()).toBe(0);
    expect(scene.server.ip("-brief", "link", "show")).not.toContain(tun);
  });

  test("its name is taken meanwhile: said with the remedy, and mended once the name is free", async () => {
    await using scene = await Scene.started();
    const caller = await scene.caller(scene.firstAccount());
    // Between the deletion and our answer to it.
    scene.signal("SIGSTOP");
    scene.server.ip("link", "delete", tun);
    scene.server.ip("link", "add", "name", tun, "type", "veth", "peer", "name", "other0");
    scene.signal("SIGCONT");
    await until("it says so", 10, () => scene.lines(notYet).length > 0);
    expect(scene.lines(notYet)[0]).toMatchObject({
      level: "error",
      message: expect.stringContaining("EBUSY"),
      remedy: "another process has an interface of that name: change network.tun",
    });
    const { warnings, sessions } = await scene.status();
    expect(warnings.join()).toMatch(/the TUN was deleted and cannot be made again: .*EBUSY/);
    expect(sessions.now).toBe(1);
    // The gateway's own answers need no TUN: the session is there, and stays.
    await caller.ping();
    scene.server.ip("link", "delete", tun);
    await until("it is made again", 15, () => scene.lines(madeAgain).length === 1);
    expect(scene.lines(notYet)).toHaveLength(1);
    expect((await scene.status()).warnings.join()).not.toContain("TUN");
    expect(scene.server.run("ping", "-c", "1", "-W", "3", caller.address)).toContain("1 received");
    await caller.end();
    expect(await scene.stop()).toBe(0);
  });
});
