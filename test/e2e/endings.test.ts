// Every way a session can end, with our own client: whichever it is, the cause is recorded, and the
// ledger and the kernel read afterwards as before the call. The data worker's ends too.
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HostNetns, until } from "../lab/place.js";
import { isRoot, joined } from "../os/namespace.js";
import { TestServer } from "./harness.js";
import { OwnClient } from "./own-client.js";
import { settled } from "./settled.js";

const SERVER = "198.51.100.1";
const PEERS_END = "10.99.0.1";
const password = "secret-Pw1";
const users = [
  { name: "ann", password },
  { name: "idler", password, options: "--idle-seconds 2" },
  { name: "hasty", password, options: "--session-seconds 2" },
  { name: "glutton", password, options: "--octets 3000" },
  { name: "other", password },
];
const config = {
  addresses: { pool: ["10.99.0.0/24"], gateway: PEERS_END },
  client: { dns: [] },
  network: { reachHost: true },
  limits: { ppp: { echoIntervalMs: 1_000, echoFailuresMax: 2, probeMs: 2_000 } },
};

describe.runIf(isRoot)("endings of a session, against our own client", () => {
  let cable: ReturnType<typeof joined>;
  let server: TestServer;
  let client: OwnClient;
  let before: Awaited<ReturnType<TestServer["held"]>>;

  beforeAll(async () => {
    cable = joined([`${SERVER}/24`], ["198.51.100.2/24"]);
    await settled(cable.a);
    const place = new HostNetns(cable.a.name);
    server = await TestServer.start({ place, config, users });
    client = await OwnClient.start(cable.b);
    before = await server.held();
  });
  afterAll(async () => {
    await client?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    cable?.[Symbol.dispose]();
  });

  async function called(user = "ann", by = client): Promise<number> {
    calledAt = Date.now();
    // Its own echoes would keep an idle session alive, and tell a vanished server too early.
    const { peers } = await by.call({ server: SERVER, user, password, echoIntervalMs: 0 });
    expect(peers).toBe(PEERS_END);
    return by.ping(peers, ["-I", by.tun]);
  }

  async function up(user = "ann", by = client): Promise<void> {
    expect(await called(user, by)).toBe(3);
  }

  let calledAt = 0;

  /**
   * The cause in the accounting of the session of `user` that `up` began, once it has one: records are
   * gathered for a while, so that at first the last one is another session's.
   */
  async function recordedCause(user = "ann"): Promise<string> {
    let cause: string | null | undefined;
    await until("the session's record is closed", 20, async () => {
      const [last] = (await server.pastSessions(user)).lines;
      cause = last !== undefined && last.startedAt >= calledAt ? last.cause : undefined;
      return typeof cause === "string";
    });
    return cause!;
  }

  async function nothingHeld(): Promise<void> {
    expect((await client.says("ended")).held).toBe(0);
    await server.expectHeld(before);
  }

  it.each([
    ["LCP", ["peer-terminated", "call-cleared"]],
    ["call", ["call-cleared"]],
    ["control connection", ["control-stopped"]],
    ["fin", ["control-closed"]],
    ["rst", ["control-closed"]],
  ] as const)("the client ends it: %s", async (how, causes) => {
    await up();
    client.end(how);
    await nothingHeld();
    expect(causes).toContain(await recordedCause());
  });

  it.each([
    ["idler", "idle-limit"],
    ["hasty", "time-limit"],
  ] as const)("a limit of %s ends it", async (user, cause) => {
    // Before it has pinged three times on a busy machine.
    expect(await called(user)).toBeGreaterThan(0);
    const said = await client.says("ended");
    expect(said).toMatchObject({ held: 0 });
    await server.expectHeld(before);
    expect(await recordedCause(user)).toBe(cause);
  });

  it("a traffic limit ends it", async () => {
    await up("glutton");
    await client.ping(PEERS_END, ["-s", "1000"], 5);
    await nothingHeld();
    expect(await recordedCause("glutton")).toBe("octet-limit");
  });

  it("holdfast disconnect ends it, and the client is told", async () => {
    await up();
    const { sessions } = await server.sessions();
    expect((await server.cli(`disconnect ${sessions[0]?.id}`)).code).toBe(0);
    await nothingHeld();
    expect(await recordedCause()).toBe("administrator");
  });

  it("the command line says what the admin socket says", async () => {
    await up();
    const { sessions } = await server.sessions();
    const id = sessions[0]!.id;
    const said = async (command: string) => {
      const { code, stdout, stderr } = await server.cli(`${command} --json`);
      expect(`${code}${stderr}`).toBe("0");
      return JSON.parse(stdout);
    };
    const about = { id, user: "ann", framedAddress: sessions[0]!.framedAddress };
    expect((await said("sessions")).sessions).toMatchObject([about]);
    expect(await said(`session ${id}`)).toMatchObject(about);
    // The one that asked before may still be a connection of the server's.
    const balances = async () =>
      isDeepStrictEqual((await said("ledger")).balance, (await server.ledger()).balance);
    await expect.poll(balances).toBe(true);
    expect(await said("status")).toMatchObject({ pid: (await server.status()).pid });
    // Records are gathered for a while.
    await expect
      .poll(async () => (await said("sessions --past --user ann --most 1")).lines)
      .toMatchObject([{ user: "ann", endedAt: null, cause: null }]);
    client.end("LCP");
    await nothingHeld();
  });

  it("holdfast user disable ends it, and no new one begins", async () => {
    await up("other");
    expect((await server.cli("user disable other")).code).toBe(0);
    await nothingHeld();
    expect(await recordedCause("other")).toBe("account-changed");
    const dialled = await client.dial({ server: SERVER, user: "other", password });
    expect(dialled).toMatchObject({ event: "ended", held: 0 });
    await server.expectHeld(before);
  });

  it("the client stands still: echo time-out", async () => {
    await up();
    client.signal("SIGSTOP");
    await until("no session", 20, async () => (await server.sessions()).sessions.length === 0);
    expect(await recordedCause()).toBe("echo-timeout");
    client.signal("SIGCONT");
    await nothingHeld();
  });

  it("the client's process is killed", async () => {
    await using doomed = await OwnClient.start(cable.b, "hfc1");
    await up("ann", doomed);
    doomed.signal("SIGKILL");
    await server.expectHeld(before);
    expect(await recordedCause()).toMatch(/^(control-closed|echo-timeout)$/);
  });

  it.each([
    ["killed", "SIGKILL"],
    ["stuck", "SIGSTOP"],
  ] as const)(
    "the data worker is %s: noticed, sessions ended, a new one serves",
    async (_, signal) => {
      await up();
      const [worker] = (await server.status()).workers;
      const restarts = worker!.restarts;
      const since = performance.now();
      process.kill(worker!.pid, signal);
      await client.says("ended");
      const noticedMs = performance.now() - since;
      console.info(`data worker ${_}: the client was told after ${noticedMs.toFixed(0)} ms`);
      // 750 ms of silence and one tick of 250 ms are the rule; the rest is for a busy machine.
      expect(noticedMs).toBeLessThan(3_000);
      await until("a new worker", 20, async () => {
        const [now] = (await server.status()).workers;
        return (
          now!.pid !== worker!.pid && now!.state === "running" && now!.restarts === restarts + 1
        );
      });
      await server.expectHeld(before);
      expect(await recordedCause()).toBe("worker-lost");
      await up();
      client.end("LCP");
      await nothingHeld();
    },
  );

  it("the oldest session is silent and its user at the limit: the new one takes its place", async () => {
    await using second = await OwnClient.start(cable.b, "hfc1");
    await up();
    client.signal("SIGSTOP");
    try {
      await up("ann", second);
      const { sessions } = await server.sessions();
      expect(sessions).toHaveLength(1);
    } finally {
      client.signal("SIGCONT");
    }
    await client.says("ended");
    second.end("LCP");
    await second.says("ended");
    await server.expectHeld(before);
  });

  it("the oldest session is alive and its user at the limit: the new one is refused", async () => {
    await using second = await OwnClient.start(cable.b, "hfc1");
    await up();
    const refused = await second.dial({ server: SERVER, user: "ann", password });
    expect(refused).toMatchObject({ event: "ended", held: 0 });
    expect(await client.ping(PEERS_END)).toBe(3);
    client.end("LCP");
    await nothingHeld();
  });

  it("SIGTERM of the server with a session up: the client is told, status 0, kernel as before", async () => {
    await up();
    expect(await server.stop()).toBe(0);
    expect(await client.says("ended")).toMatchObject({ held: 0 });
  });
});
