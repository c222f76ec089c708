// Mail over TLS from the first octet and by STARTTLS, against a server of this test with certificates of its own
// authority: what is taken, what is refused, that nothing then passed, and what the failure says helps.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { loadConfig } from "../../src/daemon/config/load.js";
import { testNotice } from "../../src/daemon/notices/notice.js";
import { send } from "../../src/daemon/notices/ways.js";
import { Authority, type Made } from "./authority.js";
import { type Secured, SmtpServer } from "./servers.js";

const secret = "hunter2 correct";
const origin = { instance: "main", host: "gate.example.org", version: "1.2.3" };
const { body } = testNotice("en", origin);

let scratch: string;
let authority: Authority;
let other: Authority;
let good: Made;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "holdfast-mail-"));
  const made = (name: string) => new Authority(mkdtempSync(join(scratch, name)));
  [authority, other] = [made("ca-"), made("other-")];
  good = authority.issue("IP:127.0.0.1");
  writeFileSync(join(scratch, "password"), secret, { mode: 0o600 });
});
afterAll(() => rmSync(scratch, { recursive: true }));

function terms(smtp: SmtpServer, tls: string, ca?: string) {
  const mail = {
    ...{ server: "127.0.0.1", port: smtp.port, tls, from: "gate@example.org" },
    ...{ to: ["noc@example.org"], user: "gate", passwordFile: join(scratch, "password") },
    ...(ca === undefined ? {} : { ca }),
  };
  const loaded = loadConfig(JSON.stringify({ notices: { mail } }), "test");
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config.notices;
}

const speaking = (tls: Secured["tls"], made: Made) =>
  SmtpServer.started("127.0.0.1", { tls, ...made });

describe.each(["on", "starttls"] as const)("tls: %s", (tls) => {
  test("a certificate of notices.mail.ca: the mail and the password pass, encrypted", async () => {
    await using smtp = await speaking(tls, good);
    expect(await send(terms(smtp, tls, authority.file), "mail", body)).toEqual({ ok: true });
    expect(smtp.mails).toMatchObject([{ encrypted: true, auth: `\0gate\0${secret}` }]);
    const plain = smtp.lines.indexOf("STARTTLS");
    expect(plain).toBe(tls === "on" ? -1 : 1);
    expect(smtp.lines.findIndex((line) => line.startsWith("AUTH"))).toBeGreaterThan(plain);
    await expect.poll(() => smtp.open).toBe(0);
  });

  test.each([
    ["of nobody known", () => good, undefined, /trusts: name who signed it in notices\.mail\.ca$/],
    [
      "of another authority",
      () => good,
      () => other.file,
      /not signed by who is in notices\.mail\.ca: put the right one there$/,
    ],
    [
      "for another name",
      () => authority.issue("DNS:other.example.org"),
      () => authority.file,
      /for another name: write that one in notices\.mail\.server$/,
    ],
    [
      "that has ended",
      () => authority.issue("IP:127.0.0.1", -1.5, -0.5),
      () => authority.file,
      /has ended: it needs a new one, or this host's clock is wrong$/,
    ],
    [
      "of a later time",
      () => authority.issue("IP:127.0.0.1", 0.5, 1),
      () => authority.file,
      /of a later time: set this host's clock$/,
    ],
  ])("a certificate %s: refused, nothing passes, and the remedy is said", async (...row) => {
    const [, made, ca, says] = row;
    await using smtp = await speaking(tls, made());
    const sent = await send(terms(smtp, tls, ca?.()), "mail", body);
    expect(sent).toMatchObject({ ok: false, message: expect.stringMatching(says) });
    expect(smtp.mails).toEqual([]);
    expect(smtp.lines.filter((line) => !/^(EHLO|STARTTLS)/.test(line))).toEqual([]);
    await expect.poll(() => smtp.open).toBe(0);
  });
});

test("STARTTLS of a server that offers none, and TLS of one that speaks plainly: what to write", async () => {
  await using smtp = await SmtpServer.started();
  expect(await send(terms(smtp, "starttls"), "mail", body)).toMatchObject({
    ok: false,
    message: expect.stringMatching(/offers no STARTTLS: write notices\.mail\.tls: on/),
  });
  expect(await send(terms(smtp, "on"), "mail", body)).toMatchObject({
    ok: false,
    message: expect.stringMatching(/does not begin with TLS: write notices\.mail\.tls: starttls$/),
  });
  expect([smtp.mails, smtp.lines.some((line) => line.startsWith("AUTH"))]).toEqual([[], false]);
});

test("STARTTLS of a port that begins with TLS: it waits as the client does, and what helps is said", async () => {
  const late = new AbortController();
  const spy = vi.spyOn(AbortSignal, "timeout").mockReturnValue(late.signal);
  try {
    await using smtp = await speaking("on", good);
    const sending = send(terms(smtp, "starttls", authority.file), "mail", body);
    await expect.poll(() => smtp.open).toBe(1);
    late.abort();
    expect(await sending).toMatchObject({
      ok: false,
      message: expect.stringMatching(
        /begins with TLS \(often 465\), write notices\.mail\.tls: on$/,
      ),
    });
    await expect.poll(() => smtp.open).toBe(0);
  } finally {
    spy.mockRestore();
  }
});

test("a server that does not close its side after a failure: ours is over at once", async () => {
  await using smtp = await SmtpServer.started();
  smtp.answers = { auth: "535 no", holds: true };
  // Of this process: the server's connections are its own, too.
  const ours = () =>
    process.getActiveResourcesInfo().filter((one) => one === "TCPSocketWrap").length - smtp.open;
  const before = ours();
  const sent = await send(terms(smtp, "off"), "mail", body);
  expect(sent).toMatchObject({
    ok: false,
    message: expect.stringMatching(/notices\.mail\.user .* notices\.mail\.passwordFile$/),
  });
  expect(smtp.open).toBe(1);
  await expect.poll(() => ours()).toBe(before);
});
