// Who gets through to the console's routes, and who does not.
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { roles } from "../../src/console/console-contract.js";
import { mayAsk, type Operation, operations } from "../../src/console/operations.js";
import { securityHeaders } from "../../src/daemon/console/gate.js";
import { web } from "../../src/limits/web.js";
import { PASSWORD, reasonOf, Served } from "./support.js";

let served: Served;
beforeEach(async () => {
  served = await Served.started();
});
afterEach(async () => {
  await served[Symbol.asyncDispose]();
});

const all = Object.entries<Operation>(operations).map(
  ([name, { method, path, role }]) =>
    [name, method, `/v1${path.replaceAll(/\{\w+\}/g, "1")}`, role] as const,
);

describe("without a token or a log-in", () => {
  test("/healthz says that it lives, and nothing more, under any name", async () => {
    const { status, text } = await served.ask("GET", "/healthz", { host: "evil.example" });
    expect([status, text]).toEqual([200, "ok\n"]);
  });

  test("no operation of the API, nor anything else below it, is answered", async () => {
    const others = [
      ["me", "GET", "/v1/me"],
      ["OpenAPI", "GET", "/v1/openapi.json"],
      ["events", "GET", "/v1/events"],
      ["metrics", "GET", "/metrics"],
      ["readiness", "GET", "/readyz"],
      ["log-out", "POST", "/v1/log-out"],
      ["nothing", "GET", "/v1/nothing"],
    ] as const;
    for (const [name, method, path] of [...all, ...others]) {
      const reply = await served.ask(method, path);
      expect([name, reply.status, reasonOf(reply)]).toEqual([name, 401, "unknown-caller"]);
    }
    expect(served.port.asked).toEqual([]);
  });

  test.each([
    ["no token of ours", { authorization: "Bearer hf_wrong" }],
    ["another scheme", { authorization: "Basic YTpi" }],
    ["a token with more", { authorization: "Bearer a b" }],
    ["a cookie that was never given", { cookie: "holdfast=AAAA" }],
    ["both, and the token wrong", { authorization: "Bearer hf_x", cookie: "holdfast=AAAA" }],
  ])("%s: 401", async (_what, headers) => {
    expect((await served.ask("GET", "/v1/status", headers)).status).toBe(401);
  });
});

describe("roles", () => {
  test("each may what those before it may; what is local nobody may over HTTP", async () => {
    for (const role of roles) {
      const headers = await served.token(role);
      for (const [name, method, path, needs] of all) {
        if (mayAsk(role, needs)) continue;
        const reply = await served.ask(method, path, headers);
        const expected = needs === "local" ? "local" : "role";
        expect([name, reply.status, reasonOf(reply)]).toEqual([name, 403, expected]);
      }
    }
    expect(served.port.asked).toEqual([]);
  });

  test("they are ordered, and nothing is for everybody", () => {
    expect(roles.map((role) => mayAsk(role, "operator"))).toEqual([false, true, true]);
    expect(mayAsk("administrator", "local")).toBe(false);
    expect(mayAsk("metrics", "viewer")).toBe(false);
    expect(mayAsk("", "viewer")).toBe(false);
  });

  test("a viewer reads, an operator disconnects, and it is told who did", async () => {
    const viewer = await served.token("viewer");
    expect((await served.ask("GET", "/v1/sessions/3", viewer)).status).toBe(200);
    expect((await served.ask("POST", "/v1/disconnect", viewer, '{"id":3}')).status).toBe(403);
    const operator = await served.token("operator");
    expect((await served.ask("POST", "/v1/disconnect", operator, '{"id":3}')).status).toBe(200);
    expect(served.port.asked).toEqual(['disconnect {"id":3}']);
    expect(served.told).toMatchObject([
      { level: "warn", fields: { by: "viewer", operation: "disconnect" } },
      { level: "info", fields: { by: "operator", operation: "disconnect" } },
    ]);
  });

  test("a metrics token reads nothing of the API", async () => {
    const reply = await served.ask("GET", "/v1/status", await served.token("metrics"));
    expect([reply.status, reasonOf(reply)]).toEqual([403, "role"]);
  });
});

describe("tokens", () => {
  test("one that has expired opens nothing, to the millisecond", async () => {
    const token = await served.token("viewer");
    served.now += 86_400_000 - 1;
    expect((await served.ask("GET", "/v1/status", token)).status).toBe(200);
    served.now += 1;
    expect((await served.ask("GET", "/v1/status", token)).status).toBe(401);
  });

  test("one that was removed opens nothing any more; only its digest was kept", async () => {
    const token = await served.token("viewer");
    expect((await served.ask("GET", "/v1/status", token)).status).toBe(200);
    const secret = token.authorization?.slice("Bearer ".length) ?? "";
    expect(JSON.stringify([...served.store.kept.tokens.values()])).not.toContain(secret);
    await served.directory.removeToken("viewer");
    expect((await served.ask("GET", "/v1/status", token)).status).toBe(401);
  });
});

describe("names", () => {
  test.each([
    ["a name that leads here (DNS rebinding)", "evil.example", 421],
    ["the same with our port", "evil.example:8723", 421],
    ["one that ends like ours", "evil-vpn.example.org", 421],
    ["a userinfo", "vpn.example.org@evil.example", 400],
    ["octets of no name", "vpn.example.org\u00e4", 400],
    ["a configured name", "vpn.example.org", 200],
    ["the same in capitals with a port and a dot", "VPN.Example.org.:8443", 200],
    ["localhost", "localhost:8723", 200],
    ["an address", "192.0.2.1:8723", 200],
    ["an IPv6 address", "[::1]:8723", 200],
  ])("%s", async (_what, host, status) => {
    const token = await served.token("viewer");
    expect((await served.ask("GET", "/v1/status", { ...token, host })).status).toBe(status);
  });

  test("none at all: refused", async () => {
    const socket = connect(served.listener.port, "127.0.0.1");
    let text = "";
    socket.on("data", (octets) => {
      text += octets;
    });
    socket.write("GET /v1/status HTTP/1.0\r\n\r\n");
    await new Promise((done) => socket.once("close", done));
    expect(text).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(text).not.toContain("version");
  });
});

describe("another site's page", () => {
  test.each([
    ["its Origin", { origin: "http://evil.example" }],
    ["another port of this host", { origin: "http://127.0.0.1:1" }],
    ["no origin to tell", { origin: "null" }],
    ["a browser's own word", { "sec-fetch-site": "cross-site" }],
  ])("%s: neither reads nor changes, though the cookie came along", async (_what, headers) => {
    const { reading, changing } = await served.logIn("administrator");
    const read = await served.ask("GET", "/v1/status", { ...reading, ...headers });
    expect([read.status, reasonOf(read)]).toEqual([403, "cross-site"]);
    const body = '{"all":true}';
    const changed = await served.ask("POST", "/v1/disconnect", { ...changing, ...headers }, body);
    expect([changed.status, reasonOf(changed)]).toEqual([403, "cross-site"]);
    expect(served.port.asked).toEqual([]);
  });

  test("a change without an Origin, or without the log-in's own word: refused", async () => {
    const { reading, changing } = await served.logIn("administrator");
    const post = (headers: Record<string, string>) =>
      served.ask("POST", "/v1/disconnect", headers, '{"all":true}');
    expect(reasonOf(await post(reading))).toBe("cross-site");
    const origin = { origin: `http://${served.host}` };
    expect(reasonOf(await post({ ...reading, ...origin }))).toBe("csrf");
    expect(reasonOf(await post({ ...changing, "x-holdfast-csrf": "x" }))).toBe("csrf");
    expect(served.port.asked).toEqual([]);
    expect((await post(changing)).status).toBe(200);
  });

  test("cannot log a browser in: neither by a form nor by a script", async () => {
    await served.logIn("viewer");
    const form = { "content-type": "text/plain" };
    expect((await served.tryLogIn("viewer", PASSWORD, form)).status).toBe(415);
    const script = { origin: "http://evil.example" };
    expect((await served.tryLogIn("viewer", PASSWORD, script)).status).toBe(403);
  });
});

test("every answer has the headers that keep a page to itself, refusals and faults too", async () => {
  const token = await served.token("viewer");
  const replies = await Promise.all([
    served.ask("GET", "/healthz"),
    served.ask("GET", "/v1/status"),
    served.ask("GET", "/v1/status", token),
    served.ask("GET", "/nothing", token),
    served.ask("GET", "/v1/status", { host: "evil.example" }),
  ]);
  for (const { headers } of replies) {
    expect(headers).toMatchObject(securityHeaders);
    expect(headers["cache-control"]).toBe("no-store");
    expect(headers).not.toHaveProperty("access-control-allow-origin");
  }
  expect(securityHeaders["content-security-policy"]).not.toContain("unsafe");
});

test("too many requests of one address: 429, and later again", async () => {
  const token = await served.token("viewer");
  const ask = () => served.ask("GET", "/v1/log-level", token);
  const statuses = new Map<number, number>();
  for (let at = 0; at < 210; at++) {
    const { status } = await ask();
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  expect(Object.fromEntries(statuses)).toEqual({ 200: 200, 429: 10 });
  served.now += 1_000;
  expect((await ask()).status).toBe(200);
});

test("connections of one address beyond its share are closed, and there is room again", async () => {
  const { port } = served.listener;
  const open = Array.from({ length: web.sourceConnectionsMax + 3 }, () =>
    connect(port, "127.0.0.1"),
  );
  const closed = new Set<number>();
  open.forEach((socket, at) => {
    socket.on("error", () => {});
    socket.once("close", () => closed.add(at));
  });
  await expect.poll(() => closed.size).toBe(3);
  expect(served.listener.connections).toBe(web.sourceConnectionsMax);
  for (const socket of open) socket.destroy();
  await expect.poll(() => served.listener.connections).toBe(0);
  expect((await served.ask("GET", "/healthz")).status).toBe(200);
});
