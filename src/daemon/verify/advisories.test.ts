import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadConfig } from "../config/load.js";
import { advisoriesPath, verifyAdvisories } from "./advisories.js";

const repository = fileURLToPath(new URL("../../../", import.meta.url));
const ours = readFileSync(join(repository, advisoriesPath, "holdfast-2026-001.json"), "utf8");

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "holdfast-advisories-"));
  mkdirSync(join(root, advisoriesPath));
});
afterEach(() => rmSync(root, { recursive: true }));

function config(text: string) {
  const loaded = loadConfig(text, "test");
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}

/** Ours, with another version and another status: no such advisory exists. */
function made(range: string, status: string): void {
  const text = ours
    .replace("vers:npm/>=0.1.0", range)
    .replace('"known_not_affected": [', `"${status}": [`);
  writeFileSync(join(root, advisoriesPath, "made-up.json"), text);
}

describe("what advisories say of a version", () => {
  test.each([
    ["vers:npm/>=0.1.0", "known_not_affected", "known_not_affected"],
    ["vers:npm/<0.1.1", "known_affected", "known_affected"],
    ["vers:npm/>=0.1.0", "fixed", "fixed"],
    ["vers:npm/>=0.1.0", "under_investigation", "under_investigation"],
    ["vers:npm/<0.1.0", "known_affected", "not_named"],
    // What cannot be judged accuses, and clears nobody.
    ["vers:npm/what", "known_affected", "known_affected"],
    ["vers:npm/what", "under_investigation", "under_investigation"],
    ["vers:npm/what", "fixed", "not_named"],
    ["vers:npm/what", "known_not_affected", "not_named"],
  ])("%s %s: %s", (range, status, found) => {
    made(range, status);
    const verdict = verifyAdvisories(root, "0.1.0", undefined);
    expect(verdict).toMatchObject({ ok: true, advisories: [{ status: found, weakened: [] }] });
  });

  test("a version that is none is cleared by nothing", () => {
    made("vers:npm/>=0.1.0", "known_not_affected");
    expect(verifyAdvisories(root, "0.1", undefined)).toMatchObject({
      advisories: [{ status: "not_named" }],
    });
  });

  test.each([
    ["no JSON", "{"],
    ["a part left out", JSON.stringify({ document: {} })],
    ["a part nobody knows", ours.replace('"document": {', '"document": { "more": 1,')],
  ])("%s: it cannot be used, and which it was", (_what, text) => {
    writeFileSync(join(root, advisoriesPath, "bad.json"), text);
    expect(verifyAdvisories(root, "0.1.0", undefined)).toMatchObject({
      ok: false,
      message: expect.stringMatching(/^advisories\/bad\.json cannot be used: /),
    });
  });
});

describe("what the shipped one relies on", () => {
  const weak = (text: string) => {
    const verdict = verifyAdvisories(repository, "0.1.0", config(text));
    if (!verdict.ok) throw new Error(verdict.message);
    return verdict.advisories.flatMap(({ weakened }) => weakened.map(({ key }) => key));
  };

  test("the defaults, and what is stricter, keep it", () => {
    expect(weak("")).toEqual([]);
    expect(weak("limits: {control: {startDeadlineMs: 2000, messagesPerSecond: 5}}")).toEqual([]);
  });

  test.each([
    ["filter: 'off'", "filter"],
    ["filter: classic", "filter"],
    ["guard: {block: false}", "guard.block"],
    ["limits: {control: {startDeadlineMs: 6000}}", "limits.control.startDeadlineMs"],
    ["limits: {control: {messageDeadlineMs: 20000}}", "limits.control.messageDeadlineMs"],
    ["limits: {control: {messagesPerSecond: 21}}", "limits.control.messagesPerSecond"],
    ["limits: {control: {messagesBurst: 41}}", "limits.control.messagesBurst"],
    ["limits: {control: {overRateMs: 6000}}", "limits.control.overRateMs"],
  ])("%s is said", (text, key) => expect(weak(text)).toEqual([key]));
});
