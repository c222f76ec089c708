// The console's words of the server in Japanese: nothing of what it says of fields, changes, faults and warnings
// stays in English.
import { describe, expect, test } from "vitest";
import { admission } from "../admission.js";
import { editableFields } from "../config/edit.js";
import { loadConfig } from "../config/load.js";
import { formatProblem } from "../config/problems.js";
import { reloadTable } from "../config/reload.js";
import { runtimeWarning } from "../runtime-support.js";
import { legacyWarning } from "../status.js";
import { fieldsIn, reloadedIn } from "./answers.js";
import { descriptions } from "./descriptions.js";
import { inJapanese, knownInJapanese, problemInJapanese } from "./texts.js";

const japanese = /[\u3040-\u30ff\u4e00-\u9fff]/;

function loaded(settings: object) {
  return loadConfig(JSON.stringify(settings), "holdfast.yaml");
}

function fields() {
  const found = loaded({});
  if (!found.ok) throw new Error("the defaults do not load");
  return editableFields(found.config.settings, undefined);
}

describe("fields", () => {
  test("each that may be changed is described, and nothing else is", () => {
    expect(Object.keys(descriptions).sort()).toEqual(
      fields()
        .map(({ key }) => key)
        .sort(),
    );
    for (const [key, text] of Object.entries(descriptions)) {
      if (/Max-\w+$/.test(text)) continue;
      expect([key, japanese.test(text)]).toEqual([key, true]);
    }
  });

  test("what each expects, and when it counts, is known", () => {
    const texts = fields().flatMap(({ expected, why }) => [expected, why]);
    const all = [...texts, ...Object.values(reloadTable).map(([, why]) => why)];
    expect(all.filter((text) => knownInJapanese(text) === undefined)).toEqual([]);
  });

  test("asked for in English they are as they were, in Japanese their values are", () => {
    const value = { file: null, writable: false, digest: "", fields: fields() };
    expect(fieldsIn("en", { ok: true, value })).toEqual({ ok: true, value });
    const said = fieldsIn("ja", { ok: true, value });
    const of = (all: typeof value.fields) => all.map(({ key, text, kind }) => [key, text, kind]);
    expect(said.ok && of(said.value.fields)).toEqual(of(value.fields));
  });
});

const wrong: readonly object[] = [
  { limits: { ppp: { echoIntervalMs: 5 } } },
  { limits: { control: { startDeadlineMs: 60_000, authenticatedDeadlineMs: 5_000 } } },
  { limits: { control: { messagesPerSecond: 100, messagesBurst: 5 } } },
  { limits: { ppp: { restartMs: 30_000, phaseDeadlineMs: 5_000 } } },
  { limits: { guard: { logInHoldMinMs: 60_000, logInHoldMaxMs: 30_000 } } },
  { defaultProfile: { authentication: ["pap"] } },
  { defaultProfile: { authentication: ["ms-chap-v2", "ms-chap-v2", "pap"] } },
  { defaultProfile: { encryption: { bits: [] } } },
  { defaultProfile: { encryption: { bits: [128, 128] } } },
  { defaultProfile: { authentication: ["ms-chap-v2", "chap-md5"] } },
  { defaultProfile: { authentication: "pap" } },
  { addresses: { pool: ["10.0.0.5/24"] } },
  { addresses: { pool: ["10.0.0.9-10.0.0.1"] } },
  { addresses: { pool: ["10.0.0.1-x"] } },
  { addresses: { pool: ["10.0.0.0/33"] } },
  { addresses: { pool: ["somewhere"] } },
  { addresses: { pool: ["127.0.0.0/24"] } },
  { addresses: { pool: ["10.0.0.0/24", "10.0.0.0/25"] } },
  { addresses: { pool: ["10.0.0.1-10.0.0.1"] } },
  { addresses: { pool: ["10.0.0.0/8"] } },
  { addresses: { gateway: "2001:db8::1" } },
  { addresses: { gateway: "nowhere" } },
  {
    addresses: { pool: ["10.0.0.0/24"], gateway: "10.0.0.1" },
    listen: { addresses: ["10.0.0.1"] },
  },
  { addresses: { ipv6Prefix: "2001:db8::/80" } },
  { addresses: { ipv6Prefix: "ff00::/48" } },
  { addresses: { ipv6Prefix: "2001:db8::/63" } },
  { addresses: { ipv6Prefix: "2001:db8::1/48" } },
  { addresses: { ipv6Prefix: "2001:db8::/48" }, network: { mtu: 1_000 } },
  { client: { dns6: ["2001:db8::53"] } },
  { client: { dns6: ["192.0.2.1"] } },
  { client: { dns: ["192.0.2.1", "192.0.2.2", "192.0.2.3"] } },
  { client: { routes: ["10.0.0.1/8"] } },
  { network: { nat: { uplink: "eth0" } } },
  { network: { nat: { enabled: true }, forwarding: "off" } },
  { network: { nat: { enabled: true }, proxyArp: "eth0" } },
  { network: { tun: "a", proxyArp: "a" } },
  { network: { tun: "an interface" } },
  { network: { mtu: 1_500 } },
  { users: { rateUp: "5" } },
  { users: { rateUp: "0" } },
  { users: { rateUp: "900G" } },
  { users: { rateUp: "fast" } },
  { users: { firstAccount: "" } },
  { log: { level: "loud" } },
  { log: "loud" },
  { guard: { allow: ["x"] } },
  { announce: { hostName: "é" } },
  { console: { address: "192.0.2.1", tls: "off" } },
];

test.each(wrong.map((settings) => [JSON.stringify(settings), settings]))("%s", (...row) => {
  const [, settings] = row;
  const found = loaded(settings as object);
  const said = found.ok ? found.warnings : found.problems;
  expect(said.length).toBeGreaterThan(0);
  for (const problem of said) {
    for (const text of [problem.message, problem.remedy]) {
      expect([text, knownInJapanese(text) !== undefined]).toEqual([text, true]);
    }
    const line = problemInJapanese(formatProblem(problem));
    expect(line).toContain(`holdfast.yaml:${problem.line}: ${problem.key}: `);
    expect(line).toContain(inJapanese(problem.message));
    expect(line).toContain("対処: ");
    expect(line).not.toContain("Remedy");
  }
});

describe("warnings", () => {
  const limits = (connectionsMax: number) =>
    ({ control: { connectionsMax }, admin: { connectionsMax: 32 } }) as never;
  test.each([
    legacyWarning("legacy-9x"),
    runtimeWarning("v18.1.0", new Date("2026-11-29")) ?? "",
    admission(limits(20_000), 4_096).warning ?? "",
    "the store is in trouble: full",
    "a data worker is waiting to restart: its sessions cannot run",
    "the TUN was deleted and cannot be put right: EPERM; give it back",
    "the TUN is down or has lost its address; it is put right",
    "the TUN lacks a route: EEXIST; look who has it",
    "blocked sources are refused at the accept, not dropped by the kernel: nft: ENOENT",
    "no console: port in use; choose another",
    "notices by mail fail: connect ECONNREFUSED",
    "3 leases are stuck: see holdfast ledger",
    "busy: new strangers are turned away",
  ])("%s", (text) => {
    expect(japanese.test(knownInJapanese(text) ?? "")).toBe(true);
  });

  test("what is in them stays: numbers, names, and what a machine said", () => {
    expect(inJapanese("notices by mail fail: 535 <b>\\u{1b}")).toContain("535 <b>\\u{1b}");
    expect(inJapanese("limits.control.connectionsMax is 9")).toBe(
      "limits.control.connectionsMax is 9",
    );
    const reloaded = { applied: [{ key: "log.level", why: "at once" }], needsRestart: [] };
    expect(reloadedIn("ja", { ok: true, value: { ...reloaded, warnings: ["other"] } })).toEqual({
      ok: true,
      value: {
        ...{ applied: [{ key: "log.level", why: "直ちに" }], needsRestart: [] },
        warnings: ["other"],
      },
    });
  });
});
