// The TUN deleted, set down or stripped under a running server: sessions live on, and what lay on it is
// there again.
import { describe, expect, test } from "vitest";
import { run, until } from "../lab/place.js";
import { needRoot } from "../peers.js";
import type { Caller } from "./caller.js";
import { BASE_CONFIG, Scene } from "./scene.js";

const tun = BASE_CONFIG.network.tun;
const madeAgain = "the TUN was deleted under us: made again";
const putRight = "the TUN was changed under us: put right";
const notRightYet = "the TUN was changed under us and cannot be put right yet";
const notYet = "the TUN was deleted under us and cannot be made again yet";

/** From the server's own kernel: its data worker may be about to have the new TUN. */
async function reached(scene: Scene, caller: Caller): Promise<void> {
  const { name } = scene.server;
  await until(`${caller.address} answers the server's host`, 20, async () => {
    const words = ["netns", "exec", name, "ping", "-c", "1", "-W", "1", caller.address];
    return (await run("ip", words)).stdout.includes("1 received");
  });
}

describe.runIf(needRoot())("the TUN is deleted under us", () => {
  test("made again with its address and routes, a session's own one too; the session goes on", async () => {
    await using scene = await Scene.started();
    const account = { name: "anna", password: "correct-Horse-7", routes: ["192.0.2.0/24"] };
    const caller = await scene.caller(await scene.addUser(account));
    const about = () => [
      scene.server.ip("-4", "route", "show", "dev", tun).replaceAll(" linkdown", ""),
      scene.server.ip("-4", "-brief", "address", "show", "dev", tun),
    ];
    await until("the account's route", 20, () => about()[0]?.includes("192.0.2.0/24") === true);
    const before = about();
    const held = await scene.held();
    for (let times = 1; times <= 3; times++) {
      scene.server.ip("link", "delete", tun);
      await until("it is made again", 20, () => scene.lines(madeAgain).length === times);
      await expect.poll(about).toEqual(before);
      await caller.ping();
      // The kernel's own packets come to the worker through the TUN, and its answers through it.
      await reached(scene, caller);
    }
    expect(scene.lines(notYet)).toEqual([]);
    await expect.poll(async () => (await scene.status()).warnings.join()).not.toContain("TUN");
    await scene.expectHeld(held);
    await caller.end();
    await expect.poll(() => about()[0]).not.toContain("192.0.2.0/24");
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
    await until("it says so", 20, () => scene.lines(notYet).length > 0);
    expect(scene.lines(notYet)[0]).toMatchObject({
      level: "error",
      message: expect.stringContaining("EBUSY"),
      remedy: "another process has an interface of that name: change network.tun",
    });
    const { warnings, sessions, network } = await scene.status();
    expect(network.tunState).toBe("deleted");
    expect(warnings.join()).toMatch(
      /the TUN was deleted and cannot be put right: .*EBUSY.*change network\.tun/,
    );
    expect(sessions.now).toBe(1);
    // The gateway's own answers need no TUN: the session is there, and stays.
    await caller.ping();
    scene.server.ip("link", "delete", tun);
    await until("it is made again", 20, () => scene.lines(madeAgain).length === 1);
    expect(scene.lines(notYet)).toHaveLength(1);
    await expect.poll(async () => (await scene.status()).warnings.join()).not.toContain("TUN");
    await reached(scene, caller);
    await caller.end();
    expect(await scene.stop()).toBe(0);
  });
});

describe.runIf(needRoot())("the TUN is changed under us", () => {
  const disturbances: [string, string, RegExp][] = [
    ["set down", "ip link set $TUN down", /^link set dev .* up, route add 10\.99\.0\.2\/31 /],
    // Down for less than anybody who looks now and then would see: its routes are gone all the same.
    ["down and up", "ip link set $TUN down; ip link set $TUN up", /^route add 10\.99\.0\.2\/31 /],
    [
      "without address",
      "ip address flush dev $TUN",
      /^address add 10\.99\.0\.1\/32 .*, route add /,
    ],
  ];
  test.each(disturbances)(
    "%s: put right with a session's routes; the session goes on",
    async (_, command, lacked) => {
      await using scene = await Scene.started({
        config: { addresses: { ...BASE_CONFIG.addresses, ipv6Prefix: "fd00:99::/56" } },
      });
      const account = { name: "anna", password: "correct-Horse-7", routes: ["192.0.2.0/24"] };
      const caller = await scene.caller(await scene.addUser(account));
      const about = () =>
        ["-4 route", "-6 route", "-4 address"].map((words) => {
          const [family = "", object = ""] = words.split(" ");
          const text = scene.server.ip(family, object, "show", "dev", tun);
          // Link-local addresses are the kernel's own matter.
          return text.replaceAll(/^(fe80|multicast|ff00).*\n/gm, "").trim();
        });
      await until("the account's route", 20, () => about()[0]?.includes("192.0.2.0/24") === true);
      const before = about();
      expect(before[1]).toContain("fd00:99::/56");
      const held = await scene.held();
      expect((await scene.status()).network.tunState).toBe("up");
      for (let times = 1; times <= 3; times++) {
        scene.server.run("sh", "-c", command.replaceAll("$TUN", tun));
        await until("it is put right", 20, () => scene.lines(putRight).length >= times);
        await until(
          "nothing is lacking",
          20,
          () => JSON.stringify(about()) === JSON.stringify(before),
        );
        await caller.ping();
        await reached(scene, caller);
        const said = () => scene.lines(putRight).flatMap((line) => line.lacked as string[]);
        await expect.poll(() => said().join(", ")).toMatch(lacked);
        await expect.poll(() => said().join()).toContain("route add 192.0.2.0/24");
        const state = async () => {
          const { network, warnings } = await scene.status();
          return [network.tunState, warnings.join().includes("TUN")];
        };
        await expect.poll(state).toEqual(["up", false]);
      }
      expect(scene.lines(notRightYet)).toEqual([]);
      await scene.expectHeld(held);
      await caller.end();
      await expect.poll(() => about()[0]).not.toContain("192.0.2.0/24");
      expect(await scene.stop()).toBe(0);
    },
  );

  test("it cannot be put right: said with the remedy in log and status, and mended later", async () => {
    await using scene = await Scene.started();
    const caller = await scene.caller(scene.firstAccount());
    scene.server.ip("link", "add", "other0", "type", "veth", "peer", "name", "other1");
    for (const end of ["other0", "other1"]) scene.server.ip("link", "set", end, "up");
    scene.signal("SIGSTOP");
    scene.server.ip("link", "set", tun, "down");
    // Somebody else takes a part of the pool meanwhile.
    scene.server.ip("route", "add", "10.99.0.2/31", "dev", "other0");
    scene.signal("SIGCONT");
    await until("it says so", 20, () => scene.lines(notRightYet).length > 0);
    expect(scene.lines(notRightYet)[0]).toMatchObject({
      level: "error",
      message: expect.stringContaining("EEXIST"),
      remedy: expect.stringContaining("another interface has that address or route"),
    });
    const { warnings, sessions } = await scene.status();
    expect(warnings.join()).toMatch(
      /the TUN lacks a route: .*EEXIST.*choose another addresses\.pool/,
    );
    expect(sessions.now).toBe(1);
    await caller.ping();
    scene.server.ip("link", "delete", "other0");
    await until("it is put right", 20, () => scene.lines(putRight).length === 1);
    expect(scene.lines(notRightYet)).toHaveLength(1);
    await expect.poll(async () => (await scene.status()).warnings.join()).not.toContain("TUN");
    await reached(scene, caller);
    await caller.end();
    expect(await scene.stop()).toBe(0);
  });
});
