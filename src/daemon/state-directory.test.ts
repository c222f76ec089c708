import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  chooseStateDirectory,
  faultOfDirectory,
  prepareStateDirectory,
  type Surroundings,
  socketFault,
  statePaths,
} from "./state-directory.js";

const around = (more: Partial<Surroundings> = {}): Surroundings => ({
  environment: {},
  uid: 1000,
  cwd: "/home/ann",
  serviceUid: 990,
  ownerOf: () => undefined,
  ...more,
});

const owned =
  (owners: Record<string, number>) =>
  (directory: string): number | undefined =>
    owners[directory];

describe("which directory is meant", () => {
  test.each([
    [
      "--state wins",
      "/srv/a",
      "/srv/b",
      around({ environment: { STATE_DIRECTORY: "/c" } }),
      "/srv/a",
    ],
    ["--state is relative to here", "a", undefined, around(), "/home/ann/a"],
    ["then the configuration's", undefined, "/srv/b", around(), "/srv/b"],
    [
      "then HOLDFAST_STATE",
      undefined,
      undefined,
      around({ environment: { HOLDFAST_STATE: "/d", STATE_DIRECTORY: "/c" } }),
      "/d",
    ],
    [
      "then the unit's, the first of several",
      undefined,
      undefined,
      around({ environment: { STATE_DIRECTORY: "/var/lib/holdfast:/x" } }),
      "/var/lib/holdfast",
    ],
    ["the service's user", undefined, undefined, around({ uid: 990 }), "/var/lib/holdfast"],
    [
      "npm start, whoever it is",
      undefined,
      undefined,
      around({
        uid: 0,
        environment: { npm_lifecycle_event: "start" },
        ownerOf: owned({ "/var/lib/holdfast": 990 }),
      }),
      "/home/ann/.holdfast",
    ],
    ["nothing anywhere: here", undefined, undefined, around(), "/home/ann/.holdfast"],
    [
      "a service's, seen from elsewhere",
      undefined,
      undefined,
      around({ uid: 0, ownerOf: owned({ "/var/lib/holdfast": 990 }) }),
      "/var/lib/holdfast",
    ],
    [
      "one's own here before the service's",
      undefined,
      undefined,
      around({ ownerOf: owned({ "/home/ann/.holdfast": 1000, "/var/lib/holdfast": 990 }) }),
      "/home/ann/.holdfast",
    ],
    [
      "root: the service's user's here",
      undefined,
      undefined,
      around({ uid: 0, ownerOf: owned({ "/home/ann/.holdfast": 990 }) }),
      "/home/ann/.holdfast",
    ],
    [
      "root: a number's that nobody logs in as",
      undefined,
      undefined,
      around({ uid: 0, ownerOf: owned({ "/home/ann/.holdfast": 61_500 }) }),
      "/home/ann/.holdfast",
    ],
    [
      "root: one that another user laid in the way is not taken",
      undefined,
      undefined,
      around({ uid: 0, ownerOf: owned({ "/home/ann/.holdfast": 1000 }) }),
      "/var/lib/holdfast",
    ],
  ])("%s", (_what, option, configured, where, expected) => {
    expect(chooseStateDirectory(option, configured, where)).toBe(expected);
  });
});

describe("making it", () => {
  let base: string;
  const uid = process.getuid?.() ?? 0;
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), "holdfast-state-"));
  });
  afterEach(() => rmSync(base, { recursive: true }));

  test("everything is closed to others, whatever the umask", () => {
    const paths = statePaths(join(base, "deep", "state"));
    const mask = process.umask(0);
    expect(prepareStateDirectory(paths, uid)).toBeUndefined();
    process.umask(mask);
    for (const path of [paths.directory, paths.databaseDirectory, paths.keysDirectory]) {
      expect(statSync(path).mode & 0o777).toBe(0o700);
    }
    expect(prepareStateDirectory(paths, uid)).toBeUndefined();
  });

  test("open to others: refused with the remedy, and not changed", () => {
    const paths = statePaths(base);
    prepareStateDirectory(paths, uid);
    chmodSync(paths.keysDirectory, 0o750);
    expect(prepareStateDirectory(paths, uid)).toEqual({
      path: paths.keysDirectory,
      fault: "others may enter it (mode 0750)",
      remedy: `chmod 700 ${paths.keysDirectory}`,
    });
    expect(statSync(paths.keysDirectory).mode & 0o777).toBe(0o750);
  });

  test("another's, a file in its place, a place that cannot be made", () => {
    expect(faultOfDirectory(base, uid + 1)?.fault).toContain(`the server runs as ${uid + 1}`);
    writeFileSync(join(base, "file"), "");
    expect(faultOfDirectory(join(base, "file"), uid)?.fault).toBe("it is no directory");
    expect(prepareStateDirectory(statePaths("/proc/no/where"), uid)?.fault).toContain("cannot be");
    mkdirSync(join(base, "state"), 0o700);
    writeFileSync(join(base, "state", "keys"), "");
    expect(prepareStateDirectory(statePaths(join(base, "state")), uid)?.path).toContain("keys");
  });

  test("a path too long for a socket is said before anything listens", () => {
    expect(socketFault(statePaths("/var/lib/holdfast"))).toBeUndefined();
    expect(socketFault(statePaths(`/${"x".repeat(120)}`))?.remedy).toContain("shorter --state");
  });
});
