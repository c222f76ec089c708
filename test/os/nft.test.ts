import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { listRuleset, NftTable, nftProblem } from "../../src/os/nft.js";
import { held, isRoot, Namespace } from "./namespace.js";

const runtimeDirectory = mkdtempSync(join(tmpdir(), "hf-nft-"));
afterAll(() => rmSync(runtimeDirectory, { recursive: true }));

const BODY = `chain forward {
  type filter hook forward priority filter; policy accept;
  iifname "hf0" counter accept
}`;

function table(instanceId = "11111111-aaaa", instance = "main") {
  return new NftTable({ instance, instanceId, runtimeDirectory });
}

describe.runIf(isRoot)("nft", () => {
  test("applied whole, replaced whole, deleted; another's table untouched", async () => {
    using namespace = new Namespace();
    using _inside = namespace.entered();
    namespace.run("nft", "add", "table", "inet", "docker");
    const ours = table();
    expect(await ours.read()).toBeUndefined();
    expect(await ours.apply(BODY)).toBeUndefined();
    expect(await ours.apply(BODY.replace("hf0", "hf1"))).toBeUndefined();
    const read = held((await ours.read()) ?? { kind: "OsError", call: "read", errno: "ENOENT" });
    expect(read.ours).toBe(true);
    expect(read.text).toContain('iifname "hf1"');
    expect(read.text).not.toContain('iifname "hf0"');
    expect(held(await listRuleset()).length).toBeGreaterThan(3);
    expect(await ours.delete()).toBeUndefined();
    expect(await ours.delete()).toBeUndefined();
    expect(namespace.run("nft", "list", "tables").trim()).toBe("table inet docker");
    expect(readdirSync(runtimeDirectory)).toEqual([]);
  });

  test("a table of our name without our instance id is neither replaced nor deleted", async () => {
    using namespace = new Namespace();
    using _inside = namespace.entered();
    await table("22222222-bbbb").apply(BODY);
    const ours = table();
    expect(await ours.apply(BODY)).toMatchObject({ kind: "OsError", errno: "EEXIST" });
    expect(await ours.delete()).toMatchObject({ kind: "OsError", errno: "EEXIST" });
    expect(namespace.run("nft", "list", "tables").trim()).toBe("table inet holdfast-main");
  });

  test("a mistake changes nothing and is told with its place", async () => {
    using namespace = new Namespace();
    using _inside = namespace.entered();
    const ours = table();
    await ours.apply(BODY);
    const failure = await ours.apply(`${BODY}\nchain broken { bogus }`);
    expect(failure).toMatchObject({ kind: "OsError", errno: "EINVAL" });
    expect(failure?.detail).toMatch(/^line 9, column [0-9]+: syntax error/);
    expect(await ours.read()).toMatchObject({ ours: true });
    expect(readdirSync(runtimeDirectory)).toEqual([]);
  });

  test("names that are not plain words are refused before nft sees them", async () => {
    expect(await table("11111111-aaaa", "x; flush ruleset").apply(BODY)).toMatchObject({
      errno: "EINVAL",
    });
    expect(await table('"').delete()).toMatchObject({ errno: "EINVAL" });
  });
});

test("nft's complaints: place, words and errno", () => {
  expect(
    nftProblem("/run/x.nft:2:18-24: Error: Could not process rule: No such file or directory\n"),
  ).toEqual({
    line: 2,
    column: 18,
    message: "Could not process rule: No such file or directory",
    errno: "ENOENT",
  });
  expect(nftProblem("netlink: Error: cache initialization failed")).toBeUndefined();
});
