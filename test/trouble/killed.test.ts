// kill -9 of the server with sessions up and a source blocked: what the kernel keeps of it the next start
// removes and says so, and after an orderly end all is as before the first one. Of the data worker:
// test/e2e/worker.test.ts and test/trouble/accounting.test.ts; of what the store keeps: the latter.
import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { settled } from "../e2e/settled.js";
import { until } from "../lab/place.js";
import { needRoot } from "../peers.js";
import { Scene } from "./scene.js";

const HOSTILE = "198.51.100.66";

/** What a server of ours borrows from its host. */
function kernel({ server }: Scene): Record<string, string> {
  return {
    tables: server.run("nft", "list", "ruleset"),
    routes: server.ip("-4", "route", "show", "table", "all").replace(/\s+$/gm, ""),
    neighbours: server.ip("neighbour", "show", "proxy"),
    links: server.ip("-brief", "link", "show"),
    forwarding: server.run("cat", "/proc/sys/net/ipv4/ip_forward").trim(),
  };
}

describe.runIf(needRoot())("kill -9 of the server", () => {
  // In the callers' own network: the server answers ARP for its sessions.
  const addresses = { pool: ["198.51.100.100-198.51.100.110"], gateway: "198.51.100.99" };
  const before = { addresses, network: { tun: "hft0", proxyArp: "veth0" } };
  const without = { addresses, network: { tun: "hft0" } };

  test.each([
    ["as before", before],
    ["without proxy ARP", without],
  ])(
    "TUN, routes, nft, proxy ARP, sysctl and accounting: taken back by the next start, and said (%s)",
    async (_, next) => {
      const config = before;
      await using scene = new Scene({ config });
      // A cable is not up at once: its state is one of what is compared.
      await settled(scene.server);
      const clean = kernel(scene);
      await scene.start();
      const account = await scene.firstAccount();
      const caller = await scene.caller(account);
      expect((await scene.cli(["block", HOSTILE])).code).toBe(0);
      await until("in the kernel", 20, () => kernel(scene).tables?.includes(HOSTILE) === true);
      scene.signal("SIGKILL");
      await scene.end();
      await caller.ended();
      // The interface and its routes end with the data worker.
      await until("its worker is gone", 20, () => kernel(scene).links === clean.links);
      const left = kernel(scene);
      expect(left.routes).toBe(clean.routes);
      expect(left.neighbours).toMatch(/^198\.51\.100\.1\d\d dev veth0 proxy/);
      expect(left.tables).toContain("table inet holdfast-main {");
      expect([clean.forwarding, left.forwarding]).toEqual(["0", "1"]);
      scene.configure(next);
      await scene.start();
      for (const said of [
        "put back kernel settings that an earlier run had left",
        "removed proxy ARP that an earlier run had left",
        "replaces the nft table that an earlier run had left",
        "replaces the blocks' nft table that an earlier run had left",
        "ended the accounting of sessions that an earlier run had left",
      ]) {
        expect(await scene.logged(said), said).toHaveLength(1);
      }
      expect(kernel(scene).neighbours).toBe("");
      const again = await scene.caller(account);
      await again.end();
      expect((await scene.cli(["unblock", HOSTILE])).code).toBe(0);
      expect(await scene.stop()).toBe(0);
      expect(kernel(scene)).toEqual(clean);
    },
  );

  test("while its data worker stands still: that is killed with it, and the next start has its TUN", async () => {
    await using scene = new Scene();
    await settled(scene.server);
    await scene.start();
    const clean = kernel(scene).links;
    const caller = await scene.caller(scene.firstAccount());
    const pid = (await scene.status()).workers[0]?.pid ?? 0;
    process.kill(pid, "SIGSTOP");
    scene.signal("SIGKILL");
    await scene.end();
    await until("it is gone", 20, () => !existsSync(`/proc/${pid}`));
    await scene.start();
    await expect.poll(() => kernel(scene).links).toBe(clean);
    caller.kill();
    const again = await scene.caller(scene.firstAccount());
    await again.ping();
    await again.end();
    expect(await scene.stop()).toBe(0);
  });
});
