// The admin API, version 1: each route checks what it was given against the contract and asks the
// port. It never meets the network; socket.ts does, and the console's listener.
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type * as z from "zod";
import { never } from "../../base/invariant.js";
import { apiVersion } from "../../console/contract.js";
import { type Operation, type OperationName, operations } from "../../console/operations.js";
import { handlersOf } from "./handlers.js";
import { type AdminAnswer, type AdminFault, type AdminPort, adminFault } from "./port.js";

export type RouteTerms = {
  readonly bodyOctetsMax: number;
  /** Of an import, which is one transaction and so one request. */
  readonly importOctetsMax: number;
  /** Told of what a handler threw: our bug, answered with 500 and no detail. */
  readonly broken: (failure: unknown) => void;
  /** Before anything is read of a request; undefined: it may. */
  readonly refuses?: (c: Context, name: OperationName, operation: Operation) => AdminRefusal;
};

export type AdminRefusal = Response | undefined;

export function adminRoutes(port: AdminPort, terms: RouteTerms): Hono {
  const app = new Hono();
  app.notFound((c) => fault(c, noRoute));
  app.onError((failure, c) => {
    terms.broken(failure);
    return fault(c, internal, 500);
  });
  const handlers = handlersOf(port);
  for (const [name, operation] of Object.entries<Operation>(operations)) {
    const path = `/${apiVersion}${operation.path.replaceAll(/\{(\w+)\}/g, ":$1")}`;
    const most = name === "importUsers" ? terms.importOctetsMax : terms.bodyOctetsMax;
    const handle = handlers[name as OperationName] as (
      given: object,
    ) => Promise<AdminAnswer<object>>;
    app.on(
      operation.method,
      path,
      async (c, next) => terms.refuses?.(c, name as OperationName, operation) ?? next(),
      atMost(most),
      async (c) => {
        const given = await read(c, operation);
        if (!given.ok) return fault(c, given);
        const answer = await handle(given.value);
        return answer.ok ? c.json(answer.value) : fault(c, answer);
      },
    );
  }
  return app;
}

function atMost(maxSize: number) {
  const message = `the request is larger than ${maxSize} octets`;
  const tooLarge = adminFault("bad-request", "too-large", message, "send it in parts");
  return bodyLimit({ maxSize, onError: (c) => fault(c, tooLarge, 413) });
}

const noRoute = adminFault(
  "not-found",
  "no-such-route",
  "there is no such route",
  "use the command line of the same version as the server",
);
const internal = adminFault(
  "trouble",
  "internal",
  "the server failed on this request; its log says more",
  "report it with the log",
);

async function read(
  c: Context,
  { params, query, body }: Operation,
): Promise<AdminAnswer<{ params: unknown; query: unknown; body: unknown }>> {
  const named = params?.safeParse(c.req.param());
  if (named?.success === false) return noRoute;
  const asked = query?.safeParse(c.req.query());
  if (asked?.success === false) return misfit(asked.error);
  const given = body === undefined ? undefined : await bodyOf(c, body);
  if (given?.ok === false) return given;
  return { ok: true, value: { params: named?.data, query: asked?.data, body: given?.value } };
}

export async function bodyOf<S extends z.ZodType>(
  c: Context,
  schema: S,
): Promise<AdminAnswer<z.output<S>>> {
  let value: unknown;
  try {
    value = JSON.parse(await c.req.text());
  } catch {
    return adminFault("bad-request", "no-json", "the body is not JSON", "send a JSON object");
  }
  const found = schema.safeParse(value);
  return found.success ? { ok: true, value: found.data } : misfit(found.error);
}

/** Paths and expectations only: a value given could be a password. */
function misfit(error: z.ZodError): AdminFault {
  const issues = error.issues.slice(0, 5).map((issue) => {
    const path = issue.path.join(".");
    return path === "" ? issue.message : `${path}: ${issue.message}`;
  });
  const message = issues.join("; ");
  return adminFault("bad-request", "bad-shape", message, "holdfast api prints what is expected");
}

export function fault(c: Context, given: AdminFault, status?: ContentfulStatusCode): Response {
  const { code, reason, message, remedy } = given;
  return c.json({ error: { code, reason, message, remedy } }, status ?? statusOf(code));
}

function statusOf(code: AdminFault["code"]): ContentfulStatusCode {
  switch (code) {
    case "bad-request":
      return 400;
    case "not-found":
      return 404;
    case "refused":
      return 409;
    case "trouble":
      return 503;
    default:
      return never(code);
  }
}
