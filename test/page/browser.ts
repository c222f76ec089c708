// A browser on the console's page, and what the page may never do in it: reach elsewhere, break its own
// policy, or throw.
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import axe from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { expect } from "vitest";

export const program = process.env.HOLDFAST_BROWSER ?? "/usr/bin/chromium";
const images = fileURLToPath(new URL("../../docs/images", import.meta.url));
const shots = fileURLToPath(new URL("../../.screenshots", import.meta.url));

export class Browsing implements AsyncDisposable {
  /** Errors, refused loads and requests to elsewhere: none is right. */
  readonly faults: string[] = [];

  private constructor(
    readonly browser: Browser,
    readonly page: Page,
    readonly origin: string,
  ) {
    page.on("pageerror", ({ message }) => this.faults.push(`thrown: ${message}`));
    page.on("console", (said) => {
      // Chromium's own words for an answer that is a refusal.
      const refused = said.text().startsWith("Failed to load resource: the server responded");
      if (said.type() === "error" && !refused) this.faults.push(said.text());
    });
    page.on("request", (request) => {
      if (new URL(request.url()).origin !== origin) this.faults.push(`asked ${request.url()}`);
    });
  }

  static async on(origin: string, options: BrowserContextOptions = {}): Promise<Browsing> {
    const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
    const browser = await chromium.launch({ executablePath: program, args });
    const context = await browser.newContext({ locale: "en", ...options });
    return new Browsing(browser, await context.newPage(), origin);
  }

  async logIn(name: string, password: string): Promise<void> {
    const { page, origin } = this;
    await page.goto(origin);
    await page.fill("input[name=name]", name);
    await page.fill("input[name=password]", password);
    await page.click("button[type=submit]");
    await page.waitForSelector("nav");
  }

  async open(hash: string, waitFor: string): Promise<void> {
    await this.page.goto(`${this.origin}/#/${hash}`);
    await this.page.waitForSelector(waitFor);
  }

  /**
   * A picture of the whole page into .screenshots; of what is seen at first into docs/images as well, under its
   * name there, when HOLDFAST_IMAGES is set.
   */
  async shot(name: string, inDocuments?: string): Promise<void> {
    mkdirSync(shots, { recursive: true });
    await this.page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
    if (inDocuments === undefined || process.env.HOLDFAST_IMAGES === undefined) return;
    mkdirSync(images, { recursive: true });
    await this.page.screenshot({ path: join(images, `${inDocuments}.png`) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser.close();
  }
}

/** What a reader by screen reader or keyboard would miss, and what is wider than the screen. */
export const accessFaults = (page: Page): Promise<string[]> => inPage(page, "access.js");

/** What axe-core finds against WCAG 2.1 A and AA: its rule, and where. */
export async function axeFaults(page: Page): Promise<string[]> {
  // Told in the page's own world by the browser's own hand: its policy lets no script in.
  await page.evaluate(axe.source);
  const found = await page.evaluate<{ id: string; nodes: { target: string[] }[] }[]>(
    "axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] }).then((all) => all.violations)",
  );
  return found.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`,
  );
}

/** Texts whose contrast is below WCAG's 4.5 (3 for large ones). */
export const contrastFaults = (page: Page): Promise<string[]> => inPage(page, "contrast.js");

/** A function of the browser's own world, which has other globals than ours. */
function inPage(page: Page, file: string): Promise<string[]> {
  const text = readFileSync(new URL(file, import.meta.url), "utf8");
  return page.evaluate<string[]>(`(${text.trim().replace(/;$/, "")})()`);
}

export async function checked(page: Page, what: string): Promise<void> {
  const found = [
    ...(await accessFaults(page)),
    ...(await contrastFaults(page)),
    ...(await axeFaults(page)),
  ];
  expect([what, found]).toEqual([what, []]);
}

export async function put(page: Page, label: string, text: string): Promise<void> {
  await page.getByLabel(label, { exact: true }).fill(text);
}

/** Each that is in the menu, and what of it shows that it is there. */
export const everyPage = [
  ["overview", ".charts canvas"],
  ["sessions", "table a"],
  ["incidents", "table a"],
  ["bulletins", "table a"],
  ["blocks", "main form"],
  ["accounts", "table"],
  ["ledger", ".bars"],
  ["log", ".log li"],
  ["configuration", "summary"],
  ["access", "table"],
] as const;

/** What a machine with that token is answered, asked from within the browser. */
export async function bearer(page: Page, token: string, path: string): Promise<number> {
  return page.evaluate<number>(
    `fetch(${JSON.stringify(path)}, { credentials: "omit", headers: { authorization: "Bearer ${token}" } }).then((r) => r.status)`,
  );
}
