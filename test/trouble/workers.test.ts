// A server with two data workers: its privileges, its TUN of two queues, and what it says of them.
import { describe, expect, test } from "vitest";
import { until } from "../lab/place.js";
import { needRoot } from "../peers.js";
import { BASE_CONFIG, Scene } from "./scene.js";

const CALLERS = 4;

describe.runIf(needRoot())("engine: typescript", () => {
  test("carries a session, and status says that nothing is compiled or joined", async () => {
    await using scene = await Scene.started({ config: { engine: "typescript" } });
    const caller = await scene.caller(
      await scene.addUser({ name: "ann", password: "correct-Horse-7" }),
    );
    await caller.ping();
    const { workers } = await scene.status();
    expect(workers).toMatchObject([{ engine: "TypeScript", offload: "plain", restarts: 0 }]);
    expect(scene.lines("slower TypeScript engine")).toEqual([]);
    expect(await scene.stop()).toBe(0);
  });
});

describe.runIf(needRoot())("workers: 2", () => {
  test("sessions on both; the TUN is made again; one is killed and the others' sessions go on", async () => {
    await using scene = await Scene.started({ config: { workers: 2 } });
    const { workers, dataPath } = await scene.status();
    expect(workers).toHaveLength(2);
    await until("both are ready", 20, async () =>
      (await scene.status()).workers.every(({ engine }) => engine !== ""),
    );
    expect(dataPath).toContain("child processes");
    const callers = [];
    for (let i = 0; i < CALLERS; i++) {
      const account = { name: `user${i}`, password: "correct-Horse-7" };
      callers.push(await scene.caller(await scene.addUser(account)));
    }
    for (const caller of callers) await caller.ping();
    scene.server.ip("link", "delete", BASE_CONFIG.network.tun);
    await until(
      "made again",
      20,
      () => scene.lines("the TUN was deleted under us: made again").length === 1,
    );
    for (const caller of callers) await caller.ping();
    process.kill(workers[0]!.pid, "SIGKILL");
    await until("a new one", 20, async () => {
      const [now, other] = (await scene.status()).workers;
      return now?.engine !== "" && now?.restarts === 1 && other?.restarts === 0;
    });
    const left = (await scene.sessions()).sessions.map(({ framedAddress }) => framedAddress);
    const alive = callers.filter(({ address }) => left.includes(address));
    expect(alive).toHaveLength(left.length);
    for (const caller of alive) await caller.ping();
    expect(await scene.stop()).toBe(0);
    expect(scene.server.ip("-brief", "link", "show")).not.toContain(BASE_CONFIG.network.tun);
  });
});

describe.runIf(needRoot())("no nftables on this host", () => {
  test("several workers: refused, since only the table would keep their sessions apart", async () => {
    await using scene = new Scene({ config: { workers: 2 }, without: "nft" });
    const { code, stdout, stderr } = await scene.refused();
    expect(code).not.toBe(0);
    expect(stdout + stderr).toContain("workers is 2, but nftables");
    expect(stdout + stderr).toContain("apt-get install nftables");
    expect(scene.server.ip("-brief", "link", "show")).not.toContain(BASE_CONFIG.network.tun);
  });

  test("one worker: it says that the data path alone guards, and serves", async () => {
    await using scene = await Scene.started({ without: "nft" });
    expect(await scene.logged("no host rules: the data path alone guards")).toHaveLength(1);
    const caller = await scene.caller(
      await scene.addUser({ name: "ann", password: "correct-Horse-7" }),
    );
    await caller.ping();
    expect(await scene.stop()).toBe(0);
  });
});
