// What is recorded of a session whichever way it ends, and what is done to accounts, keys and the
// database while it runs.
import { chownSync, copyFileSync, existsSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../lab/place.js";
import { needRoot } from "../peers.js";
import type { Caller } from "./caller.js";
import { type Account, CALLERS, Scene, SERVER } from "./scene.js";

const anna = { name: "anna", password: "correct-Horse-7" };
const bert = { name: "bert", password: "correct-Horse-8" };

type Line = Awaited<ReturnType<Scene["accounting"]>>[number];

describe.runIf(needRoot())("accounting of every ending", () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await Scene.started({ config: { accounting: { interimSeconds: 1 } } });
    await scene.addUser(bert);
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  async function newest(): Promise<Line> {
    const [line] = await scene.accounting();
    if (line === undefined) throw new Error("no record");
    return line;
  }

  /** A session with traffic, its start and an interim in the records. */
  async function working(account: Account): Promise<Caller> {
    const caller = await scene.caller(account);
    await until("its start", 20, async () => {
      const [line] = await scene.accounting();
      return line?.endedAt === null && line.framedAddress === caller.address;
    });
    await caller.ping();
    await until("an interim", 20, async () => {
      const { packetsIn, packetsOut } = await newest();
      return packetsIn > 0 && packetsOut > 0;
    });
    return caller;
  }

  const endings: readonly (readonly [string, string, (caller: Caller) => Promise<unknown>])[] = [
    // Its Terminate-Request comes by GRE, its Call-Clear-Request by TCP: whichever is first.
    ["the client hangs up", "call-cleared|peer-terminated", (caller) => caller.end()],
    ["the client's process dies", "control-closed", async (caller) => caller.kill()],
    [
      "holdfast disconnect",
      "administrator",
      async () => {
        const [session] = (await scene.sessions()).sessions;
        return scene.cli(["disconnect", String(session?.id)]);
      },
    ],
    ["user disable", "account-changed", () => scene.cli(["user", "disable", "anna"])],
    ["user remove", "account-changed", () => scene.cli(["user", "remove", "anna"])],
    [
      "the data worker dies",
      "worker-lost",
      async () => process.kill((await scene.status()).workers[0]?.pid ?? 0, "SIGKILL"),
    ],
  ];

  test.each(endings)("%s: %s, with counters", async (_, cause, ending) => {
    await scene.admin("DELETE", "/users/anna");
    await scene.addUser(anna);
    const before = await scene.held();
    const caller = await working(anna);
    const interim = await newest();
    await caller.ping();
    await ending(caller);
    await until("its stop", 20, async () => (await newest()).endedAt !== null);
    await caller.ended();
    const line = await newest();
    expect(line).toMatchObject({
      sessionId: interim.sessionId,
      user: "anna",
      cause: expect.stringMatching(`^(${cause})$`),
      peerAddress: CALLERS,
      localAddress: SERVER,
      framedAddress: caller.address,
      method: "ms-chap-v2",
      encryption: "MPPE-128 stateless",
    });
    expect(line.endedAt).toBeGreaterThanOrEqual(line.startedAt);
    expect(line.octetsIn).toBeGreaterThanOrEqual(interim.octetsIn);
    // A ping of 84 octets each way; what a dead worker had counted last may be a second old.
    const pings = cause === "worker-lost" ? 1 : 2;
    expect(line.packetsIn).toBeGreaterThanOrEqual(pings);
    expect(line.packetsOut).toBeGreaterThanOrEqual(pings);
    expect(line.octetsIn).toBeGreaterThanOrEqual(84 * pings);
    await scene.expectHeld(before);
  });

  test("a log-in that is refused: no record, a line in the log", async () => {
    const count = (await scene.accounting()).length;
    await expect(scene.caller({ ...bert, password: "wrong" })).rejects.toThrow(/authentication/);
    const refused = await scene.logged("log-in refused");
    expect(refused.at(-1)).toMatchObject({ user: "bert", code: 691 });
    expect(await scene.accounting()).toHaveLength(count);
  });

  test("with a domain before the name: the same account, and disabled it ends", async () => {
    const caller = await working({ ...bert, name: "CORP\\bert" });
    expect((await newest()).user).toBe("bert");
    expect((await scene.cli(["user", "disable", "bert"])).code).toBe(0);
    await caller.ended(10);
    await until("its stop", 20, async () => (await newest()).cause === "account-changed");
    await expect(scene.caller(bert)).rejects.toThrow(/authentication/);
    expect((await scene.logged("log-in refused", 2)).at(-1)).toMatchObject({ code: 647 });
    expect((await scene.cli(["user", "enable", "bert"])).code).toBe(0);
  });

  test("kill -9 of the server: the next start ends what was open, as last counted", async () => {
    const caller = await working(bert);
    const interim = await newest();
    scene.signal("SIGKILL");
    await scene.end();
    await caller.ended();
    await until("its worker is gone", 20, () => {
      return !scene.server.ip("-brief", "link", "show").includes("hft0");
    });
    await scene.start();
    const line = await newest();
    expect(line).toMatchObject({ sessionId: interim.sessionId, cause: "server-lost" });
    expect(line.octetsIn).toBeGreaterThanOrEqual(interim.octetsIn);
    expect(line.endedAt).toBe(line.countedAt);
    const again = await working(bert);
    expect((await newest()).sessionId).not.toBe(interim.sessionId);
    await again.end();
  });

  test("the server is stopped: shutdown, written before it ends", async () => {
    const caller = await working(bert);
    expect(await scene.stop()).toBe(0);
    await caller.ended();
    await scene.start();
    expect(await newest()).toMatchObject({ user: "bert", cause: "shutdown" });
    expect(await scene.stop()).toBe(0);
  });
});

describe.runIf(needRoot())("while a session is up", () => {
  let scene: Scene;
  let caller: Caller;
  beforeAll(async () => {
    scene = await Scene.started();
    caller = await scene.caller(await scene.addUser(anna));
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  const secrets = () => join(scene.directory, "chap-secrets");
  const importing = (...more: string[]) => scene.cli(["user", "import", secrets(), ...more]);

  test("user passwd: the session goes on, the old password is refused, the new one is not", async () => {
    await scene.addUser(bert);
    const changed = await scene.cli(
      ["user", "passwd", "bert", "--password-stdin"],
      "new-Horse-9\n",
    );
    expect(changed.code).toBe(0);
    await expect(scene.caller(bert)).rejects.toThrow(/authentication/);
    const second = await scene.caller({ ...bert, password: "new-Horse-9" });
    await second.ping();
    await second.end();
    await caller.ping();
  });

  test("key rotate: log-ins work after it, and the old key is gone", async () => {
    const before = statSync(join(scene.state, "keys/master.key")).ino;
    const rotated = await scene.cli(["key", "rotate"]);
    expect(rotated.stdout).toMatch(/Key 1 is replaced by key 2; 3 accounts re-encrypted/);
    expect(statSync(join(scene.state, "keys/master.key")).ino).not.toBe(before);
    expect(existsSync(join(scene.state, "keys/master.key.new"))).toBe(false);
    const second = await scene.caller({ ...bert, password: "new-Horse-9" });
    await second.ping();
    await second.end();
    await caller.ping();
  });

  test("user import: a dry run changes nothing, --apply does, and nothing is overwritten", async () => {
    const text = '# ours\ncarl * "correct-Horse-1" *\nanna * "taken-Horse-2" *\nnonsense\n';
    writeFileSync(secrets(), text, { mode: 0o600 });
    const dry = await importing();
    expect(dry.stdout).toContain("Nothing was changed: add --apply to do it.");
    expect((await scene.admin("GET", "/users/carl")).status).toBe(404);
    const applied = await importing("--apply");
    expect(applied.stdout).toMatch(/carl/);
    expect((await scene.admin("GET", "/users/carl")).status).toBe(200);
    const carl = await scene.caller({ name: "carl", password: "correct-Horse-1" });
    await carl.ping();
    await carl.end();
    await expect(scene.caller({ name: "anna", password: "taken-Horse-2" })).rejects.toThrow();
    await caller.ping();
  });

  test("backup: whole and usable, never over a file that exists; the session goes on", async () => {
    const copy = join(scene.directory, "copy.db");
    const done = await scene.cli(["backup", copy]);
    expect(done.stderr).toBe("");
    expect(done.code).toBe(0);
    expect(statSync(copy).mode & 0o777).toBe(0o600);
    expect((await scene.cli(["backup", copy])).code).toBe(4);
    await caller.ping();
    await caller.end();
    expect(await scene.stop()).toBe(0);
    const database = join(scene.state, "db/holdfast.db");
    const { uid, gid } = statSync(database);
    for (const end of ["", "-wal", "-shm"]) rmSync(`${database}${end}`, { force: true });
    copyFileSync(copy, database);
    chownSync(database, uid, gid);
    await scene.start();
    const lines = await scene.accounting();
    // As it was when the copy was made: that session was open.
    expect(lines.find(({ user }) => user === "anna")).toMatchObject({ cause: "server-lost" });
    const again = await scene.caller({ ...bert, password: "new-Horse-9" });
    await again.ping();
    await again.end();
    expect(await scene.stop()).toBe(0);
  });
});
