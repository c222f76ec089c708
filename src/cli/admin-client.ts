// The command line's end of the admin API: one request at a time over the Unix socket. Every answer
// is checked against the contract, since the server may be of another version.
import { request } from "node:http";
import type * as z from "zod";
import { apiVersion, faultSchema } from "../console/contract.js";
import { CliFailure, exitCodes } from "./exit.js";

/** An answer larger than this is no answer of ours. */
const answerOctetsMax = 64 * 1024 * 1024;
const answerMs = 30_000;

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
type Reply = { readonly status: number; readonly text: string };

export class AdminClient {
  constructor(readonly socketPath: string) {}

  async get<S extends z.ZodType>(path: string, schema: S, query: Query = {}): Promise<z.output<S>> {
    return this.#ask("GET", `${path}${queryText(query)}`, schema);
  }

  async send<S extends z.ZodType>(
    method: Exclude<Method, "GET">,
    path: string,
    schema: S,
    body?: unknown,
  ): Promise<z.output<S>> {
    return this.#ask(method, path, schema, body);
  }

  async #ask<S extends z.ZodType>(
    method: Method,
    path: string,
    schema: S,
    body?: unknown,
  ): Promise<z.output<S>> {
    const { status, text } = await exchange(this.socketPath, method, `/${apiVersion}${path}`, body);
    const value = parse(text);
    if (status === 200) {
      const read = schema.safeParse(value);
      if (read.success) return read.data;
      throw otherVersion();
    }
    const fault = faultSchema.safeParse(value);
    if (!fault.success) throw otherVersion();
    const { code, reason, message, remedy } = fault.data.error;
    const refused = code === "refused" || code === "not-found" || code === "bad-request";
    throw new CliFailure(refused ? exitCodes.refused : exitCodes.failed, message, remedy, reason);
  }
}

export type Query = Readonly<Record<string, string | number | undefined>>;

function queryText(query: Query): string {
  const given = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined) given.set(key, String(value));
  }
  return given.size === 0 ? "" : `?${given}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function otherVersion(): CliFailure {
  return new CliFailure(
    exitCodes.failed,
    "the server's answer is not understood",
    "use the command line of the server's version: see holdfast version, and restart the server after an upgrade",
  );
}

/** Rejects with `no server running` when nobody listens: the one case callers go on from. */
function exchange(socketPath: string, method: Method, path: string, body: unknown): Promise<Reply> {
  return new Promise((done, fail) => {
    const octets = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const headers =
      octets === undefined
        ? {}
        : { "content-type": "application/json", "content-length": octets.length };
    const asked = request({ socketPath, method, path, headers, agent: false }, (reply) => {
      const chunks: Buffer[] = [];
      let size = 0;
      reply.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > answerOctetsMax) asked.destroy(new Error("its answer has no end"));
        else chunks.push(chunk);
      });
      reply.on("end", () =>
        done({ status: reply.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }),
      );
      reply.on("error", (error) => fail(failureOf(error, socketPath)));
    });
    asked.setTimeout(answerMs, () => asked.destroy(new Error("it does not answer")));
    asked.on("error", (error) => fail(failureOf(error, socketPath)));
    asked.end(octets);
  });
}

export class NoServer extends CliFailure {}

function failureOf(error: Error, socketPath: string): CliFailure {
  const code = "code" in error ? error.code : undefined;
  if (code === "ENOENT" || code === "ECONNREFUSED" || code === "ENOTDIR") {
    return new NoServer(
      exitCodes.noServer,
      `no server runs here (${socketPath})`,
      "start it with holdfast serve, or name its state directory with --state",
    );
  }
  if (code === "EACCES" || code === "EPERM") {
    return new CliFailure(
      exitCodes.privileges,
      `${socketPath} may not be used by this user`,
      "use the server's user, or root",
    );
  }
  return new CliFailure(
    exitCodes.failed,
    `the server cannot be asked: ${error.message}`,
    "see its log",
  );
}
