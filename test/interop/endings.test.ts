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
  // Longer than a busy machine takes to see that the session works.
  { name: "idler", password, options: "--idle-seconds 8" },
];
const config = {
  // Seconds where the defaults are minutes; still far above what a busy machine needs.
  limits: {
    ppp: { echoIntervalMs: 2_000, echoFailuresMax: 3 },
    control: { echoIdleMs: 5_000, echoReplyMs: 3_000 },
  },
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

  function dial(user = "ann"): Promise<PptpClient> {
    const terms = { authentication: "mschap-v2", encryption: "128" } as const;
    return PptpClient.up(guest, { server, ...terms, user, password });
  }
  async function works(client: PptpClient): Promise<void> {
    expect(await client.ping()).toBe(3);
    expect((await ours.sessions()).sessions).toHaveLength(1);
  }
  const noSession = async () => (await ours.sessions()).sessions.length === 0;

  it.each([
    ["Call-Clear-Request", (client: PptpClient) => client.hangUp("HUP-PTY")],
    ["FIN", (client: PptpClient) => client.controlConnection("fin", server)],
    ["RST", (client: PptpClient) => client.controlConnection("rst", server)],
    ["LCP Terminate", (client: PptpClient) => client.hangUp("TERM")],
  ] as const)("%s", async (_, end) => {
    const before = await ours.held();
    await using client = await dial();
    await works(client);
    await end(client);
    await until("no session", 10, noSession);
    await ours.expectHeld(before);
  });

  it("Stop-Control-Connection-Request: answered, then over", async () => {
    const before = await ours.held();
    await using client = await dial();
    await works(client);
    expect(await client.controlConnection("stop", server)).toBe("length 16 type 4 result 1\n");
    await until("no session", 10, noSession);
    await ours.expectHeld(before);
  });

  it("echo time-out: the client vanishes", async () => {
    const before = await ours.held();
    await using client = await dial();
    await works(client);
    await expectOk(guest, "ip link set eth0 down");
    try {
      await until("no session", 30, noSession);
      await ours.expectHeld(before, 30);
    } finally {
      await expectOk(guest, "ip link set eth0 up");
    }
  });

  it("idle time-out: the client is there and says nothing", async () => {
    const before = await ours.held();
    await using client = await dial("idler");
    await works(client);
    await until("no session", 25, noSession);
    await ours.expectHeld(before);
    await until("pppd saw the end", 10, async () => {
      return /LCP terminated by peer|Modem hangup/.test(await client.logNow());
    });
  });

  it("holdfast disconnect: the client is told", async () => {
    const before = await ours.held();
    await using client = await dial();
    await works(client);
    const id = (await ours.sessions()).sessions[0]?.id;
    expect((await ours.cli(`disconnect ${id}`)).code).toBe(0);
    await until("no session", 10, noSession);
    await ours.expectHeld(before);
    await until("pppd saw the end", 10, async () => {
      return /LCP terminated by peer|Modem hangup/.test(await client.logNow());
    });
  });

  it("SIGTERM with a session up: the client is told, status 0, nothing left behind", async () => {
    await using client = await dial();
    await works(client);
    expect(await ours.stop()).toBe(0);
    await until("pppd saw the end", 10, async () => {
      return /LCP terminated by peer|Modem hangup/.test(await client.logNow());
    });
  });
});
