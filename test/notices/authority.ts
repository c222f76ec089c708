// A certificate authority of the test's own, by openssl: certificates for a name, for a time, and one that it
// did not sign.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const utc = (ms: number) => `${new Date(ms).toISOString().replaceAll(/[-:T]/g, "").slice(0, 14)}Z`;
const dayMs = 86_400_000;

export type Made = { readonly key: string; readonly cert: string };

export class Authority {
  readonly file: string;
  readonly #key: string;
  #made = 0;

  constructor(readonly directory: string) {
    [this.#key, this.file] = [join(directory, "ca.key"), join(directory, "ca.pem")];
    const words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
    const more = ["-nodes", "-subj", "/CN=Test CA", "-days", "2"];
    this.#openssl(...words, ...more, "-keyout", this.#key, "-out", this.file);
    writeFileSync(join(directory, "index"), "");
    writeFileSync(join(directory, "index.attr"), "unique_subject = no\n");
  }

  /** For `names` (`DNS:…`, `IP:…`), from `fromDays` to `toDays` from now. */
  issue(names: string, fromDays = -1, toDays = 1): Made {
    const stem = join(this.directory, `made-${this.#made++}`);
    const [key, request, cert] = [`${stem}.key`, `${stem}.csr`, `${stem}.pem`];
    const words = ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
    this.#openssl(...words, "-nodes", "-subj", "/CN=mail", "-keyout", key, "-out", request);
    const settings = `${stem}.conf`;
    writeFileSync(
      settings,
      [
        ...["[ca]", "default_ca = own", "[own]", `database = ${this.directory}/index`],
        ...[`new_certs_dir = ${this.directory}`, "default_md = sha256", "policy = any"],
        ...["rand_serial = yes", "x509_extensions = names", "[any]", "commonName = supplied"],
        ...["[names]", `subjectAltName = ${names}`, ""],
      ].join("\n"),
    );
    const now = Date.now();
    const times = [
      "-startdate",
      utc(now + fromDays * dayMs),
      "-enddate",
      utc(now + toDays * dayMs),
    ];
    const signer = ["-cert", this.file, "-keyfile", this.#key];
    const files = ["-in", request, "-out", cert, "-config", settings];
    this.#openssl("ca", "-batch", "-notext", ...times, ...signer, ...files);
    return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  }

  #openssl(...words: string[]): void {
    execFileSync("openssl", words, { stdio: ["ignore", "ignore", "pipe"] });
  }
}
