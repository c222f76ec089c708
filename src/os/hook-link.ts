// Between the server and the process that runs its hooks: one JSON object a line, both directions.

export type HookRequest = {
  readonly id: number;
  /** Absolute. */
  readonly path: string;
  /** All of the hook's environment but PATH. */
  readonly env: Readonly<Record<string, string>>;
};

export type HookOutcome =
  | {
      readonly kind: "Exited";
      /** Undefined when a signal ended it. */
      readonly code: number | undefined;
      readonly signal: string | undefined;
      /** The first octets of both outputs together. */
      readonly output: string;
      readonly ms: number;
    }
  /** It ran longer than it may and was killed with its process group. */
  | { readonly kind: "TimedOut"; readonly output: string }
  /** Not run: no file, writable by others, not absolute, … */
  | { readonly kind: "NotRun"; readonly why: string };

export type HookAnswer = { readonly id: number; readonly outcome: HookOutcome };

/** Cuts a stream into lines; one longer than `octetsMax` ends the link. */
export class LineCutter {
  #rest: Buffer = Buffer.alloc(0);

  constructor(readonly octetsMax: number) {}

  /** The whole lines so far, or undefined when one is too long. */
  push(chunk: Buffer): string[] | undefined {
    const all = Buffer.concat([this.#rest, chunk]);
    const lines: string[] = [];
    let from = 0;
    for (let at = all.indexOf(10); at >= 0; at = all.indexOf(10, from)) {
      lines.push(all.toString("utf8", from, at));
      from = at + 1;
    }
    this.#rest = all.subarray(from);
    return this.#rest.byteLength > this.octetsMax ? undefined : lines;
  }
}
