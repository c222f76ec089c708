// What a session reaches and what reaches it: routed, translated, on a LAN, from client to client, over
// IPv6, and what is too large; with our own client, in namespaces.
import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { HostNetns, until } from "../lab/place.js";
import { isRoot, type Namespace } from "../os/namespace.js";
import { TestServer } from "./harness.js";
import { OwnClient, ping } from "./own-client.js";
import { Places } from "./places.js";

const GATEWAY = "10.99.0.1";
const password = "secret-Pw1";
const BEHIND = "192.168.20.1";
const WORLD = "203.0.113.2";
const WORLD6 = "2001:db8:77::2";

const cables = [
  { name: "one", server: ["198.51.100.1/25"], other: ["198.51.100.2/25"] },
  { name: "two", server: ["198.51.100.129/25"], other: ["198.51.100.130/25"] },
  {
    name: "world",
    server: ["203.0.113.1/24", "2001:db8:77::1/64"],
    other: [`${WORLD}/24`, `${WORLD6}/64`],
  },
  { name: "lan", server: ["192.168.50.1/24"], other: ["192.168.50.2/24"] },
];
const dialOne = { server: "198.51.100.1", password };
const dialTwo = { server: "198.51.100.129", password };

type Prepared = { places: Places; server: TestServer; one: OwnClient; two: OwnClient };

async function prepare(
  config: object,
  users: { name: string; options?: string }[],
  lay: (places: Places) => void = () => {},
) {
  const places = await Places.laid(...cables);
  lay(places);
  const started: AsyncDisposable[] = [];
  const close = async () => {
    for (const one of started.reverse()) await one[Symbol.asyncDispose]();
    places[Symbol.dispose]();
  };
  try {
    const place = new HostNetns(places.server.name);
    const accounts = users.map((user) => ({ ...user, password }));
    const server = await TestServer.start({ place, config, users: accounts });
    started.push(server);
    const one = await OwnClient.start(places.at("one"));
    started.push(one);
    const two = await OwnClient.start(places.at("two"));
    started.push(two);
    return { prepared: { places, server, one, two } satisfies Prepared, close };
  } catch (failure) {
    await close();
    throw failure;
  }
}

/** Through the session, besides the server's own end. */
function routeThrough({ namespace, tun }: OwnClient, ...prefixes: string[]): void {
  for (const prefix of prefixes) namespace.ip("route", "replace", prefix, "dev", tun);
}

/** A port of `protocol` that answers something. */
async function answers(
  from: Namespace,
  protocol: "tcp" | "udp",
  address: string,
  port: number,
  /** Generous where one comes, since a busy machine takes its time. */
  withinS = 20,
): Promise<boolean> {
  const line = `exec 3<>/dev/${protocol}/${address}/${port} && echo hello >&3 && head -c 1 <&3`;
  const place = new HostNetns(from.name);
  const { stdout } = await place.exec(`timeout ${withinS} bash -c '${line}'`);
  return stdout.length === 1;
}

describe.runIf(isRoot)("a routed server", () => {
  const config = {
    addresses: { pool: ["10.99.0.0/24"], gateway: GATEWAY, ipv6Prefix: "2001:db8:99::/48" },
    client: { dns: [GATEWAY] },
  };
  let at: Prepared;
  let close: () => Promise<void> = async () => {};
  let host: ChildProcess | undefined;
  let before: Awaited<ReturnType<TestServer["held"]>>;

  beforeAll(async () => {
    ({ prepared: at, close } = await prepare(config, [
      { name: "ann" },
      { name: "bob" },
      { name: "branch", options: "--route 192.168.20.0/24 --address 10.99.0.77" },
    ]));
    at.places.at("world").ip("route", "add", "10.99.0.0/24", "via", "203.0.113.1");
    at.places.at("world").ip("route", "add", "192.168.20.0/24", "via", "203.0.113.1");
    at.places.at("world").ip("-6", "route", "add", "2001:db8:99::/48", "via", "2001:db8:77::1");
    at.places.at("one").ip("address", "add", `${BEHIND}/32`, "dev", "lo");
    at.places.at("one").ip("address", "add", "192.168.99.1/32", "dev", "lo");
    const script = `
      require("node:net").createServer((socket) => socket.end("!")).listen(8080, "0.0.0.0");
      const udp = require("node:dgram").createSocket("udp4", (_, from) =>
        udp.send("!", from.port, from.address));
      udp.bind(53, "${GATEWAY}", () => process.stdout.write("listening"));`;
    const words = ["netns", "exec", at.places.server.name, process.execPath, "-e", script];
    host = spawn("ip", words, { stdio: ["ignore", "pipe", "inherit"] });
    await new Promise((resolve) => host?.stdout?.once("data", resolve));
    before = await at.server.held();
  });
  afterEach(async () => {
    await at.one.hangUp();
    await at.two.hangUp();
  });
  afterAll(async () => {
    host?.kill();
    await close();
  });

  it("reaches the outside, and the outside reaches it", async () => {
    const { ours } = await at.one.call({ ...dialOne, user: "ann" });
    routeThrough(at.one, "203.0.113.0/24");
    expect(await at.one.ping(WORLD)).toBe(3);
    expect((await ping(at.places.at("world"), ours)).received).toBe(3);
    await at.one.hangUp();
    expect((await ping(at.places.at("world"), ours)).received).toBe(0);
    await at.server.expectHeld(before);
  });

  it("does not forward for those who are not in a session", async () => {
    const one = at.places.at("one");
    at.places.at("world").ip("route", "add", "198.51.100.0/25", "via", "203.0.113.1");
    one.ip("route", "replace", "203.0.113.0/24", "via", "198.51.100.1");
    expect((await ping(one, "198.51.100.1")).received).toBe(3);
    expect((await ping(one, WORLD)).received).toBe(0);
    one.ip("route", "delete", "203.0.113.0/24");
  });

  it("the account's address, and the prefix behind it: routed there, taken from there, gone after", async () => {
    const { ours } = await at.one.call({ ...dialOne, user: "branch", behind: [BEHIND] });
    expect(ours).toBe("10.99.0.77");
    routeThrough(at.one, "203.0.113.0/24");
    await until("the kernel has the route", 20, () =>
      at.places.server.ip("route", "show", "match", BEHIND).includes("holdfast0"),
    );
    expect((await ping(at.places.at("world"), BEHIND)).received).toBe(3);
    expect(await at.one.ping(WORLD, ["-I", BEHIND])).toBe(3);
    const refused = async () => (await at.server.status()).counters["data source-refused"] ?? 0;
    const refusedBefore = await refused();
    expect(await at.one.ping(WORLD, ["-I", "192.168.99.1"])).toBe(0);
    await until("they are counted", 20, async () => (await refused()) >= refusedBefore + 3);
    await at.one.hangUp();
    await at.server.expectHeld(before);
  });

  it("routes of two accounts that overlap are refused", async () => {
    const add = `user add eve --random --route 192.168.20.128/25`;
    const { code, stderr } = await at.server.cli(add);
    expect(code).not.toBe(0);
    expect(stderr).toContain("branch");
    const { stdout } = await at.server.cli("user list");
    expect(stdout).not.toContain("eve");
  });

  it("what is larger than the client takes: the sender is told, or it is cut up", async () => {
    const { ours } = await at.one.call({ ...dialOne, user: "ann", mru: 1_200 });
    routeThrough(at.one, "203.0.113.0/24");
    const world = at.places.at("world");
    // MPPE's four octets of every 1200 are not the packet's.
    expect((await ping(world, ours, ["-M", "do", "-s", "1168"])).received).toBe(3);
    // Larger than the TUN: the kernel says so. Smaller than it and too large for the peer: we do.
    expect((await ping(world, ours, ["-M", "do", "-s", "1440"], 1)).text).toMatch(/mtu ?= ?1400/);
    expect((await ping(world, ours, ["-M", "do", "-s", "1300"], 1)).text).toMatch(/mtu ?= ?1196/);
    world.ip("route", "flush", "cache");
    const cut = await ping(world, ours, ["-M", "dont", "-s", "1300"]);
    expect(cut.received).toBe(3);
    await at.one.hangUp();
  });

  it("on this host only DNS and ping answer", async () => {
    await at.one.call({ ...dialOne, user: "ann" });
    routeThrough(at.one, "203.0.113.0/24");
    const from = at.one.namespace;
    expect(await at.one.ping(GATEWAY)).toBe(3);
    expect(await answers(from, "udp", GATEWAY, 53)).toBe(true);
    expect(await answers(from, "tcp", GATEWAY, 8080, 2)).toBe(false);
    expect(await answers(from, "tcp", "203.0.113.1", 8080, 2)).toBe(false);
    await at.one.hangUp();
  });

  it("client to client: closed, until the configuration says more", async () => {
    await at.one.call({ ...dialOne, user: "ann" });
    const { ours } = await at.two.call({ ...dialTwo, user: "bob" });
    routeThrough(at.one, "10.99.0.0/24");
    routeThrough(at.two, "10.99.0.0/24");
    expect(await at.one.ping(ours)).toBe(0);
    const file = join(at.server.directory, "holdfast.yaml");
    const reload = async (network: object) => {
      writeFileSync(file, JSON.stringify({ ...config, network }));
      expect((await at.server.cli("reload")).code).toBe(0);
    };
    await reload({ clientToClient: true });
    expect(await at.one.ping(ours)).toBe(3);
    await reload({ clientToClient: false });
    expect(await at.one.ping(ours)).toBe(0);
    await at.one.hangUp();
    await at.two.hangUp();
    await at.server.expectHeld(before);
  });

  it("IPv6: a /64 of its own by router advertisement, routed both ways, gone after", async () => {
    await at.one.call({ ...dialOne, user: "ann", ipv6: true });
    const { ours, peers } = await at.one.says("ipv6");
    const { namespace, tun } = at.one;
    let address = "";
    await until("an address from the advertised prefix", 20, () => {
      const text = namespace.ip("-6", "address", "show", "dev", tun, "scope", "global");
      address = /inet6 (2001:db8:99:[0-9a-f:]+)\/64/.exec(text)?.[1] ?? "";
      return address !== "";
    });
    const linkLocal = namespace.ip("-6", "address", "show", "dev", tun, "scope", "link");
    expect(linkLocal.match(/inet6 \S+/g)).toEqual([`inet6 ${ours}/64`]);
    const [session] = (await at.server.sessions()).sessions;
    expect(session?.framedPrefix).toMatch(/^2001:db8:99:.*::\/64$/);
    expect(namespace.ip("-6", "route", "show", "default")).toContain(`via ${peers} dev ${tun}`);
    expect(await at.one.ping(WORLD6)).toBe(3);
    expect((await ping(at.places.at("world"), address)).received).toBe(3);
    await at.one.hangUp();
    expect(namespace.ip("-6", "address", "show", "dev", tun)).not.toContain("inet6");
    await at.server.expectHeld(before);
  });

  it("stopped: forwarding, rules, routes and interface as before the start", async () => {
    await at.one.call({ ...dialOne, user: "branch" });
    expect(await at.server.stop()).toBe(0);
  });
});

describe.runIf(isRoot)("a server that translates", () => {
  it("sessions go out under this host's address, others not at all", async () => {
    const { prepared: at, close } = await prepare(
      {
        addresses: { pool: ["10.99.0.0/24"], gateway: GATEWAY },
        client: { dns: [] },
        network: { nat: { enabled: true, uplink: "world" } },
      },
      [{ name: "ann" }],
    );
    try {
      // It has no route to the pool: only what comes from this host's own address is answered.
      const world = at.places.at("world");
      world.run(
        "nft",
        "add table ip seen; add chain ip seen in { type filter hook input priority 0; };" +
          "add rule ip seen in ip saddr 203.0.113.1 icmp type echo-request counter",
      );
      const before = await at.server.held();
      await at.one.call({ ...dialOne, user: "ann" });
      routeThrough(at.one, "203.0.113.0/24", "192.168.50.0/24");
      expect(await at.one.ping(WORLD)).toBe(3);
      // Until three are answered it may ask once more.
      expect(world.run("nft", "list", "ruleset")).toMatch(/counter packets ([3-9]|\d\d) /);
      // Not the uplink: not translated, so no answer finds its way back.
      expect(await at.one.ping("192.168.50.2")).toBe(0);
      expect((await at.server.status()).network.nat).toBe("nftables");
      await at.one.hangUp();
      await at.server.expectHeld(before);
      expect(await at.server.stop()).toBe(0);
    } finally {
      await close();
    }
  });
});

describe.runIf(isRoot)("a server whose uplink lives from router advertisements", () => {
  it("keeps them while it forwards, and puts everything back", async () => {
    const { prepared: at, close } = await prepare(
      { addresses: { pool: ["10.99.0.0/24"], ipv6Prefix: "2001:db8:99::/48" } },
      [],
      // As the kernel makes it from an advertisement.
      ({ server }) =>
        server.ip(..."-6 route add default via fe80::1 dev world proto ra metric 1024".split(" ")),
    );
    try {
      const { server, places } = at;
      const setting = (key: string) => places.server.run("sysctl", "-n", key).trim();
      expect(setting("net.ipv6.conf.world.accept_ra")).toBe("2");
      expect(setting("net.ipv6.conf.lan.accept_ra")).not.toBe("2");
      expect(setting("net.ipv6.conf.all.forwarding")).toBe("1");
      // Forwarding and what it drags along, the advertised route included, read as before.
      expect(await server.stop()).toBe(0);
    } finally {
      await close();
    }
  });
});

describe.runIf(isRoot)("a server whose pool lies in its LAN", () => {
  it("answers ARP for sessions while they last", async () => {
    const { prepared: at, close } = await prepare(
      {
        addresses: { pool: ["192.168.50.100-192.168.50.110"], gateway: "192.168.50.99" },
        client: { dns: [] },
        network: { proxyArp: "lan" },
      },
      [{ name: "ann" }],
    );
    try {
      const before = await at.server.held();
      const { ours } = await at.one.call({ ...dialOne, user: "ann" });
      expect(ours).toMatch(/^192\.168\.50\.10\d$/);
      routeThrough(at.one, "192.168.50.0/24");
      const lan = at.places.at("lan");
      expect((await ping(lan, ours)).received).toBe(3);
      expect(await at.one.ping("192.168.50.2")).toBe(3);
      await at.one.hangUp();
      await at.server.expectHeld(before);
      lan.ip("neighbour", "flush", "dev", "lan");
      expect((await ping(lan, ours, [], 1)).received).toBe(0);
      expect(await at.server.stop()).toBe(0);
    } finally {
      await close();
    }
  });
});
