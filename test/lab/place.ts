// Somewhere a command line can be run: a namespace of this host, a guest, a namespace of a guest.
import { spawn } from "node:child_process";

export type Result = { readonly code: number; readonly stdout: string; readonly stderr: string };

export interface Place {
  readonly name: string;
  /** Runs a bash command line; 124 when it took longer than `timeoutS`. */
  exec(command: string, options?: { timeoutS?: number }): Promise<Result>;
}

/** Runs a program of this host to its end; 124 when it was killed after `timeoutS`. */
export function run(
  file: string,
  args: readonly string[],
  options: { timeoutS?: number; env?: NodeJS.ProcessEnv; input?: string } = {},
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      env: options.env ?? process.env,
      // Bash takes a socket there for a remote shell's and reads its user's .bashrc, at every start.
      stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      detached: true,
    });
    let late = false;
    const timer = setTimeout(
      () => {
        late = true;
        // Detached: the child leads its process group, whose other members may hold the pipes.
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      },
      (options.timeoutS ?? 60) * 1000,
    );
    const parts = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name]?.setEncoding("utf8");
      child[name]?.on("data", (text: string) => {
        parts[name] += text;
      });
    }
    child.on("error", (failure) => {
      clearTimeout(timer);
      reject(failure);
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ code: late ? 124 : (code ?? (signal === null ? 1 : 128)), ...parts });
    });
    child.stdin?.on("error", () => {}); // The program may end without reading it.
    child.stdin?.end(options.input);
  });
}

export async function expectOk(place: Place, command: string, timeoutS = 60): Promise<string> {
  const { code, stdout, stderr } = await place.exec(command, { timeoutS });
  if (code !== 0) throw new Error(`${place.name}: ${command}: ${code}\n${stdout}${stderr}`);
  return stdout;
}

/** A network namespace of this host. */
export class HostNetns implements Place {
  constructor(readonly name: string) {}

  exec(command: string, options: { timeoutS?: number } = {}): Promise<Result> {
    return run("ip", ["netns", "exec", this.name, "bash", "-c", command], options);
  }
}

/** A network namespace inside another place. */
export class InnerNetns implements Place {
  readonly name: string;

  constructor(
    readonly outer: Place,
    readonly netns: string,
  ) {
    this.name = `${outer.name}/${netns}`;
  }

  exec(command: string, options: { timeoutS?: number } = {}): Promise<Result> {
    return this.outer.exec(`ip netns exec ${this.netns} bash -c ${quote(command)}`, options);
  }
}

/** `text` as one word of a bash command line. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Asks every 100 ms until `holds`; throws with `what` after `timeoutS`. */
export async function until(
  what: string,
  timeoutS: number,
  holds: () => Promise<boolean> | boolean,
): Promise<void> {
  const end = performance.now() + timeoutS * 1000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${timeoutS} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
