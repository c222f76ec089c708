// kill -9 of the server with sessions up and a source blocked: what the kernel keeps of it the next start
// removes and says so, and after an orderly end all is as before the first one. Of the data worker:
// test/e2e/worker.test.ts and test/trouble/accounting.test.ts; of what the store keeps: the latter.
import { describe, expect, test } from "vitest";
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
  test("TUN, routes, nft, proxy ARP, sysctl and accounting: taken back by the next start, and said", async () => {
    const config = {
      // In the callers' own network: the server answers ARP for its sessions.
      addresses: { pool: ["198.51.100.100-198.51.100.110"], gateway: "198.51.100.99" },
      network: { tun: "hft0", proxyArp: "veth0" },
    };
    await using scene = new Scene({ config });
    const before = kernel(scene);
    await scene.start();
    const account = await scene.firstAccount();
    const caller = await scene.caller(account);
    expect((await scene.cli(["block", HOSTILE])).code).toBe(0);
    await until("in the kernel", 5, () => kernel(scene).tables?.includes(HOSTILE) === true);
    scene.signal("SIGKILL");
    await scene.end();
    await caller.ended();
    // The interface and its routes end with the data worker.
    await until("its worker is gone", 10, () => kernel(scene).links === before.links);
    const left = kernel(scene);
    expect(left.routes).toBe(before.routes);
    expect(left.neighbours).toMatch(/^198\.51\.100\.1\d\d dev veth0 proxy/);
    expect(left.tables).toContain("table inet holdfast-main {");
    expect([before.forwarding, left.forwarding]).toEqual(["0", "1"]);
    await scene.start();
    for (const said of [
      "put back kernel settings that an earlier run had left",
      "removed proxy ARP that an earlier run had left",
      "replaces the nft table that an earlier run had left",
      "ended the accounting of sessions that an earlier run had left",
    ]) {
      expect(scene.lines(said), said).toHaveLength(1);
    }
    expect(kernel(scene).neighbours).toBe("");
    const again = await scene.caller(account);
    await again.end();
    expect((await scene.cli(["unblock", HOSTILE])).code).toBe(0);
    expect(await scene.stop()).toBe(0);
    expect(kernel(scene)).toEqual(before);
  });
});
