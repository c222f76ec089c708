// The section `notices` of the configuration: its keys, and what of it cannot work.
import * as z from "zod";
import { isLoopback } from "../console/names.js";
import { absolutePath, domainName, field, listOf, oneOf, wholeNumber } from "./fields.js";
import type { Path } from "./problems.js";

const mailAddress = (description: string) =>
  field(
    z
      .string()
      .max(254)
      .regex(/^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,189}$/),
    description,
    "a mail address",
    "noc@example.org",
  );

const mail = z
  .strictObject({
    server: domainName("SMTP server; without one no mail is sent.", "smtp.example.org").optional(),
    port: wholeNumber("TCP port of it.", 1, 65_535, 587).default(587),
    tls: oneOf(
      ["starttls", "on", "off"],
      "starttls: plain at first, then TLS or nothing; on: TLS from the first octet; off: plain.",
    ).default("starttls"),
    ca: absolutePath(
      "PEM file of who signed its certificate, where that is nobody the system knows.",
      "/etc/holdfast/smtp-ca.pem",
    ).optional(),
    user: field(
      z.string().regex(/^[^\p{C}]{1,254}$/u),
      "User to log in as; without one there is no log-in.",
      "a user name of 1 to 254 characters",
      "holdfast",
    ).optional(),
    passwordFile: absolutePath(
      "File with the user's password, one line, not readable by others.",
      "/etc/holdfast/smtp-password",
    ).optional(),
    from: mailAddress("Whose mail it is.").optional(),
    to: listOf(
      mailAddress("A reader."),
      16,
      "Who gets it.",
      "mail addresses",
      "[noc@example.org]",
    ).default([]),
  })
  .prefault({});

const webhook = z
  .strictObject({
    url: field(
      z
        .string()
        .max(2_048)
        .regex(/^https?:\/\/[!-~]+$/),
      "Where each notice is sent by POST, as JSON.",
      "an address that begins with https:// or http://",
      "https://alerts.example.org/holdfast",
    ).optional(),
    urlFile: absolutePath(
      "File with that address, one line, for one that is a secret itself.",
      "/etc/holdfast/webhook-url",
    ).optional(),
    tokenFile: absolutePath(
      "File with a bearer token, one line, not readable by others.",
      "/etc/holdfast/webhook-token",
    ).optional(),
  })
  .prefault({});

export const noticesSchema = z
  .strictObject({
    language: oneOf(["en", "ja"], "Language of notices.").default("en"),
    mail,
    webhook,
  })
  .describe("Who is told of incidents and troubles: by mail, by webhook, or both.")
  .prefault({});

type Say = (path: Path, message: string, remedy: string) => void;

export function checkNotices(
  notices: z.output<typeof noticesSchema>,
  { refuse }: { readonly refuse: Say },
): void {
  checkMail(notices.mail, (key, message, remedy) =>
    refuse(["notices", "mail", key], message, remedy),
  );
  checkWebhook(notices.webhook, (key, message, remedy) =>
    refuse(["notices", "webhook", key], message, remedy),
  );
}

type SayOf = (key: string, message: string, remedy: string) => void;

function checkMail(mail: z.output<typeof noticesSchema>["mail"], refuse: SayOf): void {
  const { server, tls, user, passwordFile, from, to, ca } = mail;
  if (server === undefined) {
    const given = from ?? user ?? passwordFile ?? to[0];
    if (given !== undefined) refuse("server", "there is no server to send by", "name one");
    return;
  }
  if (from === undefined) refuse("from", "mail needs somebody it is from", "write an address");
  if (to.length === 0) refuse("to", "nobody would get the mail", "write an address or more");
  if ((user === undefined) !== (passwordFile === undefined)) {
    const lacks = user === undefined ? "user" : "passwordFile";
    refuse(lacks, "one of user and passwordFile alone", `name the ${lacks} too, or neither`);
  }
  if (tls === "off" && user !== undefined && !isLocal(server)) {
    refuse("tls", `the password would pass to ${server} in the clear`, "write starttls or on");
  }
  if (tls === "off" && ca !== undefined) {
    refuse("ca", "without TLS nobody shows a certificate", "write tls: starttls, or leave ca out");
  }
}

function checkWebhook(webhook: z.output<typeof noticesSchema>["webhook"], refuse: SayOf): void {
  const { url, urlFile, tokenFile } = webhook;
  if (url !== undefined && urlFile !== undefined) {
    refuse("urlFile", "url and urlFile are both given", "leave one of them out");
  }
  if (url === undefined) {
    if (urlFile === undefined && tokenFile !== undefined) {
      refuse("url", "a token, and nowhere to send it", "write url or urlFile");
    }
    return;
  }
  if (!URL.canParse(url)) {
    return refuse("url", "it cannot be read", "write https://, a host, and a path");
  }
  const { protocol, hostname, username, password, search } = new URL(url);
  if (username !== "" || password !== "") {
    refuse("url", "it holds a name or password", "take it out, and use tokenFile");
  }
  if (search !== "") {
    refuse("url", "what follows ? is often a secret, and this file is shown", "use urlFile");
  }
  if (protocol === "http:" && tokenFile !== undefined && !isLocal(hostname)) {
    refuse("url", `the token would pass to ${hostname} in the clear`, "write https://");
  }
}

/** Whether what goes to that host (as an address of http writes it) stays on this one. */
export function isLocal(host: string): boolean {
  return host === "localhost" || isLoopback(host.replace(/^\[(.*)\]$/, "$1"));
}
