// The benchmarks run at all: their shortest form, on this host. Nothing here looks at a time.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { needPeer, needRoot } from "../peers.js";

const programs = ["gcc", "iperf3", "ping", "ip"];
const packages = ["gcc", "libc6-dev", "iperf3", "iputils-ping", "iproute2"];

function benchmark(name: string, ...options: string[]) {
  const run = join(import.meta.dirname, "../../benchmarks/run.mjs");
  const words = [run, name, "--quick", ...options];
  return spawnSync(process.execPath, words, { encoding: "utf8", timeout: 110_000 });
}

/** The figures of the rows that begin with `label`. */
function figures(text: string, label: string): number[] {
  return text
    .split("\n")
    .filter((line) => line.startsWith(`| ${label} |`))
    .flatMap((line) => line.split("|").slice(2, -1).map(Number));
}

describe("benchmarks, in their shortest form", () => {
  test("micro", () => {
    const { status, stdout, stderr } = benchmark("micro");
    expect(status, stderr).toBe(0);
    expect(figures(stdout, "RC4, 1400 octets").every((ns) => ns > 0)).toBe(true);
    expect(figures(stdout, "RC4, 1400 octets")).toHaveLength(3);
  });

  test.runIf(needRoot() && needPeer(programs, packages))("throughput, on this host", () => {
    const words = ["--host", "--peers", "veth,holdfast"];
    const { status, stdout, stderr } = benchmark("throughput", ...words);
    expect(status, stderr).toBe(0);
    for (const peer of ["veth", "holdfast"]) {
      const found = figures(stdout, peer);
      expect(found, stdout).toHaveLength(3);
      expect(found.every((value) => value > 0)).toBe(true);
    }
  });

  test.runIf(needRoot() && needPeer(programs, packages))("cpu, with and without a session", () => {
    const words = ["--configurations", "bare,one"];
    const { status, stdout, stderr } = benchmark("cpu", ...words);
    expect(status, stderr).toBe(0);
    for (const what of ["one of bare, encrypting", "one of bare, decrypting"]) {
      expect(
        Number(new RegExp(`${what} \\| >= 0.95 \\| (\\S+)`).exec(stdout)?.[1]),
      ).toBeGreaterThan(0);
    }
    const collections = /^\| scavenges a million packets.*\| ([0-9.]+) \| \S+ \|$/gm;
    expect(stdout.match(collections), stdout).toHaveLength(2);
  });

  const needs = ["gcc", "ip", "nft"];
  test.runIf(needRoot() && needPeer(needs, ["gcc", "libc6-dev", "iproute2", "nftables"]))(
    "storm: one stream of packets, hostile connections, sessions and log-ins beside them",
    () => {
      const { status, stdout, stderr } = benchmark("storm");
      expect(status, stderr).toBe(0);
      expect(stdout).toContain("| sessions lost | 0 | 0 | yes |");
      expect(stdout).toMatch(/^\| holdfast \| gre-mutated \| [1-9]/m);
      expect(stdout).toMatch(/^\| holdfast \| control-vectors \| 4 \| [1-9]/m);
      expect(stdout).toMatch(/^\| log-ins under half-open \| .* \| [1-9][0-9]* of [1-9]/m);
      expect(stdout).toMatch(/^\| holdfast \| heap, worker \| 0, [1-9]/m);
    },
  );

  test.runIf(needRoot() && needPeer(programs, packages))(
    "filter, at the socket, by XDP and the classic form",
    () => {
      const { status, stdout, stderr } = benchmark("filter");
      expect(status, stderr).toBe(0);
      for (const way of [
        ...["at the socket, eBPF", "XDP, generic", "XDP, native", "classic, with its rules"],
      ]) {
        const found = figures(stdout, way);
        expect(found, stdout).toHaveLength(2 * 5);
        expect(found[0]).toBeGreaterThan(0);
      }
      // It counts nothing.
      expect(figures(stdout, "classic alone").filter(Number.isNaN), stdout).toHaveLength(2);
      expect(stdout).toMatch(/counted once.* \| yes \|/);
    },
  );

  test("an option that is none is refused with those there are", () => {
    const { status, stderr } = benchmark("throughput", "--peers", "nobody");
    expect(status).toBe(2);
    expect(stderr).toContain('no "nobody": veth, forwarder, kserver, pptpd, holdfast');
  });
});
