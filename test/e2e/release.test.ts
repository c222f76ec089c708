// `npm run release` in a copy of this tree: what it packs is proven by the releaser's public key and by no other,
// what was altered afterwards is found, and a key that is none, another's to read or in the tree signs nothing.
import { execFileSync, spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");

let scratch: string;
let tree: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "holdfast-release-test-"));
  tree = join(scratch, "tree");
  const words = ["ls-files", "-co", "--exclude-standard", "-z", ":!test", ":!benchmarks/results"];
  const files = execFileSync("git", words, { cwd: root, encoding: "utf8" }).split("\0");
  for (const file of files.filter((one) => one !== "")) {
    mkdirSync(dirname(join(tree, file)), { recursive: true });
    cpSync(join(root, file), join(tree, file));
  }
  symlinkSync(join(root, "node_modules"), join(tree, "node_modules"));
  const identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"];
  writeFileSync(join(tree, ".git-exclude"), "node_modules\ndist\n.git-exclude\n");
  const git = (...more: string[]) =>
    execFileSync("git", [...identity, "-c", `core.excludesFile=${tree}/.git-exclude`, ...more], {
      cwd: tree,
      stdio: "ignore",
    });
  git("init", "-q");
  git("config", "core.excludesFile", join(tree, ".git-exclude"));
  git("add", "-A");
  git("commit", "-qm", "a copy");
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function keys(name: string, kind: "ed25519" | "ed448" = "ed25519", at = scratch) {
  const made = generateKeyPairSync(kind as "ed25519");
  const files = { own: join(at, `${name}.key`), shown: join(scratch, `${name}.pem`) };
  writeFileSync(files.own, made.privateKey.export({ type: "pkcs8", format: "pem" }), {
    mode: 0o600,
  });
  writeFileSync(files.shown, made.publicKey.export({ type: "spki", format: "pem" }));
  return files;
}

function release(...words: string[]) {
  const all = [".ci/release.mjs", "--out", join(scratch, "out"), ...words];
  const ended = spawnSync(process.execPath, all, { cwd: tree, encoding: "utf8" });
  return { code: ended.status, text: `${ended.stdout}${ended.stderr}` };
}

describe("refused, with nothing packed", () => {
  test.each([
    ["no key", () => [], /no key was named/],
    [
      "a key that is not there",
      () => ["--key", join(scratch, "none")],
      /no private key \(ENOENT\)/,
    ],
    ["a public key", () => ["--key", keys("public").shown], /holds no private key/],
    [
      "a key of another kind",
      () => ["--key", keys("other", "ed448").own],
      /of ed448, not of ed255/,
    ],
    [
      "a key that others may use",
      () => {
        const { own } = keys("open");
        chmodSync(own, 0o640);
        return ["--key", own];
      },
      /others may use .*\nRemedy: chmod 600 /,
    ],
    ["a key in the tree", () => ["--key", keys("inside", "ed25519", tree).own], /lies in the tree/],
  ])("%s", (_what, words, says) => {
    const { code, text } = release(...words());
    rmSync(join(tree, "inside.key"), { force: true });
    expect([code, text]).toEqual([2, expect.stringMatching(says)]);
    expect(() => readdirSync(join(scratch, "out"))).toThrow("ENOENT");
  });

  test("a tree with a change that is not committed", () => {
    const { own } = keys("clean");
    const file = join(tree, "LICENSE");
    appendFileSync(file, "\n");
    const { code, text } = release("--key", own);
    execFileSync("git", ["checkout", "-q", "LICENSE"], { cwd: tree });
    expect([code, text]).toEqual([
      2,
      expect.stringMatching(/not everything is committed:\n *M LICE/),
    ]);
  });
});

test("a release: proven by its public key, by no other, and not once it is altered", () => {
  const [releaser, other] = [keys("releaser"), keys("stranger")];
  const { code, text } = release("--key", releaser.own);
  expect([code, text]).toEqual([0, expect.stringMatching(/^origin: consistent, origin proven: /m)]);
  const [packed = ""] = readdirSync(join(scratch, "out"));
  expect(text).toContain(packed);
  execFileSync("tar", ["-xzf", join(scratch, "out", packed), "-C", scratch]);
  const installed = join(scratch, "package");
  symlinkSync(join(root, "node_modules"), join(installed, "node_modules"));
  const verify = (key: string) => {
    const words = ["dist/cli/main.js", "verify", "--key", key, "--state", join(scratch, "state")];
    const ended = spawnSync(process.execPath, words, { cwd: installed, encoding: "utf8" });
    return { code: ended.status, text: ended.stdout };
  };
  mkdirSync(join(scratch, "state"), { mode: 0o700 });
  expect(verify(releaser.shown)).toEqual({ code: 0, text: expect.stringContaining("proven: sig") });
  expect(verify(other.shown)).toEqual({ code: 7, text: expect.stringContaining("IS WRONG") });
  appendFileSync(join(installed, "dist/cli/main.js"), "\n");
  expect(verify(releaser.shown)).toEqual({
    code: 7,
    text: expect.stringContaining("ALTERED: dist/cli/main.js"),
  });
  // The key itself went nowhere.
  const [, line = ""] = readFileSync(releaser.own, "utf8").split("\n");
  expect(line.length).toBeGreaterThan(40);
  const looked = spawnSync("grep", ["-rlF", line, installed, join(tree, "dist")]);
  expect([looked.status, looked.stdout.toString()]).toEqual([1, ""]);
}, 240_000);
