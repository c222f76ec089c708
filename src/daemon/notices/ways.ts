// The two ways a notice goes: by mail (SMTP) and by webhook (an HTTP POST of JSON). Secrets are read from
// their files at each try and stand in no message of a failure.
import { readFileSync, statSync } from "node:fs";
import { printable } from "../../base/printable.js";
import { notice as limits } from "../../limits/bulletin.js";
import type { NoticeBody, NoticeWay } from "../../store/port.js";
import { isLocal } from "../config/notices.js";
import type { Config } from "../config/resolve.js";
import { mailRemedy, tooSlow } from "./mail-remedies.js";

export type NoticeTerms = Config["notices"];
export type Sent = { readonly ok: true } | { readonly ok: false; readonly message: string };

export function isOn(terms: NoticeTerms, way: NoticeWay): boolean {
  if (way === "mail") return terms.mail.server !== undefined;
  return terms.webhook.url !== undefined || terms.webhook.urlFile !== undefined;
}

/** Where it goes, as it may be shown to anyone who may look at the server. */
export function destination(terms: NoticeTerms, way: NoticeWay): string {
  const { mail, webhook } = terms;
  if (way === "mail") return `${mail.to.join(", ")} by ${mail.server}:${mail.port}`;
  // Of an address that carries its own secret, not even the host is ours to show.
  if (webhook.url === undefined) return `the address in ${webhook.urlFile}`;
  return new URL(webhook.url).origin;
}

export async function send(terms: NoticeTerms, way: NoticeWay, body: NoticeBody): Promise<Sent> {
  const secrets: string[] = [];
  try {
    if (way === "mail") await byMail(terms.mail, body, secrets);
    else await byWebhook(terms.webhook, body, secrets);
    return { ok: true };
  } catch (failure) {
    const message = messageOf(failure, secrets);
    const remedy = way === "mail" ? mailRemedy(message, terms.mail) : undefined;
    return { ok: false, message: remedy === undefined ? message : `${message}; ${remedy}` };
  }
}

async function byMail(mail: NoticeTerms["mail"], body: NoticeBody, secrets: string[]) {
  const { server, port, tls, user, passwordFile, ca, from, to } = mail;
  if (server === undefined || from === undefined) throw new Error("no mail server is configured");
  const pass = passwordFile === undefined ? undefined : secretOf(passwordFile, secrets);
  if (user !== undefined && pass !== undefined) {
    // What LOGIN and PLAIN (RFC 4616) make of them, and a server may say back.
    secrets.push(...base64Of(user), ...base64Of(`\0${user}\0${pass}`));
  }
  // Only who sends mail pays for it.
  const { createTransport } = await import("nodemailer");
  const transport = createTransport({
    ...{ host: server, port, secure: tls === "on" },
    ...{ requireTLS: tls === "starttls", ignoreTLS: tls === "off" },
    ...(user === undefined || pass === undefined ? {} : { auth: { user, pass } }),
    ...(ca === undefined ? {} : { tls: { ca: readFileSync(ca, "utf8") } }),
    ...{ connectionTimeout: limits.sendMs, greetingTimeout: limits.sendMs },
    ...{ socketTimeout: limits.sendMs, dnsTimeout: limits.sendMs },
    // A server that does not close its side is not waited for.
    socketCloseTimeout: 0,
    // A notice names no file and no address to fetch.
    ...{ disableFileAccess: true, disableUrlAccess: true },
  });
  // The transport's own bounds are of each step; this one is of the whole, and closes the connection.
  const signal = AbortSignal.timeout(limits.sendMs);
  try {
    await transport.sendMail({
      ...{ from, to: [...to], subject: body.subject, text: body.text, signal },
      headers: {
        "Auto-Submitted": "auto-generated",
        "X-Holdfast-Notice": `${body.event} ${body.key}`,
      },
    });
  } catch (failure) {
    const late = failure instanceof Error && failure.name === "AbortError";
    throw late ? new Error(tooSlow(tls)) : failure;
  } finally {
    transport.close();
  }
}

async function byWebhook(webhook: NoticeTerms["webhook"], body: NoticeBody, secrets: string[]) {
  const { url, urlFile, tokenFile } = webhook;
  const target = urlFile === undefined ? url : secretOf(urlFile, secrets);
  const token = tokenFile === undefined ? undefined : secretOf(tokenFile, secrets);
  if (target === undefined || !/^https?:\/\//.test(target)) {
    throw new Error(`${urlFile ?? "notices.webhook.url"} holds no address of http or https`);
  }
  if (token !== undefined && wouldShow(target)) {
    // The configuration's check cannot look into a file. The host is as secret as the rest of it.
    const place = urlFile ?? "notices.webhook.url";
    throw new Error(
      `the address in ${place} is plain http: the token would pass in the clear; write https://`,
    );
  }
  const reply = await fetch(target, {
    method: "POST",
    // The token is for that address alone.
    redirect: "manual",
    signal: AbortSignal.timeout(limits.sendMs),
    headers: {
      "content-type": "application/json",
      "user-agent": "holdfast",
      // One kept open is closed by the other side before the next notice comes.
      connection: "close",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ product: "holdfast", format: 1, ...body }),
  });
  await reply.body?.cancel();
  if (!reply.ok) throw new Error(`the webhook answered with ${reply.status}`);
}

/** Whether what is sent there passes in the clear to another host. */
function wouldShow(address: string): boolean {
  // Nothing is sent to what is no address.
  if (!URL.canParse(address)) return false;
  const { protocol, hostname } = new URL(address);
  return protocol !== "https:" && !isLocal(hostname);
}

/** One line of a file that only its owner (and its group) may read. */
function secretOf(path: string, secrets: string[]): string {
  let text: string;
  try {
    if ((statSync(path).mode & 0o007) !== 0) throw new Error("others may read it: chmod 640");
    text = readFileSync(path, "utf8").trim();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new Error(`${path} cannot be used (${code})`);
  }
  if (text === "" || /[\r\n\0]/.test(text)) throw new Error(`${path} holds no single line`);
  secrets.push(text, ...base64Of(text));
  return text;
}

/** With its padding and without. */
function base64Of(text: string): string[] {
  const padded = Buffer.from(text).toString("base64");
  return [padded, padded.replace(/=+$/, "")];
}

/** What a server said is cut and made printable; of a secret it sent back, nothing is left. */
function messageOf(failure: unknown, secrets: readonly string[]): string {
  const cause =
    failure instanceof Error ? (failure.cause as { code?: unknown } | undefined) : undefined;
  const more = typeof cause?.code === "string" ? ` (${cause.code})` : "";
  let text = `${failure instanceof Error ? failure.message : String(failure)}${more}`;
  // The longest first: a shorter one within it would leave the rest of it.
  const longestFirst = secrets.toSorted((a, b) => b.length - a.length);
  for (const secret of longestFirst) text = text.replaceAll(secret, "***");
  return printable(text.slice(0, limits.answerOctetsMax), 200);
}
