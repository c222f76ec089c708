// Two addresses on one interface: a call's GRE leaves from the address its control connection came to,
// and GRE that comes to the other one is not that call's (RFC 2637 §1.2: a tunnel is a pair of hosts).
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HostNetns, until } from "../lab/place.js";
import { isRoot, joined } from "../os/namespace.js";
import { TestServer } from "./harness.js";
import { OwnClient } from "./own-client.js";
import { settled } from "./settled.js";

const FIRST = "198.51.100.1";
const SECOND = "198.51.100.11";
const GATEWAY = "10.99.0.1";
const user = { name: "ann", password: "secret-Pw1", options: "--sessions 4" };
const config = {
  addresses: { pool: ["10.99.0.0/24"], gateway: GATEWAY },
  client: { dns: [] },
  network: { reachHost: true },
};

describe.runIf(isRoot)("a server with two addresses on one interface", () => {
  let cable: ReturnType<typeof joined>;
  let server: TestServer;
  let client: OwnClient;

  beforeAll(async () => {
    cable = joined([`${FIRST}/24`, `${SECOND}/24`], ["198.51.100.2/24"]);
    await settled(cable.a);
    server = await TestServer.start({
      place: new HostNetns(cable.a.name),
      config,
      users: [user],
    });
    client = await OwnClient.start(cable.b);
  });
  afterAll(async () => {
    await client?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    cable?.[Symbol.dispose]();
  });

  /** Counts what comes from each of the two, at the client, before anything else sees it. */
  function nft(rules: string): void {
    cable.b.run("bash", "-c", `nft -f - <<'NFT'\n${rules}\nNFT`);
  }
  function greFrom(address: string): number {
    const json = cable.b.run("nft", "-j", "list", "chain", "ip", "seen", "in");
    const { nftables } = JSON.parse(json) as { nftables: Record<string, never>[] };
    const rule = nftables
      .map((entry) => JSON.stringify(entry))
      .find((text) => text.includes(`"${address}"`));
    return Number(/"packets":\s*(\d+)/.exec(rule ?? "")?.[1]);
  }

  it.each([
    [FIRST, SECOND],
    [SECOND, FIRST],
  ])("called on %s: its GRE leaves from there, none from %s", async (called, other) => {
    nft(`table ip seen { chain in { type filter hook input priority 0;
      ip saddr ${FIRST} ip protocol gre counter
      ip saddr ${SECOND} ip protocol gre counter; }
    }`);
    try {
      await client.call({ server: called, user: user.name, password: user.password });
      expect(await client.ping(GATEWAY)).toBe(3);
      expect(greFrom(called)).toBeGreaterThan(10);
      expect(greFrom(other)).toBe(0);
      // The case before this one's may be ending.
      await expect
        .poll(async () => (await server.sessions()).sessions.map((one) => one.localAddress))
        .toEqual([called]);
    } finally {
      nft("delete table ip seen");
      client.end("LCP");
      await client.says("ended");
    }
  });

  it("GRE of a call that comes to the other address is dropped and counted", async () => {
    await client.call({ server: FIRST, user: user.name, password: user.password });
    expect(await client.ping(GATEWAY)).toBe(3);
    const unknown = async () => (await server.status()).counters["data unknown-call"] ?? 0;
    const before = await unknown();
    const received = async () =>
      (await server.sessions()).sessions[0]?.counters.receivedPackets ?? 0;
    // The data path tells its counts a few times a second.
    await until("the pings are counted", 20, async () => (await received()) >= 3);
    const counted = await received();
    nft(`table ip astray { chain out { type filter hook output priority 0;
      ip daddr ${FIRST} ip protocol gre ip daddr set ${SECOND}; }
    }`);
    try {
      expect(await client.ping(GATEWAY)).toBe(0);
      await until("the drops are counted", 20, async () => (await unknown()) >= before + 3);
      // None of these many; of those before, a last one may have been counted only now.
      expect(await received()).toBeLessThan(counted + 3);
    } finally {
      nft("delete table ip astray");
    }
    expect(await client.ping(GATEWAY)).toBe(3);
    client.end("LCP");
    await client.says("ended");
  });
});
