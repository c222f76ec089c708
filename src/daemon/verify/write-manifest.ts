// The build's last step: the manifest of what it made, signed where HOLDFAST_RELEASE_KEY names the
// release's private key (ed25519, PEM).
import { createPrivateKey } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { signaturePath, writeManifest } from "./manifest.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const keyFile = process.env.HOLDFAST_RELEASE_KEY;
const key =
  keyFile === undefined || keyFile === ""
    ? undefined
    : createPrivateKey(readFileSync(keyFile, "utf8"));
if (key !== undefined && key.asymmetricKeyType !== "ed25519") {
  throw new Error(`${keyFile} is no ed25519 key: openssl genpkey -algorithm ed25519 makes one`);
}
rmSync(join(root, signaturePath), { force: true });
const files = writeManifest(root, key);
process.stdout.write(`manifest of ${files} files, ${key === undefined ? "unsigned" : "signed"}\n`);
