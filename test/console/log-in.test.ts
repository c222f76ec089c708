// Log-ins of console users: what they cost a guesser, and how they end.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LogIns } from "../../src/daemon/console/log-ins.js";
import { PasswordChecks, verifierOf } from "../../src/daemon/console/passwords.js";
import { web } from "../../src/limits/web.js";
import { trouble } from "../../src/store/port.js";
import { PASSWORD, reasonOf, Served } from "./support.js";

let served: Served;
beforeEach(async () => {
  served = await Served.started();
});
afterEach(async () => {
  await served[Symbol.asyncDispose]();
});

describe("over HTTP", () => {
  test("a cookie that no script reads and no other site sends, and nothing secret in the answer", async () => {
    const { reply, reading } = await served.logIn("operator");
    expect(reply.status).toBe(200);
    const [cookie = ""] = [reply.headers["set-cookie"]].flat();
    expect(cookie).toMatch(/^holdfast=[\w-]{43};/);
    for (const word of ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"]) {
      expect(cookie).toContain(word);
    }
    const value = reading.cookie?.split("=")[1] ?? "";
    expect(reply.text).not.toContain(value);
    expect(JSON.stringify(served.told)).not.toContain(value);
    const me = await served.ask("GET", "/v1/me", reading);
    expect(JSON.parse(me.text)).toMatchObject({ name: "operator", role: "operator" });
  });

  test("a wrong password and an unknown name: the same words, and a line that tells who tried", async () => {
    await served.logIn("viewer");
    const wrong = await served.tryLogIn("viewer", "not the password");
    const unknown = await served.tryLogIn("nobody\u202e\n", "not the password");
    expect([wrong.status, unknown.status]).toEqual([401, 401]);
    expect(wrong.text).toBe(unknown.text);
    expect(served.told.filter(({ level }) => level === "warn")).toMatchObject([
      { fields: { peer: "127.0.0.1", user: "viewer" }, line: "console log-in refused" },
      { fields: { peer: "127.0.0.1" }, line: "console log-in refused" },
    ]);
    expect(JSON.stringify(served.told)).not.toContain("not the password");
  });

  test("a guesser is held back before his guess is looked at; a minute later he may again", async () => {
    served.store.trouble = trouble("locked", "locked", "wait");
    for (let at = 0; at < web.triesPerMinute; at++) {
      expect((await served.tryLogIn("ann", "x")).status).toBe(503);
    }
    const held = await served.tryLogIn("ann", "x");
    expect([held.status, reasonOf(held)]).toEqual([429, "too-many-tries"]);
    served.now += 60_000 / web.triesPerMinute;
    expect((await served.tryLogIn("ann", "x")).status).toBe(503);
  });

  test("it ends by a log-out, another password, removal, disuse and age", async () => {
    const { reading, changing } = await served.logIn("administrator");
    const status = async (headers = reading) => (await served.ask("GET", "/v1/me", headers)).status;
    expect(await status()).toBe(200);
    const out = await served.ask("POST", "/v1/log-out", changing);
    expect([out.status, await status()]).toEqual([200, 401]);
    expect([out.headers["set-cookie"]].flat()[0]).toContain("Max-Age=0");
    const again = (name: string) => {
      const { cookie } = served.logIns.open(name, "administrator");
      return { cookie: `holdfast=${cookie}` };
    };
    const second = again("administrator");
    await served.directory.setPassword("administrator", "another password");
    expect(await status(second)).toBe(401);
    const third = again("administrator");
    await served.directory.removeUser("administrator");
    expect(await status(third)).toBe(401);
    const fourth = again("ann");
    served.now += web.logInIdleMs - 1;
    expect(await status(fourth)).toBe(200);
    served.now += web.logInIdleMs;
    expect(await status(fourth)).toBe(401);
  });
});

describe("a console user that is changed", () => {
  test("disabled: its log-ins end, a right password is a wrong one; enabled: in again", async () => {
    await served.addUser("administrator");
    const { reading } = await served.logIn("viewer");
    const change = (given: object) => served.directory.setUser("viewer", given);
    expect(await change({ enabled: false })).toMatchObject({ ok: true, value: { enabled: false } });
    expect((await served.ask("GET", "/v1/me", reading)).status).toBe(401);
    const refused = await served.tryLogIn("viewer", PASSWORD);
    expect([refused.status, reasonOf(refused)]).toEqual([401, "wrong-password"]);
    await change({ enabled: true });
    expect((await served.tryLogIn("viewer", PASSWORD)).status).toBe(200);
  });

  test("of another role: what it had by the old one ends", async () => {
    await served.addUser("administrator");
    const { reading } = await served.logIn("operator");
    const changed = await served.directory.setUser("operator", { role: "viewer" });
    expect(changed).toMatchObject({ ok: true, value: { role: "viewer", logIns: 0 } });
    expect((await served.ask("GET", "/v1/me", reading)).status).toBe(401);
  });

  test("the last administrator stays one, and one that is not there is not found", async () => {
    await served.addUser("administrator");
    for (const given of [{ role: "viewer" as const }, { enabled: false }]) {
      const kept = await served.directory.setUser("administrator", given);
      expect(kept).toMatchObject({ ok: false, reason: "last-administrator" });
    }
    expect(await served.directory.setUser("nobody", {})).toMatchObject({ code: "not-found" });
  });
});

describe("those in force", () => {
  test("are bounded: of a user and of all the one that was not used for longest ends", () => {
    const logIns = new LogIns(() => 0);
    const first = logIns.open("ann", "viewer").cookie;
    const second = logIns.open("ann", "viewer").cookie;
    for (let at = 2; at < web.logInsPerUserMax; at++) logIns.open("ann", "viewer");
    expect(logIns.use(first)?.name).toBe("ann");
    logIns.open("ann", "viewer");
    expect(logIns.countOf("ann")).toBe(web.logInsPerUserMax);
    expect(logIns.use(second)).toBeUndefined();
    expect(logIns.use(first)?.name).toBe("ann");
    for (let at = 0; at < 2 * web.logInsMax; at++) logIns.open(`user${at}`, "viewer");
    expect(logIns.size).toBe(web.logInsMax);
    expect(logIns.use(first)).toBeUndefined();
  });

  test("end at their age, however much they are used", () => {
    let now = 0;
    const logIns = new LogIns(() => now);
    const { cookie, logIn } = logIns.open("ann", "viewer");
    for (; now < web.logInMs; now += web.logInIdleMs / 2) {
      expect(logIns.use(cookie)).toBe(logIn);
    }
    expect(logIns.use(cookie)).toBeUndefined();
    expect(logIns.isLive(logIn)).toBe(false);
  });
});

describe("passwords", () => {
  test("are kept as what scrypt makes of them, each with a salt of its own", async () => {
    const [one, other] = await Promise.all([verifierOf(PASSWORD), verifierOf(PASSWORD)]);
    expect(one).toMatch(/^scrypt\$32768\$8\$3\$[^$]{24}\$[^$]{44}$/);
    expect(one).not.toBe(other);
    const checks = new PasswordChecks();
    expect(await checks.check(PASSWORD, one)).toBe(true);
    expect(await checks.check(`${PASSWORD} `, one)).toBe(false);
    expect(await checks.check(PASSWORD, "scrypt$1048576$8$3$AAAA$AAAA")).toBe(false);
    expect(await checks.check(PASSWORD, "plain$x")).toBe(false);
  });

  test("are looked at a few at once, the rest waits, and what is beyond is told to come later", async () => {
    const checks = new PasswordChecks();
    const verifier = "scrypt$2$8$1$AAAA$AAAA";
    const many = web.checksMax + web.checksWaitingMax + 3;
    const ended = await Promise.all(
      Array.from({ length: many }, () => checks.check("x", verifier)),
    );
    expect(ended.filter((one) => one === "busy")).toHaveLength(3);
    expect(await checks.check("x", verifier)).toBe(false);
  });
});
