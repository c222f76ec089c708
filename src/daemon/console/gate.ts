// What stands before every route of the console: Host and Origin, rates, who asks, what he may. The
// routes behind it see only requests that may be made.
import { timingSafeEqual } from "node:crypto";
import type { HttpBindings } from "@hono/node-server";
import type { Context, MiddlewareHandler } from "hono";
import { getCookie } from "hono/cookie";
import type { TokenRole } from "../../console/console-contract.js";
import { mayAsk, type Needs } from "../../console/operations.js";
import { Paces } from "../../core/guard/paces.js";
import { web as limits } from "../../limits/web.js";
import { type AdminFault, adminFault } from "../admin/port.js";
import { fault } from "../admin/routes.js";
import type { Directory } from "./directory.js";
import type { LogIn, LogIns } from "./log-ins.js";
import { isOwnHost } from "./names.js";

export type Caller = {
  readonly name: string;
  readonly role: TokenRole;
  /** Undefined: a token. */
  readonly logIn: LogIn | undefined;
};

export type ConsoleEnv = { Bindings: HttpBindings; Variables: { caller: Caller } };

export type GateTerms = {
  readonly directory: Directory;
  readonly logIns: LogIns;
  readonly clock: () => number;
  /** Names, besides those that are addresses of this host, under which the console is asked for. */
  readonly names: () => readonly string[];
  readonly tls: boolean;
};

const safeMethods = ["GET", "HEAD"];

export const securityHeaders: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

export class Gate {
  readonly #requests = new Paces(
    { perSecond: limits.requestsPerSecond, burst: limits.requestsBurst },
    limits.sourcesMax,
  );
  readonly #tries = new Paces(
    { perSecond: limits.triesPerMinute / 60, burst: limits.triesPerMinute },
    limits.sourcesMax,
  );
  readonly #triesInAll = new Paces(
    { perSecond: limits.triesInAllPerMinute / 60, burst: limits.triesInAllPerMinute },
    1,
  );

  constructor(readonly terms: GateTerms) {}

  get cookieName(): string {
    return this.terms.tls ? "__Host-holdfast" : "holdfast";
  }

  /** For every answer, also those that are refusals. */
  headers: MiddlewareHandler<ConsoleEnv> = async (c, next) => {
    await next();
    for (const [name, value] of Object.entries(securityHeaders)) c.res.headers.set(name, value);
    if (!c.res.headers.has("cache-control")) c.res.headers.set("cache-control", "no-store");
  };

  /** A page of another name may have that name lead here (DNS rebinding): it gets nothing. */
  ownName: MiddlewareHandler<ConsoleEnv> = async (c, next) => {
    const host = c.req.header("host") ?? "";
    if (!isOwnHost(host, this.terms.names())) return fault(c, otherHost, 421);
    const origin = c.req.header("origin");
    if (origin !== undefined && hostOf(origin) !== host) return fault(c, crossSite, 403);
    if (c.req.header("sec-fetch-site") === "cross-site" && !isNavigation(c)) {
      return fault(c, crossSite, 403);
    }
    return next();
  };

  rate: MiddlewareHandler<ConsoleEnv> = async (c, next) => {
    if (this.#requests.take(sourceOf(c), this.terms.clock())) return next();
    return fault(c, tooFast, 429);
  };

  /** Whether one more log-in may be tried from there. */
  mayTry(source: string): boolean {
    const now = this.terms.clock();
    return this.#tries.take(source, now) && this.#triesInAll.take("all", now);
  }

  /** Somebody, by a token or a log-in; what changes something is his own wish. */
  known: MiddlewareHandler<ConsoleEnv> = async (c, next) => {
    const caller = await this.callerOf(c);
    if (caller === undefined) return fault(c, unknown, 401);
    if (caller.logIn !== undefined && !safeMethods.includes(c.req.method)) {
      const origin = c.req.header("origin") ?? "";
      const own = origin !== "" || c.req.header("sec-fetch-site") === "same-origin";
      if (!own) return fault(c, crossSite, 403);
      if (!same(c.req.header("x-holdfast-csrf") ?? "", caller.logIn.csrf)) {
        return fault(c, noCsrf, 403);
      }
    }
    c.set("caller", caller);
    return next();
  };

  async callerOf(c: Context<ConsoleEnv>): Promise<Caller | undefined> {
    const authorization = c.req.header("authorization");
    if (authorization !== undefined) {
      const [, token = ""] = /^Bearer ([A-Za-z0-9_-]{1,64})$/i.exec(authorization) ?? [];
      const found = await this.terms.directory.tokenOf(token);
      return found === undefined ? undefined : { ...found, logIn: undefined };
    }
    const cookie = getCookie(c, this.cookieName);
    const logIn = cookie === undefined ? undefined : this.terms.logIns.use(cookie);
    return logIn === undefined ? undefined : { name: logIn.name, role: logIn.role, logIn };
  }

  /** Undefined: he may. */
  forbids(c: Context<ConsoleEnv>, needs: Needs): Response | undefined {
    const { role } = c.get("caller");
    if (mayAsk(role, needs)) return undefined;
    if (needs === "local") return fault(c, localAlone, 403);
    const message = `this needs the role ${needs}; yours is ${role}`;
    const remedy = "ask an administrator";
    return fault(c, adminFault("refused", "role", message, remedy), 403);
  }
}

/** Of the connection: whatever a header says of it is a caller's own word. */
export function sourceOf(c: Context<ConsoleEnv>): string {
  return c.env.incoming.socket.remoteAddress ?? "";
}

/** A link from elsewhere that leads to the page: it carries no cookie, since ours are SameSite. */
function isNavigation(c: Context): boolean {
  return c.req.method === "GET" && c.req.header("sec-fetch-mode") === "navigate";
}

function hostOf(origin: string): string | undefined {
  return /^https?:\/\/([^/]+)$/.exec(origin)?.[1];
}

function same(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

const refusal = (reason: string, message: string, remedy: string): AdminFault =>
  adminFault("refused", reason, message, remedy);

const otherHost = refusal(
  "other-host",
  "this console is not known under that name",
  "use its address, or add the name to console.names",
);
const crossSite = refusal("cross-site", "another site asked for this", "use the console's page");
const noCsrf = refusal("csrf", "X-Holdfast-CSRF is missing or wrong", "GET /v1/me tells it");
const tooFast = refusal("too-fast", "too many requests", "ask less often");
const unknown = refusal("unknown-caller", "log in first, or send a token", "see holdfast token");
const localAlone = refusal(
  "local",
  "this is done on the server itself alone",
  "use the command line there",
);
