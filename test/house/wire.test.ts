import { describe, expect, test } from "vitest";
import { controlMessageLayouts } from "../../src/wire/pptp/index.js";
import { vectors } from "../vectors/vectors.js";
import { filesOf, isTest, type SourceFile } from "./tree.js";

type Known = { readonly type: number; readonly length: number };

function withoutVector(layouts: readonly Known[], known: readonly Known[]): number[] {
  return layouts
    .filter(({ type, length }) => !known.some((one) => one.type === type && one.length === length))
    .map(({ type }) => type);
}

/** Tables of a folder that no list of messages takes up. */
function unlisted(files: readonly SourceFile[], list: string): string[] {
  return files.flatMap(({ path, text }) =>
    [...text.matchAll(/export const (\w+) = layout\(/g)]
      .map(([, name]) => name!)
      .filter((name) => !new RegExp(`\\b${name},`).test(list))
      .map((name) => `${path}: ${name}`),
  );
}

/** Reached with nothing but what decodeControlHeader let pass: tried through decodeControlMessage. */
const INNER = ["decodeFields"];

/**
 * Functions that take a peer's octets, and of them those that no test beside them calls together
 * with something malformed.
 */
function untriedDecoders(files: readonly SourceFile[]): string[] {
  const hostile = /trunc|malformed|toBeUndefined|ok: false|fault|"gre-|hostile/i;
  const tests = files.filter((file) => isTest(file) && hostile.test(file.text));
  return files
    .filter((file) => !isTest(file))
    .flatMap(({ path, text }) =>
      [...text.matchAll(/export function ((?:decode|parse|read(?=Gre|Mppe|Ip))[A-Z]\w*)/g)]
        .map(([, name]) => name!)
        .filter((name) => !INNER.includes(name))
        .filter((name) => !tests.some((one) => new RegExp(`\\b${name}\\b`).test(one.text)))
        .map((name) => `${path}: ${name}`),
    );
}

const wire = filesOf(["src/wire"], [".ts"]);

describe("every control message has a table, a vector and malformed cases", () => {
  test("the 15 of RFC 2637, each with a vector of its type and length", () => {
    expect(controlMessageLayouts).toHaveLength(15);
    expect(withoutVector(controlMessageLayouts, vectors.control_messages)).toEqual([]);
  });

  test("caught: a message without a vector, or with one of another length", () => {
    const known = [
      { type: 1, length: 156 },
      { type: 3, length: 16 },
    ];
    expect(withoutVector([{ type: 2, length: 156 }, ...known], known)).toEqual([2]);
    expect(withoutVector([{ type: 3, length: 20 }], known)).toEqual([3]);
  });

  test("every table is one of the list that decoder, encoder and malformed cases come from", () => {
    const folder = wire.filter(({ path }) => path.startsWith("src/wire/pptp/"));
    const list = folder.find(({ path }) => path.endsWith("/index.ts"))!.text;
    expect(unlisted(folder, list)).toEqual([]);
    const cases = folder.filter(isTest).find(({ text }) => text.includes("control_messages"));
    expect(cases?.text).toMatch(/describe\.each\(vectors\)/);
    for (const malformed of ["every truncation", "65535", "Magic Cookie"]) {
      expect(cases?.text).toContain(malformed);
    }
  });

  test("caught: a table outside of the list", () => {
    const sample = { path: "src/wire/pptp/a.ts", text: "export const someMessage = layout({" };
    expect(unlisted([sample], "[\n  otherMessage,\n]")).toEqual([
      "src/wire/pptp/a.ts: someMessage",
    ]);
    expect(unlisted([sample], "[\n  someMessage,\n]")).toEqual([]);
  });
});

describe("every decoder is tried with malformed octets", () => {
  test("the tree", () => {
    expect(untriedDecoders(wire)).toEqual([]);
  });

  test("caught: no test, or one that only decodes what is right", () => {
    const codec = { path: "src/wire/a.ts", text: "export function decodeThing(o) {}" };
    const happy = { path: "src/wire/a.test.ts", text: 'test("a", () => decodeThing(good));' };
    const both = { path: "src/wire/a.test.ts", text: 'test("truncated", () => decodeThing(o));' };
    expect(untriedDecoders([codec])).toEqual(["src/wire/a.ts: decodeThing"]);
    expect(untriedDecoders([codec, happy])).toEqual(["src/wire/a.ts: decodeThing"]);
    expect(untriedDecoders([codec, both])).toEqual([]);
  });
});

describe("every vector is used", () => {
  const tests = filesOf(["src", "test"], [".test.ts"]).filter(
    ({ path }) => path !== "test/house/wire.test.ts",
  );
  const all = tests.map(({ text }) => text).join("\n");

  /** An ID counts as used when a test names it, or names what it begins with and takes all of those. */
  function unused(ids: readonly string[], text: string): string[] {
    const taken = [...text.matchAll(/(?:startsWith\(|`)["`]?([\w:-]+[:-])(?:["`$])/g)].map(
      ([, beginning]) => beginning!,
    );
    return ids.filter(
      (id) => !text.includes(`"${id}"`) && !taken.some((beginning) => id.startsWith(beginning)),
    );
  }

  test("lists of vectors.json that belong to this product", () => {
    const lists = ["control_messages", "gre_ppp_frames", "mppe_stateless128", "crypto", "negative"];
    expect([...lists, "ato"].filter((list) => !new RegExp(`\\b${list}\\b`).test(all))).toEqual([]);
  });

  test("each of the crypto examples, by its ID", () => {
    const ids = vectors.crypto.map(({ id }) => id);
    expect(ids.length).toBeGreaterThan(15);
    expect(unused(ids, all)).toEqual([]);
  });

  test("caught: an ID that no test names", () => {
    expect(unused(["md4:a", "des-ecb"], 'cryptoVector("des-ecb")')).toEqual(["md4:a"]);
    expect(unused(["md4:a"], 'id.startsWith("md4:")')).toEqual([]);
    expect(unused(["mppe-40"], ["cryptoVector(`mppe-$", "{bits}`)"].join(""))).toEqual([]);
  });
});
