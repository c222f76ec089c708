// The bench against our own server, black box and kernel: what others send in an honest peer's name beneath PPTP. Pieces of
// GRE datagrams, which the kernel keeps or joins, and TCP of a third party in a session's control connection.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { StormReport } from "../../src/storm/report.js";
import { run } from "../lab/place.js";
import { needRoot } from "../peers.js";
import { cli, Scene, SERVER } from "./scene.js";

const HOSTILE = "203.0.113.66";
/** ipfrag_high_thresh of every namespace, as the kernel has it, and what a queue more may take. */
const FRAGMENTS_MAX = 4_194_304 + 131_072;
const NAMES = ["fragments", "live-fragments", "live-tcp"];

describe.runIf(needRoot())("a storm beneath PPTP", () => {
  test("pieces of datagrams, a third party's TCP: all verdicts held, and the kernel saw them", async () => {
    const config = { users: { sessionsPerUser: 32 }, guard: { allow: ["198.51.100.2/32"] } };
    await using scene = new Scene({ config });
    scene.callers.ip("addr", "add", `${HOSTILE}/32`, "dev", "veth0");
    scene.server.ip("route", "add", `${HOSTILE}/32`, "dev", "veth0");
    await scene.start();
    const { name, password } = scene.firstAccount();
    const secret = join(scene.directory, "password");
    writeFileSync(secret, `${password}\n`, { mode: 0o600 });
    const counted = (file: string, what: string) => {
      const lines = scene.server.run("cat", `/proc/net/${file}`).split("\n");
      const at = lines.findIndex((line) => line.split(" ").includes(what));
      return Number(lines[at + 1]?.split(" ")[lines[at]!.split(" ").indexOf(what)]);
    };
    const as = ["-u", name, "--password-file", secret, "--state", scene.state];
    const how = ["--seed", "7", "--json", "--seconds", "2", "--rate", "2000", "--from", HOSTILE];
    const where = ["netns", "exec", scene.callers.name, process.execPath, cli];
    const words = [...where, "storm", SERVER, ...as, ...how, "--scenario", ...NAMES];
    const { code, stdout, stderr } = await run("ip", words, { timeoutS: 90 });
    expect(stdout, `${code}\n${stderr}`).toMatch(/^\{/);
    const { scenarios, verdicts } = JSON.parse(stdout) as StormReport;
    const said = JSON.stringify(scenarios.map((one) => one.verdicts));
    expect([...new Set(verdicts.map(({ outcome }) => outcome))], said).toEqual(["held"]);
    expect(code).toBe(0);
    expect(scenarios.map((one) => one.name)).toEqual(NAMES);
    const [fragments, live, tcp] = scenarios.map(({ measured }) => measured);
    // Those that are whole came to the server, as packets of no call; the others the kernel has, within its bound.
    expect(fragments?.counted?.["data unknown-call"]).toBeGreaterThan(10);
    for (const one of [fragments, live]) {
      expect(one?.sent.packets).toBeGreaterThan(500);
      expect(one?.process?.most.fragmentOctets).toBeGreaterThan(0);
      expect(one?.process?.most.fragmentOctets).toBeLessThan(FRAGMENTS_MAX);
    }
    expect(said).toContain("fragments that wait in it");
    expect(counted("snmp", "ReasmOKs")).toBeGreaterThan(10);
    expect(counted("snmp", "ReasmFails")).toBeGreaterThan(0);
    // Into both sessions' control connections, in the window and out of it; the kernel asked back, nobody was reset.
    expect(tcp?.sent.segments?.inWindow).toBeGreaterThan(100);
    expect(tcp?.sent.segments?.answered).toBeGreaterThan(0);
    expect(counted("netstat", "TCPChallengeACK")).toBeGreaterThan(0);
    expect(tcp?.honest?.lost).toEqual([]);
    expect(await scene.stop()).toBe(0);
  });
});
