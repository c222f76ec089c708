// Each verdict from the events that make it, and the checklist as somebody reads it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { EndCause } from "../../core/access/ports.js";
import type { ClientEvent } from "../../core/client.js";
import { Diagnosis } from "./diagnosis.js";
import type { Wish } from "./findings.js";
import { type VerdictName, verdicts } from "./verdicts.js";

const WISH: Wish = {
  server: "vpn.example",
  port: 1723,
  authentication: ["ms-chap-v2"],
  encryption: { require: true, bits: [128] },
};
const PLAIN: Wish = { ...WISH, encryption: { require: false, bits: [] } };

const terms = {
  callId: 7,
  peersCallId: 9,
  role: "PNS",
  peersWindow: 64,
  peersProcessingDelay: 0,
  number: "",
} as const;
const established: ClientEvent = { kind: "Established", hostName: "gw\u001b", vendorString: "v" };
const call: ClientEvent = { kind: "CallUp", terms };
const received: ClientEvent = { kind: "FrameReceived" };
const answered: ClientEvent = { kind: "RequestAnswered" };
const linked: ClientEvent = { kind: "LinkUp" };
const asked = (method: "pap" | "chap-md5" | "ms-chap-v2" | "other" | "none"): ClientEvent => ({
  kind: "MethodAsked",
  method,
});
const refused = (code: number): ClientEvent => ({
  kind: "AuthenticationRefused",
  method: "ms-chap-v2",
  code,
});
const authenticated: ClientEvent = { kind: "Authenticated", method: "ms-chap-v2" };
const offered = (...bits: (40 | 56 | 128)[]): ClientEvent => ({ kind: "EncryptionOffered", bits });
const encrypted: ClientEvent = { kind: "Encrypted", bits: 128, stateful: false };
const up: ClientEvent = { kind: "Ipv4Up", ours: 0x0a630002, peers: 0x0a630001, dns: [], nbns: [] };
const told = (by: "SCCRP" | "OCRP" | "CDN", resultCode: number, errorCode = 0): ClientEvent => ({
  kind: "Told",
  by,
  resultCode,
  errorCode,
});

const toCall = [established, call];
const toLcp = [...toCall, received, asked("ms-chap-v2"), answered, linked];
const toLogIn = [...toLcp, authenticated];
const toUp = [...toLogIn, offered(128), encrypted, up];

function over(
  events: readonly ClientEvent[],
  cause: EndCause,
  { wish = WISH, lastedMs = 10_000 }: { wish?: Wish; lastedMs?: number } = {},
) {
  const diagnosis = new Diagnosis(wish);
  const lines = [...diagnosis.resolved(0xc6336401), ...diagnosis.connected()];
  for (const event of events) lines.push(...diagnosis.handle(event, 0));
  const end = diagnosis.ended(cause, lastedMs);
  return { lines: [...lines, ...end.lines], verdict: end.verdict };
}

describe("a session that came up", () => {
  test("the whole checklist, a peer's text made harmless", () => {
    const { lines } = over(toUp, "peer-terminated");
    expect(lines.map(({ step, state, detail }) => `${state} ${step} ${detail}`)).toEqual([
      "ok name 198.51.100.1",
      "ok tcp port 1723",
      "ok control gw\\u{1b}, v",
      "ok call Call ID 7, the server's 9",
      "ok gre ",
      "ok lcp ",
      "ok authentication MS-CHAPv2",
      "ok encryption MPPE-128 stateless",
      "ok address 10.99.0.2, the server's 10.99.0.1",
    ]);
  });

  test("without encryption, on purpose: said", () => {
    const { lines } = over([...toLogIn, up], "peer-terminated", { wish: PLAIN });
    expect(lines.find(({ step }) => step === "encryption")?.state).toBe("none");
  });

  test("negotiated anew: no line twice", () => {
    const { lines } = over([...toUp, ...toUp], "peer-terminated");
    expect(new Set(lines.map(({ step }) => step)).size).toBe(lines.length);
  });

  test.each([
    ["peer-terminated", "ended-by-server"],
    ["call-cleared", "ended-by-server"],
    ["control-stopped", "ended-by-server"],
    ["echo-timeout", "connection-lost"],
    ["control-closed", "connection-lost"],
    ["encryption-refused", "encryption-refused"],
    ["worker-lost", "local-trouble"],
  ] satisfies [EndCause, VerdictName][])("ended by %s: %s", (cause, name) => {
    expect(over(toUp, cause).verdict.name).toBe(name);
  });
});

describe("no session", () => {
  const quick = { lastedMs: 100 };
  const rows: [VerdictName, readonly ClientEvent[], EndCause, Parameters<typeof over>[2]?][] = [
    ["not-pptp", [], "control-malformed"],
    ["not-pptp", [], "control-timeout"],
    ["control-refused", [told("SCCRP", 4)], "refused"],
    ["control-refused", [], "refused"],
    ["address-in-use", [told("SCCRP", 3)], "refused"],
    ["address-in-use", [established, told("OCRP", 4)], "refused"],
    ["call-refused", [established, told("OCRP", 2, 4)], "refused"],
    ["call-refused", [established], "control-closed"],
    ["call-refused", [...toCall, told("CDN", 2, 4)], "call-cleared", quick],
    ["gre-blocked", toCall, "lcp-timeout"],
    ["gre-blocked", toCall, "control-closed"],
    ["gre-one-way", [...toCall, received, asked("ms-chap-v2")], "lcp-timeout"],
    ["method-refused", [...toCall, received, asked("pap"), answered], "peer-terminated"],
    ["method-refused", [...toCall, received, asked("other"), answered], "lcp-failed"],
    [
      "method-refused",
      [...toCall, received, asked("pap"), answered, asked("none")],
      "server-not-proven",
    ],
    ["no-log-in", [...toCall, received, asked("none"), answered], "server-not-proven"],
    ["lcp-failed", [...toCall, received, asked("ms-chap-v2"), answered], "loopback"],
    ["wrong-password", [...toLcp, refused(691)], "authentication-failed"],
    ["log-in-hours", [...toLcp, refused(646)], "authentication-failed"],
    ["account-disabled", [...toLcp, refused(647)], "authentication-failed"],
    ["password-expired", [...toLcp, refused(648)], "authentication-failed"],
    ["no-dial-in", [...toLcp, refused(649)], "authentication-failed"],
    ["log-in-unanswered", toLcp, "peer-terminated"],
    ["server-not-proven", toLcp, "server-not-proven"],
    ["encryption-refused", [...toLogIn, offered(40)], "peer-terminated"],
    ["encryption-refused", [...toLogIn, offered()], "encryption-refused"],
    ["encryption-wanted", [...toLogIn, offered(128)], "peer-terminated", { wish: PLAIN }],
    ["address-refused", [...toLogIn, offered(128), encrypted], "peer-terminated"],
    ["address-refused", toLogIn, "peer-terminated"],
    ["local-trouble", toCall, "worker-lost"],
  ];
  test.each(rows)("%s", (name, events, cause, how) => {
    const { lines, verdict } = over(events, cause, how);
    expect(verdict.name).toBe(name);
    expect(verdict.message).not.toMatch(/\?|\{/);
    expect(verdict.remedy).not.toMatch(/[{}]|\.$/);
    expect(lines.at(-1)).toMatchObject({ state: "failed", detail: verdict.message });
    expect(lines.filter(({ state }) => state === "failed")).toHaveLength(1);
  });

  test("what the server offers, and what is allowed, by name", () => {
    const { verdict } = over([...toCall, received, asked("pap"), answered], "peer-terminated");
    expect(verdict.message).toBe("the server offers only PAP; allowed are MS-CHAPv2");
    const weak = over([...toLogIn, offered(40, 56)], "encryption-refused").verdict;
    expect(weak.message).toBe(
      "encryption refused: wanted is MPPE-128, the server has MPPE-40, MPPE-56",
    );
  });

  test.each([
    ["ECONNREFUSED", "tcp-refused"],
    ["ETIMEDOUT", "tcp-timeout"],
    ["ENETUNREACH", "unreachable"],
    ["EHOSTUNREACH", "unreachable"],
  ] satisfies [string, VerdictName][])("no TCP connection, %s: %s", (errno, name) => {
    const diagnosis = new Diagnosis(WISH);
    diagnosis.resolved(0xc6336401);
    diagnosis.dialFailed(errno);
    const { lines, verdict } = diagnosis.ended("control-timeout", 0);
    expect(verdict.name).toBe(name);
    expect(lines).toMatchObject([{ step: "tcp", state: "failed" }]);
  });

  test("no address for the name", () => {
    const diagnosis = new Diagnosis(WISH);
    diagnosis.resolved(undefined);
    const { lines, verdict } = diagnosis.ended("control-closed", 0);
    expect(verdict).toMatchObject({ name: "name-unresolved", exitCode: 10 });
    expect(verdict.message).toBe("vpn.example has no IPv4 address");
    expect(lines).toMatchObject([{ step: "name", state: "failed" }]);
  });
});

describe("exit codes", () => {
  const codes = Object.entries(verdicts).map(([name, { exitCode }]) => [exitCode, name] as const);

  test("each its own, none of those that every command has", () => {
    expect(new Set(codes.map(([code]) => code)).size).toBe(codes.length);
    expect(codes.every(([code]) => code >= 10 && code < 126)).toBe(true);
  });

  test("docs/OPERATIONS.md lists them all, and no other", () => {
    const file = join(import.meta.dirname, "../../../docs/OPERATIONS.md");
    const written = [...readFileSync(file, "utf8").matchAll(/^\| (\d+) \| `([a-z-]+)` \|/gm)];
    expect(written.map(([, code, name]) => [Number(code), name])).toEqual(codes);
  });
});
