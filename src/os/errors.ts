// What the kernel refused, as a value. Hot calls return the negative number; everything else this.
import { constants } from "node:os";

/** A system call that failed, or a child program that did (`errno` is then EXIT, TIMEOUT, …). */
export type OsError = {
  readonly kind: "OsError";
  /** The call, with what it was for where that helps: `ioctl TUNSETIFF`, `ip`. */
  readonly call: string;
  /** Symbolic, e.g. EPERM. */
  readonly errno: string;
  /** For a reader; may quote a child's error output. */
  readonly detail?: string;
};

const names = new Map<number, string>();
for (const [name, number] of Object.entries(constants.errno)) {
  if (!names.has(number) || name === "EAGAIN") names.set(number, name);
}
names.set(105, "ENOBUFS").set(77, "EBADFD");

export const EPERM = 1;
export const EINTR = 4;
export const EBADF = 9;
export const EAGAIN = 11;
export const EINVAL = 22;
export const ENOTTY = 25;
export const ENOSYS = 38;
export const EMSGSIZE = 90;
export const ENOBUFS = 105;

/** `errno` of either sign; an unknown one reads as `errno 123`. */
export function errnoName(errno: number): string {
  const number = Math.abs(errno);
  return names.get(number) ?? `errno ${number}`;
}

export function osError(call: string, errno: number | string, detail?: string): OsError {
  const name = typeof errno === "number" ? errnoName(errno) : errno;
  return detail === undefined
    ? { kind: "OsError", call, errno: name }
    : { kind: "OsError", call, errno: name, detail };
}

export function isOsError(value: unknown): value is OsError {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "OsError";
}

/** An exception of node:fs and its like as the value it should have been. */
export function fromNodeError(call: string, error: unknown): OsError {
  if (error instanceof Error) {
    const code = "code" in error && typeof error.code === "string" ? error.code : "EUNKNOWN";
    // Node puts the code in front of its message, too.
    const { message } = error;
    return osError(
      call,
      code,
      message.startsWith(`${code}: `) ? message.slice(code.length + 2) : message,
    );
  }
  return osError(call, "EUNKNOWN", String(error));
}

export function describeOsError({ call, errno, detail }: OsError): string {
  return detail === undefined ? `${call}: ${errno}` : `${call}: ${errno}: ${detail}`;
}
