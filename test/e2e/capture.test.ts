// `holdfast connect --capture`: tshark reads the file, and what it says of the inner side is what ping
// and iperf3 sent, packet by packet as tcpdump saw it on the TUN.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pingsAnswered, pingWords } from "../lab/ping.js";
import { run, until } from "../lab/place.js";
import { isRoot, joined } from "../os/namespace.js";
import { needPeer } from "../peers.js";
import { Connecting, serving } from "./connecting.js";
import type { TestServer } from "./harness.js";
import { settled } from "./settled.js";

const SERVER = "198.51.100.1";
const GATEWAY = "10.99.0.1";
const programs = ["tshark", "tcpdump", "iperf3"];

/** The last six, from OWN on, of the TUN's packets alike in both captures. */
const FIELDS = [
  ...["pptp.control_message_type", "icmp.type", "icmp.seq", "data.data"],
  ...["ip.src", "ip.dst", "ip.id", "tcp.seq_raw", "tcp.ack_raw", "tcp.len"],
] as const;
const OWN = 4;

describe.runIf(isRoot && needPeer(programs, programs))("holdfast connect --capture", () => {
  const scratch = isRoot ? mkdtempSync(join(tmpdir(), "hf-capture-")) : "";
  let cable: ReturnType<typeof joined>;
  let server: TestServer;
  let iperf: ReturnType<typeof spawn>;

  const start = (...words: string[]) =>
    new Connecting(cable.b, scratch, "secret-Pw1", [SERVER, "-u", "ann", "--once", ...words]);
  const inside = (command: string, ...words: string[]) =>
    run("ip", ["netns", "exec", cable.b.name, command, ...words]);
  /** One line a packet, its fields joined by tabs. */
  async function tshark(file: string, filter: string, ...fields: string[]): Promise<string[]> {
    const wanted = fields.flatMap((field) => ["-e", field]);
    const words = ["-n", "-r", file, "-Y", filter, "-T", "fields", ...wanted];
    const { code, stdout, stderr } = await run("tshark", words);
    if (code !== 0) throw new Error(`tshark: ${stderr}`);
    return stdout.split("\n").slice(0, -1);
  }

  beforeAll(async () => {
    cable = joined([`${SERVER}/24`], ["198.51.100.2/24"]);
    await settled(cable.a, cable.b);
    server = await serving(cable.a);
    iperf = spawn("ip", ["netns", "exec", cable.a.name, "iperf3", "-s"], { stdio: "ignore" });
    await until("iperf3 listens", 20, () => cable.a.run("ss", "-Hltn").includes(":5201"));
  });
  afterAll(async () => {
    iperf?.kill();
    await server?.[Symbol.asyncDispose]();
    cable?.[Symbol.dispose]();
    if (scratch !== "") rmSync(scratch, { recursive: true, force: true });
  });

  it("two interfaces: the outer side as it was, the inner side as ping and iperf3 had it", async () => {
    const file = join(scratch, "whole.pcapng");
    const beside = join(scratch, "beside.pcap");
    let arrived = 0;
    {
      await using client = start("--capture", file);
      await client.says(/^up /m);
      const words = ["netns", "exec", cable.b.name, "tcpdump", "-i", "holdfast-c0", "-U"];
      const tcpdump = spawn("ip", [...words, "-B", "8192", "-w", beside], { stdio: "pipe" });
      await once(tcpdump.stderr, "data");
      const [program = "", ...words5] = pingWords(GATEWAY, { count: 5, options: ["-p", "c0ffee"] });
      expect(pingsAnswered((await inside(program, ...words5)).stdout, 5)).toBe(5);
      const sent = await inside("iperf3", "-J", "-c", GATEWAY, "-n", "300K", "-b", "20M");
      expect(sent.code).toBe(0);
      // Not all that it wrote: at its end iperf3 does not wait for what a busy machine has not sent yet.
      arrived = JSON.parse(sent.stdout).end.sum_received.bytes;
      tcpdump.kill("SIGINT");
      await once(tcpdump, "close");
      process.kill(client.pid, "SIGINT");
      expect(await client.exit).toBe(0);
      expect(client.err).toMatch(/whole\.pcapng will hold the log-in and all traffic in the clear/);
      expect(client.out).toMatch(/^captured .* lost 0$/m);
      expect(client.out).toMatch(/^ended {2}held 0$/m);
    }
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await tshark(file, "_ws.malformed", "frame.number")).toEqual([]);

    const all = (
      await tshark(file, "frame", "frame.interface_name", "frame.protocols", ...FIELDS)
    ).map((line) => line.split("\t"));
    const of = (side: string, protocol: string) =>
      all.filter(([name, protocols]) => name === side && protocols?.split(":").includes(protocol));
    const field = (name: (typeof FIELDS)[number]) => 2 + FIELDS.indexOf(name);
    expect(of("outer", "_ws.malformed").concat(of("inner", "_ws.malformed"))).toEqual([]);

    const types = of("outer", "pptp").flatMap((one) => one[field("pptp.control_message_type")]);
    for (const type of ["1", "2", "7", "8", "3"]) expect(types).toContain(type);
    const asked = of("inner", "icmp").filter((one) => one[field("icmp.type")] === "8");
    // Until five are answered it may ask once more.
    const sequence = asked.map((one) => one[field("icmp.seq")]);
    expect(sequence.slice(0, 5)).toEqual(["1", "2", "3", "4", "5"]);
    // The pattern is ping's own, behind its time stamp.
    for (const one of asked) expect(one[field("data.data")]).toContain("c0ffeec0ffee");
    const ours = of("inner", "tcp").map((one) => one.slice(2 + OWN));
    // tcpdump is ended at once: it may lack the last of it.
    const seen = await tshark(beside, "tcp", ...FIELDS.slice(OWN));
    expect(seen.length).toBeGreaterThan(20);
    // Each way by itself: what goes out on one processor while another brings something in has no order.
    for (const isOut of [true, false]) {
      const way = (lines: readonly string[]) =>
        lines.filter((line) => (line.split("\t")[1] === GATEWAY) === isOut);
      const [theirs, all] = [way(seen), way(ours.map((one) => one.join("\t")))];
      expect(theirs.length).toBeGreaterThan(5);
      expect(all.slice(0, theirs.length)).toEqual(theirs);
    }
    const lengths = ours.filter((one) => one[1] === GATEWAY).map((one) => Number(one.at(-1)));
    expect(arrived).toBeGreaterThan(30 * 1_024);
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBeGreaterThanOrEqual(arrived);
    // The negotiation as the core had it; nothing of the traffic is readable outside.
    for (const one of ["lcp", "chap", "ccp", "ipcp"]) {
      expect(of("inner", one).length, one).toBeGreaterThan(1);
    }
    expect(of("outer", "icmp")).toEqual([]);
    expect(of("outer", "gre").length).toBeGreaterThan(50);
  });

  it("no larger than it may get, and readable: the session goes on", async () => {
    const file = join(scratch, "small.pcapng");
    {
      await using client = start("--capture", file, "--capture-size", "1");
      await client.says(/^up /m);
      expect((await inside("iperf3", "-c", GATEWAY, "-n", "3M")).code).toBe(0);
      process.kill(client.pid, "SIGINT");
      expect(await client.exit).toBe(0);
      expect(client.err).toMatch(/the capture is full/);
      expect(client.out).toMatch(/^ended {2}held 0$/m);
    }
    expect(statSync(file).size).toBeLessThanOrEqual(1_048_576);
    expect(statSync(file).size).toBeGreaterThan(900_000);
    expect((await tshark(file, "tcp", "frame.number")).length).toBeGreaterThan(5);
  });

  it("a file that is there: left alone, said with the remedy, nothing dialled", async () => {
    const file = join(scratch, "there");
    writeFileSync(file, "mine");
    await using client = start("--capture", file);
    expect(await client.exit).toBe(1);
    expect(client.err).toMatch(/there: EEXIST/);
    expect(client.err).toMatch(/^Remedy: name a file that is not there yet/m);
    expect(statSync(file).size).toBe(4);
  });
});
