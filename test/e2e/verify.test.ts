// `holdfast verify` of the package as npm packs it, unpacked elsewhere: untouched, altered, with a file too
// few or too many, signed, wrongly signed, and with a weaker configuration.
import { execFileSync, spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { needRoot } from "../peers.js";
import { Scene } from "../trouble/scene.js";

const root = join(import.meta.dirname, "../..");

let scratch: string;
let packed: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "holdfast-verify-"));
  const words = ["pack", "--ignore-scripts", "--silent", "--pack-destination", scratch];
  const name = execFileSync("npm", words, { cwd: root, encoding: "utf8" })
    .trim()
    .split("\n")
    .at(-1);
  execFileSync("tar", ["-xzf", join(scratch, name ?? ""), "-C", scratch]);
  packed = join(scratch, "package");
  // This tree's documents may be newer than its build.
  symlinkSync(join(root, "node_modules"), join(packed, "node_modules"));
  const made = run([process.execPath, "dist/daemon/verify/write-manifest.js"], packed);
  if (made.code !== 0) throw new Error(made.text);
}, 120_000);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function run([program = "", ...words]: readonly string[], cwd: string, env = {}) {
  const ended = spawnSync(program, words, {
    cwd,
    encoding: "utf8",
    env: { ...process.env, HOLDFAST_RELEASE_KEY: "", ...env },
  });
  return { code: ended.status, text: `${ended.stdout}${ended.stderr}` };
}

let copies = 0;

class Installed {
  readonly at = join(scratch, `copy-${copies++}`, "holdfast");
  readonly state = join(this.at, "../state");

  constructor() {
    cpSync(packed, this.at, { recursive: true });
    mkdirSync(this.state, { mode: 0o700 });
  }

  verify(...words: string[]) {
    const command = [process.execPath, "dist/cli/main.js", "verify", "--state", this.state];
    return run([...command, ...words], this.at);
  }

  manifest(env: object) {
    return run([process.execPath, "dist/daemon/verify/write-manifest.js"], this.at, env);
  }
}

function keys(name: string) {
  const made = generateKeyPairSync("ed25519");
  const files = { own: join(scratch, `${name}.key`), shown: join(scratch, `${name}.pem`) };
  writeFileSync(files.own, made.privateKey.export({ type: "pkcs8", format: "pem" }));
  writeFileSync(files.shown, made.publicKey.export({ type: "spki", format: "pem" }));
  return files;
}

describe("holdfast verify", () => {
  test("as packed: consistent, origin not proven, no advisory against it: exit code 0", () => {
    const { code, text } = new Installed().verify();
    expect(text).toMatch(/^origin: consistent, origin not proven: the manifest is not signed$/m);
    expect(text).toMatch(/^ {2}HOLDFAST-2026-001 \(CVE-2001-0017\): not affected\. /m);
    expect(text).toMatch(/^configuration: the defaults: no server runs here$/m);
    expect(text).toContain("Nothing is wrong.");
    expect(code).toBe(0);
  });

  test.each([
    [
      "ALTERED: dist/worker/main.js",
      (at: string) => appendFileSync(join(at, "dist/worker/main.js"), "\n"),
    ],
    ["MISSING: dist/plane/lane.wasm", (at: string) => rmSync(join(at, "dist/plane/lane.wasm"))],
    [
      "EXTRA: dist/cli/preload.js",
      (at: string) => writeFileSync(join(at, "dist/cli/preload.js"), ""),
    ],
    ["ALTERED: package.json", (at: string) => appendFileSync(join(at, "package.json"), "\n")],
    [
      "MISSING: advisories/holdfast-2026-001.json",
      (at: string) => rmSync(join(at, "advisories/holdfast-2026-001.json")),
    ],
  ])("%s: exit code 7", (said, change) => {
    const installed = new Installed();
    change(installed.at);
    const { code, text } = installed.verify();
    expect(text).toContain(said);
    expect(text.match(/^ {2}(ALTERED|MISSING|EXTRA|NOT A)/gm)).toHaveLength(1);
    expect(text).toMatch(/^origin: NOT consistent, /m);
    expect(code).toBe(7);
  });

  test("signed at release: proven by its key, wrong by another, and nothing without one", () => {
    const [release, other] = [keys("release"), keys("other")];
    const installed = new Installed();
    expect(installed.verify("--key", release.shown)).toMatchObject({ code: 7 });
    expect(installed.manifest({ HOLDFAST_RELEASE_KEY: release.own }).text).toContain("signed");
    const proven = installed.verify("--key", release.shown);
    expect(proven.text).toMatch(/^origin: consistent, origin proven: .* [0-9a-f]{64}$/m);
    expect(proven.code).toBe(0);
    const unchecked = installed.verify();
    expect([unchecked.code, unchecked.text]).toEqual([0, expect.stringContaining("give --key")]);
    const wrong = installed.verify("--key", other.shown);
    expect([wrong.code, wrong.text]).toEqual([7, expect.stringContaining("SIGNATURE IS WRONG")]);
    // openssl says the same, with nothing of ours.
    const signature = join(scratch, "signature");
    const base64 = readFileSync(join(installed.at, "dist/manifest.sig"), "utf8");
    writeFileSync(signature, Buffer.from(base64, "base64"));
    const openssl = ["openssl", "pkeyutl", "-verify", "-pubin", "-rawin", "-sigfile", signature];
    const files = ["-inkey", release.shown, "-in", "dist/manifest.json"];
    expect(run([...openssl, ...files], installed.at).text).toContain("Verified Successfully");
  });

  test("an advisory that affects this version: exit code 8", () => {
    const installed = new Installed();
    const path = join(installed.at, "advisories/holdfast-2026-001.json");
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.replace('"known_not_affected": [', '"known_affected": ['));
    installed.manifest({});
    const { code, text: said } = installed.verify();
    expect([code, said]).toEqual([8, expect.stringContaining("THIS VERSION IS AFFECTED")]);
  });

  test("a weaker configuration: exit code 9, and what it should be; JSON says the same", () => {
    const installed = new Installed();
    const config = join(installed.state, "weak.yaml");
    writeFileSync(config, "guard: {block: false}\n");
    const { code, text } = installed.verify("--config", config);
    expect(text).toContain("RELIES ON guard.block: true");
    expect(code).toBe(9);
    const asJson = installed.verify("--config", config, "--json");
    expect(JSON.parse(asJson.text)).toMatchObject({
      files: { faults: [], origin: { state: "unsigned" } },
      advisories: [{ status: "known_not_affected", weakened: [{ key: "guard.block" }] }],
    });
  });

  test("no manifest: exit code 1 with the remedy; no key in the file: 2", () => {
    const installed = new Installed();
    const noKey = installed.verify("--key", join(installed.at, "README.md"));
    expect(noKey.code).toBe(2);
    rmSync(join(installed.at, "dist/manifest.json"));
    const { code, text } = installed.verify();
    expect([code, text]).toEqual([1, expect.stringContaining("install the package again")]);
  });
});

describe.runIf(needRoot())("beside a running server", () => {
  test("its configuration is judged, not the file's: weaker after a reload, sound after the next", async () => {
    await using scene = await Scene.started();
    const installed = new Installed();
    const verify = () => {
      const words = ["dist/cli/main.js", "verify", "--state", scene.state];
      return run([process.execPath, ...words], installed.at);
    };
    const reload = async (config: object) => {
      scene.configure(config);
      const before = verify().code;
      expect((await scene.cli(["reload"])).code).toBe(0);
      return before;
    };
    expect(verify()).toMatchObject({
      code: 0,
      text: expect.stringMatching(/^configuration: of the running server$/m),
    });
    // The file alone changes nothing.
    expect(await reload({ guard: { block: false } })).toBe(0);
    const weak = verify();
    expect(weak.text).toContain("RELIES ON guard.block: true");
    expect(weak.text).toMatch(/^configuration: of the running server$/m);
    expect(weak.code).toBe(9);
    expect(await reload({})).toBe(9);
    expect(verify().code).toBe(0);
  });
});
