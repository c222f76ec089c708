// The admin API, version 1: each route checks what it was given against the contract and asks the
// port. It never meets the network; socket.ts does.
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type * as z from "zod";
import { never } from "../../base/invariant.js";
import * as contract from "../../console/contract.js";
import { incidentsQuerySchema } from "../../console/incident-contract.js";
import { type AdminAnswer, type AdminFault, type AdminPort, adminFault } from "./port.js";

export type RouteTerms = {
  readonly bodyOctetsMax: number;
  /** Of an import, which is one transaction and so one request. */
  readonly importOctetsMax: number;
  /** Told of what a handler threw: our bug, answered with 500 and no detail. */
  readonly broken: (failure: unknown) => void;
};

export function adminRoutes(port: AdminPort, terms: RouteTerms): Hono {
  const app = new Hono();
  const atMost = (maxSize: number) => {
    const message = `the request is larger than ${maxSize} octets`;
    const tooLarge = adminFault("bad-request", "too-large", message, "send it in parts");
    return bodyLimit({ maxSize, onError: (c) => fault(c, tooLarge, 413) });
  };
  const [usual, large] = [atMost(terms.bodyOctetsMax), atMost(terms.importOctetsMax)];
  const importPath = `/${contract.apiVersion}/users/import`;
  app.use((c, next) => (c.req.path === importPath ? large : usual)(c, next));
  app.notFound((c) => fault(c, noRoute));
  app.onError((failure, c) => {
    terms.broken(failure);
    return fault(c, internal, 500);
  });
  const api = new Hono();
  serverRoutes(api, port);
  accountRoutes(api, port);
  app.route(`/${contract.apiVersion}`, api);
  return app;
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

function serverRoutes(api: Hono, port: AdminPort): void {
  api.get("/status", async (c) => c.json(await port.status()));
  api.get("/sessions", (c) => {
    const query = contract.sessionsQuerySchema.safeParse(c.req.query());
    return query.success ? c.json(port.sessions(query.data)) : misread(c, query.error);
  });
  api.get("/sessions/:id{[0-9]{1,15}}", (c) => {
    const id = Number(c.req.param("id"));
    const found = port.session(id);
    if (found !== undefined) return c.json(found);
    const message = `there is no session ${id}`;
    return fault(c, adminFault("not-found", "unknown-session", message, "see holdfast sessions"));
  });
  api.post("/disconnect", async (c) => {
    const target = await body(c, contract.disconnectSchema);
    return target.ok ? answer(c, port.disconnect(target.value)) : fault(c, target);
  });
  api.get("/blocks", async (c) => c.json(await port.blocks()));
  api.post("/blocks", async (c) => {
    const given = await body(c, contract.blockSchema);
    return given.ok ? answer(c, port.block(given.value)) : fault(c, given);
  });
  api.delete("/blocks/:address", (c) => answer(c, port.unblock(c.req.param("address"))));
  api.get("/incidents", async (c) => {
    const query = incidentsQuerySchema.safeParse(c.req.query());
    return query.success ? answer(c, await port.incidents(query.data)) : misread(c, query.error);
  });
  api.get("/incidents/:number{[0-9]{1,15}}", async (c) =>
    answer(c, await port.incident(Number(c.req.param("number")))),
  );
  api.get("/ledger", (c) => {
    const query = contract.ledgerQuerySchema.safeParse(c.req.query());
    return query.success ? c.json(port.ledger(query.data)) : misread(c, query.error);
  });
  api.get("/log-level", (c) => c.json({ level: port.logLevel() }));
  api.put("/log-level", async (c) => {
    const wanted = await body(c, contract.logLevelSchema);
    if (!wanted.ok) return fault(c, wanted);
    port.setLogLevel(wanted.value.level);
    return c.json({ level: port.logLevel() });
  });
  api.post("/reload", async (c) => answer(c, await port.reload()));
  api.get("/doctor", async (c) => c.json(await port.doctor()));
  api.get("/accounting", async (c) => {
    const query = contract.accountingQuerySchema.safeParse(c.req.query());
    if (!query.success) return misread(c, query.error);
    return answer(c, await port.accounts.accounting(query.data));
  });
}

function accountRoutes(api: Hono, { accounts }: AdminPort): void {
  api.get("/users", async (c) => {
    const query = contract.accountsQuerySchema.safeParse(c.req.query());
    return query.success ? answer(c, await accounts.list(query.data)) : misread(c, query.error);
  });
  api.post("/users", async (c) => {
    const given = await body(c, contract.newAccountSchema);
    return given.ok ? answer(c, await accounts.add(given.value)) : fault(c, given);
  });
  // Before /users/:name, which an account named `import` then shares: POST is not used there.
  api.post("/users/import", async (c) => {
    const given = await body(c, contract.importSchema);
    return given.ok ? answer(c, await accounts.import(given.value)) : fault(c, given);
  });
  api.get("/users/:name", async (c) => answer(c, await accounts.find(c.req.param("name"))));
  api.patch("/users/:name", async (c) => {
    const terms = await body(c, contract.accountTermsSchema);
    if (!terms.ok) return fault(c, terms);
    return answer(c, await accounts.update(c.req.param("name"), terms.value));
  });
  api.delete("/users/:name", async (c) => answer(c, await accounts.remove(c.req.param("name"))));
  api.put("/users/:name/password", async (c) => {
    const given = await body(c, contract.setPasswordSchema);
    if (!given.ok) return fault(c, given);
    return answer(c, await accounts.setPassword(c.req.param("name"), given.value.password));
  });
  api.post("/users/:name/enable", async (c) =>
    answer(c, await accounts.setEnabled(c.req.param("name"), true)),
  );
  api.post("/users/:name/disable", async (c) =>
    answer(c, await accounts.setEnabled(c.req.param("name"), false)),
  );
  api.post("/keys/rotate", async (c) => answer(c, await accounts.keyRotate()));
  api.post("/backup", async (c) => {
    const given = await body(c, contract.backupSchema);
    return given.ok ? answer(c, await accounts.backup(given.value.path)) : fault(c, given);
  });
}

function answer<T>(c: Context, given: AdminAnswer<T>): Response {
  return given.ok ? c.json(given.value as object) : fault(c, given);
}

async function body<S extends z.ZodType>(c: Context, schema: S): Promise<AdminAnswer<z.output<S>>> {
  let value: unknown;
  try {
    value = JSON.parse(await c.req.text());
  } catch {
    return adminFault("bad-request", "no-json", "the body is not JSON", "send a JSON object");
  }
  const read = schema.safeParse(value);
  return read.success ? { ok: true, value: read.data } : misfit(read.error);
}

function misread(c: Context, error: z.ZodError): Response {
  return fault(c, misfit(error));
}

/** Paths and expectations only: a value given could be a password. */
function misfit(error: z.ZodError): AdminFault {
  const issues = error.issues.slice(0, 5).map((issue) => {
    const path = issue.path.join(".");
    return path === "" ? issue.message : `${path}: ${issue.message}`;
  });
  const message = issues.join("; ");
  return adminFault("bad-request", "bad-shape", message, "see src/console/contract.ts");
}

function fault(c: Context, given: AdminFault, status?: ContentfulStatusCode): Response {
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
