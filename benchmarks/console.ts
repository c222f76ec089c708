// `npm run bench:console`: many sessions on one server, listed by its API and looked at, sorted and searched on its
// page in Debian's Chromium; and how late the server's event loop was meanwhile, beside a server left alone.
import { Browsing } from "../test/page/browser.js";
import { type Figure, from, percentile, tell } from "./figures.js";
import { options } from "./options.js";
import { Scene, SERVER } from "./scene.js";

const given = options({
  sessions: { kind: "number", least: 10, most: 10_000, byDefault: 10_000, help: "at once" },
  lists: { kind: "number", least: 1, most: 100, byDefault: 10, help: "how often all are listed" },
  quick: { kind: "flag", help: "does it work at all: nothing is kept" },
});
const begun = from("console");
const { sessions } = given;
const PASSWORD = "correct horse battery";
const origin = `https://${SERVER}:8723`;
const pageSize = 1_000;

const terms = { sessions, callsPerConnection: 8, concurrency: 20 };
await using scene = await Scene.started({ ...terms, config: { console: { address: SERVER } } });
const { server, net } = scene;
const added = await server.place.exec(
  `printf '%s\\n' '${PASSWORD}' | ${server.command("console-user add viewer --role viewer --password-stdin")}`,
);
if (added.code !== 0) throw new Error(added.stderr);
const token = (await server.cli("token add bench --role viewer")).stdout.trim();
await scene.raise(sessions);

/** Longest delay of the main process's event loop while `act` runs, ms. */
const eyes = await scene.inspected();
await using main = eyes.main;
await using _worker = eyes.worker;
async function delayOf(act: () => Promise<unknown>): Promise<number> {
  await main.ask("delay");
  await act();
  return Number(await main.ask("delay"));
}

using _inside = net.b.entered();
process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";

/** All of them by pages, as the page does; the milliseconds of each page. */
async function list(): Promise<number[]> {
  const pages: number[] = [];
  let seen = 0;
  for (let after: number | null = 0; after !== null; ) {
    const asked = performance.now();
    const path: string = `/v1/sessions?most=${pageSize}&after=${after}`;
    const reply = await fetch(origin + path, { headers: { authorization: `Bearer ${token}` } });
    if (!reply.ok) throw new Error(`${reply.status} ${await reply.text()}`);
    const page = (await reply.json()) as { sessions: unknown[]; next: number | null };
    pages.push(performance.now() - asked);
    seen += page.sessions.length;
    after = page.next;
  }
  if (seen !== sessions) throw new Error(`${seen} listed of ${sessions}`);
  return pages;
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
await list();
const alone = await delayOf(() => wait(10_000));
const pages: number[] = [];
const wholes: number[] = [];
const listing = await delayOf(async () => {
  for (let at = 0; at < given.lists; at++) {
    const begin = performance.now();
    pages.push(...(await list()));
    wholes.push(performance.now() - begin);
    // The console takes 50 requests a second of one address.
    await wait(1_000);
  }
});
const filtering = await delayOf(async () => {
  for (let at = 0; at < 20; at++) {
    const path = `/v1/sessions?user=load${at}`;
    const reply = await fetch(origin + path, { headers: { authorization: `Bearer ${token}` } });
    if (!reply.ok) throw new Error(String(reply.status));
    await reply.arrayBuffer();
    await wait(100);
  }
});

let opened: Browsing | undefined;
// A browser that starts takes both processors of a small machine: told apart from what it then asks for.
const starting = await delayOf(async () => {
  opened = await Browsing.on(origin, { ignoreHTTPSErrors: true });
  await opened.logIn("viewer", PASSWORD);
  await wait(3_000);
});
if (opened === undefined) throw new Error("no browser");
await using browsing: Browsing = opened;
const { page } = browsing;
const took: Record<string, number> = {};
async function timed(what: string, act: () => Promise<unknown>): Promise<void> {
  const begin = performance.now();
  await act();
  took[what] = performance.now() - begin;
}
const looking = await delayOf(async () => {
  await timed("page opened, until all are shown", async () => {
    await browsing.open("sessions", "table a");
    await page.waitForSelector(`text=${sessions} sessions`);
  });
  await timed("a search typed, until it is shown", async () => {
    await page.fill("input[type=search]", "load1");
    await page.waitForSelector(`text=of ${sessions}`);
  });
  await page.fill("input[type=search]", "");
  await page.waitForSelector(`text=${sessions} sessions`);
  await timed("sorted by another column", async () => {
    await page.click("th:nth-child(2) button");
    await page.waitForSelector("th:nth-child(2)[aria-sort]");
  });
  await timed("scrolled to the middle", async () => {
    const row = Math.floor(sessions / 2);
    await page.evaluate(`document.querySelector(".rows").scrollTo(0, 36 * ${row})`);
    await page.waitForSelector(`tr[aria-rowindex="${row + 10}"]`);
  });
});
if (browsing.faults.length > 0) throw new Error(browsing.faults.join("\n"));
await scene.end(sessions);

tell(
  "console",
  begun,
  {
    title: `${sessions} sessions on the console`,
    notes: [
      `${sessions} sessions over control connections of 8 calls each; listed ${given.lists} times in pages of ` +
        `${pageSize} by a token over TLS, a second between two lists; then on the page in Chromium, on the same machine`,
      "Event loop: the longest delay that the main process's own histogram saw (node:perf_hooks, every 10 ms), inspector open. " +
        "Left alone: ten seconds in which nobody asks.",
    ],
    figures: [
      { what: "event loop, left alone", value: alone, unit: "ms" },
      { what: "event loop, all listed by the API", value: listing, unit: "ms", most: 50 },
      {
        what: "event loop, one user's looked for by the API",
        value: filtering,
        unit: "ms",
        most: 50,
      },
      {
        what: "event loop, a browser started beside it and logged in",
        value: starting,
        unit: "ms",
      },
      {
        what: "event loop, page opened, searched, sorted, scrolled",
        value: looking,
        unit: "ms",
        most: 50,
      },
      { what: "a page of the API, median", value: percentile(pages, 0.5), unit: "ms" },
      { what: "a page of the API, 99 %", value: percentile(pages, 0.99), unit: "ms" },
      { what: "all of them by the API, median", value: percentile(wholes, 0.5), unit: "ms" },
      ...Object.entries(took).map(([what, value]): Figure => ({ what, value, unit: "ms" })),
    ],
  },
  !given.quick,
);
