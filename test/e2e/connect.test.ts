// `holdfast connect` as somebody types it: what it says when there is no session, and that it leaves
// nothing behind.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sampleOctets } from "../control-peer.js";
import { HostNetns, until } from "../lab/place.js";
import { isRoot, joined, type Namespace } from "../os/namespace.js";
import { Connecting } from "./connecting.js";
import { TestServer } from "./harness.js";
import { kernelDifference, kernelState } from "./kernel-state.js";
import { settled } from "./settled.js";

const SERVER = "198.51.100.1";
/** Other addresses of it: one whose profile has no encryption, one that offers only PAP. */
const PLAIN = "198.51.100.3";
const PAP = "198.51.100.5";
/** One whose TCP a rule drops. */
const FILTERED = "198.51.100.4";

const off = { required: false, bits: [] };
const config = {
  addresses: { pool: ["10.99.0.0/24"] },
  client: { dns: [] },
  profiles: [
    { name: "plain", on: [PLAIN], encryption: off },
    { name: "pap-only", on: [PAP], authentication: ["pap"], encryption: off },
  ],
};

/** A web server on 8080; on 1725 one that says: this address has a control connection already. */
const refusal = sampleOctets("StartControlConnectionReply", { resultCode: 3 });
const others1725 = `
  require("node:http").createServer((_, answer) => answer.end("web")).listen(8080);
  const refusal = Buffer.from("${Buffer.from(refusal).toString("hex")}", "hex");
  require("node:net").createServer((one) => one.on("error", () => {}).end(refusal)).listen(1725);`;
const listening = (place: Namespace) => place.run("ss", "-Hltn");

describe.runIf(isRoot)("holdfast connect", () => {
  const scratch = isRoot ? mkdtempSync(join(tmpdir(), "hf-connect-")) : "";
  let cable: ReturnType<typeof joined>;
  let server: TestServer;
  let others: ChildProcess | undefined;

  const start = (password: string, ...words: string[]) =>
    new Connecting(cable.b, scratch, password, words);
  const connect = async (password: string, ...words: string[]) => {
    await using client = start(password, ...words);
    const code = await client.exit;
    return { code, stdout: client.out, stderr: client.err };
  };

  beforeAll(async () => {
    const addresses = [SERVER, PLAIN, PAP, FILTERED].map((address) => `${address}/24`);
    cable = joined(addresses, ["198.51.100.2/24"]);
    await settled(cable.a, cable.b);
    server = await TestServer.start({
      place: new HostNetns(cable.a.name),
      config,
      users: [
        { name: "ann", password: "secret-Pw1" },
        { name: "bob", password: "secret-Pw1" },
      ],
    });
    expect((await server.cli("user disable bob")).code).toBe(0);
    others = spawn("ip", ["netns", "exec", cable.a.name, process.execPath, "-e", others1725]);
    await until("the others listen", 20, () => listening(cable.a).includes(":1725"));
  });
  afterAll(async () => {
    others?.kill();
    await server?.[Symbol.asyncDispose]();
    cable?.[Symbol.dispose]();
    if (scratch !== "") rmSync(scratch, { recursive: true, force: true });
  });

  const ann = ["--user", "ann"];
  const rows: [string, string, string[], number, RegExp, RegExp][] = [
    [
      "a wrong password",
      "wrong",
      [SERVER, ...ann],
      23,
      /wrong user name or password \(691\)/,
      /type both again/,
    ],
    [
      "a name that is not there",
      "secret-Pw1",
      [SERVER, "--user", "nobody"],
      23,
      /wrong user name or password/,
      /type both again/,
    ],
    [
      "a disabled account",
      "secret-Pw1",
      [SERVER, "--user", "bob"],
      25,
      /the account is disabled \(647\)/,
      /have it enabled/,
    ],
    [
      "no encryption where it is required",
      "secret-Pw1",
      [SERVER, ...ann, "--encryption", "none"],
      31,
      /it seems to want encryption/,
      /leave --encryption none out/,
    ],
    [
      "encryption where the server has none",
      "secret-Pw1",
      [PLAIN, ...ann],
      30,
      /encryption refused: wanted is MPPE-128, the server has none/,
      /turn MPPE-128 on there/,
    ],
    [
      "a server that offers only PAP",
      "secret-Pw1",
      [PAP, ...ann],
      21,
      /the server offers only PAP; allowed are MS-CHAPv2/,
      /have it offer MS-CHAPv2/,
    ],
    [
      "nobody listens",
      "x",
      [SERVER, ...ann, "--port", "1724"],
      12,
      /198\.51\.100\.1:1724 refuses the TCP connection \(ECONNREFUSED\)/,
      /see that a PPTP server runs there/,
    ],
    [
      "another protocol on that port",
      "x",
      [SERVER, ...ann, "--port", "8080"],
      14,
      /does not speak PPTP/,
      /see that it is the server you mean/,
    ],
    [
      "another client's call behind the same address",
      "x",
      [SERVER, ...ann, "--port", "1725"],
      16,
      /another client behind this address already has a call \(SCCRP result 3\)/,
      /end that one/,
    ],
    [
      "no route",
      "x",
      ["203.0.113.9", ...ann],
      11,
      /no way to 203\.0\.113\.9:1723 \(ENETUNREACH\)/,
      /ip route get 203\.0\.113\.9/,
    ],
    [
      "no such name",
      "x",
      ["no-host.invalid", ...ann],
      10,
      /no-host\.invalid has no IPv4 address/,
      /check the name/,
    ],
    [
      "an interface that is there",
      "x",
      [SERVER, ...ann, "--tun", "veth0"],
      6,
      /EBUSY: veth0/,
      /another one with --tun/,
    ],
  ];
  it.each(rows)("%s: said with the remedy and its exit code, nothing left", async (...row) => {
    const [, password, words, code, message, remedy] = row;
    const place = new HostNetns(cable.b.name);
    const before = await kernelState(place);
    const { code: exit, stderr, stdout } = await connect(password, ...words);
    expect(stderr).toMatch(message);
    expect(/^Remedy: (.*)$/m.exec(stderr)?.[1]).toMatch(remedy);
    expect(`${stdout}${stderr}`).not.toContain("fault of ours");
    expect(exit).toBe(code);
    if (stdout !== "") {
      expect(stdout).toMatch(/^FAIL {2}.*\n.*held 0$/m);
    }
    expect(kernelDifference(before, await kernelState(place))).toEqual([]);
  });

  // Each waits for an answer that does not come: together, so that it is waited for once.
  it("packets dropped on the way: TCP, GRE from the server, GRE to the server", async () => {
    const rules = [
      "add table inet way",
      "add chain inet way in { type filter hook input priority 0; }",
      "add chain inet way out { type filter hook output priority 0; }",
      `add rule inet way in ip saddr ${PAP} ip protocol gre drop`,
      `add rule inet way out ip daddr ${PLAIN} ip protocol gre drop`,
      `add rule inet way out ip daddr ${FILTERED} tcp dport 1723 drop`,
    ];
    for (const rule of rules) cable.b.run("nft", rule);
    const plain = ["--encryption", "none", "--tun"];
    const [none, oneWay, filtered] = await Promise.all([
      connect("secret-Pw1", PAP, ...ann, "--auth", "pap", ...plain, "hfc1"),
      connect("secret-Pw1", PLAIN, ...ann, ...plain, "hfc2"),
      connect("secret-Pw1", FILTERED, ...ann, "--tun", "hfc3"),
    ]);
    cable.b.run("nft", "delete table inet way");
    expect([none.code, oneWay.code, filtered.code]).toEqual([18, 19, 13]);
    expect(none.stderr).toMatch(/no GRE packet came back\nRemedy: .* blocks IP protocol 47/);
    expect(none.stdout).toMatch(/^ok {4}call accepted: .*\nFAIL {2}GRE in both directions/m);
    expect(oneWay.stderr).toMatch(/ours do not reach it\nRemedy: let IP protocol 47 out/);
    expect(filtered.stderr).toMatch(/no answer from 198\.51\.100\.4:1723 \(ETIMEDOUT\)/);
  });

  it("ended by the server, --once: its own code; dialled again without it", async () => {
    const disconnect = async () => {
      let id: number | undefined;
      await until("the session", 20, async () => {
        id = (await server.sessions()).sessions.find(({ phase }) => phase === "network")?.id;
        return id !== undefined;
      });
      expect((await server.cli(`disconnect ${id}`)).code).toBe(0);
      return id;
    };
    const once = connect("secret-Pw1", SERVER, ...ann, "--once");
    await disconnect();
    expect(await once).toMatchObject({
      code: 33,
      stderr: expect.stringMatching(/ended the session/),
    });
    await using client = start("secret-Pw1", SERVER, ...ann);
    await disconnect();
    await disconnect();
    await client.up(3);
    expect(await client.stop()).toBe(0);
    expect(client.out).toMatch(/^again {2}in [0-9.]+ s$/m);
    expect(client.out).toMatch(/^ended {2}held 0$/m);
  });
});
