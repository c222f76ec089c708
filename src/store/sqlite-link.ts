// What the main thread and the store's thread tell each other.
import type { Answer, OpenFailure, StoreTrouble } from "./port.js";
import type { OpenTerms } from "./sqlite-open.js";
import type { Alone, Reads, Writes } from "./sqlite-operations.js";

export type Operations = Reads & Writes & Alone;
export type Operation = keyof Operations;
export type AskOf<K extends Operation> = Parameters<Operations[K]>[1];
export type ValueOf<K extends Operation> =
  ReturnType<Operations[K]> extends Answer<infer T> ? T : never;

export type Request = { readonly operation: Operation; readonly ask: unknown };

/** One batch is under way at a time: reads are answered before its writes are begun. */
export type ToThread =
  | {
      readonly kind: "batch";
      readonly reads: readonly Request[];
      readonly writes: readonly Request[];
      readonly alone: Request | undefined;
    }
  | { readonly kind: "close" };

export type FromThread =
  /** `tid` is the kernel's number of the thread. */
  | { readonly kind: "opened"; readonly instanceId: string; readonly tid: number }
  | { readonly kind: "not-opened"; readonly failure: OpenFailure }
  /** `last`: the batch had nothing else, and no `written` follows. */
  | { readonly kind: "read"; readonly answers: readonly Answer<unknown>[]; readonly last: boolean }
  /** After the commit; a trouble is that of all of the batch: nothing of it was written. */
  | {
      readonly kind: "written";
      readonly answers: readonly Answer<unknown>[] | StoreTrouble;
      readonly alone: Answer<unknown> | undefined;
    };

export type ThreadData = { readonly terms: OpenTerms };
