// A helper process of a benchmark that is asked by lines and answers by lines.
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export class Child implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  #complaints = "";

  /** `node benchmarks/run.mjs NAME …` in a namespace; ready once it has said its first line. */
  static async started(namespace: string, name: string, ...words: string[]): Promise<Child> {
    const run = fileURLToPath(new URL("run.mjs", import.meta.url));
    const node = [process.execPath, "--experimental-websocket", run, name, ...words];
    const child = new Child(["netns", "exec", namespace, ...node]);
    await child.#line();
    return child;
  }

  private constructor(words: readonly string[]) {
    this.#child = spawn("ip", words, { stdio: "pipe" });
    this.#child.stderr?.on("data", (text) => {
      this.#complaints += text;
    });
    const lines = createInterface({ input: this.#child.stdout! });
    this.#answers = lines[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async ask(line: string): Promise<string> {
    this.#child.stdin?.write(`${line}\n`);
    return this.#line();
  }

  async #line(): Promise<string> {
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error(`a helper ended: ${this.#complaints}`);
    return value as string;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.stdin?.end();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 30_000);
    await ended;
    clearTimeout(timer);
  }
}
