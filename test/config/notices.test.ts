// The section `notices`: what is wrong in it is said with its line, its key and a remedy.
import { describe, expect, test } from "vitest";
import { loadConfig } from "../../src/daemon/config/load.js";
import { type Bad, problems, testFaults } from "./support.js";

const mail = (more: string) =>
  `notices:\n  mail: {server: smtp.example.org, from: a@example.org, to: [b@example.org], ${more}}`;
const hook = (inside: string) => `notices:\n  webhook: {${inside}}`;

const bad: readonly Bad[] = [
  [
    "readers and no server",
    "notices: {mail: {to: [a@example.org]}}",
    1,
    "notices.mail.server",
    "no server",
    "name one",
  ],
  [
    "nobody it is from",
    "notices:\n  mail: {server: smtp.example.org, to: [a@example.org]}",
    2,
    "notices.mail.from",
    "somebody",
    "write an address",
  ],
  [
    "nobody to read it",
    "notices:\n  mail: {server: smtp.example.org, from: a@example.org}",
    2,
    "notices.mail.to",
    "nobody",
    "an address",
  ],
  [
    "no mail address",
    "notices:\n  mail: {from: 'a b@example.org'}",
    2,
    "notices.mail.from",
    "a mail address",
    "noc@example.org",
  ],
  [
    "an address with a newline",
    'notices:\n  mail: {from: "a@example.org\\r\\nBcc: b@example.org"}',
    2,
    "notices.mail.from",
    "a mail address",
    "noc@example.org",
  ],
  [
    "a user without a password",
    mail("user: a"),
    2,
    "notices.mail.passwordFile",
    "alone",
    "or neither",
  ],
  [
    "a password without a user",
    mail("passwordFile: /x"),
    2,
    "notices.mail.user",
    "alone",
    "or neither",
  ],
  [
    "a password in the clear",
    mail("tls: 'off', user: a, passwordFile: /x"),
    2,
    "notices.mail.tls",
    "in the clear",
    "starttls",
  ],
  [
    "a password in the file itself",
    mail("password: x"),
    2,
    "notices.mail.password",
    "unknown key",
    "passwordFile",
  ],
  ["a CA without TLS", mail("tls: 'off', ca: /x"), 2, "notices.mail.ca", "without TLS", "starttls"],
  [
    "another scheme",
    hook("url: 'ftp://example.org/'"),
    2,
    "notices.webhook.url",
    "https://",
    "https://",
  ],
  [
    "a password in the address",
    hook("url: 'https://a:b@example.org/'"),
    2,
    "notices.webhook.url",
    "name or password",
    "tokenFile",
  ],
  [
    "a secret after ?",
    hook("url: 'https://example.org/?key=1'"),
    2,
    "notices.webhook.url",
    "often a secret",
    "urlFile",
  ],
  [
    "two addresses",
    hook("url: 'https://example.org/', urlFile: /x"),
    2,
    "notices.webhook.urlFile",
    "both",
    "one of them",
  ],
  ["a token for nobody", hook("tokenFile: /x"), 2, "notices.webhook.url", "nowhere", "urlFile"],
  [
    "a token in the clear",
    hook("url: 'http://example.org/', tokenFile: /x"),
    2,
    "notices.webhook.url",
    "in the clear",
    "https://",
  ],
];

describe("notices: what is wrong", () => testFaults(bad));

test.each([
  ["a mail server with a log-in", mail("user: a, passwordFile: /x")],
  ["one of this host, plain", mail("tls: 'off'").replace("smtp.example.org", "127.0.0.1")],
  ["a webhook", hook("url: 'https://example.org/x', tokenFile: /x")],
  ["one of this host, plain", hook("url: 'http://localhost:9/', tokenFile: /x")],
  ["neither", ""],
])("right: %s", (_what, text) => {
  expect(problems(text)).toEqual([]);
  expect(loadConfig(text, "x").ok).toBe(true);
});
