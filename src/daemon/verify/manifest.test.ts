import { generateKeyPairSync } from "node:crypto";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { verification as limits } from "../../limits/bulletin.js";
import { manifestPath, signaturePath, verifyFiles, writeManifest } from "./manifest.js";

const release = generateKeyPairSync("ed25519");
const other = generateKeyPairSync("ed25519");
const pem = ({ publicKey }: typeof release) =>
  publicKey.export({ type: "spki", format: "pem" }) as string;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "holdfast-manifest-"));
  mkdirSync(join(root, "dist/web"), { recursive: true });
  mkdirSync(join(root, "node_modules/x"), { recursive: true });
  const own = { name: "holdfast", version: "1.2.3", files: ["dist", "README.md", "gone.md"] };
  writeFileSync(join(root, "package.json"), JSON.stringify(own));
  for (const path of ["dist/a.js", "dist/web/b.js", "README.md", "node_modules/x/c.js"]) {
    writeFileSync(join(root, path), path);
  }
});
afterEach(() => rmSync(root, { recursive: true }));

function faults(key?: string): string[] {
  const found = verifyFiles(root, key);
  if (!found.ok) return [found.message];
  return found.faults.map(({ path, fault }) => `${fault} ${path}`);
}
function origin(key?: string): string {
  const found = verifyFiles(root, key);
  return found.ok ? found.origin.state : found.message;
}

describe("files against their manifest", () => {
  test("untouched: none is wrong; what is not shipped is not looked at", () => {
    expect(writeManifest(root, undefined)).toBe(4);
    writeFileSync(join(root, "node_modules/x/c.js"), "changed");
    writeFileSync(join(root, "notes.txt"), "mine");
    expect(faults()).toEqual([]);
    expect(verifyFiles(root, undefined)).toMatchObject({ version: "1.2.3", files: 4 });
  });

  test.each([
    [
      "altered by an octet",
      () => appendFileSync(join(root, "dist/a.js"), "x"),
      "altered dist/a.js",
    ],
    ["missing", () => rmSync(join(root, "dist/web/b.js")), "missing dist/web/b.js"],
    ["extra", () => writeFileSync(join(root, "dist/web/z.js"), ""), "extra dist/web/z.js"],
    [
      "extra, that package.json now ships",
      () => {
        const own = { name: "holdfast", version: "1.2.3", files: ["dist", "README.md", "evil"] };
        writeFileSync(join(root, "package.json"), JSON.stringify(own));
      },
      "altered package.json",
    ],
    [
      "a link in a file's place",
      () => {
        rmSync(join(root, "dist/a.js"));
        symlinkSync("web/b.js", join(root, "dist/a.js"));
      },
      "not a plain file dist/a.js",
    ],
  ])("one that is %s", (_what, change, said) => {
    writeManifest(root, undefined);
    change();
    expect(faults()).toEqual([said]);
  });

  test("more than are listed are a number", () => {
    writeManifest(root, undefined);
    for (let i = 0; i < limits.faultsShownMax + 7; i++) {
      writeFileSync(join(root, `dist/${i}.js`), "");
    }
    const found = verifyFiles(root, undefined);
    expect(found).toMatchObject({ more: 7 });
    expect(faults()).toHaveLength(limits.faultsShownMax);
  });

  test.each([
    ["none", () => rmSync(join(root, manifestPath))],
    ["no JSON", () => writeFileSync(join(root, manifestPath), "{")],
    ["another shape", () => writeFileSync(join(root, manifestPath), '{"format":2}')],
  ])("a manifest that is %s cannot be used", (_what, change) => {
    writeManifest(root, undefined);
    change();
    expect(faults()).toEqual([expect.stringContaining("dist/manifest.json cannot be used")]);
  });
});

describe("where they come from", () => {
  test("unsigned, unchecked, proven", () => {
    writeManifest(root, undefined);
    expect([origin(), origin(pem(release))]).toEqual(["unsigned", "unsigned"]);
    writeManifest(root, release.privateKey);
    expect([origin(), origin(pem(release))]).toEqual(["unchecked", "proven"]);
    expect(faults(pem(release))).toEqual([]);
  });

  test("another key, another kind of key, a changed manifest, a changed signature: wrong", () => {
    writeManifest(root, release.privateKey);
    const kinds = generateKeyPairSync("rsa", { modulusLength: 2_048 });
    expect(origin(pem(other))).toBe("wrong");
    expect(origin(pem(kinds))).toBe("wrong");
    expect(origin("-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----")).toBe("wrong");
    const signed = readFileSync(join(root, signaturePath));
    appendFileSync(join(root, manifestPath), " ");
    expect(origin(pem(release))).toBe("wrong");
    writeManifest(root, release.privateKey);
    writeFileSync(join(root, signaturePath), `${signed.toString().slice(4)}`);
    expect(origin(pem(release))).toBe("wrong");
  });

  test("who alters a file and its manifest cannot sign it", () => {
    writeManifest(root, release.privateKey);
    const signed = readFileSync(join(root, signaturePath));
    appendFileSync(join(root, "dist/a.js"), "x");
    writeManifest(root, undefined);
    writeFileSync(join(root, signaturePath), signed);
    expect(faults(pem(release))).toEqual([]);
    expect(origin(pem(release))).toBe("wrong");
  });
});
