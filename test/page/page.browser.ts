// The console's page in Debian's Chromium, over the console's own routes: every page of it, in both
// languages, both sets of colours and phone width; what a role sees; and that names stay inert.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SessionSummary } from "../../src/console/contract.js";
import type { LogLine } from "../../src/console/log-contract.js";
import { inJapanese } from "../../src/daemon/japanese/texts.js";
import { PASSWORD, Served } from "../console/support.js";
import { needPeer } from "../peers.js";
import { accessFaults, axeFaults, Browsing, contrastFaults, program } from "./browser.js";

const pages = [
  ["overview", ".charts canvas"],
  ["sessions", "table a"],
  ["sessions/3", ".dialogue"],
  ["incidents", "table a"],
  ["incidents/3", ".bars"],
  ["bulletins", "table a"],
  ["bulletins/3", "h2"],
  ["blocks", "table"],
  ["accounts", "table"],
  ["ledger", ".bars"],
  ["log", ".log li"],
  ["configuration", "summary"],
  ["access", "table"],
] as const;

const evil = "<img src=x onerror=alert(1)>\u001b[2J\u202egnp.exe\n</script>";

const runs = needPeer([program], ["chromium"]);

let served: Served;
beforeAll(async () => {
  served = await Served.started();
  const { moment } = served.port.overview();
  // A quarter of an hour with a tide in it, up to the moment that the overview tells.
  const moments = Array.from({ length: 900 }, (_, at) => ({
    ...moment,
    at: moment.at - (900 - at) * 1_000,
    sessions: 3 + Math.round(2 * Math.sin(at / 90)),
    receivedOctets: Math.round(moment.receivedOctets + 4e6 * at * (1 + Math.sin(at / 120))),
    sentOctets: moment.sentOctets + 2e6 * at,
    refused: moment.refused + (at < 600 ? 0 : (at - 600) * 5_000),
    processorPercent: 2 + (at < 600 ? 0 : 4),
  }));
  served.port.history = () => ({ everyMs: 1_000, moments });
  for (const role of ["viewer", "operator", "administrator"] as const) {
    await served.addUser(role);
  }
});
afterAll(async () => {
  await served[Symbol.asyncDispose]();
});

const origin = () => `http://${served.host}`;
/** The gate's rates are for people and guessers, not for a test that is both. */
const later = () => {
  served.now += 60_000;
};

const looks = [
  ["light", { colorScheme: "light" }],
  ["dark", { colorScheme: "dark" }],
  ["phone", { colorScheme: "light", viewport: { width: 390, height: 844 } }],
  ["japanese", { colorScheme: "light", locale: "ja" }],
] as const;

describe.runIf(runs).each(looks)("%s", (look, options) => {
  test("every page is there, readable, reachable, and keeps to its policy", async () => {
    later();
    await using browsing = await Browsing.on(origin(), options);
    await browsing.page.goto(origin());
    await browsing.page.waitForSelector("form");
    expect(await accessFaults(browsing.page)).toEqual([]);
    expect(await contrastFaults(browsing.page)).toEqual([]);
    await browsing.shot(`log-in-${look}`);
    await browsing.logIn("administrator", PASSWORD);
    for (const [hash, waitFor] of pages) {
      later();
      await browsing.open(hash, waitFor);
      expect([hash, await accessFaults(browsing.page)]).toEqual([hash, []]);
      expect([hash, await contrastFaults(browsing.page)]).toEqual([hash, []]);
      expect([hash, await axeFaults(browsing.page)]).toEqual([hash, []]);
      await browsing.shot(`${hash.replace("/", "-")}-${look}`);
    }
    const language = await browsing.page.evaluate("document.documentElement.lang");
    expect(language).toBe(look === "japanese" ? "ja" : "en");
    expect(browsing.faults).toEqual([]);
  });
});

test.runIf(runs)(
  "charts of the past: each period is read by the slots that fit it, and one server's gap is a gap",
  async () => {
    later();
    await using browsing = await Browsing.on(origin());
    const { page } = browsing;
    await browsing.logIn("viewer", PASSWORD);
    await page.waitForSelector(".charts canvas");
    served.port.asked.length = 0;
    const by = { hour: "10s", day: "5m", week: "1h", month: "1h", year: "1d" };
    for (const [period, resolution] of Object.entries(by)) {
      later();
      served.port.asked.length = 0;
      await page.click(`.periods button:text-is("${period}")`);
      await expect.poll(() => served.port.asked).toContain(`trends ${resolution}`);
      expect(await page.getAttribute(`.periods button:text-is("${period}")`, "aria-pressed")).toBe(
        "true",
      );
      await browsing.shot(`past-${period}`);
    }
    await page.goto(`${origin()}/#/ledger`);
    await page.click('.periods button:text-is("day")');
    await page.waitForSelector(".chart canvas");
    expect(browsing.faults).toEqual([]);
  },
);

describe.runIf(runs)("who is there", () => {
  test("a wrong password says so, and the page is the log-in until it is right", async () => {
    later();
    await using browsing = await Browsing.on(origin());
    const { page } = browsing;
    await page.goto(`${origin()}/#/sessions`);
    await page.fill("input[name=name]", "viewer");
    await page.fill("input[name=password]", "not the password");
    await page.click("button[type=submit]");
    await expect.poll(() => page.textContent("[role=alert]")).toBe("Wrong name or password.");
    expect(await page.inputValue("input[name=password]")).toBe("");
    expect(await page.locator("nav").count()).toBe(0);
    expect(browsing.faults).toEqual([]);
  });

  test("a viewer has nothing to act with; an operator ends a session after being asked", async () => {
    later();
    await using viewing = await Browsing.on(origin());
    await viewing.logIn("viewer", PASSWORD);
    await viewing.open("sessions/1", ".dialogue");
    expect(await viewing.page.locator("main button").count()).toBe(0);
    later();
    await using acting = await Browsing.on(origin());
    await acting.logIn("operator", PASSWORD);
    await acting.open("sessions/1", ".dialogue");
    served.port.asked.length = 0;
    await acting.page.click("text=End this session");
    expect(served.port.asked).not.toContain('disconnect {"id":1}');
    await acting.page.waitForSelector("fieldset.confirm button:focus");
    await acting.page.keyboard.press("Enter");
    await expect.poll(() => served.port.asked).toContain('disconnect {"id":1}');
    expect([...viewing.faults, ...acting.faults]).toEqual([]);
  });

  test("a log-in that ends elsewhere ends the page, and its stream", async () => {
    later();
    await using browsing = await Browsing.on(origin());
    await browsing.logIn("viewer", PASSWORD);
    await browsing.page.waitForSelector(".tiles");
    served.logIns.endOf("viewer");
    for (const told of served.listeners) told();
    await browsing.page.waitForSelector("input[name=password]");
    expect(await browsing.page.textContent("[role=alert]")).toBe("You are logged out.");
  });
});

test.runIf(runs)(
  "an administrator sends a test of notices and reads what went wrong; a viewer has no button",
  async () => {
    later();
    await using browsing = await Browsing.on(origin());
    await browsing.logIn("administrator", PASSWORD);
    await browsing.open("configuration", "pre");
    served.port.asked.length = 0;
    await browsing.page.click("text=Send a test");
    await browsing.page.waitForSelector("ul[role=status]");
    expect(served.port.asked).toContain("test notices");
    const said = await browsing.page.textContent("ul[role=status]");
    expect(said).toBe("Mail: not sent: 535 no\\u{1b}[2J");
    later();
    await using viewing = await Browsing.on(origin());
    await viewing.logIn("viewer", PASSWORD);
    await viewing.open("configuration", "pre");
    expect(await viewing.page.locator("text=Send a test").count()).toBe(0);
    expect([...browsing.faults, ...viewing.faults]).toEqual([]);
  },
);

test.runIf(runs)(
  "markup, escapes and marks that turn a line around are text, wherever a name stands",
  async () => {
    later();
    const own = served.port.session;
    const list = served.port.sessions;
    const page = served.port.sessions({ most: 10 });
    const hostile = { user: evil, peersHostName: evil, peersVendorString: evil };
    served.port.sessions = () => ({
      ...page,
      sessions: page.sessions.map((one) => ({ ...one, ...hostile })),
      next: null,
    });
    served.port.session = (id) => {
      const found = own(id);
      return found && { ...found, ...hostile, dialogue: [evil] };
    };
    await using browsing = await Browsing.on(origin());
    await browsing.logIn("viewer", PASSWORD);
    for (const [hash, waitFor] of [
      ["sessions", "table a"],
      ["sessions/3", ".dialogue"],
    ] as const) {
      await browsing.open(hash, waitFor);
      const text = (await browsing.page.textContent("main")) ?? "";
      expect(text).toContain("<img src=x onerror=alert(1)>\\u{1b}[2J\\u{202e}gnp.exe\\u{a}");
      for (const mark of ["\u001b", "\u202e"]) expect(text).not.toContain(mark);
      expect(await browsing.page.locator("main img, main script").count()).toBe(0);
      await browsing.shot(`inert-${hash.replace("/", "-")}`);
    }
    expect(browsing.faults).toEqual([]);
    served.port.session = own;
    served.port.sessions = list;
  },
);

test.runIf(runs)("on a phone each cell of a row with buttons has its column's head", async () => {
  later();
  await using browsing = await Browsing.on(origin(), { viewport: { width: 390, height: 844 } });
  const { page } = browsing;
  await browsing.logIn("administrator", PASSWORD);
  for (const [hash, row] of [
    ["accounts", "tr:has(.actions)"],
    ["access", "tr:has(.actions)"],
  ] as const) {
    later();
    await browsing.open(hash, row);
    const heads = await page.locator(`table:has(.actions) th`).allTextContents();
    const shown = await page.evaluate<[string, string][]>(
      `[...document.querySelectorAll("tr:has(.actions)")].at(0) &&
        [...document.querySelector("tr:has(.actions)").cells].map((cell) =>
          [cell.dataset.head, getComputedStyle(cell, "::before").content])`,
    );
    expect(shown.map(([head]) => head)).toEqual(heads);
    for (const [head, content] of shown) {
      // As Chromium tells it: the value, or the rule that takes it.
      const said = [JSON.stringify(head), "attr(data-head)"];
      expect(head === "" ? ["none", "normal"] : said).toContain(content);
    }
    // Said to a screen reader as before.
    expect(await page.locator("table:has(.actions) th").first().isVisible()).toBe(true);
  }
  expect(browsing.faults).toEqual([]);
});

test.runIf(runs)(
  "in Japanese the configuration's fields and the server's warnings are too",
  async () => {
    later();
    const overview = served.port.overview;
    const warnings = ["the store is in trouble: full"];
    served.port.overview = () => ({
      ...overview(),
      warnings,
      warningsJapanese: warnings.map(inJapanese),
    });
    await using browsing = await Browsing.on(origin(), { locale: "ja" });
    const { page } = browsing;
    await browsing.logIn("administrator", PASSWORD);
    await page.waitForSelector(".notice li:text('ストアに障害があります: full')");
    await browsing.open("configuration", "summary");
    await page.fill("input[type=search]", "再送");
    const field = page.locator('.field:has(label:text-is("limits.ppp.restartMs"))');
    await expect
      .poll(() => field.locator("small").textContent())
      .toMatch(/^RFC 1661 の再送タイマー。 入力できる値: 値/);
    // What is wrong with it, too.
    await field.locator("input").fill("wrong");
    await page.click('button:text-is("確認")');
    const said = field.locator("[role=alert]");
    await said.waitFor();
    expect(await said.textContent()).toBe(
      '指定できる値: a number (入力された値: "wrong")。5 と書く',
    );
    served.port.overview = overview;
    expect(browsing.faults).toEqual([]);
  },
);

test.runIf(runs)("the log shows what was escaped once, and no value as a field", async () => {
  later();
  const log = served.port.log;
  const user = String.raw`a\u{5c}b <i>\u{1b}[2J level: error`;
  const lines: LogLine[] = [
    {
      number: 1,
      at: served.now,
      level: "warn",
      line: "log-in refused",
      fields: JSON.stringify({ user, peer: "192.0.2.1" }),
    },
    { number: 2, at: served.now, level: "info", line: "cut", fields: '{"user":"no en' },
  ];
  served.port.log = ({ after }) => ({ lines: lines.filter(({ number }) => number > after) });
  await using browsing = await Browsing.on(origin());
  const { page } = browsing;
  await browsing.logIn("viewer", PASSWORD);
  await browsing.open("log", ".log li");
  const line = page.locator(".log li.warn");
  expect(await line.textContent()).toContain(`log-in refused user ${user} peer 192.0.2.1`);
  expect(await line.locator("small i").allTextContents()).toEqual(["user", "peer"]);
  expect(await page.locator(".log li.info").textContent()).toContain('{"user":"no en');
  expect(await page.locator("main i i, main small script").count()).toBe(0);
  await browsing.shot("log-escaped");
  served.port.log = log;
  expect(browsing.faults).toEqual([]);
});

test.runIf(runs)("a session's page: its history, and its user's earlier sessions", async () => {
  later();
  await using browsing = await Browsing.on(origin());
  const { page } = browsing;
  await browsing.logIn("viewer", PASSWORD);
  await browsing.open("sessions/1", ".charts canvas");
  expect(await page.locator(".chart h3").allTextContents()).toEqual([
    ...["Its traffic", "Loss and order", "Round trip"],
  ]);
  const before = page.locator('section[aria-label="Earlier sessions of this user"] tbody tr');
  await expect.poll(() => before.count()).toBe(1);
  expect(await before.textContent()).toMatch(/192\.0\.2\.9.*10\.99\.0\.9.*5\.0MB.*echo-timeout/);
  const session = served.port.session;
  served.port.session = (id) => {
    const found = session(id);
    return found && { ...found, history: null };
  };
  later();
  await page.reload();
  await page.waitForSelector("text=It has carried nothing yet.");
  served.port.session = session;
  expect(browsing.faults).toEqual([]);
});

test.runIf(runs)(
  "ten thousand sessions: few rows are made, searching and sorting answer at once",
  async () => {
    later();
    const list = served.port.sessions;
    const [first] = list({ most: 1 }).sessions;
    const many = Array.from({ length: 10_000 }, (_, at) => {
      const framedAddress = `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`;
      return { ...(first as SessionSummary), id: at + 1, user: `user${at}`, framedAddress };
    });
    served.port.sessions = ({ after = 0, most }) => {
      const sessions = many.slice(after, after + most);
      const last = sessions.at(-1)?.id ?? 0;
      return { sessions, total: many.length, next: last < many.length ? last : null };
    };
    await using browsing = await Browsing.on(origin());
    const { page } = browsing;
    await browsing.logIn("viewer", PASSWORD);
    await browsing.open("sessions", "table a");
    await page.waitForSelector("text=10000 sessions");
    expect(await page.locator("tbody tr").count()).toBeLessThan(80);
    await page.evaluate("document.querySelector('.rows').scrollTo(0, 36 * 5000)");
    await page.waitForSelector("tr[aria-rowindex='5010']");
    await page.fill("input[type=search]", "user9999");
    await page.waitForSelector("text=1 of 10000");
    expect(await page.locator("tbody a").textContent()).toBe("user9999");
    await page.fill("input[type=search]", "");
    await page.click("th:first-child button");
    await page.waitForSelector("th[aria-sort=descending]");
    expect(browsing.faults).toEqual([]);
    served.port.sessions = list;
  },
);
