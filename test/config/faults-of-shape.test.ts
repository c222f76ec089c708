import { describe, expect, test } from "vitest";
import { distance } from "../../src/daemon/config/explain.js";
import { readConfigFile } from "../../src/daemon/config/load.js";
import { formatProblem, type Problem } from "../../src/daemon/config/problems.js";
import { type Bad, problems, testFaults } from "./support.js";

const bad: readonly Bad[] = [
  ["a slip in a section's name", "lisen: {}", 1, "lisen", "unknown key", "did you mean listen?"],
  ["a slip in a key", "listen:\n  prot: 17", 2, "listen.prot", "unknown key", "did you mean port?"],
  [
    "another spelling",
    "log:\n  Log-Level: info",
    2,
    "log.Log-Level",
    "unknown key",
    "known under log",
  ],
  [
    "hyphens for capitals",
    "client:\n  dns-6: []",
    2,
    "client.dns-6",
    "unknown",
    "did you mean dns6?",
  ],
  [
    "a key of another section",
    "pool: [10.0.0.0/24]",
    1,
    "pool",
    "unknown key at the top",
    "did you mean addresses.pool?",
  ],
  ["nothing alike", "zebra: 1", 1, "zebra", "unknown key", "known at the top: instance"],
  [
    "an unknown key in a list",
    "profiles:\n  - name: a\n    frm: [10.0.0.0/8]",
    3,
    "profiles[0].frm",
    "unknown key under profiles[0]",
    "did you mean from?",
  ],
  [
    "too large a number",
    "listen:\n  port: 99999",
    2,
    "listen.port",
    "from 1 to 65535; found 99999",
    "port: 1723",
  ],
  ["a number as text", "listen:\n  port: '1723'", 2, "listen.port", 'found "1723"', "port: 1723"],
  ["a fraction", "network: {mtu: 1400.5}", 1, "network.mtu", "whole number", "mtu: 1400"],
  [
    "a yes",
    "network:\n  clientToClient: yes",
    2,
    "network.clientToClient",
    "true or false",
    "clientToClient: true",
  ],
  [
    "an unknown word",
    "log:\n\n  level: loud",
    3,
    "log.level",
    "one of error, warn",
    "level: error",
  ],
  [
    "a value for a section",
    "listen: 5",
    1,
    "listen",
    "a section with keys; found 5",
    "addresses, port",
  ],
  ["a list for a section", "log: [info]", 1, "log", "a section with keys", "level, format"],
  [
    "no name",
    "profiles:\n  - from: [10.0.0.0/8]",
    2,
    "profiles[0].name",
    "found nothing",
    "name: old-routers",
  ],
  [
    "an unknown method",
    "defaultProfile:\n  authentication: [eap]",
    2,
    "defaultProfile.authentication[0]",
    "one of ms-chap-v2",
    "- ms-chap-v2",
  ],
  [
    "no method",
    "defaultProfile: {authentication: []}",
    1,
    "defaultProfile.authentication",
    "a list of",
    "[ms-chap-v2]",
  ],
  [
    "an unknown strength",
    "defaultProfile:\n  encryption:\n    bits: [64]",
    3,
    "defaultProfile.encryption.bits[0]",
    "40, 56 or 128",
    "- 128",
  ],
  [
    "a limit out of bounds",
    "limits:\n  control:\n    connectionsMax: 0",
    3,
    "limits.control.connectionsMax",
    "from 1 to 60000",
    "connectionsMax: 1024",
  ],
  [
    "a limit that is fixed",
    "limits:\n  control:\n    messageOctetsMax: 4",
    3,
    "limits.control.messageOctetsMax",
    "unknown key",
    "remove it; known under limits.control: connectionsMax",
  ],
  [
    "a relative hook",
    "hooks: {ipUp: bin/up}",
    1,
    "hooks.ipUp",
    "an absolute path",
    "/etc/holdfast/ip-up",
  ],
  [
    "a host name too long",
    `announce: {hostName: ${"x".repeat(64)}}`,
    1,
    "announce.hostName",
    "63 printable",
    "hostName: vpn",
  ],
  [
    "an interface name too long",
    "network: {tun: interface-number-1}",
    1,
    "network.tun",
    "1 to 15",
    "holdfast0",
  ],
  ["a name for the table", "instance: Main Office", 1, "instance", "lower-case", "instance: main"],
  [
    "a control character in a name",
    'users: {firstAccount: "a\\u0007b"}',
    1,
    "users.firstAccount",
    "user name",
    "vpn",
  ],
  ["no workers", "workers: 0", 1, "workers", "from 1 to 8; found 0", "workers: auto"],
  ["nine workers", "workers: 9", 1, "workers", "from 1 to 8; found 9", "workers: auto"],
  ["no such engine", "engine: rust", 1, "engine", "auto, wasm, typescript", "engine: auto"],
  ["workers by word", "workers: many", 1, "workers", 'found "many"', "workers: auto"],

  ["a key twice", "log: {level: info}\nlog: {}", 2, "", "Map keys must be unique", "keep one"],
  ["a tab", "listen:\n\tport: 1", 2, "", "not valid YAML", "spaces"],
  [
    "an open bracket",
    "listen: {addresses: [192.0.2.1}\nlog: {}",
    1,
    "",
    "not valid YAML",
    "check indentation",
  ],
  ["two documents", "log: {}\n---\nlog: {}", 2, "", "not valid YAML", "one document"],
  ["a list for a file", "- 1", 1, "", "a section with keys", "instance"],
  ["a word for a file", "hello", 1, "", 'found "hello"', "instance"],
  ["aliases of aliases", bomb(), 0, "", "resource exhaustion", "without aliases"],
  ["a megabyte", `# ${"x".repeat(1_048_577)}`, 0, "", "larger than", "the right file"],
];

function bomb(): string {
  const lines = ["a: &a [x,x,x,x,x,x,x,x,x,x]"];
  for (const [name, of] of ["ba", "cb", "dc", "ed"].map((two) => two.split(""))) {
    lines.push(`${name}: &${name} [${Array(10).fill(`*${of}`).join(",")}]`);
  }
  return lines.join("\n");
}

describe("what is wrong, where, and what to do", () => {
  testFaults(bad);

  test("all faults of one kind are said together, in the order of the file", () => {
    const found = problems("listen: {port: 0}\nlog: {level: x}\nzebra: 1");
    expect(found.map(({ line }) => line)).toEqual([1, 2, 3]);
  });

  test("a value cannot move the terminal's cursor or hide", () => {
    for (const text of ['log: {level: "\\e[2Jx"}', '"\\e[2J\\u202e": 1']) {
      for (const problem of problems(text)) {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
        expect(formatProblem(problem)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
      }
    }
  });

  test("a key of JavaScript's own is a key like any other", () => {
    for (const key of ["__proto__", "constructor", "toString"]) {
      expect(problems(`${key}: {x: 1}`).map((one) => one.key)).toEqual([key]);
    }
    expect(({} as { x?: number }).x).toBeUndefined();
  });

  test("a file that is not there, not a file, not text", () => {
    const said = (path: string) => {
      const loaded = readConfigFile(path);
      return loaded.ok ? "" : formatProblem(loaded.problems[0] as Problem);
    };
    expect(said("/nonexistent/x.yaml")).toContain("no such file");
    expect(said("/")).toContain("it is a directory");
    expect(said("/proc/self/exe")).toContain("not UTF-8");
  });

  test("distance of words; a key of any length costs little", () => {
    expect(distance("port", "prot")).toBe(2);
    expect(distance("", "abc")).toBe(3);
    expect(distance("a".repeat(1_000_000), "b".repeat(1_000_000))).toBe(40);
  });
});
