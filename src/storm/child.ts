// A child process of the bench's, with Node's channel to it.
import { type ChildProcess, fork } from "node:child_process";

const END_MS = 2_000;

export class Child<To extends object, From extends object> implements Disposable {
  readonly #child: ChildProcess;
  #over = false;

  constructor(program: URL, heard: (told: From) => void, ended: (why: string) => void) {
    this.#child = fork(program, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    this.#child.on("message", (message) => heard(message as From));
    this.#child.on("error", ({ message }) => this.#end(message, ended));
    this.#child.once("exit", (code, signal) => this.#end(`ended: ${signal ?? code}`, ended));
  }

  tell(told: To): void {
    if (!this.#over && this.#child.connected) this.#child.send(told);
  }

  /** Its channel closes: it ends by itself, or is made to. */
  [Symbol.dispose](): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#child.connected) this.#child.disconnect();
    const late = setTimeout(() => this.#child.kill("SIGKILL"), END_MS);
    this.#child.once("exit", () => clearTimeout(late));
  }

  #end(why: string, ended: (why: string) => void): void {
    if (this.#over) return;
    this.#over = true;
    ended(why);
  }
}
