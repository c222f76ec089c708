// The name servers of a session with systemd-resolved itself: names are asked for through the session,
// and no word of it is left, after its end or after a kill -9.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HostNetns, until } from "../lab/place.js";
import { joined } from "../os/namespace.js";
import { needRoot } from "../peers.js";
import { Connecting } from "./connecting.js";
import { TestServer } from "./harness.js";
import { needResolved, Resolved } from "./resolved.js";
import { settled } from "./settled.js";

/** Answers every question for an address with one. */
const nameServer = `
  const socket = require("node:dgram").createSocket("udp4");
  socket.on("message", (asked, from) => {
    const question = asked.subarray(12, asked.indexOf(0, 12) + 5);
    const isAddress = question.at(-3) === 1;
    const head = [asked[0], asked[1], 0x81, 0x80, 0, 1, 0, isAddress ? 1 : 0, 0, 0, 0, 0];
    const answer = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 99, 0, 80];
    socket.send(Uint8Array.from([...head, ...question, ...(isAddress ? answer : [])]), from.port, from.address);
  });
  socket.bind(53);`;

describe.runIf(needRoot() && needResolved())("systemd-resolved", () => {
  let scratch: string;
  let cable: ReturnType<typeof joined>;
  let server: TestServer;
  let names: ChildProcess;
  let resolved: Resolved;

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), "hf-resolved-"));
    cable = joined(["198.51.100.1/24"], ["198.51.100.2/24"]);
    await settled(cable.a, cable.b);
    const place = new HostNetns(cable.a.name);
    names = spawn("ip", ["netns", "exec", cable.a.name, process.execPath, "-e", nameServer]);
    resolved = await Resolved.started(cable.b, scratch);
    server = await TestServer.start({
      place,
      config: {
        addresses: { pool: ["10.99.0.0/24"], gateway: "10.99.0.1" },
        client: { dns: ["10.99.0.1"] },
        network: { reachHost: true },
      },
      users: [{ name: "ann", password: "secret-Pw1" }],
    });
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await resolved?.[Symbol.asyncDispose]();
    names?.kill();
    cable?.[Symbol.dispose]();
    rmSync(scratch, { recursive: true, force: true });
  });

  function connect(tun: string, ...words: string[]): Connecting {
    const all = ["198.51.100.1", "-u", "ann", "--tun", tun, ...words];
    const beside = `${resolved.beside} "$0" "$@";`;
    return new Connecting(cable.b, scratch, "secret-Pw1", all, beside);
  }

  /** Links with name servers or domains of their own; the cable and loopback have none. */
  const told = async () =>
    `${await resolved.ask("dns")}${await resolved.ask("domain")}`
      .split("\n")
      .filter((line) => /^Link .*: \S/.test(line))
      .map((line) => line.replace(/^Link \d+ /, ""));

  it("a name is asked for through the session; nothing of it is left at its end", async () => {
    expect(await told()).toEqual([]);
    await using client = connect("hfc0", "--routes", "default");
    await client.up();
    expect(client.out).toMatch(/^up .* dns 10\.99\.0\.1 {2}by systemd-resolved$/m);
    expect(await told()).toEqual(["(hfc0): 10.99.0.1", "(hfc0): ~."]);
    expect(await resolved.ask("query intranet.example.org")).toMatch(
      /^intranet\.example\.org: 10\.99\.0\.80 .*link: hfc0/,
    );
    expect(await client.stop()).toBe(0);
    expect(await told()).toEqual([]);
  });

  it("kill -9: it goes with the interface; the next start says what it put back", async () => {
    await using dead = connect("hfc0", "--routes", "10.0.0.0/8");
    await dead.up();
    expect(await told()).toEqual(["(hfc0): 10.99.0.1"]);
    dead.signal("SIGKILL");
    await dead.exit;
    await until("the interface is gone", 20, async () => (await told()).length === 0);
    await using next = connect("hfc1", "--routes", "10.0.0.0/8");
    await next.up();
    expect(next.out).toMatch(
      new RegExp(`^cleaned up {2}after ${dead.pid} {2}back nameServers$`, "m"),
    );
    expect(await told()).toEqual(["(hfc1): 10.99.0.1"]);
    expect(await next.stop()).toBe(0);
    expect(await told()).toEqual([]);
  });
});
