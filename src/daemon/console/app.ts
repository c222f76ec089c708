// The console's routes: the page's files, log-in and log-out, the event stream, metrics, and the admin
// API as the command line has it. All but /healthz and the page's own files ask who it is.
import { Hono, type MiddlewareHandler } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { inPrefix4, type Prefix4, parseIpv4 } from "../../base/ip.js";
import { logInSchema } from "../../console/console-contract.js";
import { apiVersion } from "../../console/contract.js";
import { openApi } from "../../console/openapi.js";
import { web as limits } from "../../limits/web.js";
import { openDescriptors } from "../../os/descriptors.js";
import { isOsError } from "../../os/errors.js";
import { type AdminPort, adminFault } from "../admin/port.js";
import { adminRoutes, bodyOf, fault, type RouteTerms } from "../admin/routes.js";
import { processorMs } from "../busy.js";
import type { LogFields } from "../log-fields.js";
import { EventStreams, type StreamTerms } from "./event-stream.js";
import { exposition, expositionType } from "./exposition.js";
import { type ConsoleEnv, Gate, type GateTerms, sourceOf } from "./gate.js";
import { metricsOf } from "./metrics.js";
import { pageFiles } from "./page.js";

export type AppTerms = GateTerms &
  Pick<RouteTerms, "bodyOctetsMax" | "importOctetsMax" | "broken"> & {
    readonly version: string;
    /** Log-ins, refusals, and who changed what. */
    readonly told: (level: "info" | "warn", fields: LogFields, line: string) => void;
    readonly wallClockOf: (monotonicMs: number) => number;
    readonly metricsFrom: () => readonly Prefix4[];
    readonly listen: StreamTerms["listen"];
    /** To the console, now. */
    readonly connections: () => number;
  };

export function consoleApp(port: AdminPort, terms: AppTerms): Hono<ConsoleEnv> {
  const gate = new Gate(terms);
  const app = new Hono<ConsoleEnv>();
  app.use(gate.headers);
  app.get("/healthz", (c) => c.text("ok\n"));
  app.use(gate.ownName, gate.rate);
  pageRoutes(app);
  logInRoutes(app, gate, terms);
  measureRoutes(app, gate, port, terms);
  app.use(`/${apiVersion}/*`, gate.known);
  app.get(`/${apiVersion}/me`, (c) => {
    const { name, role, logIn } = c.get("caller");
    if (logIn === undefined) return c.json({ name, role });
    const expiresAt = Math.round(terms.wallClockOf(logIn.until));
    return c.json({ name, role, expiresAt, csrf: logIn.csrf });
  });
  const streams = new EventStreams({
    listen: terms.listen,
    news: () => JSON.stringify(port.overview()),
  });
  app.get(`/${apiVersion}/events`, (c) => {
    const lasts = async () => (await gate.callerOf(c)) !== undefined;
    return gate.forbids(c, "viewer") ?? streams.answer(c, lasts);
  });
  app.get(`/${apiVersion}/openapi.json`, (c) => {
    return gate.forbids(c, "viewer") ?? c.json(openApi(terms.version));
  });
  app.route("/", adminRoutes(port, { ...terms, refuses: guard(gate, terms) }) as never);
  return app;
}

function guard(gate: Gate, terms: AppTerms): NonNullable<RouteTerms["refuses"]> {
  return (context, operation, { method, role }) => {
    const c = context as never as Parameters<Gate["forbids"]>[0];
    const refused = gate.forbids(c, role);
    if (method === "GET" && refused === undefined) return undefined;
    const { name } = c.get("caller");
    const line = refused === undefined ? "asked for by the console" : "not allowed to the console";
    terms.told(
      refused === undefined ? "info" : "warn",
      { by: name, operation, path: c.req.path },
      line,
    );
    return refused;
  };
}

/** The same for everyone: nothing of this server is in them. */
function pageRoutes(app: Hono<ConsoleEnv>): void {
  for (const [path, { type, octets, tag }] of pageFiles()) {
    app.get(path, (c) => {
      const headers = { "content-type": type, etag: tag, "cache-control": "no-cache" };
      const known = c.req.header("if-none-match") === tag;
      return known ? c.body(null, 304, headers) : c.body(octets, 200, headers);
    });
  }
}

/** For whoever measures: an address that may, a token, or a log-in. */
function measureRoutes(
  app: Hono<ConsoleEnv>,
  gate: Gate,
  port: AdminPort,
  { metricsFrom, connections }: AppTerms,
): void {
  const measures: MiddlewareHandler<ConsoleEnv> = (c, next) => {
    const source = parseIpv4(sourceOf(c).replace(/^::ffff:/, ""));
    const listed =
      source !== undefined && metricsFrom().some((prefix) => inPrefix4(source, prefix));
    return listed ? next() : gate.known(c, next);
  };
  app.get("/readyz", measures, (c) => {
    const { ready, warnings } = port.overview();
    return c.json({ ready, warnings: warnings.length }, ready ? 200 : 503);
  });
  app.get("/metrics", measures, async (c) => {
    const open = openDescriptors(process.pid);
    const families = metricsOf({
      overview: port.overview(),
      status: await port.status(),
      processorSeconds: processorMs() / 1_000,
      openDescriptors: isOsError(open) ? undefined : open,
      consoleConnections: connections(),
    });
    return c.text(exposition(families), 200, { "content-type": expositionType });
  });
}

function logInRoutes(app: Hono<ConsoleEnv>, gate: Gate, terms: AppTerms): void {
  const { tls, logIns, directory, told } = terms;
  const options = { path: "/", httpOnly: true, sameSite: "Strict", secure: tls } as const;
  app.post(`/${apiVersion}/log-in`, async (c) => {
    const source = sourceOf(c);
    if (!gate.mayTry(source)) return fault(c, tooMany, 429);
    // A form of another site cannot send this type without asking us first, which is answered with 401.
    if (c.req.header("content-type") !== "application/json") return fault(c, noForm, 415);
    const given = await bodyOf(c, logInSchema);
    if (!given.ok) return fault(c, given);
    const { name, password } = given.value;
    const found = await directory.check(name, password);
    if (found === "busy") return fault(c, tooMany, 429);
    if (found === "wrong") {
      told("warn", { peer: source, user: name }, "console log-in refused");
      return fault(c, wrong, 401);
    }
    if ("ok" in found) return fault(c, found);
    const { cookie, logIn } = logIns.open(found.name, found.role);
    told("info", { peer: source, user: found.name, role: found.role }, "console log-in");
    setCookie(c, gate.cookieName, cookie, { ...options, maxAge: limits.logInMs / 1_000 });
    const expiresAt = Math.round(terms.wallClockOf(logIn.until));
    return c.json({ name: found.name, role: found.role, expiresAt, csrf: logIn.csrf });
  });
  app.post(`/${apiVersion}/log-out`, gate.known, (c) => {
    const cookie = getCookie(c, gate.cookieName);
    if (cookie !== undefined) logIns.end(cookie);
    deleteCookie(c, gate.cookieName, options);
    return c.json({});
  });
}

const tooMany = adminFault(
  "refused",
  "too-many-tries",
  "too many log-ins are tried",
  "wait a minute, or use the command line",
);
const wrong = adminFault(
  "refused",
  "wrong-password",
  "wrong name or password",
  "an administrator gives another one: holdfast console-user password",
);
const noForm = adminFault(
  "bad-request",
  "no-json",
  "the body is not JSON",
  "send application/json",
);
