// Documents against the tree: links lead somewhere, commands exist with their options, departures from
// the RFCs are numbered alike in code and text.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { CliContext, type Rooms } from "../../src/cli/context.js";
import { processIo } from "../../src/cli/io.js";
import { createProgram } from "../../src/cli/program.js";
import { loadConfig } from "../../src/daemon/config/load.js";
import { surroundings } from "../../src/daemon/state-directory.js";
import { filesOf, root } from "./tree.js";

const names = ["README", "README.ja", "CONTRIBUTING", "SECURITY", "CHANGELOG"].map(
  (name) => `${name}.md`,
);
const documents = [
  ...names.map((path) => ({ path, text: readFileSync(join(root, path), "utf8") })),
  ...filesOf(["docs"], [".md"]),
];

describe("documents", () => {
  test("those that are promised are there", () => {
    const docs = ["ARCHITECTURE", "LIMITS", "RESPONSES", "DEVIATIONS", "DEPENDENCIES"];
    for (const name of [...docs, "OPERATIONS", "SECURITY-MODEL", "THREATS"]) {
      expect(documents.map(({ path }) => path)).toContain(`docs/${name}.md`);
    }
    expect(readFileSync(join(root, "LICENSE"), "utf8")).toMatch(/^MIT License/);
  });

  test.each(documents.map(({ path, text }) => [path, text]))(
    "%s: its links lead somewhere",
    (...row) => {
      const [path, text] = row;
      const links = [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, to = ""]) => to);
      for (const to of links.filter((one) => !/^[a-z]+:/.test(one))) {
        expect(existsSync(resolve(root, dirname(path), to)), `${path}: ${to}`).toBe(true);
      }
    },
  );

  test("every npm script they name exists, and every program argument of ours", () => {
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    for (const { path, text } of documents) {
      for (const [, name = ""] of text.matchAll(/npm run ([a-z:-]+)/g)) {
        expect(scripts, `${path}: npm run ${name}`).toHaveProperty(name);
      }
      for (const [, name = ""] of text.matchAll(/\b(packaging\/[a-z.]+[a-z])/g)) {
        expect(existsSync(join(root, name)), `${path}: ${name}`).toBe(true);
      }
    }
  });
});

describe("commands in documents", () => {
  const rooms = {} as Rooms;
  const program = createProgram(new CliContext(processIo(), surroundings(), rooms, "0"));
  const written = documents.flatMap(({ path, text }) =>
    [...text.matchAll(/(?:^ {4,}|`)(?:\.\/|sudo )?holdfast ([a-z][^`\n#]*)/gm)].map(
      ([, words = ""]) => [path, words.trim()] as const,
    ),
  );

  test("there are some", () => expect(written.length).toBeGreaterThan(15));

  test.each(written)("%s: holdfast %s", (_path, line) => {
    let made: Command = program;
    const words = line.replaceAll(/[,;|].*$/g, "").split(/\s+/);
    for (const word of words) {
      if (word.startsWith("--")) {
        const option = made.options.find(({ long }) => long === word.split("=")[0]);
        expect(option, `${made.name()} ${word}`).toBeDefined();
        continue;
      }
      const below = made.commands.find((one) => one.name() === word);
      if (below === undefined && made === program) expect(word).toBe("a command");
      made = below ?? made;
    }
  });
});

describe("configuration in documents", () => {
  const blocks = documents.flatMap(({ path, text }) =>
    [...text.matchAll(/(?:^ {4}.*\n)+/gm)].map(([block]) => [path, block] as const),
  );
  const yaml = blocks.filter(([, block]) => /^ {4}[a-z]+:\n/.test(block));

  test("there is some", () => expect(yaml.length).toBeGreaterThan(0));

  test.each(yaml)("%s: a block of it is right", (path, block) => {
    const loaded = loadConfig(block.replaceAll(/^ {4}/gm, ""), path);
    expect(loaded.ok ? [] : loaded.problems).toEqual([]);
  });
});

describe("departures from the RFCs", () => {
  const inText = [
    ...documents
      .find(({ path }) => path.endsWith("DEVIATIONS.md"))!
      .text.matchAll(/^- DEVIATION (\d+):/gm),
  ].map(([, number]) => Number(number));
  const sources = filesOf(["src"], [".ts"]);
  const inCode = new Set(
    sources.flatMap(({ text }) =>
      [...text.matchAll(/DEVIATION (\d+)/g)].map(([, number]) => Number(number)),
    ),
  );

  test("each has one line, and stands in the code; none in the code is without its line", () => {
    expect(new Set(inText).size).toBe(inText.length);
    expect([...inCode].filter((number) => !inText.includes(number))).toEqual([]);
    expect(inText.filter((number) => !inCode.has(number))).toEqual([]);
  });
});
