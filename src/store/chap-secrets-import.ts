// Doing an import: reading the file and those its secrets name, asking the store what it would do or
// having it done, and the whole as one report.
import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync } from "node:fs";
import { store as limits } from "../limits.js";
import type { ImportPlan, LineOutcome, SecretFile } from "./chap-secrets.js";
import { type Accounts, type Answer, answer } from "./port.js";

export type ImportReport = {
  /** False: a dry run. */
  readonly applied: boolean;
  readonly lines: readonly LineOutcome[];
  readonly taken: number;
  readonly skipped: number;
  readonly errors: number;
};

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** Reads at most `most` octets of a regular file; `check` sees its owner and its real path. */
function readBounded(
  path: string,
  flags: number,
  most: number,
  check: (uid: number, realPath: string) => string | undefined,
): SecretFile {
  let fd: number | undefined;
  try {
    fd = openSync(path, O_RDONLY | O_NONBLOCK | flags);
    const { mode, uid, size } = fstatSync(fd);
    const regular = (mode & constants.S_IFMT) === constants.S_IFREG;
    if (!regular) return { ok: false, why: `${path} is not a regular file` };
    if (size > most) return { ok: false, why: `${path} is larger than ${most} octets` };
    const fault = check(uid, readlinkSync(`/proc/self/fd/${fd}`));
    if (fault !== undefined) return { ok: false, why: fault };
    const content = Buffer.alloc(most === size ? size : size + 1);
    let length = 0;
    for (;;) {
      const more = readSync(fd, content, length, content.length - length, null);
      length += more;
      if (more === 0 || length === content.length) break;
    }
    if (length > size) return { ok: false, why: `${path} is being written to` };
    return { ok: true, content: new Uint8Array(content.subarray(0, length)) };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why = code === "ELOOP" ? "is a symbolic link" : `can't be read (${code})`;
    return { ok: false, why: `${path} ${why}` };
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** The chap-secrets file itself, which its caller named. */
export function readChapSecrets(path: string): SecretFile {
  return readBounded(path, 0, limits.importOctetsMax, () => undefined);
}

/**
 * For `--follow-files`: a file that whoever wrote the secrets file named, so only one of the caller's
 * own, reached without any symbolic link.
 */
export function secretFileReader(callerUid: number): (path: string) => SecretFile {
  return (path) =>
    readBounded(path, O_NOFOLLOW, limits.secretFileOctetsMax, (uid, realPath) => {
      if (realPath !== path) return `${path} is not its real path`;
      return uid === callerUid
        ? undefined
        : `${path} belongs to user id ${uid}, not to ${callerUid}`;
    });
}

/**
 * Without `apply` nothing is written, but the store has tried all of it. With it every line reported
 * as taken is written, in one transaction; lines that are errors are not.
 */
export async function importChapSecrets(
  accounts: Pick<Accounts, "import">,
  plan: ImportPlan,
  how: { readonly replace: boolean; readonly apply: boolean },
): Promise<Answer<ImportReport>> {
  const tried = await accounts.import(
    plan.accounts.map(({ account }) => account),
    how,
  );
  if (!tried.ok) return tried;
  const lines = [...plan.lines];
  for (const [i, { index }] of plan.accounts.entries()) {
    const outcome = tried.value[i];
    const line = lines[index];
    if (line === undefined || outcome === undefined) continue;
    if (outcome === "kept") {
      const reason = "there is an account of this name: --replace changes it";
      lines[index] = { ...line, what: "skipped", reason };
    } else if (typeof outcome !== "string") {
      lines[index] = { ...line, what: "error", reason: outcome.message };
    } else if (outcome === "replaced") {
      const reason = ["replaces the account there is", line.reason].filter(Boolean).join("; ");
      lines[index] = { ...line, reason };
    }
  }
  const count = (what: LineOutcome["what"]) => lines.filter((line) => line.what === what).length;
  return answer({
    applied: how.apply,
    lines,
    taken: count("taken"),
    skipped: count("skipped"),
    errors: count("error"),
  });
}
