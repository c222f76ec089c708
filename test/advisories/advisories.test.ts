// The advisories that are shipped: CSAF 2.0 by a strict schema and by its mandatory tests, and their word
// against the tree: the tests they name exist, and so do the settings they rely on.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Advisory, advisorySchema, productsOf } from "../../src/daemon/verify/csaf.js";
import { reliances } from "../../src/daemon/verify/reliances.js";
import { isIn } from "../../src/daemon/verify/versions.js";
import { root } from "../house/tree.js";
import { rules } from "./rules.js";

const shipped = readdirSync(join(root, "advisories")).map((name) => {
  const text = readFileSync(join(root, "advisories", name), "utf8");
  return { name, text, advisory: advisorySchema.parse(JSON.parse(text)) };
});
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  version: string;
};

const faults = (advisory: Advisory, name: string) =>
  Object.entries(rules).flatMap(([rule, judge]) =>
    judge(advisory, name).map((fault) => `${rule}: ${fault}`),
  );

/** As a string of its own, or as a template's beginning or end. */
function hasTitle(path: string, title: string): boolean {
  const text = readFileSync(join(root, path), "utf8");
  return [`"${title}"`, `${title}\``].some((quoted) => text.includes(quoted));
}

describe.each(shipped)("$name", ({ name, advisory, text }) => {
  test("the schema, and the mandatory tests of CSAF 2.0", () => {
    expect(faults(advisory, name)).toEqual([]);
  });

  test("it says something of this version, and it is ours to say", () => {
    const own = productsOf(advisory);
    expect(own.every(({ product }) => product === "holdfast")).toBe(true);
    expect(own.some(({ range }) => isIn(version, range))).toBe(true);
  });

  test("every test that it names as evidence exists", () => {
    const named = [...text.matchAll(/`((?:src|test)\/[^`>]+\.test\.ts) > ([^`]+)`/g)];
    expect(named.length).toBeGreaterThan(0);
    for (const [, path = "", title = ""] of named) {
      expect([path, title, hasTitle(path, title)]).toEqual([path, title, true]);
    }
  });

  test("it names every setting that it relies on, and verify knows them", () => {
    const relied = reliances[advisory.document.tracking.id] ?? [];
    expect(relied.length).toBeGreaterThan(0);
    expect(relied.filter(({ key }) => !text.includes(key))).toEqual([]);
  });
});

test("verify relies on settings for no advisory that is not shipped", () => {
  const ids = shipped.map(({ advisory }) => advisory.document.tracking.id);
  expect(Object.keys(reliances).filter((id) => !ids.includes(id))).toEqual([]);
});

describe("caught", () => {
  const [{ advisory, name }] = shipped as [(typeof shipped)[0]];
  const [vulnerability] = advisory.vulnerabilities as [Advisory["vulnerabilities"][0]];
  const { tracking } = advisory.document;
  const as = (more: Partial<typeof vulnerability>): Advisory => ({
    ...advisory,
    vulnerabilities: [{ ...vulnerability, ...more }],
  });
  const tracked = (more: Partial<typeof tracking>): Advisory => ({
    ...advisory,
    document: { ...advisory.document, tracking: { ...tracking, ...more } },
  });
  const [revision] = tracking.revision_history as [(typeof tracking.revision_history)[0]];
  const [product] = productsOf(advisory).map(({ id }) => id) as [string];

  test.each([
    ["6.1.1", as({ product_status: { fixed: ["NOBODY"] } })],
    ["6.1.6", as({ product_status: { fixed: [product], known_not_affected: [product] } })],
    [
      "6.1.14",
      tracked({
        version: "2",
        revision_history: [
          { ...revision, number: "2" },
          { ...revision, number: "1", date: "2027-01-01T00:00:00Z" },
        ],
      }),
    ],
    ["6.1.16", tracked({ version: "2" })],
    ["6.1.17", tracked({ version: "0", revision_history: [{ ...revision, number: "0" }] })],
    ["6.1.18", tracked({ revision_history: [{ ...revision, number: "0" }, revision] })],
    [
      "6.1.21",
      tracked({ version: "3", revision_history: [revision, { ...revision, number: "3" }] }),
    ],
    ["6.1.22", tracked({ revision_history: [revision, revision] })],
    ["6.1.23", { ...advisory, vulnerabilities: [vulnerability, vulnerability] }],
    ["6.1.27.7", as({ product_status: {} })],
    ["6.1.27.8", as({ cve: undefined })],
    ["6.1.27.9", as({ flags: undefined, threats: undefined })],
    ["6.1.27.10", as({ product_status: { known_affected: [product] } })],
    ["6.1.33", as({ flags: [...(vulnerability.flags ?? []), ...(vulnerability.flags ?? [])] })],
  ] as const)("%s", (section, made) => {
    expect(faults(made as Advisory, name).map((fault) => fault.split(" ")[0])).toContain(section);
  });

  test("6.1.2, 6.1.31 and the file's name", () => {
    const [vendor] = advisory.product_tree.branches as [Advisory["product_tree"]["branches"][0]];
    const [named] = vendor.branches as [(typeof vendor.branches)[0]];
    const twice = [named, named];
    const doubled = { ...advisory, product_tree: { branches: [{ ...vendor, branches: twice }] } };
    expect(faults(doubled, name)).toEqual([expect.stringContaining("6.1.2 ")]);
    const [one] = named.branches as [(typeof named.branches)[0]];
    const range = { ...one, category: "product_version" as const, name: "before 0.2" };
    const loose = [{ ...vendor, branches: [{ ...named, branches: [range] }] }];
    expect(faults({ ...advisory, product_tree: { branches: loose } }, name)).toEqual([
      expect.stringContaining("6.1.31 "),
    ]);
    expect(faults(advisory, "Other.json")).toEqual([expect.stringContaining("5.1 ")]);
  });
});
