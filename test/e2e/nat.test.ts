// `holdfast connect` by two travellers behind one router that masquerades: with the kernel's PPTP helper
// both have their session; without it, what each is told.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pingsAnswered, pingWords } from "../lab/ping.js";
import { HostNetns } from "../lab/place.js";
import { isRoot, Namespace } from "../os/namespace.js";
import { Connecting } from "./connecting.js";
import { TestServer } from "./harness.js";
import { settled } from "./settled.js";

const SERVER = "198.51.100.1";
const ROUTER = "198.51.100.2";
const GATEWAY = "10.99.0.1";
const password = "secret-Pw1";

const masquerade = `table ip nat {
  chain out { type nat hook postrouting priority 100; oifname "out" masquerade; }
}`;
const helper = `table ip helper {
  ct helper pptp { type "pptp" protocol tcp; }
  chain in { type filter hook prerouting priority 0; tcp dport 1723 ct helper set "pptp"; }
}`;
const passThrough = `table ip one {
  chain in {
    type nat hook prerouting priority -100;
    iifname "out" meta l4proto gre dnat to 192.168.1.2;
  }
}`;

describe.runIf(isRoot)("two travellers behind one address", () => {
  const scratch = isRoot ? mkdtempSync(join(tmpdir(), "hf-nat-")) : "";
  const travellers: Namespace[] = [];
  let router: Namespace;
  let away: Namespace;
  let server: TestServer;

  beforeAll(async () => {
    [router, away] = [new Namespace(), new Namespace()];
    const [routers, aways] = [router, away];
    aways.ip("link", "add", "eth0", "type", "veth", "peer", "name", "out", "netns", routers.name);
    const address = (place: Namespace, device: string, text: string) => {
      place.ip("address", "add", text, "dev", device);
      place.ip("link", "set", device, "up");
    };
    address(away, "eth0", `${SERVER}/24`);
    address(router, "out", `${ROUTER}/24`);
    for (const n of [1, 2]) {
      const one = new Namespace();
      travellers.push(one);
      one.ip("link", "add", "eth0", "type", "veth", "peer", "name", `in${n}`, "netns", router.name);
      address(one, "eth0", `192.168.${n}.2/24`);
      address(router, `in${n}`, `192.168.${n}.1/24`);
      one.ip("route", "add", "default", "via", `192.168.${n}.1`);
    }
    router.run("sysctl", "-qw", "net.ipv4.ip_forward=1");
    await settled(router, away, ...travellers);
    server = await TestServer.start({
      place: new HostNetns(away.name),
      config: {
        addresses: { pool: ["10.99.0.0/24"], gateway: GATEWAY },
        client: { dns: [] },
        network: { reachHost: true },
      },
      users: [
        { name: "ann", password },
        { name: "bob", password },
      ],
    });
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    for (const one of [router, away, ...travellers]) one?.[Symbol.dispose]();
    if (scratch !== "") rmSync(scratch, { recursive: true, force: true });
  });

  const rules = (...tables: string[]) => router.run("nft", `flush ruleset\n${tables.join("\n")}`);
  const connect = (n: 0 | 1) =>
    new Connecting(travellers[n]!, scratch, password, [
      SERVER,
      "-u",
      n === 0 ? "ann" : "bob",
      "--once",
    ]);
  const pings = async (n: 0 | 1) => {
    const place = new HostNetns(travellers[n]!.name);
    return pingsAnswered((await place.exec(pingWords(GATEWAY).join(" "))).stdout);
  };

  it("a router with the PPTP helper: both have their session, each its own", async () => {
    rules(masquerade, helper);
    await using ann = connect(0);
    await using bob = connect(1);
    await Promise.all([ann.up(), bob.up()]);
    const { sessions } = await server.sessions();
    expect(sessions.map(({ peerAddress }) => peerAddress)).toEqual([ROUTER, ROUTER]);
    // The server's data path hears of a session a moment after its client.
    await expect.poll(() => pings(0)).toBe(3);
    await expect.poll(() => pings(1)).toBe(3);
    expect(await ann.stop()).toBe(0);
    expect(await pings(1)).toBe(3);
    expect(await bob.stop()).toBe(0);
  });

  // Linux without its helper lets nobody's GRE back in; a plain router's pass-through hands it to one.
  it("one without it: the one it passes GRE to has a session, the other is told why not", async () => {
    rules(masquerade, passThrough);
    await using ann = connect(0);
    await using bob = connect(1);
    await ann.up();
    await expect.poll(() => pings(0)).toBe(3);
    expect(await bob.exit).toBe(18);
    expect(bob.err).toMatch(/no GRE packet came back/);
    expect(bob.err).toMatch(/PPTP pass-through; a router that has none lets one client at a time/);
    expect(bob.out).toMatch(/^ended {2}held 0$/m);
    expect(await pings(0)).toBe(3);
    expect(await ann.stop()).toBe(0);
  });
});
