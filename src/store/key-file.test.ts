import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  installSuccessor,
  openKey,
  placeFault,
  readKeyFile,
  successorPath,
  writeExclusively,
  writeSuccessor,
} from "./key-file.js";

const folder = mkdtempSync(join(tmpdir(), "holdfast-keys-"));
afterAll(() => rmSync(folder, { recursive: true }));
let number = 0;
function keys(): string {
  const path = join(folder, String(++number));
  mkdirSync(path);
  return join(path, "key");
}
const me = process.geteuid!();

function made(): { path: string; id: number } {
  const path = keys();
  const read = openKey(path, me, undefined);
  if (!read.ok) throw new Error(read.message);
  return { path, id: read.key.id };
}
const reason = (path: string, sealedWith: number | undefined = 1, owner = me) => {
  const read = openKey(path, owner, sealedWith);
  return read.ok ? "ok" : read.reason;
};

describe("key file", () => {
  it("made for a new database: 0600, of the caller, one key, nothing left beside it", () => {
    const { path } = made();
    const { mode, uid } = statSync(path);
    expect(mode & 0o777).toBe(0o600);
    expect(uid).toBe(me);
    expect(readFileSync(path, "utf8")).toMatch(/^holdfast-key 1 [0-9a-f]{64}\n$/);
    expect(readdirSync(join(path, ".."))).toEqual(["key"]);
  });
  it("made 0600 whatever the umask", () => {
    const path = keys();
    const before = process.umask(0);
    try {
      expect(openKey(path, me, undefined).ok).toBe(true);
    } finally {
      process.umask(before);
    }
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
  it("is read again as the same key", () => {
    const { path } = made();
    expect(openKey(path, me, 1)).toEqual(openKey(path, me, undefined));
  });
  it("missing over data: an error with the remedy, and no new key", () => {
    const path = keys();
    const read = openKey(path, me, 1);
    expect(read).toMatchObject({ ok: false, reason: "key-missing" });
    expect(!read.ok && read.remedy).toMatch(/backup/);
    expect(existsSync(path)).toBe(false);
  });
  it.each([0o640, 0o604, 0o620, 0o602, 0o601])(
    "mode %o: refused, with chmod in the remedy",
    (mode) => {
      const { path } = made();
      chmodSync(path, mode);
      const read = readKeyFile(path, me);
      expect(read).toMatchObject({ ok: false, reason: "key-exposed" });
      expect(!read.ok && read.remedy).toContain("chmod 600");
    },
  );
  it("of another user: refused", () => {
    const { path } = made();
    expect(reason(path, 1, me + 1)).toBe("key-owner");
  });
  it.runIf(me === 0)("given to another user: refused", () => {
    const { path } = made();
    chownSync(path, 65_534, 65_534);
    expect(reason(path)).toBe("key-owner");
  });
  it("a symbolic link, a directory, rubbish, an empty file: refused, not followed, not replaced", () => {
    const { path } = made();
    const link = keys();
    symlinkSync(path, link);
    expect(reason(link)).toBe("key-damaged");
    const directory = keys();
    mkdirSync(directory, { mode: 0o700 });
    expect(reason(directory, undefined)).toBe("key-damaged");
    for (const content of [
      "",
      "rubbish\n",
      `holdfast-key 1 ${"0".repeat(63)}\n`,
      "x".repeat(999),
    ]) {
      const file = keys();
      writeFileSync(file, content, { mode: 0o600 });
      expect(reason(file, undefined)).toBe("key-damaged");
      expect(readFileSync(file, "utf8")).toBe(content);
    }
  });
  it("a key of another number than the data's: refused", () => {
    const { path } = made();
    expect(reason(path, 2)).toBe("key-wrong");
  });
  it("in or under the database's directory: refused; beside it fine", () => {
    const db = join(folder, "db");
    mkdirSync(join(db, "sub"), { recursive: true });
    mkdirSync(join(folder, "db-keys"));
    expect(placeFault(join(db, "key"), join(db, "x.db"))?.reason).toBe("key-place");
    expect(placeFault(join(db, "sub/key"), join(db, "x.db"))?.reason).toBe("key-place");
    expect(placeFault(join(folder, "db-keys/key"), join(db, "x.db"))).toBeUndefined();
    symlinkSync(db, join(folder, "link"));
    expect(placeFault(join(folder, "link/key"), join(db, "x.db"))?.reason).toBe("key-place");
  });
  it("nothing is ever written over", () => {
    const { path } = made();
    expect(() => writeExclusively(path, "x")).toThrow(/EEXIST/);
  });
});

describe("a rotation that is cut off", () => {
  function rotating() {
    const { path } = made();
    const before = openKey(path, me, 1);
    if (!before.ok) throw new Error("no key");
    const after = writeSuccessor(path, before.key);
    return { path, before: before.key, after };
  }
  it("before the rows were committed: the old key stays, the new one is removed", () => {
    const { path, before } = rotating();
    expect(openKey(path, me, 1)).toEqual({ ok: true, key: before });
    expect(existsSync(successorPath(path))).toBe(false);
  });
  it("after the rows were committed: the new key takes its place", () => {
    const { path, after } = rotating();
    expect(openKey(path, me, 2)).toEqual({ ok: true, key: after });
    expect(existsSync(successorPath(path))).toBe(false);
    expect(readKeyFile(path, me)).toEqual({ ok: true, key: after });
  });
  it("after the file was put in place: nothing to do", () => {
    const { path, after } = rotating();
    installSuccessor(path);
    expect(openKey(path, me, 2)).toEqual({ ok: true, key: after });
  });
  it("the successor is checked like any key file", () => {
    const { path } = rotating();
    chmodSync(successorPath(path), 0o644);
    expect(reason(path, 2)).toBe("key-exposed");
  });
  it("one left over is replaced by the next rotation", () => {
    const { path, before, after } = rotating();
    const again = writeSuccessor(path, before);
    expect(again.id).toBe(2);
    expect(again.octets).not.toEqual(after.octets);
  });
});
