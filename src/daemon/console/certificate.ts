// The console's certificate: a given one, or one that openssl makes for this host, kept in the state
// directory, its key 0600. Nobody else's word stands for the latter: compare its fingerprint.
import { createPrivateKey, X509Certificate } from "node:crypto";
import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { isIP } from "node:net";
import { describeOsError, isOsError } from "../../os/errors.js";
import { withoutCapabilities } from "../../os/privileges.js";
import { findProgram, runProgram } from "../../os/programs.js";

export type Certificate = { readonly cert: string; readonly key: string };

export type CertificateFault = { readonly message: string; readonly remedy: string };

const days = 825;
/** One that ends within a month is made anew at the start. */
const renewMs = 30 * 86_400_000;

export function givenCertificate(files: {
  readonly certificate: string;
  readonly key: string;
}): Certificate | CertificateFault {
  try {
    const found = {
      cert: readFileSync(files.certificate, "utf8"),
      key: readFileSync(files.key, "utf8"),
    };
    const ofCertificate = new X509Certificate(found.cert);
    if (ofCertificate.checkPrivateKey(createPrivateKey(found.key))) return found;
    const message = `${files.key} is not the key of ${files.certificate}`;
    return { message, remedy: "name the two that belong together" };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const message = `the console's certificate cannot be used: ${why}`;
    return {
      message,
      remedy: "console.certificate and console.key name PEM files the server may read",
    };
  }
}

export async function ownCertificate(
  paths: { readonly certificate: string; readonly key: string },
  names: readonly string[],
  nowMs: number,
): Promise<Certificate | CertificateFault> {
  if (existsSync(paths.certificate) && existsSync(paths.key)) {
    const found = givenCertificate(paths);
    if ("cert" in found && isFresh(found.cert, names, nowMs)) return found;
  }
  const openssl = findProgram("openssl");
  if (openssl === undefined) {
    const message = "the console needs a certificate, and openssl is not there to make one";
    return { message, remedy: "install openssl, or give console.certificate and console.key" };
  }
  const prefix = withoutCapabilities([]);
  if (isOsError(prefix)) return { message: describeOsError(prefix), remedy: "install util-linux" };
  const made = { certificate: `${paths.certificate}.new`, key: `${paths.key}.new` };
  for (const path of Object.values(made)) rmSync(path, { force: true });
  // openssl makes a key's file 0600 itself.
  const ended = await runProgram([
    ...prefix,
    ...[openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    ...["-noenc", "-days", String(days), "-subj", "/CN=holdfast console"],
    ...["-addext", `subjectAltName=${names.map(alternative).join(",")}`],
    ...["-addext", "extendedKeyUsage=serverAuth", "-keyout", made.key, "-out", made.certificate],
  ]);
  if (isOsError(ended) || ended.code !== 0) {
    const why = isOsError(ended) ? ended.errno : ended.stderr.split("\n")[0];
    const message = `openssl made no certificate for the console (${why})`;
    return { message, remedy: "give console.certificate and console.key" };
  }
  renameSync(made.key, paths.key);
  renameSync(made.certificate, paths.certificate);
  return givenCertificate(paths);
}

/** As browsers and `openssl x509 -fingerprint -sha256` show it. */
export function fingerprintOf(cert: string): string {
  return new X509Certificate(cert).fingerprint256;
}

/** Unix ms. */
export function endOf(cert: string): number {
  return Date.parse(new X509Certificate(cert).validTo);
}

function isFresh(cert: string, names: readonly string[], nowMs: number): boolean {
  const { subjectAltName = "" } = new X509Certificate(cert);
  const named = subjectAltName.split(", ");
  const wanted = names.map((name) => alternative(name).replace(/^IP:/, "IP Address:"));
  return endOf(cert) - nowMs > renewMs && wanted.every((name) => named.includes(name));
}

function alternative(name: string): string {
  return isIP(name) === 0 ? `DNS:${name}` : `IP:${name}`;
}
