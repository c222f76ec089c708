// The console of a running server in Debian's Chromium: real sessions, a real storm (`holdfast storm` from another
// namespace) while it is looked at, every action by hand of the browser, and whoever may not.
import type { ChildProcess } from "node:child_process";
import { chmodSync, chownSync, readFileSync, writeFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expositionFaults } from "../console/exposition-faults.js";
import { until } from "../lab/place.js";
import { needPeer, needRoot } from "../peers.js";
import type { Caller } from "../trouble/caller.js";
import { Scene, SERVER } from "../trouble/scene.js";
import { evil, HOSTILE, hostilePeer, storm } from "./arriving.js";
import { Browsing, bearer, checked, everyPage, program, put } from "./browser.js";

const runs = needRoot() && needPeer([program], ["chromium"]);
const PASSWORD = "correct horse battery";
const origin = `https://${SERVER}:8723`;
const anna = { name: "anna", password: "correct-Horse-7" };
/** A user's name may be nearly anything: this one is markup. */
const marked = { name: `<img src=x onerror="alert(1)">&'`, password: "correct-Horse-8" };

let scene: Scene;
let caller: Caller;
let admin: Browsing;
/** From the first test on until the last of the actions is done. */
let storming: ChildProcess | undefined;
let stormOver: Promise<unknown>;

const config = {
  console: { address: SERVER },
  users: { sessionsPerUser: 32 },
  guard: { allow: ["198.51.100.2/32"] },
  limits: { incident: { windowMs: 2_000, quietMs: 1_000 } },
};

async function addConsoleUser(name: string): Promise<void> {
  const words = ["console-user", "add", name, "--role", name, "--password-stdin"];
  const { code, stderr } = await scene.cli(words, `${PASSWORD}\n`);
  expect([code, stderr]).toEqual([0, ""]);
}

function browse(options = {}): Promise<Browsing> {
  return Browsing.on(origin, { ignoreHTTPSErrors: true, ...options });
}

/** The button that led to a form is there with its end, and free again once the server has what was sent. */
async function saved(page: Page, name: string): Promise<void> {
  const button = page.getByRole("button", { name });
  await expect
    .poll(async () => (await button.count()) === 1 && (await button.isEnabled()))
    .toBe(true);
}

/** Whose process the server is: `Uid` or `Gid`, the effective one. */
function ofServer(which: string): number {
  const status = readFileSync(`/proc/${scene.pid}/status`, "utf8");
  return Number(new RegExp(`^${which}:\\s+\\d+\\s+(\\d+)`, "m").exec(status)?.[1]);
}

beforeAll(async () => {
  if (!runs) return;
  scene = new Scene({ config });
  scene.callers.ip("addr", "add", `${HOSTILE}/32`, "dev", "veth0");
  scene.server.ip("route", "add", `${HOSTILE}/32`, "dev", "veth0");
  await scene.start();
  for (const role of ["viewer", "operator", "administrator"]) await addConsoleUser(role);
  await scene.addUser(marked);
  caller = await scene.caller(await scene.addUser(anna));
  admin = await browse();
  await admin.logIn("administrator", PASSWORD);
});
afterAll(async () => {
  storming?.kill("SIGINT");
  await admin?.[Symbol.asyncDispose]();
  await scene?.[Symbol.asyncDispose]();
});

const stormEnded = () => storming === undefined || storming.exitCode !== null;

describe.runIf(runs)("while a storm goes on", () => {
  test("the page says so, shows what arrives, and that sessions go on", async () => {
    const pinging = caller.pinging();
    const child = storm(scene, 600);
    storming = child;
    stormOver = new Promise((ended) => child.once("exit", ended));
    const { page } = admin;
    await admin.open("overview", ".charts canvas");
    await page.waitForSelector('.state:text("An attack is going on")', { timeout: 30_000 });
    await page.waitForSelector(".notice b:text('refused a second')");
    await checked(page, "overview");
    await page.waitForTimeout(4_000);
    await admin.shot("storm-overview-light", "console-overview");
    await page.click(".notice a");
    await page.waitForSelector(".bars");
    expect(await page.textContent("main")).toContain("GRE");
    await checked(page, "incident");
    await admin.shot("storm-incident-light", "console-incident");
    for (const [hash, waitFor] of everyPage) {
      await admin.open(hash, waitFor);
      await checked(page, hash);
    }
    await page.goto(`${origin}/#/bulletins`);
    await page.click("table a");
    await page.waitForSelector("h2");
    await checked(page, "bulletin");
    await admin.shot("storm-bulletin-light");
    await admin.open("ledger", ".bars");
    const kinds = (await page.textContent("main")) ?? "";
    expect(kinds).toContain("listener");
    await admin.open("sessions", "table a");
    await page.waitForSelector('td:text-is("anna"), td a:text-is("anna")');
    await page.click('a:text-is("anna")');
    await page.waitForSelector(".dialogue li");
    expect(await page.textContent("main")).toContain("MPPE");
    await page.waitForSelector("h2:text('Earlier sessions')");
    await expect.poll(() => page.locator(".charts canvas").count()).toBe(3);
    await checked(page, "session");
    await page
      .locator(".charts")
      .first()
      .evaluate((charts) => charts.scrollIntoView());
    await admin.shot("storm-session-light", "console-session");
    const looks = [
      ["dark", { colorScheme: "dark" }],
      ["phone", { colorScheme: "light", viewport: { width: 390, height: 844 } }],
      ["japanese", { colorScheme: "light", locale: "ja" }],
    ] as const;
    for (const [look, options] of looks) {
      await using other = await browse(options);
      await other.logIn("viewer", PASSWORD);
      await other.page.waitForSelector(".charts canvas");
      await other.page.waitForTimeout(1_500);
      await checked(other.page, look);
      await other.shot(
        `storm-overview-${look}`,
        look === "japanese" ? "console-overview-japanese" : undefined,
      );
      expect(other.faults).toEqual([]);
    }
    expect(stormEnded()).toBe(false);
    const { sent, received } = await pinging.stop();
    expect(sent).toBeGreaterThan(50);
    // One may be under way.
    expect(sent - received).toBeLessThanOrEqual(1);
    expect(admin.faults).toEqual([]);
  }, 240_000);

  test("what a peer and a guesser say of themselves is text, and no line of the log is theirs", async () => {
    const other = await scene.caller(marked);
    await using guesser = await browse();
    // Last: a call without a log-in has its deadline, whatever a busy machine takes for the rest.
    using _peer = await hostilePeer();
    await guesser.page.goto(origin);
    await guesser.page.waitForSelector("form");
    const status = await guesser.page.evaluate(
      `fetch("/v1/log-in", { method: "POST", headers: { "content-type": "application/json" },
         body: JSON.stringify({ name: ${JSON.stringify(evil.slice(0, 64))}, password: "x" }) }).then((r) => r.status)`,
    );
    expect(status).toBe(401);
    const { page } = admin;
    await admin.open("sessions", "table a");
    await page.click('button:text("Read again")').catch(() => {});
    const shown = async (text: string) => (await page.textContent("main"))?.includes(text) === true;
    await expect.poll(() => shown(marked.name)).toBe(true);
    const id = (await scene.sessions()).sessions.find(
      ({ user, peersHostName }) => user === null && peersHostName.startsWith("<script>"),
    )?.id;
    expect(id).toBeDefined();
    await admin.open(`sessions/${id}`, ".facts");
    // Its host name is octets to us: what is beyond ASCII comes one by one.
    await expect.poll(() => shown("<script>alert(1)</script>\\u{1b}[2J")).toBe(true);
    for (const words of [["sessions"], ["session", String(id)], ["user", "list"]]) {
      const { stdout } = await scene.cli(words);
      expect(stdout).toContain("alert(1)");
      // biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal would act on.
      expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    }
    await admin.open("accounts", "table");
    await expect.poll(() => shown(marked.name)).toBe(true);
    await admin.open("log", ".log li");
    await expect.poll(() => shown("console log-in refused")).toBe(true);
    await page.fill("input[type=search]", "alert(1)");
    await admin.shot("inert-log");
    const text = (await page.textContent("main")) ?? "";
    for (const mark of ["\u001b", "\u202e", "\r"]) expect(text).not.toContain(mark);
    expect(await page.locator("main img, main script").count()).toBe(0);
    // On the machine's own log it is one line of JSON each, with nothing raw in it.
    const raw = scene.log();
    for (const mark of ["\u001b", "\u202e"]) expect(raw).not.toContain(mark);
    for (const line of raw.split("\n").filter((one) => one.includes("alert(1)"))) {
      expect(line.startsWith('{"level"')).toBe(true);
    }
    expect([admin.faults, guesser.faults]).toEqual([[], []]);
    await other.end();
  });
});

describe.runIf(runs)("an administrator", () => {
  test("adds an account, limits it, gives it another password, disables and removes it", async () => {
    const { page } = admin;
    await admin.open("accounts", "table");
    await put(page, "Name", "carl");
    await put(page, "Password", "first-Password-1");
    await page.click('button:text-is("Add")');
    const row = page.locator('tr:has(td:text-is("carl"))');
    await row.waitFor();
    await row.getByRole("button", { name: "Limits: carl" }).click();
    await put(page, "Fixed address", "10.99.0.300");
    await page.click('form button:text-is("Save")');
    const wrong = page.locator(".field.wrong");
    await wrong.waitFor();
    expect(await wrong.locator("label").textContent()).toBe("Fixed address");
    expect(await wrong.locator("[role=alert]").textContent()).toMatch(/IPv4 address/);
    await checked(page, "account limits");
    await admin.shot("account-limits");
    await put(page, "Fixed address", "10.99.0.77");
    await put(page, "Networks behind it", "192.168.44.0/24, 192.168.45.0/24");
    await put(page, "Rate to the client, bit/s", "2000000");
    await put(page, "Allowed hours", "mon-sun 00:00-24:00");
    await put(page, "Valid until", "2099-01-31T12:30");
    await page.click('form button:text-is("Save")');
    await page.waitForSelector("form .fields", { state: "detached" });
    const account = await scene.admin("GET", "/users/carl");
    expect(account.body).toMatchObject({
      ...{ staticAddress: "10.99.0.77", routes: ["192.168.44.0/24", "192.168.45.0/24"] },
      ...{ downBitsPerSecond: 2_000_000, hours: "mon-sun 00:00-24:00", dialIn: true },
    });
    await row.getByRole("button", { name: "Set password: carl" }).click();
    await put(page, "Password: carl", "second-Password-2");
    await row.getByRole("button", { name: "Save" }).click();
    await saved(page, "Set password: carl");
    const session = await scene.caller({ name: "carl", password: "second-Password-2" });
    const own = async () =>
      (await scene.sessions()).sessions
        .filter(({ user }) => user === "carl")
        .map((one) => one.framedAddress);
    expect(await own()).toEqual(["10.99.0.77"]);
    await row.getByRole("button", { name: "Disable: carl" }).click();
    await until("its session ends", 20, async () => (await own()).length === 0);
    await row.getByRole("button", { name: "Enable: carl" }).click();
    await row.getByRole("button", { name: "Disable: carl" }).waitFor();
    await row.getByRole("button", { name: "Remove" }).click();
    await row.locator("fieldset button").first().click();
    await row.waitFor({ state: "detached" });
    expect((await scene.admin("GET", "/users/carl")).status).toBe(404);
    await session.end();
    expect(admin.faults).toEqual([]);
  });

  test("blocks a source and lifts it, and ends a session after being asked", async () => {
    const { page } = admin;
    await admin.open("blocks", "main h1");
    await put(page, "Source", "192.0.2.0/24");
    await page.click('button:text-is("Block")');
    await page.waitForSelector('td:text-is("192.0.2.0/24")');
    const { body } = await scene.admin("GET", "/blocks");
    expect(JSON.stringify(body)).toContain("192.0.2.0/24");
    await checked(page, "blocks");
    await page.getByRole("button", { name: "Lift: 192.0.2.0/24" }).click();
    await page.waitForSelector('td:text-is("192.0.2.0/24")', { state: "detached" });
    await admin.open("sessions", 'a:text-is("anna")');
    await page.click('a:text-is("anna")');
    await page.click('button:text-is("End this session")');
    expect(caller.over).toBe(false);
    await page.locator("fieldset.confirm button").first().click();
    await until("the client's session is over", 20, () => caller.over);
    await page.waitForSelector('[role=status]:text("over"), [role=status]:text("being ended")');
    expect(admin.faults).toEqual([]);
  });

  test("changes the configuration: a wrong value is told at its field, a right one is in the file and counts", async () => {
    const { page } = admin;
    await admin.open("configuration", "summary");
    // As a service: the file is root's, and the server somebody else.
    await page.waitForSelector(".notice.warn:text('may not write its file')");
    const [uid, gid] = ["Uid", "Gid"].map(ofServer) as [number, number];
    expect(uid).not.toBe(0);
    chownSync(scene.configFile, uid, gid);
    chmodSync(scene.directory, 0o777);
    await page.reload();
    await page.waitForSelector("summary");
    expect(await page.locator(".notice.warn").count()).toBe(0);
    const before = readFileSync(scene.configFile, "utf8");
    await page.locator('summary:text-is("limits.ppp")').click();
    await put(page, "limits.ppp.echoIntervalMs", "5");
    await page.click('button:text-is("Check")');
    const wrong = page.locator(".field.wrong");
    await wrong.waitFor();
    expect(await wrong.locator("label").textContent()).toBe("limits.ppp.echoIntervalMs");
    expect(await wrong.locator("[role=alert]").textContent()).toMatch(/1000 to 3600000; found 5/);
    expect(readFileSync(scene.configFile, "utf8")).toBe(before);
    await checked(page, "configuration");
    await wrong.scrollIntoViewIfNeeded();
    await admin.shot("configuration-wrong", "console-configuration");
    await put(page, "limits.ppp.echoIntervalMs", "45000");
    await page.locator('summary:text-is("log")').click();
    await page.getByLabel("log.level", { exact: true }).selectOption("debug");
    await page.click('button:text-is("Write and apply 2")');
    await page.waitForSelector("h2:text('In effect now')");
    const { body } = await scene.admin("GET", "/log-level");
    expect(body).toEqual({ level: "debug" });
    expect(readFileSync(scene.configFile, "utf8")).toMatch(/echoIntervalMs\D*45000/);
    await page.waitForSelector('pre:text("echoIntervalMs: 45000")');
    writeFileSync(scene.configFile, before);
    await page.click('button:text-is("Apply the file")');
    await until("the old level is back", 20, async () => {
      return (await scene.admin("GET", "/log-level")).body.level === "info";
    });
    expect(admin.faults).toEqual([]);
  });

  test("makes a console user, changes role and password, disables and removes it; makes and ends a token", async () => {
    const { page } = admin;
    await admin.open("access", "table");
    const users = page.getByRole("region", { name: "Users", exact: true }).first();
    await users.getByLabel("Name", { exact: true }).fill("bob");
    await users.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await users.getByRole("button", { name: "Add a user" }).click();
    const row = page.locator('tr:has(td:text-is("bob"))');
    await row.waitFor();
    await page.getByLabel("Role: bob").selectOption("operator");
    const listed = async () => {
      const { body } = await scene.admin("GET", "/console-users");
      const all = body.users as { name: string; role: string; enabled: boolean }[];
      return all.find(({ name }) => name === "bob");
    };
    await expect.poll(listed).toMatchObject({ role: "operator", enabled: true });
    await using bob = await browse();
    await bob.logIn("bob", PASSWORD);
    expect(await bob.page.locator('nav a:text-is("Console users")').count()).toBe(0);
    await page.getByRole("button", { name: "Disable: bob" }).click();
    await expect.poll(listed).toMatchObject({ enabled: false });
    await bob.page.waitForSelector("input[name=password]");
    await page.getByRole("button", { name: "Enable: bob" }).click();
    await page.getByRole("button", { name: "Disable: bob" }).waitFor();
    await page.getByRole("button", { name: "Set password: bob" }).click();
    await put(page, "Password: bob", "another correct horse");
    await row.getByRole("button", { name: "Save" }).click();
    await saved(page, "Set password: bob");
    await bob.logIn("bob", "another correct horse");
    await checked(page, "console users");
    await admin.shot("access");
    // Oneself, the last administrator, one cannot shut out.
    await page.getByLabel("Role: administrator").selectOption("viewer");
    await page.waitForSelector('[role=alert]:text("only administrator")');
    await row.getByRole("button", { name: "Remove" }).click();
    await row.locator("fieldset button").first().click();
    await row.waitFor({ state: "detached" });
    await bob.page.waitForSelector("input[name=password]");

    const tokens = page.getByRole("region", { name: "Tokens of machines", exact: true }).first();
    await tokens.getByLabel("Name", { exact: true }).fill("prom");
    await tokens.getByRole("button", { name: "Make a token" }).click();
    const token = (await page.textContent(".secret")) ?? "";
    expect(token).toMatch(/^hf_/);
    const metrics = () => bearer(admin.page, token, "/metrics");
    expect(await metrics()).toBe(200);
    expect(await bearer(admin.page, token, "/v1/sessions")).toBe(403);
    await page.click('button:text-is("I have it")');
    expect(await page.textContent("main")).not.toContain(token);
    const line = page.locator('tr:has(td:text-is("prom"))');
    await line.getByRole("button", { name: "Remove" }).click();
    await line.locator("fieldset button").first().click();
    await line.waitFor({ state: "detached" });
    expect(await metrics()).toBe(401);
    expect(scene.log()).not.toContain(token);
    expect([...admin.faults, ...bob.faults]).toEqual([]);
  });
});

describe.runIf(runs)("whoever may not", () => {
  test("a viewer sees every page and no form, and what he sends all the same is refused", async () => {
    await using viewing = await browse();
    const { page } = viewing;
    await viewing.logIn("viewer", PASSWORD);
    for (const hash of [
      "sessions",
      "incidents",
      "blocks",
      "accounts",
      "ledger",
      "log",
      "configuration",
    ]) {
      await viewing.open(hash, "main h1");
      await page.waitForTimeout(100);
      expect([hash, await page.locator("main form").count()]).toEqual([hash, 0]);
    }
    await viewing.open("access", ".tiles");
    const tried: [string, string, object?][] = [
      ["POST", "/disconnect", { all: true }],
      ["POST", "/blocks", { address: "192.0.2.1", seconds: 60, reason: "x" }],
      ["POST", "/users", { name: "mallory", password: "correct-Horse-9" }],
      ["PATCH", "/users/anna", { sessionsMax: 1 }],
      ["GET", "/console-users"],
      ["GET", "/config/fields"],
      [
        "POST",
        "/config/changes",
        { digest: "", apply: true, changes: [{ key: "log.level", text: "debug" }] },
      ],
      ["PATCH", "/console-users/viewer", { role: "administrator" }],
      ["POST", "/tokens", { name: "own", role: "administrator", days: 1 }],
    ];
    for (const [method, path, body] of tried) {
      const status = await page.evaluate(
        `fetch("/v1/me").then((r) => r.json()).then(({ csrf }) => fetch("/v1${path}", { method: "${method}",
           headers: { "x-holdfast-csrf": csrf, "content-type": "application/json" },
           body: ${body === undefined ? "undefined" : JSON.stringify(JSON.stringify(body))} })).then((r) => r.status)`,
      );
      expect([method, path, status]).toEqual([method, path, 403]);
    }
    expect(viewing.faults).toEqual([]);
  });

  test("a page of another site changes and reads nothing, though the browser is logged in", async () => {
    const { page } = admin;
    const other = await page.context().newPage();
    await other.route("https://evil.example/**", (route) =>
      route.fulfill({ contentType: "text/html", body: "<h1>evil</h1>" }),
    );
    await other.goto("https://evil.example/");
    const statuses: number[] = [];
    other.on("response", (reply) => {
      if (reply.url().startsWith(origin)) statuses.push(reply.status());
    });
    await other.evaluate(
      `fetch("${origin}/v1/disconnect", { method: "POST", mode: "no-cors", credentials: "include",
         body: JSON.stringify({ all: true }) }).catch(() => {})`,
    );
    const read = await other.evaluate(
      `fetch("${origin}/v1/sessions", { credentials: "include" }).then((r) => r.text(), () => "refused")`,
    );
    expect(read).toBe("refused");
    const form = `<form method="POST" enctype="text/plain" action="${origin}/v1/disconnect"><input name='{"all":true,"a":"' value='"}'></form>`;
    await other.setContent(form);
    await other.evaluate("document.forms[0].submit()");
    await other.waitForURL(`${origin}/**`);
    expect(await other.textContent("body")).toMatch(/cross-site|another site|log in first/);
    expect(statuses.every((status) => status === 401 || status === 403)).toBe(true);
    expect(statuses.length).toBeGreaterThan(0);
    await other.close();
    // The one that this file's administrator asked for.
    const asked = scene.lines("asked for by the console");
    expect(asked.filter(({ path }) => path === "/v1/disconnect")).toHaveLength(1);
  });
});

describe.runIf(runs)("the storm", () => {
  test("went on behind every page and action; what it left in the metrics has no fault", async () => {
    expect(stormEnded()).toBe(false);
    const { stdout } = await scene.cli(["token", "add", "measures"]);
    const text = await admin.page.evaluate<string>(
      `fetch("/metrics", { credentials: "omit", headers: { authorization: "Bearer ${stdout.trim()}" } }).then((r) => r.text())`,
    );
    expect(expositionFaults(text)).toEqual([]);
    expect(Number(/^holdfast_refused_total (\d+)$/m.exec(text)?.[1])).toBeGreaterThan(100_000);
    storming?.kill("SIGINT");
    await stormOver;
  });
});

describe.runIf(runs)("the past", () => {
  test("is there after a restart, storm and all, and the page draws it", async () => {
    const read = async () => {
      const from = Date.now() - 3_600_000;
      const { body } = await scene.admin("GET", `/trends?from=${from}&resolution=5m`);
      const slots = body.slots as { refused: number; incidentMs: number; logIns: number }[];
      const sum = (name: "refused" | "incidentMs" | "logIns") =>
        slots.reduce((total, slot) => total + slot[name], 0);
      return { refused: sum("refused"), incidentMs: sum("incidentMs"), logIns: sum("logIns") };
    };
    const before = await read();
    expect(before.refused).toBeGreaterThan(10_000);
    expect(before.incidentMs).toBeGreaterThan(5_000);
    expect(before.logIns).toBeGreaterThan(2);
    const { page } = admin;
    await page.goto("about:blank");
    expect(await scene.stop()).toBe(0);
    await scene.start();
    const after = await read();
    for (const name of ["refused", "incidentMs", "logIns"] as const) {
      expect(after[name]).toBeGreaterThanOrEqual(before[name]);
    }
    await admin.logIn("administrator", PASSWORD);
    await page.waitForSelector(".charts canvas");
    await page.click('.periods button:text-is("hour")');
    await page.waitForTimeout(1_000);
    await checked(page, "the past");
    await admin.shot("past-real-hour");
    expect(admin.faults).toEqual([]);
  });
});
