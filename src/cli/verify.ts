// holdfast verify: whether this installation has every shipped advisory's fix, whether its files are
// unaltered, and whether the running configuration keeps the defaults that the advisories rely on.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { printable } from "../base/printable.js";
import { configShownSchema } from "../console/log-contract.js";
import { loadConfig } from "../daemon/config/load.js";
import type { Config } from "../daemon/config/resolve.js";
import { type AdvisoriesVerdict, verifyAdvisories } from "../daemon/verify/advisories.js";
import { type FilesVerdict, type Origin, verifyFiles } from "../daemon/verify/manifest.js";
import { NoServer } from "./admin-client.js";
import {
  type CliContext,
  command,
  type JsonOption,
  type StateOptions,
  withConfig,
  withExamples,
  withJson,
  withState,
} from "./context.js";
import { CliFailure, exitCodes } from "./exit.js";
import { printJson } from "./table.js";

type Options = StateOptions & JsonOption & { readonly key?: string };

const more = `
Exit codes, the first that fits:
  7  a file is altered, missing or extra, or the signature is wrong or missing where --key is given
  8  an advisory names this version as affected or under investigation, or does not name it
  9  the configuration is weaker than the advisories rely on
Dependencies (node_modules) are npm's to check: npm audit signatures.`;

/** Above both src/ and dist/. */
const ownRoot = fileURLToPath(new URL("../../", import.meta.url));

export function verifyCommand(context: CliContext) {
  const made = command("verify", "advisories, files and configuration of this installation")
    .option("--key <file>", "public key of the release (PEM, ed25519), got from somewhere else")
    .addHelpText("after", more)
    .action(async (options: Options) => {
      const key = options.key === undefined ? undefined : keyOf(options.key);
      const files = verifyFiles(ownRoot, key);
      const found = await configOf(context, options);
      const advisories = verifyAdvisories(ownRoot, context.version, found.config);
      const { from: configuration } = found;
      if (!files.ok) throw unusable(files.message);
      if (!advisories.ok) throw unusable(advisories.message);
      context.exitCode = codeOf(files, advisories, key !== undefined);
      if (options.json === true) {
        return printJson(context.io, { files, ...advisories, configuration });
      }
      context.io.out(
        [...fileLines(files), ...advisoryLines(advisories), `configuration: ${configuration}`].join(
          "\n",
        ),
      );
      context.io.out(`\n${ends[context.exitCode] ?? ""}\n`);
    });
  return withExamples(
    withJson(withConfig(withState(made))),
    "holdfast verify",
    "holdfast verify --key holdfast-release.pem --json",
  );
}

function unusable(message: string): CliFailure {
  const remedy = "install the package again; in a checkout, npm run build makes the manifest";
  return new CliFailure(exitCodes.failed, message, remedy, "unusable");
}

function keyOf(path: string): string {
  try {
    const text = readFileSync(path, "utf8");
    if (text.includes("PUBLIC KEY")) return text;
  } catch {
    // Said below.
  }
  const message = `${path} holds no public key`;
  throw new CliFailure(exitCodes.usage, message, "name a PEM file with PUBLIC KEY in it");
}

/** What is judged: the running server's, else the file's, else the defaults; `from` says which and why. */
export async function configOf(
  context: CliContext,
  options: StateOptions,
): Promise<{ readonly config: Config; readonly from: string }> {
  let why = "what the running server has does not load here";
  try {
    const { text } = await context.client(options).get("/config", configShownSchema);
    const loaded = loadConfig(text, "the running configuration");
    if (loaded.ok) return { config: loaded.config, from: "of the running server" };
  } catch (failure) {
    if (!(failure instanceof NoServer)) throw failure;
    why = "no server runs here";
  }
  const { config, file } = context.configInEffect(options);
  const which = file === undefined ? "the defaults" : `of ${file}`;
  return { config, from: `${which}: ${why}` };
}

type Checked<T> = Extract<T, { ok: true }>;

function codeOf(
  { faults, origin }: Checked<FilesVerdict>,
  { advisories }: Checked<AdvisoriesVerdict>,
  keyGiven: boolean,
): number {
  const unproven = keyGiven && origin.state !== "proven";
  if (faults.length > 0 || unproven || origin.state === "wrong") return exitCodes.altered;
  const open = ["known_affected", "under_investigation", "not_named"];
  if (advisories.some(({ status }) => open.includes(status))) return exitCodes.affected;
  if (advisories.some(({ weakened }) => weakened.length > 0)) return exitCodes.weakened;
  return exitCodes.ok;
}

const ends: Readonly<Record<number, string>> = {
  [exitCodes.ok]: "Nothing is wrong.",
  [exitCodes.altered]:
    "THE FILES ARE NOT THOSE OF THE MANIFEST, or not proven to be the release's.",
  [exitCodes.affected]: "AN ADVISORY AFFECTS THIS VERSION, or does not clear it: update.",
  [exitCodes.weakened]: "The configuration is weaker than the advisories rely on.",
};

function fileLines({ name, version, files, faults, more: rest, origin }: Checked<FilesVerdict>) {
  const lines = [`files: ${files} of ${printable(name, 214)} ${printable(version)}`];
  for (const { path, fault } of faults)
    lines.push(`  ${fault.toUpperCase()}: ${printable(path, 512)}`);
  if (rest > 0) lines.push(`  and ${rest} more`);
  const whole = faults.length === 0 ? "consistent" : "NOT consistent";
  return [...lines, `origin: ${whole}, ${originText(origin)}`];
}

function originText(origin: Origin): string {
  switch (origin.state) {
    case "proven":
      return `origin proven: signed with the key whose SHA-256 is ${origin.key}`;
    case "unsigned":
      return "origin not proven: the manifest is not signed";
    case "unchecked":
      return "origin not proven: it is signed, give --key to check by whom";
    default:
      return "origin NOT that of the key: THE SIGNATURE IS WRONG";
  }
}

const statusTexts = {
  fixed: "fixed in this version",
  known_affected: "THIS VERSION IS AFFECTED",
  known_not_affected: "not affected",
  under_investigation: "UNDER INVESTIGATION",
  not_named: "THIS VERSION IS NOT NAMED in it",
} as const;

function advisoryLines({ advisories }: Checked<AdvisoriesVerdict>): string[] {
  return [
    `advisories: ${advisories.length}`,
    ...advisories.flatMap(({ id, about, title, status, weakened }) => [
      `  ${printable(id)} (${printable(about)}): ${statusTexts[status]}. ${printable(title, 256)}`,
      ...weakened.map(({ key, expected }) => `    RELIES ON ${key}: ${expected}`),
    ]),
  ];
}
