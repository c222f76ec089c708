// The outside of a command, as a value: tests hand in their own.
import { readSync } from "node:fs";
import { askHidden } from "./hidden-input.js";

export type Io = {
  /** Standard output, for what was asked for. */
  out(text: string): void;
  /** Standard error, for everything else. */
  err(text: string): void;
  readonly outIsTerminal: boolean;
  readonly inIsTerminal: boolean;
  /** Width of the terminal; undefined where lines may be of any length. */
  readonly columns: number | undefined;
  /** Everything on standard input, at most `octetsMax` octets. */
  readAll(octetsMax: number): string;
  /** One line typed without being shown; undefined when given up. */
  askHidden(prompt: string): Promise<string | undefined>;
  /** Wall clock, Unix ms. */
  now(): number;
};

export function processIo(): Io {
  const { stdin, stdout, stderr } = process;
  // `holdfast sessions | head`: the reader has what it wanted.
  stdout.on("error", () => process.exit(0));
  return {
    out: (text) => stdout.write(text),
    err: (text) => stderr.write(text),
    outIsTerminal: stdout.isTTY === true,
    inIsTerminal: stdin.isTTY === true,
    columns: stdout.isTTY === true ? Math.max(40, stdout.columns || 80) : undefined,
    readAll: readStandardInput,
    askHidden: (prompt) => askHidden(prompt, stdin, stderr),
    now: () => Date.now(),
  };
}

function readStandardInput(octetsMax: number): string {
  const chunks: Buffer[] = [];
  let size = 0;
  const chunk = Buffer.alloc(4_096);
  while (size < octetsMax) {
    const read = readSome(chunk);
    if (read === 0) break;
    chunks.push(Buffer.from(chunk.subarray(0, read)));
    size += read;
  }
  return Buffer.concat(chunks).subarray(0, octetsMax).toString("utf8");
}

/** A pipe that Node made non-blocking says EAGAIN while its writer thinks. */
function readSome(chunk: Buffer): number {
  for (;;) {
    try {
      return readSync(0, chunk);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "EOF") return 0;
      if (code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}
