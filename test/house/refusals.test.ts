// What the server refuses is told on the Japanese page in Japanese: each reason that a source file gives has its words
// there.
import { expect, test } from "vitest";
import { refusals } from "../../web/src/refusals-ja.js";
import { ja } from "../../web/src/words-ja.js";
import { filesOf, isTest } from "./tree.js";

/** Told in the page's own words: see web/src/parts.tsx. */
const OWN = ["role", "local"];
const CALL = /\b(?:adminFault\(\s*"[a-z-]+",|refused\()\s*"([a-z-]+)"/g;
const TROUBLE = /\btroubleWith\(\s*"([a-z-]+)"/g;

const text = filesOf(["src/daemon", "src/store"], [".ts"])
  .filter((file) => !isTest(file))
  .map((file) => file.text)
  .join("\n");
const given = new Set([...text.matchAll(CALL), ...text.matchAll(TROUBLE)].map(([, one]) => one));

test("each reason has its words", () => {
  expect(given.size).toBeGreaterThan(25);
  expect([...given].filter((one) => !OWN.includes(one!) && refusals[one!] === undefined)).toEqual(
    [],
  );
});

test("they are Japanese, and the server's own stay beside them; what is not known is told as it came", () => {
  for (const words of Object.values(refusals))
    expect(words).toMatch(/[\u3040-\u30ff\u4e00-\u9fff]/);
  const { other } = ja.trouble;
  expect(other("exists", "there is an account bob already", "change it")).toBe(
    `${refusals.exists} (there is an account bob already)。`,
  );
  expect(other("of-tomorrow", "it rains", "wait")).toBe("it rains。wait");
});
