// Notices by mail and by webhook against servers of this test: what arrives, that names with escapes,
// newlines and marks are inert in it, and that no secret stands in what a failure says.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { revised } from "../../src/core/bulletin/bulletin.js";
import type { IncidentReport } from "../../src/core/guard/incident-report.js";
import { loadConfig } from "../../src/daemon/config/load.js";
import { bulletinNotice } from "../../src/daemon/notices/notice.js";
import { destination, send } from "../../src/daemon/notices/ways.js";
import { notice as limits } from "../../src/limits/bulletin.js";
import { SmtpServer, WebServer } from "./servers.js";

const secret = "hunter2 correct";
const hostile = "eve\r\nBcc: all@example.org\r\n\r\n.\r\nRSET\u001b[2J\u202egnp<b>";
const report: IncidentReport = {
  ...{ number: 3, begin: 1_000, end: null, ending: null, seenAt: 11_000 },
  ...{ overPerSecond: 100, perSecond: 7, peakPerSecond: 900, refused: 4_000 },
  reasons: { "data gre-flags": 4_000, [`malformed ${hostile}`]: 2 },
  sources: [{ address: hostile, count: 3, mayBeForged: true }],
  greSources: "sampled",
  ...{ sessionsAtBegin: 2, sessionsEnded: {}, logIns: 1, logInsRefused: 0, processorPercent: 3 },
  blocked: [{ address: "192.0.2.1", reason: hostile }],
  ...{ blockedMore: 0, dropped: { connections: 0, gre: 0 } },
};

let scratch: string;
let smtp: SmtpServer;
let web: WebServer;
beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), "holdfast-notices-"));
  smtp = await SmtpServer.started();
  web = await WebServer.started();
});
afterEach(async () => {
  await smtp[Symbol.asyncDispose]();
  await web[Symbol.asyncDispose]();
  rmSync(scratch, { recursive: true });
});

function file(name: string, text: string, mode = 0o600): string {
  const path = join(scratch, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

function terms(notices: object) {
  const loaded = loadConfig(JSON.stringify({ notices }), "test");
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config.notices;
}

const byMail = (more: object = {}) =>
  terms({
    mail: {
      ...{ server: "127.0.0.1", port: smtp.port, tls: "off" },
      ...{ from: "gate@example.org", to: ["noc@example.org", "ops@example.org"] },
      ...more,
    },
  });
const body = (language: "en" | "ja" = "en") => {
  const origin = { instance: "main", host: hostile, version: "1.2.3" };
  return bulletinNotice(revised(undefined, report, "1.2.3"), "begins", language, origin).body;
};

/** A mail's text, its transfer encoding undone. */
function textOf(data: string): string {
  const [head = "", ...rest] = data.split("\r\n\r\n");
  const text = rest.join("\r\n\r\n");
  if (/^content-transfer-encoding: base64/im.test(head))
    return Buffer.from(text, "base64").toString();
  const plain = text.replaceAll("=\r\n", "");
  const octets = plain.replaceAll(/=([0-9A-F]{2})/g, (_all, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(octets, "latin1").toString();
}

describe("by mail", () => {
  test.each(["en", "ja"] as const)("%s: the bulletin arrives for each reader", async (language) => {
    expect(await send(byMail(), "mail", body(language))).toEqual({ ok: true });
    const [mail] = smtp.mails;
    expect([mail?.from, ...(mail?.to ?? [])]).toEqual([
      expect.stringContaining("<gate@example.org>"),
      expect.stringContaining("<noc@example.org>"),
      expect.stringContaining("<ops@example.org>"),
    ]);
    expect(mail?.data).toMatch(/^Auto-Submitted: auto-generated\r$/m);
    const text = textOf(mail?.data ?? "").replaceAll("\r\n", "\n");
    expect(text.trim()).toBe(body(language).text.trim());
    expect(text).toContain(language === "en" ? "source may be forged" : "偽装されている可能性");
  });

  test("names cannot add a header, a reader or a command, and turn nothing around", async () => {
    await send(byMail(), "mail", body());
    const [{ data, to } = { data: "", to: [] }] = smtp.mails;
    const head = data.split("\r\n\r\n")[0] ?? "";
    expect(head).not.toMatch(/^bcc:/im);
    expect(to).toHaveLength(2);
    expect(smtp.lines.some((line) => line.startsWith("RSET"))).toBe(false);
    const text = textOf(data);
    for (const evil of ["\u001b", "\u202e", "\r\nBcc", "\nBcc"]) {
      expect([JSON.stringify(evil), text.includes(evil)]).toEqual([JSON.stringify(evil), false]);
    }
    expect(text).toContain("eve\\u{d}\\u{a}Bcc: all@example.org");
  });

  test("logs in with the file's password; without TLS only to this host", async () => {
    const passwordFile = file("password", `${secret}\n`);
    expect(await send(byMail({ user: "gate", passwordFile }), "mail", body())).toEqual({
      ok: true,
    });
    expect(smtp.mails[0]?.auth).toBe(`\0gate\0${secret}`);
  });

  test("a server that says the password back: the failure does not", async () => {
    const passwordFile = file("password", secret);
    const told = `535 \u001b[2J ${secret} ${Buffer.from(secret).toString("base64")} is wrong`;
    smtp.answers = { auth: told };
    const sent = await send(byMail({ user: "gate", passwordFile }), "mail", body());
    expect(sent).toMatchObject({ ok: false, message: expect.stringContaining("***") });
    const said = JSON.stringify(sent);
    expect(said).not.toContain(secret);
    expect(said).not.toContain(Buffer.from(secret).toString("base64"));
    expect(said).not.toContain("\\u001b[");
  });

  test.each([
    // The octets of a password stand elsewhere in the base64 of PLAIN than in its own.
    ["PLAIN", undefined, "***"],
    ["LOGIN", "LOGIN", "*** ***"],
  ] as const)("a server that says back all of %s: nothing of it is left", async (...row) => {
    const [, mechanism, left] = row;
    const said: string[] = [];
    smtp.answers = {
      ...(mechanism === undefined ? {} : { mechanism }),
      auth: (text) => {
        said.push(...text.split(" "));
        return `535 what is ${text.replaceAll("=", "")} and ${text}.`;
      },
    };
    const passwordFile = file("password", secret);
    const sent = await send(byMail({ user: "porter", passwordFile }), "mail", body());
    expect(sent).toMatchObject({
      ok: false,
      message: expect.stringContaining(`what is ${left} and ${left}.`),
    });
    expect(said).toHaveLength(mechanism === undefined ? 1 : 2);
  });

  test("a server that is too slow: said, and no connection to it stays", async () => {
    const late = new AbortController();
    const spy = vi.spyOn(AbortSignal, "timeout").mockReturnValue(late.signal);
    try {
      smtp.answers = { endless: true };
      const sending = send(byMail(), "mail", body());
      await expect.poll(() => smtp.lines).toHaveLength(1);
      late.abort();
      expect(await sending).toEqual({ ok: false, message: "the mail server was too slow" });
      await expect.poll(() => smtp.open).toBe(0);
      expect(spy).toHaveBeenCalledWith(limits.sendMs);
    } finally {
      spy.mockRestore();
    }
  });

  test("a server without STARTTLS where it is wanted, one that refuses, and none at all", async () => {
    const wanting = await send(byMail({ tls: "starttls" }), "mail", body());
    expect(wanting).toMatchObject({ ok: false });
    expect(smtp.mails).toHaveLength(0);
    smtp.answers = { accept: "554 no" };
    expect(await send(byMail(), "mail", body())).toMatchObject({
      ok: false,
      message: expect.stringContaining("554"),
    });
    const { port } = smtp;
    await using other = await SmtpServer.started();
    const closed = other.port;
    await other[Symbol.asyncDispose]();
    other[Symbol.asyncDispose] = async () => {};
    expect(closed).not.toBe(port);
    expect(await send(byMail({ port: closed }), "mail", body())).toMatchObject({
      ok: false,
      message: expect.stringContaining("ECONNREFUSED"),
    });
  });

  test.each([
    ["one that is not there", (dir: string) => join(dir, "none"), "ENOENT"],
    ["one that others may read", () => file("open", secret, 0o644), "chmod"],
    ["an empty one", () => file("empty", "\n"), "no single line"],
    ["one with two lines", () => file("two", "a\nb\n"), "no single line"],
  ])("a password's file, %s: said, and no mail", async (_what, path, says) => {
    const mail = byMail({ user: "gate", passwordFile: path(scratch) });
    expect(await send(mail, "mail", body())).toMatchObject({
      ok: false,
      message: expect.stringContaining(says),
    });
    expect(smtp.mails).toHaveLength(0);
  });
});

describe("by webhook", () => {
  test("JSON by POST, with the file's token; of names nothing but text", async () => {
    const tokenFile = file("token", secret);
    const webhook = terms({ webhook: { url: `${web.origin}/hook`, tokenFile } });
    expect(await send(webhook, "webhook", body())).toEqual({ ok: true });
    const [posted] = web.posted;
    expect(posted?.path).toBe("/hook");
    expect(posted?.headers).toMatchObject({
      "content-type": "application/json",
      authorization: `Bearer ${secret}`,
    });
    const read = JSON.parse(posted?.body ?? "");
    expect(read).toMatchObject({
      ...{ product: "holdfast", format: 1, event: "begin", key: "incident 3", severity: "low" },
      bulletin: { number: 3, language: "en", revision: 1 },
    });
    const strings = JSON.stringify(read, (_key, value) =>
      typeof value === "string" ? value.replaceAll("\n", " ") : value,
    );
    expect(strings).not.toMatch(/\\u001b|\\r|\u202e/);
    expect(read.subject).not.toContain("\n");
  });

  test("an address from a file is used, and shown to nobody", async () => {
    const urlFile = file("url", `${web.origin}/services/T0/${secret.split(" ")[0]}`);
    const webhook = terms({ webhook: { urlFile } });
    expect(await send(webhook, "webhook", body())).toEqual({ ok: true });
    expect(web.posted[0]?.path).toBe("/services/T0/hunter2");
    expect(destination(webhook, "webhook")).toBe(`the address in ${urlFile}`);
    web.answer = { status: 500 };
    expect(await send(webhook, "webhook", body())).toEqual({
      ok: false,
      message: "the webhook answered with 500",
    });
    await web[Symbol.asyncDispose]();
    const gone = JSON.stringify(await send(webhook, "webhook", body()));
    expect(gone).toContain("ECONNREFUSED");
    expect(gone).not.toContain("hunter2");
    web = await WebServer.started();
  });

  test("an address of http from a file: no token goes to another host, which is not named", async () => {
    const tokenFile = file("token", secret);
    const port = new URL(web.origin).port;
    const by = (address: string) =>
      terms({ webhook: { urlFile: file("url", address), tokenFile } });
    // No loopback address as the configuration judges it, and yet no other host.
    const elsewhere = await send(by(`http://0.0.0.0:${port}/x`), "webhook", body());
    expect(elsewhere).toEqual({
      ok: false,
      message: expect.stringMatching(/^the address in \S+ is plain http: .* write https:\/\//),
    });
    expect(JSON.stringify(elsewhere)).not.toContain("0.0.0.0");
    expect(web.posted).toEqual([]);
    expect(await send(by(`http://127.0.0.1:${port}/x`), "webhook", body())).toEqual({ ok: true });
    expect(web.posted[0]?.headers.authorization).toBe(`Bearer ${secret}`);
  });

  test("a redirection is not followed: the token is for that address alone", async () => {
    await using other = await WebServer.started();
    web.answer = { status: 307, headers: { location: `${other.origin}/` } };
    const webhook = terms({ webhook: { url: web.origin, tokenFile: file("token", secret) } });
    expect(await send(webhook, "webhook", body())).toMatchObject({ ok: false });
    expect(other.posted).toEqual([]);
  });
});
