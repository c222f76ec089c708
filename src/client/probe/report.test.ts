import { expect, test } from "vitest";
import { parseIpv4 } from "../../base/ip.js";
import { printable } from "../../base/printable.js";
import { languages } from "../../base/severity.js";
import { findingIds, findings } from "./bulletin.js";
import type { Facts } from "./facts.js";
import { isOwn } from "./probe.js";
import { bulletin, bulletinHtml, bulletinText } from "./report.js";
import { english } from "./words-en.js";
import { japanese } from "./words-ja.js";

const hostile = `<script>alert("1")</script>\u001b[2J\u202e&'`;

const facts: Facts = {
  server: "vpn.example",
  address: "192.0.2.1",
  port: 1_723,
  connectMs: 1,
  start: {
    replyMs: 2,
    hostName: printable(hostile),
    vendorString: "linux",
    firmwareRevision: 1,
    protocolVersion: 0x100,
    framingCapabilities: 3,
    bearerCapabilities: 3,
    maximumChannels: 0,
    resultCode: 1,
    errorCode: 0,
  },
  startFailure: undefined,
  call: undefined,
  callIds: [0, 0, 0],
  lcp: undefined,
  methods: { offered: ["pap", "ms-chap-v2"], refused: ["eap"], unknown: [], none: false },
  encryption: {
    seen: true,
    strengths: [
      { bits: 128, stateless: true, answer: "refused", instead: [{ bits: 40, stateless: false }] },
      { bits: 40, stateless: true, answer: "accepted", instead: [] },
    ],
  },
  conformance: [{ name: "ocrq-short", outcome: "answered", answer: "OCRP/1" }],
  silenceClosedMs: undefined,
};

test("findings: what was seen and nothing else, the worst first", () => {
  expect(findings(facts).map(({ id }) => id)).toEqual([
    "pap",
    "mppe-40",
    "ms-chap-v2",
    "short-length",
    "silent-connection",
    "call-ids",
    "names-itself",
  ]);
});

test("a server that is well has none; unseen encryption is no finding", () => {
  const well: Facts = {
    ...facts,
    start: { ...facts.start!, hostName: "vpn", vendorString: "pptp" },
    callIds: [5, 900, 17],
    methods: { offered: [], refused: ["pap"], unknown: [], none: false },
    encryption: { seen: false, why: "no-log-in" },
    conformance: [{ name: "ocrq-short", outcome: "closed" }],
    silenceClosedMs: 5_000,
  };
  expect(findings(well)).toEqual([]);
  expect(bulletinText(bulletin(well, "now", "en"))).toContain("not visible before a log-in");
  expect(bulletinText(bulletin(well, "now", "ja"))).toContain("ログイン前は確認不可");
});

test.each(languages)("%s: every form says every finding", (language) => {
  const made = bulletin(facts, "2026-01-02T03:04:05Z", language);
  for (const text of [bulletinText(made), bulletinHtml(made), JSON.stringify(made)]) {
    for (const { evidence } of made.findings.filter(({ id }) => id !== "names-itself")) {
      expect(text).toContain(evidence);
    }
  }
  expect(made.findings.every(({ behaviour, remedy }) => behaviour !== "" && remedy !== "")).toBe(
    true,
  );
});

test.each(languages)("%s: a server's strings stay strings", (language) => {
  const made = bulletin(facts, "now", language);
  const html = bulletinHtml(made);
  expect(html).not.toContain("<script>");
  expect(html).toContain("&lt;script&gt;alert(&quot;1&quot;)");
  for (const text of [bulletinText(made), html, JSON.stringify(made)]) {
    expect(["\u001b", "\u202e"].filter((one) => text.includes(one))).toEqual([]);
  }
});

test("the languages differ in every finding's words", () => {
  for (const id of findingIds) {
    expect(japanese.findings[id].behaviour).toMatch(/[\u3040-\u30ff\u4e00-\u9fff]/);
    expect(japanese.findings[id].remedy).not.toBe(english.findings[id].remedy);
  }
});

test.each([
  ["10.0.0.1", true],
  ["172.16.0.1", true],
  ["172.31.255.255", true],
  ["172.32.0.0", false],
  ["192.168.1.1", true],
  ["192.169.0.1", false],
  ["127.0.0.1", true],
  ["198.18.0.1", false],
  ["11.0.0.1", false],
  ["169.254.0.1", false],
])("%s is one's own to probe: %s", (address, own) => {
  expect(isOwn(parseIpv4(address)!)).toBe(own);
});
