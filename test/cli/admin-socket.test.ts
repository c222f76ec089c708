import { chmodSync, existsSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect, createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import * as contract from "../../src/console/contract.js";
import { type AdminSocket, openAdminSocket } from "../../src/daemon/admin/socket.js";
import { fakePort, type Stage, serveFake, stage } from "./support.js";

let on: Stage;
let admin: AdminSocket | undefined;
beforeEach(() => {
  on = stage();
});
afterEach(async () => {
  await admin?.close(0);
  admin = undefined;
  on.dispose();
});

type Reply = { status: number; body: unknown };

function ask(method: string, path: string, body?: string | Buffer): Promise<Reply> {
  return new Promise((done, fail) => {
    const asked = request(
      { socketPath: on.paths.adminSocket, method, path, agent: false },
      (reply) => {
        const chunks: Buffer[] = [];
        reply.on("data", (chunk: Buffer) => chunks.push(chunk));
        reply.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          done({ status: reply.statusCode ?? 0, body: text === "" ? undefined : JSON.parse(text) });
        });
      },
    );
    asked.on("error", fail);
    asked.end(body);
  });
}

describe("the socket", () => {
  test("only its owner may reach it, whatever the umask; gone after close", async () => {
    const mask = process.umask(0);
    admin = await serveFake(on.paths, fakePort());
    expect(process.umask(mask)).toBe(0);
    expect(statSync(on.paths.adminSocket).mode & 0o777).toBe(0o600);
    expect(statSync(on.paths.adminDirectory).mode & 0o777).toBe(0o700);
    await admin.close(0);
    admin = undefined;
    expect(existsSync(on.paths.adminSocket)).toBe(false);
  });

  const terms = {
    connectionsMax: 4,
    bodyOctetsMax: 4_096,
    importOctetsMax: 4_096,
    uid: process.getuid?.() ?? 0,
    broken: () => {},
  };

  test("a directory that others may enter: refused, nothing listens", async () => {
    chmodSync(on.paths.adminDirectory, 0o755);
    const opened = await openAdminSocket(fakePort(), on.paths, terms);
    expect(opened).toMatchObject({ ok: false, remedy: `chmod 700 ${on.paths.adminDirectory}` });
    expect(existsSync(on.paths.adminSocket)).toBe(false);
  });

  test("one left over by a server that was killed: replaced", async () => {
    const dead = createServer().listen(on.paths.adminSocket);
    await new Promise((done) => dead.once("listening", done));
    // A hard link survives the close that removes the name.
    const { linkSync, renameSync } = await import("node:fs");
    linkSync(on.paths.adminSocket, `${on.paths.adminSocket}.kept`);
    await new Promise((done) => dead.close(done));
    renameSync(`${on.paths.adminSocket}.kept`, on.paths.adminSocket);
    admin = await serveFake(on.paths, fakePort());
    expect((await ask("GET", "/v1/log-level")).status).toBe(200);
  });

  test("one that somebody answers at: refused and left alone", async () => {
    admin = await serveFake(on.paths, fakePort());
    const opened = await openAdminSocket(fakePort(), on.paths, terms);
    expect(opened).toMatchObject({ ok: false });
    expect((await ask("GET", "/v1/log-level")).status).toBe(200);
  });

  test.each(["file", "link"])("a %s in its place: refused and left alone", async (what) => {
    if (what === "file") writeFileSync(on.paths.adminSocket, "x");
    else symlinkSync("/etc/passwd", on.paths.adminSocket);
    const opened = await openAdminSocket(fakePort(), on.paths, terms);
    expect(opened).toMatchObject({ ok: false, remedy: "move it away" });
    expect(existsSync(on.paths.adminSocket)).toBe(true);
  });

  test("connections beyond the bound are closed, the others go on", async () => {
    admin = await serveFake(on.paths, fakePort());
    const held = Array.from({ length: 4 }, () => connect(on.paths.adminSocket));
    await Promise.all(held.map((one) => new Promise((done) => one.once("connect", done))));
    await expect(ask("GET", "/v1/status")).rejects.toThrow();
    expect(admin.connections).toBe(4);
    for (const one of held) one.destroy();
    await Promise.all(held.map((one) => new Promise((done) => one.once("close", done))));
    await expect.poll(async () => admin?.connections).toBe(0);
    expect((await ask("GET", "/v1/status")).status).toBe(200);
  });
});

describe("what it answers", () => {
  beforeEach(async () => {
    admin = await serveFake(on.paths, fakePort());
  });

  test.each([
    ["/v1/status", contract.statusSchema],
    ["/v1/sessions?most=1", contract.sessionsSchema],
    ["/v1/sessions/3", contract.sessionDetailSchema],
    ["/v1/ledger?state=stuck", contract.ledgerSchema],
    ["/v1/log-level", contract.logLevelSchema],
    ["/v1/doctor", contract.doctorSchema],
  ])("GET %s: as the contract says", async (path, schema) => {
    const { status, body } = await ask("GET", path);
    expect(status).toBe(200);
    expect(schema.safeParse(body).success).toBe(true);
  });

  test.each([
    ["no such route", "GET", "/v1/nothing", undefined, 404, "no-such-route"],
    ["another version", "GET", "/v2/status", undefined, 404, "no-such-route"],
    ["another method", "DELETE", "/v1/status", undefined, 404, "no-such-route"],
    ["no such session", "GET", "/v1/sessions/99", undefined, 404, "unknown-session"],
    ["a session that is no number", "GET", "/v1/sessions/x", undefined, 404, "no-such-route"],
    ["a page of nothing", "GET", "/v1/sessions?most=0", undefined, 400, "bad-shape"],
    ["no body", "POST", "/v1/disconnect", undefined, 400, "no-json"],
    ["no JSON", "POST", "/v1/disconnect", "{", 400, "no-json"],
    ["a word", "POST", "/v1/disconnect", '"all"', 400, "bad-shape"],
    ["two targets", "POST", "/v1/disconnect", '{"id":1,"all":true}', 400, "bad-shape"],
    ["an unknown level", "PUT", "/v1/log-level", '{"level":"loud"}', 400, "bad-shape"],
    ["a session that is gone", "POST", "/v1/disconnect", '{"id":9}', 404, "no-session"],
    ["a body beyond the bound", "POST", "/v1/disconnect", "x".repeat(5_000), 413, "too-large"],
  ])("%s: refused with a reason", async (_what, method, path, body, status, reason) => {
    const reply = await ask(method, path, body);
    expect(reply.status).toBe(status);
    const fault = contract.faultSchema.parse(reply.body);
    expect(fault.error.reason).toBe(reason);
    expect(fault.error.remedy).not.toBe("");
  });

  test("a refusal never repeats what was sent: it could be a password", async () => {
    const { body } = await ask("POST", "/v1/users", '{"name":"a","password":"s3cret","x":1}');
    expect(JSON.stringify(body)).not.toContain("s3cret");
  });

  test("octets that are not HTTP end that connection only", async () => {
    const socket = connect(on.paths.adminSocket);
    socket.end(Buffer.from([0, 255, 13, 10, 13, 10]));
    await new Promise((done) => socket.resume().once("close", done));
    expect((await ask("GET", "/v1/status")).status).toBe(200);
  });
});

test("a fault of ours: 500 without a detail, told to the log", async () => {
  const told: unknown[] = [];
  const port = {
    ...fakePort(),
    status: () => {
      throw new Error("inner detail");
    },
  };
  admin = await serveFake(on.paths, port, (failure) => told.push(failure));
  const { status, body } = await ask("GET", "/v1/status");
  expect(status).toBe(500);
  expect(JSON.stringify(body)).not.toContain("inner detail");
  expect(told).toHaveLength(1);
});
