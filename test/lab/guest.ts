// The lab from a test: one a test file, closed when the file's process ends, however it ends.
import { join } from "node:path";
import { HostNetns, type Place, type Result, run } from "./place.js";

const LAB = join(import.meta.dirname, "lab");
const env = {
  ...process.env,
  HOLDFAST_LAB: `test-${process.pid}`,
  HOLDFAST_LAB_OWNER: String(process.pid),
};

async function lab(args: readonly string[], timeoutS: number): Promise<Result> {
  return run(LAB, args, { timeoutS, env });
}

async function labOk(args: readonly string[], timeoutS = 60): Promise<string> {
  const { code, stdout, stderr } = await lab(args, timeoutS);
  if (code !== 0) throw new Error(`lab ${args.join(" ")}: ${code}\n${stdout}${stderr}`);
  return stdout.trim();
}

/** This process's namespace with the bridge that guests are on; 198.18.0.254 is our side of it. */
export class Lab implements AsyncDisposable {
  static readonly hostAddress = "198.18.0.254";

  private constructor(readonly netns: HostNetns) {}

  /** Closes what killed runs left before; harmless beside labs whose owners live. */
  static async open(): Promise<Lab> {
    await labOk(["sweep"]);
    const built = await run(join(import.meta.dirname, "plugin", "build"), []);
    if (built.code !== 0) throw new Error(`pppd plugins: ${built.stderr}`);
    await labOk(["open"]);
    return new Lab(new HostNetns(await labOk(["netns"])));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await labOk(["close"]);
  }
}

export type GuestOptions = {
  readonly name: string;
  readonly index: number;
  readonly memMb?: number;
  readonly vehicle?: "uml" | "qemu";
  /** Held to one processor of this host unless false, see `lab`: its system calls cost a quarter then. */
  readonly held?: boolean;
};

/** A machine with its own kernel, which has PPP, MPPE, netem and the PPTP helpers. */
export class Guest implements Place, AsyncDisposable {
  readonly address: string;

  private constructor(
    readonly name: string,
    index: number,
  ) {
    this.address = `198.18.0.${10 + index}`;
  }

  /** Boots it: about 3 s, 20 s with QEMU. A `name` is at most 14 characters, an `index` is used once. */
  static async up(options: GuestOptions): Promise<Guest> {
    const { name, index, memMb = 1024, vehicle = "uml", held = true } = options;
    const words = [
      "-v",
      vehicle,
      "-i",
      String(index),
      "-m",
      String(memMb),
      ...(held ? [] : ["-a"]),
    ];
    await labOk(["up", name, ...words], vehicle === "uml" ? 120 : 240);
    return new Guest(name, index);
  }

  /** Runs a bash command line in it. What is still running after `timeoutS` is killed: 124. */
  exec(command: string, { timeoutS = 60 }: { timeoutS?: number } = {}): Promise<Result> {
    return lab(["exec", this.name, "-t", String(timeoutS), command], timeoutS + 10);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await labOk(["down", this.name]);
  }
}
