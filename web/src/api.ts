// The page's end of the admin API: it asks as anybody may, with the log-in's cookie, and sends the
// log-in's own word along with whatever changes something.
import type { ConsoleSessionShown } from "../../src/console/console-contract.js";
import type { Fault } from "../../src/console/contract.js";

export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly reason: string,
    message: string,
    readonly remedy: string,
  ) {
    super(message);
  }
}

let csrf = "";
let ended: () => void = () => {};

/** Told when the log-in is over, whatever is asked then. */
export function whenEnded(told: () => void): void {
  ended = told;
}

export async function get<T>(path: string): Promise<T> {
  return ask<T>("GET", path, undefined);
}

export async function send<T>(method: string, path: string, body?: object): Promise<T> {
  return ask<T>(method, path, body);
}

/** Undefined: nobody is logged in. */
export async function me(): Promise<ConsoleSessionShown | undefined> {
  const reply = await fetch("/v1/me");
  if (!reply.ok) return undefined;
  const found = (await reply.json()) as ConsoleSessionShown;
  csrf = found.csrf;
  return found;
}

export async function logIn(name: string, password: string): Promise<ConsoleSessionShown> {
  const found = await ask<ConsoleSessionShown>("POST", "/log-in", { name, password });
  csrf = found.csrf;
  return found;
}

async function ask<T>(method: string, path: string, body: object | undefined): Promise<T> {
  const headers: Record<string, string> = {};
  if (method !== "GET") headers["x-holdfast-csrf"] = csrf;
  if (body !== undefined) headers["content-type"] = "application/json";
  const reply = await fetch(`/v1${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch(() => {
    throw new Refused(0, "unreachable", "", "");
  });
  if (reply.ok) return (await reply.json()) as T;
  const { error } = (await reply.json().catch(() => unread)) as Fault;
  if (reply.status === 401 && path !== "/log-in") ended();
  throw new Refused(reply.status, error.reason, error.message, error.remedy);
}

const unread: Fault = { error: { code: "", reason: "unread", message: "", remedy: "" } };
