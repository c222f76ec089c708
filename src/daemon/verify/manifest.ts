// The manifest of a package: a digest of every file that is shipped, made by the build, and what an
// installation is compared with. A signature over it says where it comes from; without one it says only
// that the files belong together.
import { createHash, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { verification as limits } from "../../limits/bulletin.js";

export const manifestPath = "dist/manifest.json";
export const signaturePath = "dist/manifest.sig";

const manifestSchema = z.strictObject({
  format: z.literal(1),
  name: z.string().max(214),
  version: z.string().max(64),
  /** SHA-256 in hexadecimal, by path below the package's own directory. */
  files: z.record(z.string().max(1_024), z.string().regex(/^[0-9a-f]{64}$/)),
});

export type Manifest = z.output<typeof manifestSchema>;

export type FileFault = {
  readonly path: string;
  readonly fault: "altered" | "missing" | "extra" | "not a plain file";
};

/** `unsigned`, `unchecked`: there is none, or no key was given to check it by. */
export type Origin =
  | { readonly state: "proven"; readonly key: string }
  | { readonly state: "unsigned" | "unchecked" | "wrong" };

export type FilesVerdict =
  | {
      readonly ok: true;
      readonly name: string;
      readonly version: string;
      readonly files: number;
      readonly faults: readonly FileFault[];
      /** There were more than are listed. */
      readonly more: number;
      readonly origin: Origin;
    }
  | { readonly ok: false; readonly message: string };

const packageSchema = z.object({
  name: z.string(),
  version: z.string(),
  files: z.array(z.string()).default([]),
});

function packageOf(root: string): z.output<typeof packageSchema> {
  return packageSchema.parse(JSON.parse(readFileSync(join(root, "package.json"), "utf8")));
}

/** Paths that the package ships, but for the manifest itself; other kinds of file than plain ones too. */
function shippedPaths(root: string, entries: readonly string[]): string[] {
  const found: string[] = [];
  const walk = (path: string) => {
    const stat = lstatSync(join(root, path), { throwIfNoEntry: false });
    if (stat === undefined) return;
    if (!stat.isDirectory()) return void found.push(path);
    for (const name of readdirSync(join(root, path)).sort()) walk(`${path}/${name}`);
  };
  for (const entry of entries) walk(entry);
  const own = [manifestPath, signaturePath];
  return found.filter((path) => !own.includes(path));
}

function digestOf(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

/** Writes it, and its signature where there is a key (ed25519, PEM); returns how many files are in it. */
export function writeManifest(root: string, key: KeyObject | undefined): number {
  const { name, version, files: entries } = packageOf(root);
  const files: Record<string, string> = {};
  for (const path of shippedPaths(root, ["package.json", ...entries])) {
    if (!lstatSync(join(root, path)).isFile()) throw new Error(`${path} is no plain file`);
    files[path] = digestOf(join(root, path));
  }
  const made: Manifest = { format: 1, name, version, files };
  const text = `${JSON.stringify(made, undefined, 1)}\n`;
  writeFileSync(join(root, manifestPath), text);
  if (key !== undefined) {
    const signature = sign(null, Buffer.from(text), key).toString("base64");
    writeFileSync(join(root, signaturePath), `${signature}\n`);
  }
  return Object.keys(files).length;
}

/** `key`: PEM of whom the release is from. */
export function verifyFiles(root: string, key: string | undefined): FilesVerdict {
  let octets: Buffer;
  let manifest: Manifest;
  let entries: readonly string[];
  try {
    octets = readFileSync(join(root, manifestPath));
    manifest = manifestSchema.parse(JSON.parse(octets.toString("utf8")));
    // What the manifest covers is its own word: package.json may be the file that was altered.
    entries = [...new Set(Object.keys(manifest.files).map((path) => path.split("/")[0] ?? ""))];
  } catch (error) {
    const why = error instanceof z.ZodError ? "it is no manifest" : String(error);
    return { ok: false, message: `${manifestPath} cannot be used: ${why}` };
  }
  const { name, version, files } = manifest;
  const faults: FileFault[] = [];
  const present = new Set(shippedPaths(root, entries));
  for (const [path, digest] of Object.entries(files)) {
    if (!present.delete(path)) faults.push({ path, fault: "missing" });
    else if (!lstatSync(join(root, path)).isFile())
      faults.push({ path, fault: "not a plain file" });
    else if (digestOf(join(root, path)) !== digest) faults.push({ path, fault: "altered" });
  }
  for (const path of present) faults.push({ path, fault: "extra" });
  const shown = faults.slice(0, limits.faultsShownMax);
  const more = faults.length - shown.length;
  const count = Object.keys(files).length;
  const origin = originOf(root, octets, key);
  return { ok: true, name, version, files: count, faults: shown, more, origin };
}

function originOf(root: string, manifest: Buffer, key: string | undefined): Origin {
  let signature: Buffer | undefined;
  try {
    signature = Buffer.from(readFileSync(join(root, signaturePath), "utf8"), "base64");
  } catch {
    return { state: "unsigned" };
  }
  if (key === undefined) return { state: "unchecked" };
  let publicKey: KeyObject;
  try {
    publicKey = createPublicKey(key);
  } catch {
    return { state: "wrong" };
  }
  if (publicKey.asymmetricKeyType !== "ed25519") return { state: "wrong" };
  if (!verify(null, manifest, publicKey, signature)) return { state: "wrong" };
  return { state: "proven", key: fingerprintOf(publicKey) };
}

/** SHA-256 of the key's own DER, as `openssl pkey -pubin -outform DER | sha256sum` prints it. */
function fingerprintOf(key: KeyObject): string {
  return createHash("sha256")
    .update(key.export({ type: "spki", format: "der" }))
    .digest("hex");
}
