// What `holdfast connect` does to its host's network: routes, the server's own one pinned, name
// servers; and that all of it is put back, by its end or, after a kill -9, by the next start.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pingWords } from "../lab/ping.js";
import { HostNetns, run, until } from "../lab/place.js";
import { isRoot, Namespace } from "../os/namespace.js";
import { Connecting, main } from "./connecting.js";
import { TestServer } from "./harness.js";
import { kernelDifference, kernelState } from "./kernel-state.js";
import { settled } from "./settled.js";

const SERVER = "192.0.2.1";
const GATEWAY = "10.99.0.1";
const password = "secret-Pw1";

// Stands in for resolvconf: the tests' host has its own names to resolve. It keeps what it is told.
const resolvconf = `#!/bin/sh
case "$1" in
  -a) cat >"$RECORDS/$2" ;;
  -d) rm "$RECORDS/$2" ;;
esac`;

// Stands in for systemd-resolved's own: what it is asked for, a line each.
const resolvectl = `#!/bin/sh
echo "$*" >>"$RECORDS/resolvectl"`;

describe.runIf(isRoot)("the network of holdfast connect's host", () => {
  const scratch = isRoot ? mkdtempSync(join(tmpdir(), "hf-client-net-")) : "";
  const records = join(scratch, "records");
  let ends: Namespace[] = [];
  let server: TestServer;

  /** Traveller, a router, the server behind it: the way to the server is by a gateway. */
  beforeAll(async () => {
    const [traveller, router, away] = [new Namespace(), new Namespace(), new Namespace()];
    ends = [traveller, router, away];
    traveller.ip("link", "add", "eth0", "type", "veth", "peer", "name", "in", "netns", router.name);
    away.ip("link", "add", "eth0", "type", "veth", "peer", "name", "out", "netns", router.name);
    for (const [place, device, address] of [
      [traveller, "eth0", "198.51.100.2/24"],
      [router, "in", "198.51.100.1/24"],
      [router, "out", "192.0.2.254/24"],
      [away, "eth0", `${SERVER}/24`],
    ] as const) {
      place.ip("address", "add", address, "dev", device);
      place.ip("link", "set", device, "up");
    }
    traveller.ip("route", "add", "default", "via", "198.51.100.1");
    away.ip("route", "add", "default", "via", "192.0.2.254");
    router.run("sysctl", "-qw", "net.ipv4.ip_forward=1");
    await settled(...ends);
    mkdirSync(records);
    for (const [name, text] of Object.entries({ resolvconf, resolvectl })) {
      const kept = text.replaceAll("$RECORDS", records);
      writeFileSync(join(scratch, name), kept, { mode: 0o755 });
    }
    server = await TestServer.start({
      place: new HostNetns(away.name),
      config: {
        addresses: { pool: ["10.99.0.0/24"], gateway: GATEWAY },
        client: { dns: ["10.99.0.53", "10.99.0.54"] },
        network: { reachHost: true },
      },
      users: [{ name: "ann", password }],
    });
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    for (const one of ends) one[Symbol.dispose]();
    if (scratch !== "") rmSync(scratch, { recursive: true, force: true });
  });

  const traveller = () => ends[0] as Namespace;
  const state = () => kernelState(new HostNetns(traveller().name));
  const routes = () => traveller().ip("-4", "route", "show");
  const kept = () => readdirSync(records);

  function connect(...words: string[]): Connecting {
    return connectBy("resolvconf", ...words);
  }

  function connectBy(program: "resolvconf" | "resolvectl", ...words: string[]): Connecting {
    const socket =
      "mount -t tmpfs none /run && install -D /dev/null /run/systemd/resolve/io.systemd.Resolve &&";
    const install = `mount -t tmpfs none /usr/local/sbin && cp ${scratch}/${program} /usr/local/sbin/ &&
      ${program === "resolvectl" ? socket : ""}`;
    const all = [SERVER, "-u", "ann", "--tun", "hfc0", ...words];
    return new Connecting(traveller(), scratch, password, all, install);
  }

  const pings = async (address: string) =>
    (await new HostNetns(traveller().name).exec(pingWords(address, { count: 2 }).join(" "))).code;

  it("--routes default: everything through it but its own packets; all put back", async () => {
    const before = await state();
    await using client = connect("--routes", "default");
    await client.up();
    expect(client.out).toMatch(/^up .* dns 10\.99\.0\.53,10\.99\.0\.54 {2}by resolvconf$/m);
    expect(routes()).toMatch(/^192\.0\.2\.1 via 198\.51\.100\.1 dev eth0 proto 147/m);
    expect(traveller().ip("route", "get", "203.0.113.1")).toMatch(/dev hfc0/);
    expect(traveller().ip("route", "get", SERVER)).toMatch(/via 198\.51\.100\.1 dev eth0/);
    expect(kept()).toEqual(["hfc0.holdfast"]);
    expect(readFileSync(join(records, "hfc0.holdfast"), "utf8")).toBe(
      "nameserver 10.99.0.53\nnameserver 10.99.0.54\n",
    );
    expect(await pings(GATEWAY)).toBe(0);
    expect(await client.stop()).toBe(0);
    expect(kernelDifference(before, await state())).toEqual([]);
    expect(kept()).toEqual([]);
    expect(readdirSync(join(scratch, "clients"))).toEqual([]);
  });

  it("systemd-resolved: told of the interface, asked for all names where all goes through it", async () => {
    for (const [routes, domain] of [
      ["default", ["domain hfc0 ~."]],
      ["10.0.0.0/8", []],
    ] as const) {
      await using client = connectBy("resolvectl", "--routes", routes);
      await client.up();
      expect(client.out).toMatch(/^up .* dns 10\.99\.0\.53,10\.99\.0\.54 {2}by systemd-resolved$/m);
      const told = ["dns hfc0 10.99.0.53 10.99.0.54", ...domain];
      const asked = () => readFileSync(join(records, "resolvectl"), "utf8").trim().split("\n");
      expect(asked()).toEqual(told);
      expect(await client.stop()).toBe(0);
      expect(asked()).toEqual([...told, "revert hfc0"]);
      rmSync(join(records, "resolvectl"));
    }
  });

  it("prefixes, one of which holds the server; --no-dns: no name servers", async () => {
    const before = await state();
    await using client = connect("--routes", "10.0.0.0/8,192.0.2.0/24", "--no-dns");
    await client.up();
    expect(traveller().ip("route", "get", "10.1.2.3")).toMatch(/dev hfc0/);
    expect(traveller().ip("route", "get", "192.0.2.77")).toMatch(/dev hfc0/);
    expect(traveller().ip("route", "get", "203.0.113.1")).toMatch(/dev eth0/);
    expect(traveller().ip("route", "get", SERVER)).toMatch(/dev eth0/);
    expect(kept()).toEqual([]);
    await client.stop();
    expect(kernelDifference(before, await state())).toEqual([]);
  });

  it("kill -9: the next start puts back what the dead one left, and says so", async () => {
    const before = await state();
    await using dead = connect("--routes", "default");
    await dead.up();
    dead.signal("SIGKILL");
    await dead.exit;
    await until(
      "its interface is gone",
      20,
      () => !traveller().ip("link", "show").includes("hfc0"),
    );
    expect(routes()).toMatch(/^192\.0\.2\.1 via/m);
    expect(kept()).toEqual(["hfc0.holdfast"]);
    await using next = connect("--tun", "hfc1");
    await next.up();
    expect(next.out).toMatch(
      new RegExp(`^cleaned up {2}after ${dead.pid} {2}back pin,nameServers$`, "m"),
    );
    expect(routes()).not.toMatch(/^192\.0\.2\.1/m);
    expect(kept()).toEqual([]);
    await next.stop();
    expect(kernelDifference(before, await state())).toEqual([]);
  });

  it("a route of somebody else's in the way: said, and nothing left", async () => {
    traveller().ip("route", "add", "0.0.0.0/1", "via", "198.51.100.1");
    const before = await state();
    await using client = connect("--routes", "default");
    expect(await client.exit).toBe(35);
    expect(client.err).toMatch(
      /ip route add 0\.0\.0\.0\/1 .*EEXIST[\s\S]*choose others with --routes/,
    );
    expect(kernelDifference(before, await state())).toEqual([]);
    traveller().ip("route", "delete", "0.0.0.0/1", "via", "198.51.100.1");
  });

  it("--status shows it; the host moves to another address: dialled again from there", async () => {
    await using client = connect();
    await client.up();
    const env = { ...process.env, HOLDFAST_CLIENT_STATE: join(scratch, "clients") };
    const words = [main, "connect", "--status"];
    const shown = await run(process.execPath, words, { env });
    expect(shown.stdout).toMatch(
      /^ *\d+ +192\.0\.2\.1 +ann +up +\S+ +10\.99\.0\.\d+ +hfc0 +MPPE-128/m,
    );
    traveller().ip("address", "delete", "198.51.100.2/24", "dev", "eth0");
    traveller().ip("address", "add", "198.51.100.3/24", "dev", "eth0");
    traveller().ip("route", "replace", "default", "via", "198.51.100.1");
    await client.up(2);
    expect(client.out).toMatch(/^moved {2}from 198\.51\.100\.2$/m);
    await until("one session, from the new address", 20, async () => {
      const { sessions } = await server.sessions();
      return sessions.some(({ peerAddress }) => peerAddress === "198.51.100.3");
    });
    const { stdout } = await run(process.execPath, [...words, "--json"], { env });
    expect(JSON.parse(stdout).clients).toMatchObject([
      { phase: "up", sessions: 1, lastVerdict: "connection-lost" },
    ]);
    expect(await client.stop()).toBe(0);
    expect((await run(process.execPath, words, { env })).stderr).toBe("No client runs.\n");
  });
});
