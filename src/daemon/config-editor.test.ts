// The configuration file written by the server: only when it is right as a whole, only over what was read,
// with its owner's rights, and taken back where the running server cannot take it on.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Reloaded } from "../console/contract.js";
import { type AdminAnswer, adminFault } from "./admin/port.js";
import { loadConfig } from "./config/load.js";
import { ConfigEditor } from "./config-editor.js";

const before = "# ours\nlog: {level: info}\n";

/** What was synced, in order. */
const synced: string[] = [];
/** Whose the file is said to be; undefined: whose it is. */
let owner: number | undefined;
const chownTo = (uid: number) => {
  owner = uid;
};
vi.mock("node:fs", async (original) => {
  const real = await original<typeof import("node:fs")>();
  return {
    ...real,
    fsyncSync: (fd: number) => {
      const placed = real.readFileSync(file, "utf8") === before ? "not yet" : "file in place";
      synced.push(real.fstatSync(fd).isDirectory() ? `folder, ${placed}` : "file");
      real.fsyncSync(fd);
    },
    statSync: (path: string) => {
      const found = real.statSync(path);
      if (path === file && owner !== undefined) found.uid = owner;
      return found;
    },
  };
});

let folder: string;
let file: string;
let reloads: number;
/** Somebody else's doing during a reload. */
let meanwhile: () => void;
let outcome: AdminAnswer<Reloaded>;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-editor-"));
  file = join(folder, "holdfast.yaml");
  writeFileSync(file, before, { mode: 0o640 });
  reloads = 0;
  owner = undefined;
  meanwhile = () => undefined;
  outcome = { ok: true, value: { applied: [], needsRestart: [], warnings: [] } };
});
afterEach(() => rmSync(folder, { recursive: true }));

function editorOf(path: string | undefined): ConfigEditor {
  const loaded = loadConfig(before, "test.yaml");
  if (!loaded.ok) throw new Error("unreadable");
  const { settings } = loaded.config;
  return new ConfigEditor({
    file: path,
    settings: () => settings,
    reload: async () => {
      reloads++;
      meanwhile();
      return outcome;
    },
  });
}

async function change(key: string, text: string, { apply = true, digest = "" } = {}) {
  const editor = editorOf(file);
  const fields = editor.fields();
  if (!fields.ok) throw new Error(fields.message);
  const known = digest === "" ? fields.value.digest : digest;
  return editor.change({ digest: known, apply, changes: [{ key, text }] });
}

describe("a change", () => {
  test("is written with its comments and rights, and applied", async () => {
    expect(await change("log.level", "debug")).toMatchObject({
      ok: true,
      value: { written: true, problems: [] },
    });
    expect(readFileSync(file, "utf8")).toBe("# ours\nlog: {level: debug}\n");
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect([reloads, readdirSync(folder)]).toEqual([1, ["holdfast.yaml"]]);
  });

  test("that is only tried says what it would do, and does nothing", async () => {
    expect(await change("log.level", "debug", { apply: false })).toMatchObject({
      ok: true,
      value: { written: false, problems: [], applied: [{ key: "log.level" }], needsRestart: [] },
    });
    expect([readFileSync(file, "utf8"), reloads]).toEqual([before, 0]);
  });

  test.each([
    ["limits.ppp.restartMs", "5", "limits.ppp.restartMs"],
    ["log.level", "loud", "log.level"],
    ["addresses.pool", "[10.0.0.0/24, 10.0.0.300/24]", "addresses.pool[1]"],
    ["addresses.gateway", "banana", "addresses.gateway"],
  ])(
    "%s: %s is a problem at its key, with what helps, and nothing is written",
    async (key, text, at) => {
      const answer = await change(key, text);
      expect(answer).toMatchObject({
        ok: true,
        value: { written: false, problems: [{ key: at }] },
      });
      if (answer.ok) expect(answer.value.problems[0]?.remedy).not.toBe("");
      expect([readFileSync(file, "utf8"), reloads]).toEqual([before, 0]);
    },
  );

  test("that the running server cannot take on is taken back", async () => {
    outcome = adminFault("trouble", "not-applied", "nft failed", "see the log");
    expect(await change("log.level", "debug")).toMatchObject({ reason: "not-applied" });
    expect(readFileSync(file, "utf8")).toBe(before);
    // Once with the new file, once with the old one: some of the new may have come into force.
    expect(reloads).toBe(2);
  });

  test("that is refused while somebody else writes leaves their file alone", async () => {
    outcome = adminFault("trouble", "not-applied", "nft failed", "see the log");
    meanwhile = () => writeFileSync(file, "log: {level: warn}\n");
    expect(await change("log.level", "debug")).toMatchObject({ reason: "not-applied" });
    expect(readFileSync(file, "utf8")).toBe("log: {level: warn}\n");
  });

  test("waits for the one before, and is judged by what that left", async () => {
    const editor = editorOf(file);
    const fields = editor.fields();
    if (!fields.ok) throw new Error(fields.message);
    const { digest } = fields.value;
    const [first, second] = await Promise.all(
      ["debug", "error"].map((text) =>
        editor.change({ digest, apply: true, changes: [{ key: "log.level", text }] }),
      ),
    );
    expect([first, second]).toMatchObject([{ ok: true }, { reason: "changed-meanwhile" }]);
    expect(readFileSync(file, "utf8")).toBe("# ours\nlog: {level: debug}\n");
  });

  test("of a file that is another by now is refused", async () => {
    expect(await change("log.level", "debug", { digest: "of an hour ago" })).toMatchObject({
      ok: false,
      reason: "changed-meanwhile",
    });
    expect([readFileSync(file, "utf8"), reloads]).toEqual([before, 0]);
  });

  test("is on disk under the file's name: its folder is synced after it was put there", async () => {
    synced.length = 0;
    await change("log.level", "debug");
    expect(synced).toEqual(["file", "folder, file in place"]);
  });

  test("of a file that the server could not give back to its owner is not offered", () => {
    const writable = () => {
      const fields = editorOf(file).fields();
      return fields.ok && fields.value.writable;
    };
    const { uid, gid } = statSync(file);
    const as = (user: number, group: number, groups: number[]) => {
      vi.spyOn(process, "geteuid").mockReturnValue(user);
      vi.spyOn(process, "getegid").mockReturnValue(group);
      vi.spyOn(process, "getgroups").mockReturnValue(groups);
      const answer = writable();
      vi.restoreAllMocks();
      return answer;
    };
    const another = uid + 4_711;
    chownTo(another);
    expect(as(another, gid, [])).toBe(true);
    expect(as(another, gid + 1, [gid])).toBe(true);
    expect(as(another, gid + 1, [gid + 2])).toBe(false);
    expect(as(another + 1, gid, [gid])).toBe(false);
    expect(as(0, 0, [])).toBe(true);
  });

  test("of a server without a file is refused, with what to do", async () => {
    const changes = [{ key: "log.level", text: "debug" }];
    const none = editorOf(undefined);
    expect(none.fields()).toMatchObject({ ok: true, value: { file: null, writable: false } });
    const refused = await none.change({ digest: "", apply: true, changes });
    expect(refused).toMatchObject({ ok: false, reason: "no-file" });
  });
});
