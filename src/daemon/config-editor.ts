// The configuration file written by the server itself, for the console: checked whole before it is, written
// beside it and put in its place, then applied like any reload.
import { createHash } from "node:crypto";
import {
  accessSync,
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { ConfigChange, ConfigChanged, ConfigFields } from "../console/config-contract.js";
import type { Reloaded } from "../console/contract.js";
import { syncDirectory } from "../os/durable-file.js";
import { type AdminAnswer, type AdminFault, adminFault } from "./admin/port.js";
import { editableFields, editedText } from "./config/edit.js";
import { loadConfig } from "./config/load.js";
import { formatProblem, type Problem } from "./config/problems.js";
import { compareConfig } from "./config/reload.js";
import type { Settings } from "./config/schema.js";
import { parseSource } from "./config/source.js";

export type ConfigEditorTerms = {
  /** Undefined: the server runs without one. */
  readonly file: string | undefined;
  readonly settings: () => Settings;
  readonly reload: () => Promise<AdminAnswer<Reloaded>>;
};

export class ConfigEditor {
  #changing: Promise<unknown> = Promise.resolve();

  constructor(readonly terms: ConfigEditorTerms) {}

  fields(): AdminAnswer<ConfigFields> {
    const { file, settings } = this.terms;
    if (file === undefined) {
      const fields = editableFields(settings(), undefined);
      return { ok: true, value: { file: null, writable: false, digest: "", fields } };
    }
    const text = readText(file);
    if (typeof text !== "string") return text;
    const parsed = parseSource(text, file);
    const fields = editableFields(settings(), parsed.ok ? parsed.source : undefined);
    const writable = mayWrite(file);
    return { ok: true, value: { file, writable, digest: digestOf(text), fields } };
  }

  /** One at a time: each is judged by the file that the one before has left. */
  change(given: ConfigChange): Promise<AdminAnswer<ConfigChanged>> {
    const changed = this.#changing.then(() => this.#change(given));
    this.#changing = changed.catch(() => undefined);
    return changed;
  }

  async #change(given: ConfigChange): Promise<AdminAnswer<ConfigChanged>> {
    const { file, settings, reload } = this.terms;
    if (file === undefined) return noFile;
    const before = readText(file);
    if (typeof before !== "string") return before;
    if (digestOf(before) !== given.digest) return changedMeanwhile;
    const edited = editedText(before, file, given.changes);
    if (!edited.ok) return found(edited.problems);
    const loaded = loadConfig(edited.text, file);
    if (!loaded.ok) return found(loaded.problems);
    if (!given.apply) {
      const { changes } = compareConfig(settings(), loaded.config.settings);
      const of = (wanted: string) =>
        changes.filter(({ change }) => change === wanted).map(({ key, why }) => ({ key, why }));
      const warnings = loaded.warnings.map(formatProblem);
      const would = { applied: of("applied"), needsRestart: of("needs restart"), warnings };
      return { ok: true, value: { written: false, problems: [], ...would } };
    }
    const fault = replaceFile(file, edited.text);
    if (fault !== undefined) return fault;
    const reloaded = await reload();
    if (reloaded.ok) return { ok: true, value: { written: true, problems: [], ...reloaded.value } };
    // What the running server cannot take on is not left for its next start to find, nor in force where
    // some of it was taken on; somebody else's file of meanwhile is left alone.
    if (readText(file) !== edited.text) return reloaded;
    const back = replaceFile(file, before);
    if (back === undefined) await reload();
    return back ?? reloaded;
  }
}

/** Without the line of a file that nobody at the form sees. */
function found(problems: readonly Problem[]): AdminAnswer<ConfigChanged> {
  const shown = problems.slice(0, 20).map(({ key, found: what, message, remedy }) => {
    return { key, found: what, message, remedy };
  });
  const nothing = { applied: [], needsRestart: [], warnings: [] };
  return { ok: true, value: { written: false, problems: shown, ...nothing } };
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}

function readText(file: string): string | AdminFault {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    const message = `${file} cannot be read (${codeOf(error)})`;
    return adminFault("refused", "unreadable", message, "see holdfast config check");
  }
}

/** Whether `replaceFile` can: a new file in its place, given to who owns this one. */
function mayWrite(file: string): boolean {
  try {
    const target = realpathSync(file);
    accessSync(dirname(target), constants.W_OK | constants.X_OK);
    const { uid, gid } = statSync(target);
    const us = process.geteuid?.();
    if (us === 0) return true;
    return (
      us === uid && (process.getegid?.() === gid || process.getgroups?.().includes(gid) === true)
    );
  } catch {
    return false;
  }
}

/** Whole or not at all; with the owner and the rights that the old one had. */
function replaceFile(file: string, text: string): AdminFault | undefined {
  let beside: string | undefined;
  let placed = false;
  try {
    const target = realpathSync(file);
    const { mode, uid, gid } = statSync(target);
    beside = join(dirname(target), `.holdfast-${process.pid}.new`);
    const fd = openSync(beside, "wx", 0o600);
    try {
      writeFileSync(fd, text);
      fchmodSync(fd, mode & 0o7777);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    const now = statSync(beside);
    if (now.uid !== uid || now.gid !== gid) chownSync(beside, uid, gid);
    renameSync(beside, target);
    placed = true;
    syncDirectory(dirname(target));
    return undefined;
  } catch (error) {
    // The new file is in its place; a file system without this is no reason to say that it is not.
    if (placed) return undefined;
    if (beside !== undefined) rmSync(beside, { force: true });
    const message = `${file} cannot be written by the server (${codeOf(error)})`;
    const remedy = "change it as its owner, then: holdfast reload";
    return adminFault("refused", "not-writable", message, remedy);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

const noFile = adminFault(
  "refused",
  "no-file",
  "this server runs on defaults, without a file",
  "write one and start with --config",
);
const changedMeanwhile = adminFault(
  "refused",
  "changed-meanwhile",
  "the configuration file was changed by somebody else meanwhile",
  "read it again, then make your change",
);
