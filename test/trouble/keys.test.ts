// The key file missing, open to others, of somebody else, or the wrong one, over data that is there:
// the start is refused with the remedy, and never is a new key made.
import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { needRoot } from "../peers.js";
import { Scene } from "./scene.js";

const anna = { name: "anna", password: "correct-Horse-7" };

describe.runIf(needRoot())("the key file over existing data", () => {
  let scene: Scene;
  let path: string;
  let key: string;
  let owner: number;

  beforeAll(async () => {
    scene = await Scene.started();
    await scene.addUser(anna);
    expect(await scene.stop()).toBe(0);
    path = join(scene.state, "keys/master.key");
    key = readFileSync(path, "utf8");
    owner = statSync(path).uid;
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  const database = () =>
    createHash("sha256")
      .update(readFileSync(join(scene.state, "db/holdfast.db")))
      .digest("hex");

  const cases: readonly (readonly [string, () => void, RegExp])[] = [
    ["missing", () => rmSync(path), /is missing, and the database.*\n.*put the key file back/],
    [
      "readable by others",
      () => chmodSync(path, 0o644),
      /read or written by others.*\n.*chmod 600/,
    ],
    [
      "writable by others",
      () => chmodSync(path, 0o602),
      /read or written by others.*\n.*chmod 600/,
    ],
    [
      "of another user",
      () => chownSync(path, 4_242, 0),
      /can't be opened \(EACCES\)\n.*chown it to the user the server runs as/,
    ],
    [
      "another one",
      () => writeFileSync(path, `holdfast-key 1 ${"5a".repeat(32)}\n`),
      /is not the one that sealed this database\n.*put the key file that belongs/,
    ],
    [
      "cut off",
      () => writeFileSync(path, key.slice(0, 20)),
      /is not a key file of holdfast\n.*backup/,
    ],
  ];

  test.each(cases)(
    "%s: refused with the remedy, no new key, nothing changed",
    async (_, harm, said) => {
      const before = database();
      try {
        harm();
        const now = readdirSync(join(scene.state, "keys"));
        const refused = await scene.refused();
        expect(refused.stderr).toMatch(said);
        expect(refused.code).toBe(1);
        expect(readdirSync(join(scene.state, "keys"))).toEqual(now);
        expect(database()).toEqual(before);
        // Neither is it read around the server.
        const listed = await scene.cli(["user", "list"]);
        expect(listed.code).not.toBe(0);
        expect(listed.stderr).toContain("master.key");
      } finally {
        writeFileSync(path, key, { mode: 0o600 });
        chmodSync(path, 0o600);
        chownSync(path, owner, owner);
      }
    },
  );

  test("its whole directory gone: refused as well", async () => {
    rmSync(join(scene.state, "keys"), { recursive: true });
    const refused = await scene.refused();
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("put the key file back from its own backup");
    expect(readdirSync(join(scene.state, "keys"))).toEqual([]);
    writeFileSync(path, key, { mode: 0o600 });
    chownSync(path, owner, owner);
  });

  test("put back: the account logs in as before", async () => {
    await scene.start();
    const caller = await scene.caller(anna);
    await caller.ping();
    await caller.end();
    expect(await scene.stop()).toBe(0);
  });
});
