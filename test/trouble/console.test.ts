// The console of a running server, by TLS of its own making from another host: a session is looked at,
// listed and ended over it, as a role allows; what it says of a secret is nothing.
import { statSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { describe, expect, test } from "vitest";
import { until } from "../lab/place.js";
import { needRoot } from "../peers.js";
import { Scene, SERVER } from "./scene.js";

const anna = { name: "anna", password: "correct-Horse-7" };
const PASSWORD = "correct horse battery";
const config = { console: { address: SERVER, names: ["vpn.example.org"] } };

type Reply = {
  readonly status: number;
  readonly text: string;
  readonly cookie: string;
  readonly fingerprint: string;
};

function ask(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: object,
): Promise<Reply> {
  const type = body === undefined ? {} : { "content-type": "application/json" };
  const options = { host: SERVER, port: 8723, method, path, headers: { ...headers, ...type } };
  return new Promise((done, fail) => {
    // Its own certificate is known by its fingerprint alone, which is looked at below.
    const asked = request({ ...options, agent: false, rejectUnauthorized: false }, (reply) => {
      const { fingerprint256 } = (reply.socket as TLSSocket).getPeerCertificate();
      let text = "";
      reply.on("data", (part) => {
        text += part;
      });
      reply.on("end", () => {
        const [cookie = ""] = reply.headers["set-cookie"] ?? [];
        done({ status: reply.statusCode ?? 0, text, cookie, fingerprint: fingerprint256 });
      });
    });
    asked.on("error", fail);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

async function logIn(name: string): Promise<Record<string, string>> {
  const reply = await ask("POST", "/v1/log-in", {}, { name, password: PASSWORD });
  if (reply.status !== 200) throw new Error(reply.text);
  const { csrf } = JSON.parse(reply.text) as { csrf: string };
  const cookie = reply.cookie.split(";")[0] ?? "";
  return { cookie, origin: `https://${SERVER}:8723`, "x-holdfast-csrf": csrf };
}

async function prometheus(scene: Scene): Promise<Record<string, string>> {
  const { code, stdout } = await scene.cli(["token", "add", "prometheus"]);
  expect(code).toBe(0);
  return { authorization: `Bearer ${stdout.trim()}` };
}

/** What listens, as the ledger holds it. */
async function listeners(scene: Scene): Promise<string[]> {
  const { body } = await scene.admin("GET", "/ledger?what=listener");
  return (body.lines as { detail: string }[]).map(({ detail }) => detail);
}

describe.runIf(needRoot())("the console", () => {
  test("is for those it knows: looks, acts, measures, and keeps its secrets", async () => {
    await using scene = await Scene.started({ config });
    const caller = await scene.caller(await scene.addUser(anna));
    for (const name of ["viewer", "operator"]) {
      const words = ["console-user", "add", name, "--role", name, "--password-stdin"];
      expect((await scene.cli(words, `${PASSWORD}\n`)).code).toBe(0);
    }
    const [told] = await scene.logged("console");
    const health = await ask("GET", "/healthz");
    expect([health.text, health.fingerprint]).toEqual(["ok\n", told?.fingerprint]);
    expect(statSync(join(scene.state, "console.key")).mode & 0o777).toBe(0o600);
    expect((await ask("GET", "/v1/sessions")).status).toBe(401);
    expect((await ask("GET", "/healthz", { host: "evil.example" })).status).toBe(200);
    expect((await ask("GET", "/", { host: "evil.example" })).status).toBe(421);

    expect(await listeners(scene)).toEqual(
      expect.arrayContaining(["admin socket", `console ${SERVER}:8723`]),
    );

    const token = await prometheus(scene);
    expect(JSON.parse((await ask("GET", "/readyz", token)).text)).toMatchObject({ ready: true });
    await until("the traffic is measured", 20, async () => {
      await caller.ping();
      return /^holdfast_octets_total\{direction="sent"\} [1-9]/m.test(
        (await ask("GET", "/metrics", token)).text,
      );
    });
    const metrics = (await ask("GET", "/metrics", token)).text;
    expect(metrics).toMatch(/^holdfast_sessions 1$/m);
    expect(metrics).not.toContain("anna");

    const viewer = await logIn("viewer");
    const { sessions } = JSON.parse((await ask("GET", "/v1/sessions", viewer)).text);
    expect(sessions).toMatchObject([{ user: "anna", phase: "network" }]);
    const target = { id: sessions[0].id };
    expect((await ask("POST", "/v1/disconnect", viewer, target)).status).toBe(403);
    expect((await scene.status()).sessions.now).toBe(1);
    const operator = await logIn("operator");
    expect((await ask("POST", "/v1/disconnect", operator, target)).status).toBe(200);
    await until("the session is over", 20, async () => (await scene.status()).sessions.now === 0);
    expect(await scene.logged("asked for by the console")).toMatchObject([
      { by: "operator", operation: "disconnect" },
    ]);
    expect(await scene.logged("not allowed to the console")).toMatchObject([{ by: "viewer" }]);
    const secrets = [PASSWORD, viewer.cookie?.split("=")[1], token.authorization?.slice(7)];
    for (const secret of secrets) expect(scene.log()).not.toContain(secret);

    expect((await scene.cli(["console-user", "remove", "viewer"])).code).toBe(0);
    expect((await ask("GET", "/v1/sessions", viewer)).status).toBe(401);
    expect(await scene.stop()).toBe(0);
    expect(scene.lines("not everything could be given back")).toEqual([]);
    await scene.start();
    expect((await ask("GET", "/v1/sessions", operator)).status).toBe(401);
    expect((await ask("GET", "/metrics", token)).status).toBe(200);
    expect((await ask("GET", "/healthz")).fingerprint).toBe(health.fingerprint);
  });

  test("that cannot listen keeps the server from nothing, and says so", async () => {
    await using scene = await Scene.started({
      config: { console: { address: "203.0.113.99", tls: "off" } },
    });
    const caller = await scene.caller(await scene.addUser(anna));
    await caller.ping();
    expect(await listeners(scene)).toContain("admin socket");
    expect((await listeners(scene)).join()).not.toContain("console");
    const { warnings } = await scene.status();
    expect(warnings.join()).toMatch(
      /no console: .* 203\.0\.113\.99:8723 \(EADDRNOTAVAIL\); .*console\.address/,
    );
  });
});
