// Rulesets as `nft -j list ruleset` of nft 1.0.6 printed them, made like those of Docker, ufw and
// firewalld; and a host's other facts, one wrong at a time.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseIpv4 } from "../../src/base/ip.js";
import type { Verdict } from "../../src/console/contract.js";
import { readPrefix4 } from "../../src/daemon/config/addresses.js";
import type { DoctorFacts } from "../../src/daemon/doctor/facts.js";
import { probeHook } from "../../src/daemon/doctor/probe.js";
import { compare, type Probe } from "../../src/daemon/doctor/probe-match.js";
import { readRuleset } from "../../src/daemon/doctor/ruleset.js";
import { judge } from "../../src/daemon/doctor/verdicts.js";
import { control } from "../../src/limits.js";
import { facts } from "./support.js";

const file = new URL("./rulesets.json", import.meta.url);
const rulesets: Record<string, unknown[]> = JSON.parse(readFileSync(file, "utf8"));

function firewall(
  name: string,
  config = "",
  more: Partial<DoctorFacts> = {},
): Map<string, Verdict> {
  const ruleset = readRuleset(rulesets[name] ?? []);
  const verdicts = judge(facts(config, { ruleset, ...more }));
  return new Map(verdicts.map((one) => [one.check, one]));
}

const results = (verdicts: Map<string, Verdict>) =>
  Object.fromEntries(
    ["control", "gre", "gre-out", "forward-out", "forward-in"].map((what) => [
      what,
      verdicts.get(`firewall-${what}`)?.result,
    ]),
  );

describe("whose rules stop what, and where", () => {
  test("nothing: all is well", () => {
    const verdicts = judge(facts());
    expect(verdicts.filter(({ result }) => result !== "well")).toEqual([]);
    expect(verdicts.length).toBeGreaterThan(12);
  });

  test("Docker: forwarding, both ways, by its policy", () => {
    const verdicts = firewall("docker");
    expect(results(verdicts)).toEqual({
      control: "well",
      gre: "well",
      "gre-out": "well",
      "forward-out": "wrong",
      "forward-in": "wrong",
    });
    expect(verdicts.get("firewall-forward-out")).toMatchObject({
      message: "a rule of Docker stops packets of sessions on their way out",
      place: "nft: table ip filter, chain FORWARD, policy drop",
      remedy: expect.stringContaining("iptables -I DOCKER-USER -i holdfast0 -j ACCEPT"),
    });
  });

  test("Docker, with the remedy applied: well", () => {
    const accept = (key: string) => ({
      rule: {
        family: "ip",
        table: "filter",
        chain: "DOCKER-USER",
        handle: 99,
        expr: [
          { match: { op: "==", left: { meta: { key } }, right: "holdfast0" } },
          { accept: null },
        ],
      },
    });
    const [before = [], after = []] = [
      rulesets.docker?.filter((one) => !JSON.stringify(one).includes('"chain": "DOCKER-USER"')),
      rulesets.docker,
    ];
    const objects = [
      ...before.filter((one) => !isUserReturn(one)),
      accept("iifname"),
      accept("oifname"),
    ];
    expect(after.length).toBeGreaterThan(0);
    const verdicts = new Map(
      judge(facts("", { ruleset: readRuleset(objects) })).map((one) => [one.check, one]),
    );
    expect(results(verdicts)).toMatchObject({ "forward-out": "well", "forward-in": "well" });
  });

  test("ufw: GRE by policy, 1723 for some only, forwarding out but not the answers", () => {
    const verdicts = firewall("ufw");
    expect(results(verdicts)).toEqual({
      control: "warning",
      gre: "wrong",
      "gre-out": "well",
      "forward-out": "wrong",
      "forward-in": "well",
    });
    expect(verdicts.get("firewall-gre")).toMatchObject({
      message: "a rule of ufw stops GRE of clients",
      place: "nft: table ip filter, chain INPUT, policy drop",
      remedy: expect.stringContaining("/etc/ufw/before.rules"),
    });
    expect(verdicts.get("firewall-control")?.remedy).toBe("ufw allow 1723/tcp");
  });

  test("firewalld: the rule that rejects is named by its handle", () => {
    const verdicts = firewall("firewalld");
    expect(results(verdicts)).toEqual({
      control: "well",
      gre: "wrong",
      "gre-out": "well",
      "forward-out": "wrong",
      "forward-in": "well",
    });
    expect(verdicts.get("firewall-gre")).toMatchObject({
      place: expect.stringMatching(
        /^nft: table inet firewalld, chain filter_INPUT, rule handle \d+$/,
      ),
      remedy: expect.stringContaining("firewall-cmd --permanent --add-protocol=gre"),
    });
  });

  test("another port than the one that is open", () => {
    expect(firewall("firewalld", "listen: {port: 1724}").get("firewall-control")).toMatchObject({
      result: "wrong",
      remedy: expect.stringContaining("--add-port=1724/tcp"),
    });
  });

  test("a table that lets us through by set, range, verdict map and wildcard; ours is passed over", () => {
    expect(results(firewall("open"))).toEqual({
      control: "well",
      gre: "well",
      "gre-out": "well",
      "forward-out": "well",
      "forward-in": "well",
    });
  });

  test("the same table and an instance of another name: what it does is then somebody's", () => {
    expect(firewall("open", "instance: other").get("firewall-forward-out")?.result).toBe("well");
  });

  test("rules that stop some: a warning; rules that stop all: wrong, with a rule to insert", () => {
    const verdicts = firewall("maybe");
    expect(results(verdicts)).toEqual({
      control: "warning",
      gre: "warning",
      "gre-out": "wrong",
      "forward-out": "wrong",
      "forward-in": "warning",
    });
    expect(verdicts.get("firewall-forward-out")?.remedy).toBe(
      'nft insert rule inet fw forward iifname "holdfast0" accept',
    );
    expect(
      firewall("maybe", "addresses: {pool: [172.20.0.0/24]}").get("firewall-forward-out"),
    ).toMatchObject({ result: "well" });
  });

  test("a ban list may stop a client, and says so no louder", () => {
    expect(firewall("bans").get("firewall-control")).toMatchObject({ result: "warning" });
    expect(firewall("bans").get("firewall-gre")).toMatchObject({ result: "well" });
  });

  test("chains that jump to each other end the walk, not the program", () => {
    const chain = (name: string, more = {}) => ({
      chain: { family: "inet", table: "t", name, handle: 1, ...more },
    });
    const jump = (from: string, to: string) => ({
      rule: {
        family: "inet",
        table: "t",
        chain: from,
        handle: 2,
        expr: [{ jump: { target: to } }],
      },
    });
    const hooked = { type: "filter", hook: "input", prio: 0, policy: "accept" };
    const jumps = Array.from({ length: 20 }, () => [jump("a", "b"), jump("b", "a")]).flat();
    const ruleset = readRuleset([chain("a", hooked), chain("b"), ...jumps]);
    expect(probeHook(ruleset, "input", { protocol: "gre" }, "").kind).toBe("passes");
  });

  test("what nft prints and we do not know is neither yes nor no", () => {
    const scope = { ruleset: readRuleset([]), family: "inet", table: "t" };
    const gre: Probe = { protocol: "gre" };
    expect(compare({ osf: { key: "name" } }, "Linux", gre, scope)).toBe("maybe");
    expect(compare({ meta: { key: "l4proto" } }, "@unknown", gre, scope)).toBe("maybe");
    expect(compare({ payload: { protocol: "tcp", field: "dport" } }, 22, gre, scope)).toBe("no");
    expect(compare({ payload: { protocol: "ip", field: "saddr" } }, 5, gre, scope)).toBe("maybe");
    expect(compare(undefined, 5, gre, scope)).toBe("maybe");
  });

  test.each([[[]], [[null]], [[5, "x", { rule: 5 }, { chain: { hook: 7 } }, { set: {} }]]])(
    "a ruleset that is none: %j",
    (objects) => {
      expect(judge(facts("", { ruleset: readRuleset(objects) })).length).toBeGreaterThan(0);
    },
  );
});

function isUserReturn(object: unknown): boolean {
  const text = JSON.stringify(object);
  return text.includes('"rule"') && text.includes('"chain":"DOCKER-USER"');
}

type Case = readonly [
  what: string,
  config: string,
  more: Partial<DoctorFacts>,
  check: string,
  result: Verdict["result"],
  says: RegExp,
  remedy: RegExp,
];

const prefix = (device: string, text: string) => {
  const read = readPrefix4(text);
  if (!read.ok) throw new Error(text);
  return { device, prefix: read.value };
};

const nat = "network: {nat: {enabled: true}}";
const cases: readonly Case[] = [
  [
    "a wrong configuration",
    "zebra: 1",
    {},
    "configuration",
    "wrong",
    /holdfast\.yaml:1: zebra/,
    /correct/,
  ],
  ["an old Node", "", { nodeVersion: "v20.20.2" }, "runtime", "warning", /2026-04-30/, /supported/],
  ["a clock of 1970", "", { today: new Date(0) }, "clock", "wrong", /1970/, /timesyncd/],
  [
    "no capability",
    "",
    { capabilities: ["net_raw"], uid: 7 },
    "privileges",
    "wrong",
    /user 7 lacks CAP_NET_ADMIN/,
    /as root/,
  ],
  [
    "no nft",
    "",
    { programs: { ip: "/x", setpriv: "/x" } },
    "programs",
    "wrong",
    /nft is missing/,
    /nftables/,
  ],
  ["no TUN module", "", { tunDevice: "ENODEV" }, "tun", "wrong", /ENODEV/, /modprobe tun/],
  ["no TUN device", "", { tunDevice: "ENOENT" }, "tun", "wrong", /ENOENT/, /mknod/],
  ["a TUN for root only", "", { tunDevice: "EACCES" }, "tun", "wrong", /EACCES/, /as root/],
  [
    "an interface in the way",
    "",
    { tunExists: true },
    "tun",
    "wrong",
    /holdfast0 exists/,
    /ip link delete/,
  ],
  [
    "pptpd on the port",
    "",
    { portHolders: [{ address: "0.0.0.0", process: { pid: 5, name: "pptpd" } }] },
    "port",
    "wrong",
    /pptpd \(5\) listens on 0\.0\.0\.0:1723/,
    /listen\.addresses/,
  ],
  [
    "somebody on our address",
    "listen: {addresses: [192.0.2.1]}",
    { portHolders: [{ address: "192.0.2.1", process: undefined }] },
    "port",
    "wrong",
    /another process/,
    /stop it/,
  ],
  [
    "somebody on another address",
    "listen: {addresses: [192.0.2.1]}",
    { portHolders: [{ address: "192.0.2.9", process: undefined }] },
    "port",
    "well",
    /nobody else/,
    /^$/,
  ],
  [
    "ourselves",
    "",
    {
      serverRuns: true,
      forwarding: { ipv4: "1", ipv6: "0" },
      portHolders: [{ address: "any", process: { pid: 5, name: "node" } }],
    },
    "port",
    "well",
    /nobody else/,
    /^$/,
  ],
  [
    "accel-ppp beside us",
    "",
    { rivals: ["accel-pppd"] },
    "rivals",
    "warning",
    /accel-pppd runs/,
    /one PPTP server/,
  ],
  [
    "XDP where PPTP is translated",
    "xdp: auto",
    { translatesPptp: true },
    "xdp",
    "warning",
    /nf_nat_pptp/,
    /an address of its own/,
  ],
  [
    "XDP at an interface that is not there",
    "xdp: [wan7]",
    { xdpMissing: ["wan7"] },
    "xdp",
    "warning",
    /wan7.* is not there/,
    /xdp: auto/,
  ],
  [
    "few descriptors",
    "",
    { descriptors: { soft: 256, hard: 256 } },
    "descriptors",
    "warning",
    new RegExp(`at most ${256 - control.descriptorsReserved} of 1024`),
    new RegExp(`LimitNOFILE=${1024 + control.descriptorsReserved}`),
  ],
  [
    "keys open to others",
    "",
    {
      stateFaults: [{ path: "/s/keys", fault: "others may enter it", remedy: "chmod 700 /s/keys" }],
    },
    "state",
    "wrong",
    /others/,
    /chmod 700/,
  ],
  ["a full disk", "", { freeOctets: 1_000 }, "disk", "warning", /0 KiB/, /accounting/],
  [
    "our own address in the pool",
    "",
    { localAddresses: [parseIpv4("10.99.0.9") ?? 0] },
    "pool",
    "wrong",
    /own address 10\.99\.0\.9/,
    /addresses\.exclude/,
  ],
  [
    "the pool in a LAN",
    "",
    { localPrefixes: [prefix("eth1", "10.99.0.0/16")] },
    "pool",
    "wrong",
    /lies in 10\.99\.0\.0\/16 of eth1/,
    /proxyArp: eth1/,
  ],
  [
    "the pool in a LAN, with proxy ARP",
    "network: {proxyArp: eth1}",
    { localPrefixes: [prefix("eth1", "10.99.0.0/16")] },
    "pool",
    "well",
    /meets no other/,
    /^$/,
  ],
  [
    "forwarding off and left alone",
    "network: {forwarding: off}",
    {},
    "forwarding",
    "wrong",
    /does not forward/,
    /forwarding: auto/,
  ],
  [
    "forwarding turned off under us",
    "",
    { serverRuns: true },
    "forwarding",
    "wrong",
    /does not forward/,
    /who turned it off/,
  ],
  [
    "no default route",
    "",
    { defaultRoute: undefined },
    "uplink",
    "warning",
    /no default route/,
    /ip route add/,
  ],
  [
    "a hook others may write",
    "",
    { hookFaults: [{ path: "/h", fault: "/h: writable by others" }] },
    "hooks",
    "wrong",
    /writable/,
    /only its owner/,
  ],
  [
    "rules that may not be read",
    "",
    { ruleset: { notKnown: "nft: EPERM" } },
    "firewall",
    "unknown",
    /EPERM/,
    /as root/,
  ],
  [
    "rules of the older iptables, which is not installed",
    "",
    { legacyTables: ["filter"], legacyChains: { notKnown: "iptables-legacy-save is missing" } },
    "firewall-legacy",
    "unknown",
    /\(filter\).*is missing/,
    /apt-get install iptables/,
  ],
  [
    "rules of the older iptables that may not be read",
    "",
    {
      legacyTables: ["filter"],
      legacyChains: { notKnown: "Permission denied" },
      programs: { ...facts().programs, "iptables-legacy-save": "/usr/sbin/iptables-legacy-save" },
    },
    "firewall-legacy",
    "unknown",
    /Permission denied/,
    /ask as root/,
  ],
  [
    "no NAT in the kernel",
    nat,
    { kernelRefusals: { filter: undefined, state: undefined, nat: "No such file" } },
    "firewall-nat",
    "wrong",
    /No such file/,
    /modprobe nft_chain_nat; modprobe nft_masq/,
  ],
  [
    "no nftables in the kernel",
    "",
    { kernelRefusals: { filter: "ENOPROTOOPT", state: undefined, nat: undefined } },
    "firewall-filter",
    "wrong",
    /ENOPROTO/,
    /modprobe nf_tables/,
  ],
  [
    "NAT that is not there",
    nat,
    { serverRuns: true, forwarding: { ipv4: "1", ipv6: "0" } },
    "nat",
    "wrong",
    /no chain of ours/,
    /reload/,
  ],
];

describe("what a host lacks", () => {
  test.each(cases)("%s", (_what, config, more, check, result, says, remedy) => {
    const found = judge(facts(config, more)).filter((one) => one.check === check);
    const hit = found.find((one) => one.result === result && says.test(one.message));
    expect(hit, JSON.stringify(found)).toBeDefined();
    expect(hit?.remedy).toMatch(remedy);
    const others = judge(facts(config, more)).filter(
      (one) => one.result !== "well" && one.check !== check,
    );
    expect(others.filter((one) => one.result === "wrong")).toEqual([]);
  });

  test("a server that holds its interface needs the device no more", () => {
    const held = facts("", { serverRuns: true, tunExists: true, tunDevice: "EACCES" });
    expect(judge(held).find(({ check }) => check === "tun")?.result).toBe("well");
  });

  test("what is wrong comes first", () => {
    const order = judge(facts("", { tunDevice: "ENOENT", defaultRoute: undefined }));
    expect(order.map(({ result }) => result).slice(0, 3)).toEqual(["wrong", "warning", "well"]);
  });
});
