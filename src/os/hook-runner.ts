// Hooks (ip-up, ip-down), as the server sees them: asked for, answered, never waited for. They run in
// a process of their own, started while a user of their own can still be given to it.
import { type ChildProcess, spawn } from "node:child_process";
import { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { hooks as limits } from "../limits.js";
import { Descriptor } from "./descriptor.js";
import { fromNodeError, isOsError, type OsError, osError } from "./errors.js";
import { type HookAnswer, type HookOutcome, type HookRequest, LineCutter } from "./hook-link.js";
import { close, socketPair } from "./libc.js";
import { chooseOwnUser } from "./own-user.js";
import { ownPrivileges, withoutCapabilities } from "./privileges.js";
import { CHILD_ENVIRONMENT, findProgram } from "./programs.js";
import { setprivWords } from "./reexec.js";

export type HookResult = HookOutcome | { readonly kind: "Dropped"; readonly why: string };

export type HookRunnerOptions = {
  /** From the configuration; else `holdfast-hooks`, else a free number. Only root can choose. */
  readonly user?: string | undefined;
  readonly stateDirectory: string;
  /** The server's user, if it is not this process's: a hook may be its file, and its user is not it. */
  readonly serverUid?: number | undefined;
  /** For tests. */
  readonly runMs?: number;
  readonly script?: string;
};

export type StartedHooks = {
  /** Our end of the link; pass it through an exec as `hooks`, then `new HookRunner`. */
  readonly link: Descriptor;
  readonly pid: number;
  readonly uid: number;
  /** Why it is the server's own user; empty otherwise. */
  readonly why: string;
};

const SCRIPT = fileURLToPath(new URL("./hook-runner-main.js", import.meta.url));

/** Starts the process. It has no capability; as root's child a user of its own, too. */
export function startHookRunner(options: HookRunnerOptions): StartedHooks | OsError {
  const own = ownPrivileges();
  if (isOsError(own)) return own;
  const serverUid = options.serverUid ?? own.uid;
  const node = [process.execPath, options.script ?? SCRIPT, String(serverUid)];
  if (options.runMs !== undefined) node.push(String(options.runMs));
  let uid = own.uid;
  let why = "";
  let argv: string[] | OsError;
  if (own.uid === 0 && own.effective.includes("setuid")) {
    const { user, stateDirectory } = options;
    const wish = { user, usualName: "holdfast-hooks", stateDirectory, taken: [serverUid] };
    const chosen = chooseOwnUser(wish);
    const setpriv = findProgram("setpriv");
    if (isOsError(chosen)) return chosen;
    if (setpriv === undefined) return osError("setpriv", "ENOENT", "package util-linux");
    uid = chosen.uid;
    argv = [setpriv, ...setprivWords(chosen, []), "--", ...node];
  } else {
    why = `started as user ${own.uid}, who can give hooks no user of their own`;
    argv = withoutCapabilities(node);
  }
  if (isOsError(argv)) return argv;
  const pair = socketPair();
  if (isOsError(pair)) return pair;
  const [ours, theirs] = pair;
  const link = new Descriptor(ours);
  const child = startChild(argv, theirs);
  close(theirs);
  if (isOsError(child)) {
    link[Symbol.dispose]();
    return child;
  }
  return { link, pid: child.pid ?? -1, uid, why };
}

function startChild([path = "", ...words]: string[], link: number): ChildProcess | OsError {
  try {
    const stdio = ["ignore", "ignore", "inherit", link] as const;
    const child = spawn(path, words, { env: CHILD_ENVIRONMENT, cwd: "/", stdio: [...stdio] });
    // It shall not keep us alive, and its end is seen on the link.
    child.unref();
    child.on("error", () => {});
    return child;
  } catch (error) {
    return fromNodeError(path, error);
  }
}

type Pending = { readonly settle: (result: HookResult) => void };

/** The server's side of the link. */
export class HookRunner implements Disposable {
  readonly #link: Socket;
  readonly #pending = new Map<number, Pending>();
  readonly #cutter = new LineCutter(limits.lineOctetsMax);
  #nextId = 1;
  #open = true;
  #dropped = 0;

  /** Takes `link` over. `lost` is called when the process ended without being asked to. */
  constructor(link: Descriptor, lost: () => void = () => {}) {
    // A second number, for the socket to close as its own.
    const copy = link.duplicate();
    link[Symbol.dispose]();
    this.#link = new Socket(isOsError(copy) ? {} : { fd: copy.fd, readable: true, writable: true });
    const end = () => {
      if (!this.#open) return;
      this[Symbol.dispose]();
      lost();
    };
    this.#link.on("data", (chunk: Buffer) => {
      if (!this.#take(chunk)) end();
    });
    this.#link.on("end", end);
    this.#link.on("close", end);
    this.#link.on("error", end);
    if (isOsError(copy)) setImmediate(end);
  }

  /** Asked for and not answered yet: running or waiting. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Not even asked for, because too many waited. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Never rejects. At most `limits.hooks.atOnceMax` run, `queueMax` wait, the rest is `Dropped`. */
  run(hook: { readonly path: string; readonly env: HookRequest["env"] }): Promise<HookResult> {
    if (!this.#open) return Promise.resolve({ kind: "NotRun", why: "the hook process has ended" });
    const request: HookRequest = { id: this.#nextId++, path: hook.path, env: hook.env };
    const line = `${JSON.stringify(request)}\n`;
    if (this.#pending.size >= limits.atOnceMax + limits.queueMax) return this.#drop("queue full");
    if (Buffer.byteLength(line) > limits.lineOctetsMax) return this.#drop("environment too long");
    return new Promise((settle) => {
      this.#pending.set(request.id, { settle });
      this.#link.write(line);
    });
  }

  #drop(why: string): Promise<HookResult> {
    this.#dropped++;
    return Promise.resolve({ kind: "Dropped", why });
  }

  #take(chunk: Buffer): boolean {
    const lines = this.#cutter.push(chunk);
    for (const line of lines ?? []) {
      const answer = parseAnswer(line);
      if (answer === undefined) return false;
      this.#pending.get(answer.id)?.settle(answer.outcome);
      this.#pending.delete(answer.id);
    }
    return lines !== undefined;
  }

  /** Ends the process and what it runs. */
  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    this.#link.destroy();
    for (const { settle } of this.#pending.values()) {
      settle({ kind: "NotRun", why: "the hook process has ended" });
    }
    this.#pending.clear();
  }
}

/** Checked: hooks share a user with the process that answers, and may have got at it. */
function parseAnswer(line: string): HookAnswer | undefined {
  try {
    const answer: unknown = JSON.parse(line);
    if (!isRecord(answer) || typeof answer.id !== "number") return undefined;
    const outcome = outcomeOf(answer.outcome);
    return outcome === undefined ? undefined : { id: answer.id, outcome };
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function outcomeOf(value: unknown): HookOutcome | undefined {
  if (!isRecord(value)) return undefined;
  const { kind, why, output, code, signal, ms } = value;
  if (kind === "NotRun") return { kind, why: String(why) };
  const text = String(output).slice(0, limits.outputOctetsMax);
  if (kind === "TimedOut") return { kind, output: text };
  if (kind !== "Exited") return undefined;
  return {
    kind,
    code: typeof code === "number" ? code : undefined,
    signal: typeof signal === "string" ? signal : undefined,
    output: text,
    ms: Number(ms),
  };
}
