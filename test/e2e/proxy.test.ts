// `holdfast connect --socks --http` with CAP_NET_RAW alone: curl, parallel downloads, UDP and peers that
// do not behave, through a session with our own server to a LAN behind it.
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Record as Client } from "../../src/client/network/state-file.js";
import { HostNetns, until } from "../lab/place.js";
import { isRoot } from "../os/namespace.js";
import { needPeer } from "../peers.js";
import { compileProgram } from "./compile.js";
import { Connecting, main } from "./connecting.js";
import { TestServer } from "./harness.js";
import { kernelDifference, kernelState } from "./kernel-state.js";
import { ONLY_NET_RAW } from "./only-net-raw.js";
import { Places } from "./places.js";

const SERVER = "198.51.100.1";
const BEHIND = "192.168.50.2";
const password = "secret-Pw1";
const SOCKS = 1080;
const HTTP = 8080;

const sha256 = (octets: Uint8Array) => createHash("sha256").update(octets).digest("hex");
const address = (dotted: string) => dotted.split(".").map(Number);

const programs = ["curl", "tshark", "tcpdump"];

/** What of a TCP stream is there, by source, however it was cut into segments or sent again. */
function covered(lines: readonly string[]): Record<string, [from: number, to: number][]> {
  const all: Record<string, [number, number][]> = {};
  const rows = lines.map((line) => line.split("\t")).sort((a, b) => Number(a[1]) - Number(b[1]));
  for (const [source = "", sequence, length] of rows) {
    if (Number(length) === 0) continue;
    const [from, to] = [Number(sequence), Number(sequence) + Number(length)];
    const ranges = all[source] ?? [];
    all[source] = ranges;
    const last = ranges.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
    else ranges.push([from, to]);
  }
  return all;
}

describe.runIf(isRoot && needPeer(programs, programs))("the proxies of holdfast connect", () => {
  const scratch = isRoot ? mkdtempSync(join(tmpdir(), "hf-proxy-")) : "";
  let places: Places;
  let server: TestServer;
  let client: Connecting;
  let behind: ChildProcess;
  let told = "";
  let before: Awaited<ReturnType<TestServer["held"]>>;
  let kernelBefore: Awaited<ReturnType<typeof kernelState>>;
  const here = () => new HostNetns(places.at("outside").name);

  beforeAll(async () => {
    places = await Places.laid(
      { name: "outside", server: [`${SERVER}/24`], other: ["198.51.100.2/24"] },
      { name: "lan", server: ["192.168.50.1/24"], other: [`${BEHIND}/24`] },
    );
    const lan = places.at("lan");
    lan.ip("route", "add", "default", "via", "192.168.50.1");
    const program = compileProgram("behind", scratch);
    const words = ["netns", "exec", lan.name, process.execPath, program, BEHIND];
    behind = spawn("ip", words, { stdio: ["ignore", "pipe", "inherit"] });
    behind.stdout?.on("data", (text: Buffer) => {
      told += text.toString();
    });
    server = await TestServer.start({
      place: new HostNetns(places.server.name),
      config: { addresses: { pool: ["10.99.0.0/24"] }, client: { dns: [BEHIND] } },
      users: [
        { name: "ann", password },
        { name: "bob", password },
      ],
    });
    await until("what is behind is ready", 20, () => told.includes("ready"));
    before = await server.held();
    kernelBefore = await kernelState(here());
    client = start("ann", "--socks", `${SOCKS}`, "--http", `127.0.0.1:${HTTP}`);
    await client.up();
  });
  afterAll(async () => {
    await client?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    behind?.kill("SIGKILL");
    places?.[Symbol.dispose]();
    if (scratch !== "") rmSync(scratch, { recursive: true, force: true });
  });

  /** With CAP_NET_RAW alone. */
  function start(user: string, ...words: string[]): Connecting {
    const only = `exec ${ONLY_NET_RAW} "$0" "$@";`;
    return new Connecting(
      places.at("outside"),
      scratch,
      password,
      [SERVER, "-u", user, ...words],
      only,
    );
  }

  const curl = (words: string, timeoutS = 30) =>
    here().exec(`curl -sS --no-progress-meter --max-time ${timeoutS} ${words}`, {
      timeoutS: timeoutS + 5,
    });
  const bySocks = `-x socks5h://127.0.0.1:${SOCKS}`;
  const byHttp = `-x http://127.0.0.1:${HTTP}`;

  /** A program's in the namespace: a socket stays where it was made. */
  async function local(port: number): Promise<Socket> {
    using _inside = places.at("outside").entered();
    const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true, noDelay: true });
    await once(socket, "connect");
    return socket;
  }

  /** Connected through SOCKS to a port of what is behind. */
  async function through(port: number): Promise<Socket> {
    const socket = await local(SOCKS);
    socket.write(Uint8Array.of(5, 1, 0));
    socket.write(Uint8Array.of(5, 1, 0, 1, ...address(BEHIND), port >> 8, port & 255));
    let heard = Buffer.alloc(0);
    while (heard.length < 12) {
      const [octets] = (await once(socket, "data")) as [Buffer];
      heard = Buffer.concat([heard, octets]);
    }
    expect([...heard.subarray(0, 4)]).toEqual([5, 0, 5, 0]);
    socket.pause();
    if (heard.length > 12) socket.unshift(heard.subarray(12));
    return socket;
  }

  async function all(socket: Socket): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of socket) parts.push(part as Buffer);
    return Buffer.concat(parts);
  }

  async function status(): Promise<Client[]> {
    const asked = `HOLDFAST_CLIENT_STATE=${scratch}/clients ${process.execPath} ${main}`;
    return JSON.parse((await here().exec(`${asked} connect --status --json`)).stdout).clients;
  }

  it("no interface, no capability but CAP_NET_RAW, listening on loopback alone", async () => {
    expect(client.out).toMatch(/^proxy {2}socks 127\.0\.0\.1:1080$/m);
    expect(client.out).toMatch(/^proxy {2}http 127\.0\.0\.1:8080$/m);
    expect(client.err).toBe("");
    const { stdout } = await here().exec(`grep CapEff /proc/${client.pid}/status; ip -o link`);
    expect(stdout).toMatch(/^CapEff:\t0{12}2000$/m);
    expect(stdout.match(/^\d+: /gm)).toHaveLength(2);
    const clients = await status();
    const proxies = ["socks 127.0.0.1:1080", "http 127.0.0.1:8080"];
    expect(clients).toEqual([expect.objectContaining({ user: "ann", phase: "up", proxies })]);
    const listening = await here().exec("ss -Hltn");
    for (const line of listening.stdout.trim().split("\n")) expect(line).toContain("127.0.0.1:");
    expect(listening.stdout.trim().split("\n")).toHaveLength(2);
  });

  it.each([
    ["SOCKS, a name asked for inside", `${bySocks} http://web.inside.test/hello`],
    ["SOCKS 4A", `-x socks4a://127.0.0.1:${SOCKS} http://web.inside.test/hello`],
    ["SOCKS, an address", `-x socks5://127.0.0.1:${SOCKS} http://${BEHIND}/hello`],
    ["SOCKS, a name whose answer comes by TCP", `${bySocks} http://large.inside.test/hello`],
    ["HTTP, a request in absolute form", `${byHttp} http://web.inside.test/hello`],
    ["HTTP, CONNECT", `${byHttp} --proxytunnel http://web.inside.test/hello`],
  ])("curl by %s", async (...row) => {
    const { stdout, stderr, code } = await curl(row[1]);
    expect(`${stderr}${code}`).toBe("0");
    const { url, from, headers } = JSON.parse(stdout) as Record<string, unknown>;
    expect({ url, from }).toEqual({ url: "/hello", from: expect.stringMatching(/^10\.99\.0\./) });
    expect(headers).not.toHaveProperty("proxy-connection");
  });

  it("a body sent by POST through the HTTP proxy arrives whole", async () => {
    const body = randomBytes(300_000);
    const file = join(scratch, "body");
    await here().exec(`head -c 300000 /dev/urandom >${file}`);
    const chunked = '-H "Transfer-Encoding: chunked"';
    const sent = await here().exec(`sha256sum <${file}`);
    for (const more of ["", chunked]) {
      const { stdout } = await curl(`${byHttp} ${more} --data-binary @${file} http://${BEHIND}/`);
      expect(JSON.parse(stdout)).toMatchObject({ digest: sent.stdout.slice(0, 64) });
    }
    expect(body).toHaveLength(300_000);
  });

  it("50 downloads at once by SOCKS, and 50 by HTTP: every digest is right", async () => {
    for (const way of [bySocks, byHttp]) {
      const paths = Array.from({ length: 50 }, (_, i) => `/octets/${100_000 + i}`);
      const urls = paths.map((path, i) => `http://web.inside.test${path} -o ${scratch}/got-${i}`);
      const { code, stderr } = await curl(`-Z --parallel-max 50 ${way} ${urls.join(" ")}`, 60);
      expect(`${stderr}${code}`).toBe("0");
      const { stdout } = await here().exec(
        `for i in $(seq 0 49); do sha256sum <${scratch}/got-$i; done; rm ${scratch}/got-*`,
      );
      const digests = stdout
        .trim()
        .split("\n")
        .map((line) => line.slice(0, 64));
      const block = (path: string) => createHash("sha512").update(path).digest();
      expect(digests).toEqual(
        paths.map((path, i) => sha256(Buffer.alloc(100_000 + i, block(path)))),
      );
    }
  });

  it("--status shows octets, and the connections there are", async () => {
    const [socket, other] = [await through(7), await through(7)];
    await until("they are told", 20, async () => {
      const [{ traffic } = { traffic: undefined }] = await status();
      return traffic?.programs === 2 && traffic.connections >= 2 && traffic.receivedOctets > 1e6;
    });
    for (const one of [socket, other]) one.destroy();
  });

  it("half-closed: what comes after our own end still arrives", async () => {
    const socket = await through(7);
    socket.end("all of it");
    expect((await all(socket)).toString()).toBe("all of it");
  });

  it("a peer that stops reading holds its sender back, and gets all once it reads again", async () => {
    const sent = randomBytes(8_000_000);
    const socket = await through(7001);
    let written = false;
    socket.write(sent, () => {
      written = true;
    });
    socket.end();
    // Its window is closed, and every buffer between is bounded: the rest stays with the program.
    let last = -1;
    await until("nothing moves any more", 20, () => {
      const stalled = socket.bytesWritten - socket.writableLength === last;
      last = socket.bytesWritten - socket.writableLength;
      return stalled;
    });
    expect(written).toBe(false);
    expect((await all(await through(7002))).toString()).toBe("resumed");
    expect((await all(socket)).toString()).toBe(sha256(sent));
  });

  it("a program that stops reading holds the peer back, and gets all once it reads again", async () => {
    const path = "/octets/8000000";
    const socket = await through(80);
    socket.write(`GET ${path} HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n`);
    const place = new HostNetns(places.at("lan").name);
    const queued = async () => (await place.exec("ss -Htn sport = :80 | awk '{print $3}'")).stdout;
    let last = "";
    await until("the peer's octets wait at the peer", 20, async () => {
      const now = await queued();
      const stalled = Number(now.trim()) > 0 && now === last;
      last = now;
      return stalled;
    });
    const came = await all(socket);
    const body = came.subarray(came.indexOf("\r\n\r\n") + 4);
    const block = createHash("sha512").update(path).digest();
    expect(sha256(body)).toBe(sha256(Buffer.alloc(8_000_000, block)));
  });

  it("a peer's RST is the program's, and the program's is the peer's", async () => {
    const socket = await through(7003);
    const failed = once(socket, "error");
    socket.resume();
    socket.write("x");
    expect((await failed)[0]).toMatchObject({ code: "ECONNRESET" });
    const other = await through(7001);
    const heard = told.length;
    other.resetAndDestroy();
    // It reads nothing: only the reset itself tells it.
    await through(7002).then(all);
    await until("the peer hears of it", 20, () => told.slice(heard).includes("ECONNRESET"));
  });

  it.each([
    ["a closed port", `${bySocks} http://${BEHIND}:81/`, 97, /\(5\)|refused/i],
    [
      "a name that is not there",
      `${bySocks} http://nowhere.inside.test/`,
      97,
      /\(4\)|unreachable/i,
    ],
    ["a closed port by HTTP", `-f ${byHttp} http://${BEHIND}:81/`, 22, /502/],
    ["a name that is not there by HTTP", `-f ${byHttp} http://nowhere.inside.test/`, 22, /502/],
    ["an address that is nobody's inside", `${bySocks} http://127.0.0.1/`, 97, /\(4\)/],
    ["IPv6", `${bySocks} http://[2001:db8::1]/`, 97, /\(8\)|not supported/i],
  ])("refused, and the program is told: %s", async (...row) => {
    const [, words, code, message] = row;
    const result = await curl(words);
    expect(result.code).toBe(code);
    expect(result.stderr).toMatch(message);
  });

  it("UDP ASSOCIATE: datagrams to a name and to an address come back", async () => {
    const control = await local(SOCKS);
    control.write(Uint8Array.of(5, 1, 0));
    control.write(Uint8Array.of(5, 3, 0, 1, 0, 0, 0, 0, 0, 0));
    let heard = Buffer.alloc(0);
    while (heard.length < 12) heard = Buffer.concat([heard, (await once(control, "data"))[0]]);
    expect([...heard.subarray(0, 10)]).toEqual([5, 0, 5, 0, 0, 1, 127, 0, 0, 1]);
    const port = heard.readUInt16BE(10);
    const udp = createSocket("udp4");
    {
      using _inside = places.at("outside").entered();
      udp.bind({ port: 0, address: "127.0.0.1", exclusive: true });
      await once(udp, "listening");
    }
    const name = Buffer.from("web.inside.test");
    const destinations = [
      Uint8Array.of(1, ...address(BEHIND)),
      Uint8Array.of(3, name.length, ...name),
    ];
    for (const [index, to] of destinations.entries()) {
      const message = Buffer.concat([Uint8Array.of(0, 0, 0), to, Uint8Array.of(0, 7, index)]);
      udp.send(message, port, "127.0.0.1");
      const [answer] = (await once(udp, "message")) as [Buffer];
      expect([...answer]).toEqual([0, 0, 0, 1, ...address(BEHIND), 0, 7, index]);
    }
    udp.close();
    control.end();
    await once(control.resume(), "close");
  });

  it("the session is lost: connections are reset, new ones refused until there is one again", async () => {
    const outside = places.at("outside");
    const syn = "tcp dport 1723 tcp flags & (syn | ack) == syn drop";
    outside.run("nft", "add table inet hold");
    outside.run("nft", "add chain inet hold out { type filter hook output priority 0 ; }");
    outside.run("nft", `add rule inet hold out ${syn}`);
    const [held, idle] = [await through(7001), await local(SOCKS)];
    const failed = once(held.resume(), "error");
    const mine = ({ user, phase }: { user: string | null; phase: string }) =>
      user === "ann" && phase === "network";
    const id = (await server.sessions()).sessions.find(mine)?.id;
    expect((await server.cli(`disconnect ${id}`)).code).toBe(0);
    expect((await failed)[0]).toMatchObject({ code: "ECONNRESET" });
    await client.says(/^again /);
    // By another pipe than that line.
    const ended = /^holdfast: the server ended the session .*\nRemedy: .*\n$/;
    await expect.poll(() => client.err).toMatch(ended);
    expect((await curl(`${bySocks} http://${BEHIND}/hello`)).stderr).toMatch(/\(3\)|unreachable/i);
    expect((await curl(`${byHttp} -f http://${BEHIND}/hello`)).stderr).toContain("503");
    const connect = `${byHttp} --proxytunnel http://${BEHIND}/hello`;
    expect((await curl(connect)).stderr).toContain("503");
    outside.run("nft", "delete table inet hold");
    await client.up(2);
    expect((await curl(`${bySocks} http://web.inside.test/hello`)).code).toBe(0);
    // A program that had not asked yet was left alone.
    idle.end(Uint8Array.of(5, 1, 0));
    expect([...(await all(idle))]).toEqual([5, 0]);
  });

  it("what cannot be listened on is said with its remedy, and an open proxy is warned of", async () => {
    const file = join(scratch, "inside.pcapng");
    const beside = join(scratch, "beside.pcap");
    await using open = start("bob", "--http", "0.0.0.0:8081", "--capture", file);
    await using taken = start("bob", "--socks", `${SOCKS}`);
    await using foreign = start("bob", "--http", "192.0.2.77:8080");
    await using odd = start("bob", "--socks", "localhost:1080");
    expect([await taken.exit, await foreign.exit, await odd.exit]).toEqual([1, 1, 2]);
    expect(taken.err).toMatch(/127\.0\.0\.1:1080: EADDRINUSE.*\nRemedy: another program listens/);
    expect(foreign.err).toMatch(/192\.0\.2\.77:8080: EADDRNOTAVAIL.*\nRemedy: that is no address/);
    expect(odd.err).toMatch(/--socks .*localhost:1080.*PORT or ADDRESS:PORT/);
    await open.up();
    await expect
      .poll(() => open.err)
      .toMatch(/whoever reaches 0\.0\.0\.0:8081 uses this session as you/);

    // Its capture has inside what the LAN sees of it, packet by packet.
    const words = [
      "netns",
      "exec",
      places.at("lan").name,
      "tcpdump",
      "-i",
      "lan",
      "-U",
      "--immediate-mode",
    ];
    const tcpdump = spawn("ip", [...words, "-w", beside, "port", "80"], { stdio: "pipe" });
    await once(tcpdump.stderr, "data");
    expect(
      (await curl("-x http://127.0.0.1:8081 http://web.inside.test/octets/90000 -o /dev/null"))
        .code,
    ).toBe(0);
    expect(await open.stop()).toBe(0);
    expect(open.out).toMatch(/^captured .* lost 0$/m);
    expect(open.out).toMatch(/^ended {2}held 0$/m);
    const tshark = async (name: string, filter: string) => {
      const fields = "-e ip.src -e tcp.seq_raw -e tcp.len -e dns.qry.name -e frame.protocols";
      const read = `tshark -n -r ${name} -Y '${filter}' -T fields ${fields}`;
      return (await here().exec(read)).stdout.trim().split("\n");
    };
    const inner = 'frame.interface_name == "inner" && (tcp.port == 80 || dns.flags.response == 0)';
    const ours = await tshark(file, `_ws.malformed || (${inner})`);
    expect(ours.filter((line) => line.includes("_ws.malformed"))).toEqual([]);
    const names = ours.map((line) => line.split("\t")[3]).filter((name) => name !== "");
    expect(names).toEqual(["web.inside.test"]);
    const stream = covered(ours);
    expect(Object.values(stream).map((ranges) => ranges.length)).toEqual([1, 1]);
    await until("the LAN saw the same", 20, async () =>
      isDeepStrictEqual(covered(await tshark(beside, "tcp")), stream),
    );
    tcpdump.kill("SIGINT");
    await once(tcpdump, "close");
  });

  it("it ends in order: nothing held, and server and host are as before", async () => {
    const { err } = client;
    expect(await client.stop()).toBe(0);
    expect(client.out).toMatch(/^ended {2}held 0$/m);
    expect(client.err).toBe(err);
    await server.expectHeld(before);
    expect(kernelDifference(kernelBefore, await kernelState(here()))).toEqual([]);
  });
});
