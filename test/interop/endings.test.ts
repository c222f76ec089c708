// Every way a session can end, with the real client: whichever it is, the ledger and the kernel read
// afterwards as before the call.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestServer } from "../e2e/harness.js";
import { PptpClient } from "../lab/client.js";
import { Guest, Lab } from "../lab/guest.js";
import { expectOk, until } from "../lab/place.js";
import { needLab } from "../peers.js";

const server = Lab.hostAddress;
const password = "secret-Pw1";
const users = [
  { name: "ann", password },
  { name: "idler", password, options: "--idle-seconds 3" },
];
const config = {
  // Seconds where the defaults are minutes; still far above what a busy machine needs.
  limits: { ppp: { echoIntervalMs: 2_000, echoFailuresMax: 3 } },
  log: { level: "debug" },
};

describe.runIf(needLab())("endings of a session, against pptp-linux", () => {
  let lab: Lab;
  let guest: Guest;
  let ours: TestServer;

  beforeAll(async () => {
    lab = await Lab.open();
    guest = await Guest.up({ name: "client", index: 1 });
    ours = await TestServer.start({ place: lab.netns, config, users });
  });
  afterAll(async () => {
    await ours?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
  });

  async function up(user = "ann"): Promise<PptpClient> {
    const terms = { authentication: "mschap-v2", encryption: "128" } as const;
    const client = await PptpClient.up(guest, { server, ...terms, user, password });
    expect(await client.ping()).toBe(3);
    expect((await ours.sessions()).total).toBe(1);
    return client;
  }
  const noSession = async () => (await ours.sessions()).total === 0;

  it.each([
    ["Call-Clear-Request", (client: PptpClient) => client.hangUp("HUP-PTY")],
    ["FIN", (client: PptpClient) => client.controlConnection("fin", server)],
    ["RST", (client: PptpClient) => client.controlConnection("rst", server)],
    ["LCP Terminate", (client: PptpClient) => client.hangUp("TERM")],
  ] as const)("%s", async (_, end) => {
    const before = await ours.held();
    await using client = await up();
    await end(client);
    await until("no session", 10, noSession);
    await ours.expectHeld(before);
  });

  it("Stop-Control-Connection-Request: answered, then over", async () => {
    const before = await ours.held();
    await using client = await up();
    expect(await client.controlConnection("stop", server)).toBe("length 16 type 4 result 1\n");
    await until("no session", 10, noSession);
    await ours.expectHeld(before);
  });

  it("echo time-out: the client vanishes", async () => {
    const before = await ours.held();
    await using _client = await up();
    await expectOk(
      guest,
      `nft -f - <<'NFT'
table ip vanish {
  chain in { type filter hook input priority 0; ip saddr ${server} drop; }
  chain out { type filter hook output priority 0; ip daddr ${server} drop; }
}
NFT`,
    );
    try {
      await until("no session", 30, noSession);
      await ours.expectHeld(before, 30);
    } finally {
      await guest.exec("nft delete table ip vanish");
    }
  });

  it("idle time-out: the client is there and says nothing", async () => {
    const before = await ours.held();
    await using client = await up("idler");
    await until("no session", 15, noSession);
    await ours.expectHeld(before);
    await until("pppd saw the end", 10, async () => {
      return /LCP terminated by peer|Modem hangup/.test(await client.logNow());
    });
  });

  it("holdfast disconnect: the client is told", async () => {
    const before = await ours.held();
    await using client = await up();
    const id = (await ours.sessions()).sessions[0]?.id;
    expect((await ours.cli(`disconnect ${id}`)).code).toBe(0);
    await until("no session", 10, noSession);
    await ours.expectHeld(before);
    await until("pppd saw the end", 10, async () => {
      return /LCP terminated by peer|Modem hangup/.test(await client.logNow());
    });
  });

  it("SIGTERM with a session up: the client is told, status 0, nothing left behind", async () => {
    await using client = await up();
    expect(await ours.stop()).toBe(0);
    await until("pppd saw the end", 10, async () => {
      return /LCP terminated by peer|Modem hangup/.test(await client.logNow());
    });
  });
});
