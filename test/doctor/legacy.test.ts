// Rules of the older iptables: as iptables-legacy-save 1.8.9 prints them, and the kernel's own in a
// namespace, found through `holdfast doctor`.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { readLegacyRules } from "../../src/daemon/doctor/legacy-rules.js";
import { formatPlace, probeHook } from "../../src/daemon/doctor/probe.js";
import type { Probe } from "../../src/daemon/doctor/probe-match.js";
import { isRoot, Namespace } from "../os/namespace.js";

const gre: Probe = { protocol: "gre", state: "new", notInterfaces: ["holdfast0", "lo"] };
const control: Probe = { ...gre, protocol: "tcp", destinationPort: 1723 };

function asked(probe: Probe, ...lines: string[]): string {
  const policy = lines[0]?.startsWith(":") ? [] : [":INPUT ACCEPT [3:180]"];
  const head = ["*filter", ...policy, ":FORWARD ACCEPT [0:0]", ":X - [0:0]"];
  const chains = readLegacyRules([...head, ...lines, "COMMIT", ""].join("\n"));
  const outcome = probeHook({ chains, sets: new Map() }, "input", probe, "");
  return "place" in outcome ? `${outcome.kind}: ${formatPlace(outcome.place)}` : outcome.kind;
}

const at = "iptables-legacy: table filter, chain";

describe("a rule of the older iptables", () => {
  const rows: [string, Probe, string[], string][] = [
    [
      "drops GRE",
      gre,
      ["-A INPUT -p gre -j DROP"],
      `stopped: ${at} INPUT, rule 1: -A INPUT -p gre -j DROP`,
    ],
    [
      "by number",
      gre,
      ["-A INPUT -p 47 -j DROP"],
      `stopped: ${at} INPUT, rule 1: -A INPUT -p 47 -j DROP`,
    ],
    ["drops something else", gre, ["-A INPUT -p udp -j DROP"], "passes"],
    ["drops all but it", gre, ["-A INPUT ! -p gre -j DROP"], "passes"],
    [
      "accepts before another drops",
      gre,
      ["-A INPUT -p gre -j ACCEPT", "-A INPUT -j DROP"],
      "passes",
    ],
    [
      "rejects the port, in a chain it jumps to, its comment quoted",
      control,
      [
        '-A INPUT -p tcp -m comment --comment "no \\"vpn\\" -j ACCEPT" -m tcp --dport 1700:1730 -j X',
        "-A X -p tcp -m multiport --dports 22,1723 -j REJECT --reject-with icmp-port-unreachable",
      ],
      `stopped: ${at} X, rule 1: -A X -p tcp -m multiport --dports 22,1723 -j REJECT --reject-with icmp-port-unreachable`,
    ],
    ["another port", control, ["-A INPUT -p tcp -m tcp --dport 1724: -j DROP"], "passes"],
    [
      "of new connections",
      control,
      [
        "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-A INPUT -m state --state NEW -j DROP",
      ],
      `stopped: ${at} INPUT, rule 2: -A INPUT -m state --state NEW -j DROP`,
    ],
    ["on the loopback alone", control, ["-A INPUT -i lo -j DROP"], "passes"],
    [
      "from some addresses",
      control,
      ["-A INPUT -s 203.0.113.0/24 -j DROP"],
      `perhaps stopped: ${at} INPUT, rule 1: -A INPUT -s 203.0.113.0/24 -j DROP`,
    ],
    [
      "with a match nobody here knows",
      control,
      ["-A INPUT -p tcp -m recent --update --seconds 60 --name x --mask 255.255.255.255 -j DROP"],
      `perhaps stopped: ${at} INPUT, rule 1: -A INPUT -p tcp -m recent --update --seconds 60 --name x --mask 255.255.255.255 -j DROP`,
    ],
    ["that only logs", gre, ["-A INPUT -p gre -j LOG --log-prefix DROP"], "passes"],
    ["goes back", gre, ["-A INPUT -j X", "-A X -p gre -j RETURN", "-A X -j DROP"], "passes"],
    [
      "a policy",
      gre,
      [":INPUT DROP [0:0]", "-A INPUT -p tcp -j ACCEPT"],
      `stopped: ${at} INPUT, policy DROP`,
    ],
  ];
  test.each(rows)("%s", (_, probe, lines, outcome) => {
    expect(asked(probe, ...lines)).toBe(outcome);
  });
});

const save = "/usr/sbin/iptables-legacy-save";
const cli = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

describe.runIf(isRoot && existsSync(save))("doctor where the kernel has such rules", () => {
  test("names the rule and what to type, and makes no table by asking", () => {
    using namespace = new Namespace();
    const inside = (...words: string[]) =>
      execFileSync("ip", ["netns", "exec", namespace.name, ...words], { encoding: "utf8" });
    const doctor = () => {
      const words = ["netns", "exec", namespace.name, process.execPath, cli, "doctor", "--json"];
      const { stdout } = spawnSync("ip", [...words, "--all", "--state", "/nowhere"], {
        encoding: "utf8",
      });
      const { verdicts } = JSON.parse(stdout) as { verdicts: Record<string, string>[] };
      return new Map(verdicts.map((one) => [one.check, one]));
    };
    expect(doctor().get("firewall-gre")).toMatchObject({ result: "well" });
    expect(inside("cat", "/proc/net/ip_tables_names")).toBe("");
    inside("iptables-legacy", "-A", "INPUT", "-i", "lo", "-j", "ACCEPT");
    inside("iptables-legacy", "-A", "INPUT", "-p", "gre", "-j", "DROP");
    const verdicts = doctor();
    expect(verdicts.get("firewall-gre")).toMatchObject({
      result: "wrong",
      message: "a rule stops GRE of clients",
      place: "iptables-legacy: table filter, chain INPUT, rule 2: -A INPUT -p gre -j DROP",
      remedy: "iptables-legacy -I INPUT -p gre -j ACCEPT",
    });
    expect(verdicts.get("firewall-control")).toMatchObject({ result: "well" });
    expect(verdicts.has("firewall-legacy")).toBe(false);
    inside("iptables-legacy", "-I", "INPUT", "-p", "gre", "-j", "ACCEPT");
    expect(doctor().get("firewall-gre")).toMatchObject({ result: "well" });
  });
});
