// `npm run release -- --key FILE [--out DIR]`: builds what is committed, signs its manifest with the releaser's
// ed25519 key, packs it, and looks at the packed file as whoever installs it would. The key is read, never
// copied, and may not lie in the tree.
import { execFileSync } from "node:child_process";
import { createHash, createPrivateKey, createPublicKey } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = realpathSync(fileURLToPath(new URL("..", import.meta.url)));

/** Ends with what is wrong and what helps; nothing was packed. */
function refuse(message, remedy) {
  process.stderr.write(`release: ${message}\nRemedy: ${remedy}.\n`);
  process.exit(2);
}

function given() {
  try {
    return parseArgs({ options: { key: { type: "string" }, out: { type: "string" } } }).values;
  } catch (error) {
    return refuse(error.message, "npm run release -- --key FILE [--out DIR]");
  }
}

/** The releaser's private key: his alone, and of the one kind that `holdfast verify` knows. */
function keyOf(path) {
  if (path === undefined) refuse("no key was named", "npm run release -- --key FILE");
  let [place, stat, key] = [undefined, undefined, undefined];
  try {
    place = realpathSync(path);
    stat = statSync(place);
    key = createPrivateKey(readFileSync(place, "utf8"));
  } catch (error) {
    refuse(`${path} holds no private key (${error.code ?? error.message})`, "name a PEM file");
  }
  if (key.asymmetricKeyType !== "ed25519") {
    const remedy = `make one: openssl genpkey -algorithm ed25519 -out ${path}`;
    refuse(`${path} is a key of ${key.asymmetricKeyType}, not of ed25519`, remedy);
  }
  if ((stat.mode & 0o077) !== 0) refuse(`others may use ${path}`, `chmod 600 ${path}`);
  if (!relative(root, place).startsWith("..")) {
    refuse(`${path} lies in the tree, which is packed`, "keep the key elsewhere");
  }
  return { place, key };
}

function run(program, words, options = {}) {
  return execFileSync(program, words, { cwd: root, encoding: "utf8", ...options });
}

const { key: keyFile, out = "." } = given();
const { place, key } = keyOf(keyFile);
const changed = run("git", ["status", "--porcelain"]).trim();
if (changed !== "") {
  refuse(`not everything is committed:\n${changed}`, "commit it, or put it away");
}
const commit = run("git", ["rev-parse", "HEAD"]).trim();

run("npm", ["run", "build"], {
  stdio: ["ignore", "inherit", "inherit"],
  env: { ...process.env, HOLDFAST_RELEASE_KEY: place },
});
const target = resolve(out);
mkdirSync(target, { recursive: true });
const packed = run("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", target]);
const file = join(target, packed.trim().split("\n").at(-1));

const scratch = mkdtempSync(join(tmpdir(), "holdfast-release-"));
try {
  run("tar", ["-xzf", file, "-C", scratch]);
  const installed = join(scratch, "package");
  symlinkSync(join(root, "node_modules"), join(installed, "node_modules"));
  const shown = createPublicKey(key).export({ type: "spki", format: "pem" });
  const publicKey = join(scratch, "public.pem");
  writeFileSync(publicKey, shown);
  const words = ["dist/cli/main.js", "verify", "--key", publicKey, "--state", scratch];
  process.stdout.write(run(process.execPath, words, { cwd: installed }));
  const digest = createHash("sha256").update(readFileSync(file)).digest("hex");
  process.stdout.write(
    `released  ${file}\nSHA-256   ${digest}\ncommit    ${commit}\npublic key, to be told elsewhere:\n${shown}`,
  );
} catch (error) {
  rmSync(file, { force: true });
  process.stderr.write(`release: the packed file is not sound\n${error.stdout ?? error}\n`);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
