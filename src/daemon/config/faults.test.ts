import { describe, expect, test } from "vitest";
import { distance } from "./explain.js";
import { loadConfig, readConfigFile } from "./load.js";
import { formatProblem, type Problem } from "./problems.js";

function problems(text: string): readonly Problem[] {
  const loaded = loadConfig(text, "holdfast.yaml");
  return loaded.ok ? [] : loaded.problems;
}

/** line, key, a part of the message, a part of the remedy. */
type Bad = readonly [
  what: string,
  text: string,
  line: number,
  key: string,
  says: string,
  do_: string,
];

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
  ["two workers", "workers: 2", 1, "workers", "expected 1; found 2", "workers: 1"],

  [
    "an address of three",
    "listen: {addresses: [192.0.2]}",
    1,
    "listen.addresses[0]",
    "an IPv4 address",
    "four numbers",
  ],
  [
    "leading zeros",
    "listen:\n  addresses:\n    - 192.0.2.1\n    - 192.0.2.010",
    4,
    "listen.addresses[1]",
    "an IPv4 address",
    "four numbers",
  ],
  [
    "IPv6 to listen on",
    "listen: {addresses: ['2001:db8::1']}",
    1,
    "listen.addresses[0]",
    "IPv4",
    "PPTP runs over IPv4",
  ],
  [
    "0.0.0.0 in a list",
    "listen: {addresses: [0.0.0.0]}",
    1,
    "listen.addresses[0]",
    "of this host",
    "addresses: all",
  ],
  [
    "multicast to listen on",
    "listen: {addresses: [224.0.0.1]}",
    1,
    "listen.addresses[0]",
    "a host can have",
    "multicast",
  ],
  [
    "an address twice",
    "listen: {addresses: [192.0.2.1, 192.0.2.1]}",
    1,
    "listen.addresses[1]",
    "listed twice",
    "remove one",
  ],
  [
    "host bits",
    "addresses:\n  pool: [10.0.0.5/24]",
    2,
    "addresses.pool[0]",
    "",
    "10.0.0.0/24, or 10.0.0.5/32",
  ],
  [
    "a prefix too long",
    "addresses: {pool: [10.0.0.0/33]}",
    1,
    "addresses.pool[0]",
    "prefix",
    "0 to 32",
  ],
  [
    "a range backwards",
    "addresses: {pool: [10.0.0.9-10.0.0.2]}",
    1,
    "addresses.pool[0]",
    "lowest",
    "write 10.0.0.2-10.0.0.9",
  ],
  [
    "half a range",
    "addresses: {pool: [10.0.0.1-50]}",
    1,
    "addresses.pool[0]",
    "range",
    "both ends whole",
  ],
  [
    "an empty list",
    "addresses: {pool: []}",
    1,
    "addresses.pool",
    "a list of prefixes",
    "10.99.0.0/24",
  ],
  [
    "a pool that is all excluded",
    "addresses:\n  pool: [10.0.0.0/24]\n  exclude: [10.0.0.0/8]",
    2,
    "addresses.pool",
    "nothing is left",
    "a larger pool",
  ],
  [
    "a pool that is only the gateway",
    "addresses:\n  pool: [10.0.0.1/32]",
    2,
    "addresses.pool",
    "after the gateway",
    "a larger pool",
  ],
  [
    "overlapping ranges",
    "addresses:\n  pool:\n    - 10.0.0.0/24\n    - 10.0.0.200-10.0.1.5",
    4,
    "addresses.pool[1]",
    "overlaps 10.0.0.0/24",
    "join the two",
  ],
  [
    "a pool of loopback",
    "addresses: {pool: [127.0.0.0/24]}",
    1,
    "addresses.pool[0]",
    "loopback",
    "private range",
  ],
  [
    "a pool without end",
    "addresses: {pool: [10.0.0.0/8]}",
    1,
    "addresses.pool",
    "more than 1048576",
    "smaller pool",
  ],
  [
    "a listening address in the pool",
    "listen: {addresses: [10.0.0.9]}\naddresses: {pool: [10.0.0.0/24]}",
    1,
    "listen.addresses[0]",
    "lies in the pool",
    "addresses.exclude",
  ],
  [
    "a gateway that is listened on",
    "listen: {addresses: [192.0.2.1]}\naddresses: {gateway: 192.0.2.1}",
    2,
    "addresses.gateway",
    "loop",
    "write auto",
  ],
  [
    "a gateway nobody can have",
    "addresses: {gateway: 0.0.0.1}",
    1,
    "addresses.gateway",
    "a host can have",
    "another",
  ],
  [
    "an IPv6 prefix too long",
    "addresses: {ipv6Prefix: '2001:db8::/80'}",
    1,
    "addresses.ipv6Prefix",
    "its length is 80",
    "32 to 64",
  ],
  [
    "host bits in IPv6",
    "addresses: {ipv6Prefix: '2001:db8::1/48'}",
    1,
    "addresses.ipv6Prefix",
    "without host bits",
    "2001:db8::/48",
  ],
  [
    "a link-local IPv6 prefix",
    "addresses: {ipv6Prefix: 'fe80::/48'}",
    1,
    "addresses.ipv6Prefix",
    "neither",
    "2000::/3",
  ],
  [
    "IPv6 over a small MTU",
    "network: {mtu: 1000}\naddresses: {ipv6Prefix: '2001:db8::/48'}",
    1,
    "network.mtu",
    "less than IPv6 needs",
    "at least 1280",
  ],
  [
    "IPv6 servers without IPv6",
    "client: {dns6: ['2001:db8::1']}",
    1,
    "client.dns6",
    "no session has IPv6",
    "addresses.ipv6Prefix",
  ],
  [
    "a server name for an address",
    "client: {dns: [dns.example.org]}",
    1,
    "client.dns[0]",
    "an IPv4 address",
    "four numbers",
  ],

  [
    "encryption without keys: PAP",
    "defaultProfile: {authentication: [pap]}",
    1,
    "defaultProfile.authentication",
    "pap gives no keys",
    "add ms-chap-v2",
  ],
  [
    "encryption without keys: both",
    "defaultProfile:\n  authentication: [chap-md5, pap]",
    2,
    "defaultProfile.authentication",
    "no client can ever connect",
    "required: false",
  ],
  [
    "encryption without a strength",
    "defaultProfile:\n  encryption:\n    bits: []",
    3,
    "defaultProfile.encryption.bits",
    "no strength",
    "bits: [128]",
  ],
  [
    "inherited encryption without keys",
    "profiles:\n  - name: a\n    from: [10.0.0.0/8]\n    authentication: [pap]",
    4,
    "profiles[0].authentication",
    "no client can ever connect",
    "ms-chap-v2",
  ],
  [
    "a method twice",
    "defaultProfile: {authentication: [ms-chap-v2, ms-chap-v2]}",
    1,
    "defaultProfile.authentication",
    "twice",
    "once",
  ],
  [
    "a profile for everybody",
    "profiles:\n  - name: a",
    2,
    "profiles[0]",
    "neither from: nor on:",
    "change defaultProfile",
  ],
  [
    "a profile called default",
    "profiles: [{name: default, from: [10.0.0.0/8]}]",
    1,
    "profiles[0].name",
    "taken",
    "section defaultProfile",
  ],
  [
    "two of one name",
    "profiles:\n  - {name: a, from: [10.0.0.0/8]}\n  - {name: a, from: [172.16.0.0/12]}",
    3,
    "profiles[1].name",
    "a second profile a",
    "rename",
  ],
  [
    "one behind a larger one",
    "profiles:\n  - {name: a, from: [10.0.0.0/8]}\n  - {name: b, from: [10.1.0.0/16]}",
    3,
    "profiles[1]",
    "never reached: a",
    "before a",
  ],
  [
    "an address nobody listens on",
    "listen: {addresses: [192.0.2.1]}\nprofiles:\n  - {name: a, on: [192.0.2.2]}",
    3,
    "profiles[0].on[0]",
    "not listened on",
    "listen.addresses",
  ],

  [
    "the sessions' own interface as uplink",
    "network: {nat: {enabled: true, uplink: holdfast0}}",
    1,
    "network.nat.uplink",
    "of the sessions themselves",
    "the other network",
  ],
  [
    "hooks as root",
    "hooks:\n  ipUp: /bin/true\n  user: root",
    3,
    "hooks.user",
    "never run as root",
    "a user",
  ],
  [
    "a deadline after the last",
    "limits:\n  control:\n    startDeadlineMs: 60000\n    authenticatedDeadlineMs: 5000",
    3,
    "limits.control.startDeadlineMs",
    "later than authenticatedDeadlineMs (5000)",
    "smaller",
  ],
  [
    "a burst below the rate",
    "limits: {control: {messagesPerSecond: 100, messagesBurst: 1}}",
    1,
    "limits.control.messagesBurst",
    "smaller than",
    "at least",
  ],
  [
    "never repeated",
    "limits: {ppp: {restartMs: 30000, phaseDeadlineMs: 5000}}",
    1,
    "limits.ppp.restartMs",
    "nothing would ever be repeated",
    "smaller",
  ],

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
  test.each(bad)("%s", (_what, text, line, key, says, remedy) => {
    const found = problems(text);
    const hit = found.find((one) => one.key === key && formatProblem(one).includes(says));
    expect(hit, `found ${found.map(formatProblem).join("\n")}`).toBeDefined();
    expect(hit?.line).toBe(line);
    expect(hit?.remedy).toContain(remedy);
    expect(formatProblem(hit as Problem)).toMatch(/^holdfast\.yaml.*\. Remedy: .+\.$/s);
  });

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
