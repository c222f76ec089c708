// `holdfast probe` as somebody types it: against our own server, against one that never answers, and
// against addresses that are not one's own.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HostNetns, run } from "../lab/place.js";
import { isRoot, joined } from "../os/namespace.js";
import { TestServer } from "./harness.js";
import { kernelDifference, kernelState } from "./kernel-state.js";
import { settled } from "./settled.js";

const OURS = "10.77.0.1";
/** A documentation address: nobody's own. */
const STRANGER = "192.0.2.1";
const main = join(import.meta.dirname, "../../dist/cli/main.js");

describe.runIf(isRoot)("holdfast probe", () => {
  const scratch = isRoot ? mkdtempSync(join(tmpdir(), "hf-probe-")) : "";
  const password = join(scratch, "password");
  let cable: ReturnType<typeof joined>;
  let server: TestServer;

  const probe = (...words: string[]) =>
    run("ip", ["netns", "exec", cable.b.name, process.execPath, main, "probe", ...words]);

  beforeAll(async () => {
    writeFileSync(password, "secret-Pw1\n", { mode: 0o600 });
    cable = joined([`${OURS}/24`, `${STRANGER}/24`], ["10.77.0.2/24", "192.0.2.2/24"]);
    await settled(cable.a, cable.b);
    server = await TestServer.start({
      place: new HostNetns(cable.a.name),
      config: { addresses: { pool: ["10.99.0.0/24"] }, client: { dns: [] } },
      users: [{ name: "ann", password: "secret-Pw1" }],
    });
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    cable?.[Symbol.dispose]();
    if (scratch !== "") rmSync(scratch, { recursive: true, force: true });
  });

  it("our own server, with a log-in: what it is set to, and both ends as before", async () => {
    const before = await server.held();
    const place = new HostNetns(cable.b.name);
    const ownBefore = await kernelState(place);
    const { code, stdout, stderr } = await probe(
      ...[OURS, "-u", "ann", "--password-file", password, "--json"],
    );
    expect(stderr).toBe("");
    expect(code).toBe(0);
    const { facts, findings } = JSON.parse(stdout);
    expect(facts).toMatchObject({
      address: OURS,
      start: { resultCode: 1, protocolVersion: 0x100 },
      call: { resultCode: 1 },
      lcp: { mru: 1_400 },
      methods: { offered: ["ms-chap-v2"], unknown: [], none: false },
      encryption: {
        seen: true,
        strengths: [
          { bits: 128, stateless: true, answer: "accepted" },
          { bits: 56, stateless: true, answer: "refused" },
          { bits: 40, stateless: true, answer: "refused" },
          { bits: 128, stateless: false, answer: "refused" },
        ],
      },
      conformance: [
        { name: "echo", outcome: "answered" },
        { name: "echo-reply-unasked", outcome: "ignored" },
        { name: "cdn-no-call", outcome: "ignored" },
        { name: "sli-no-call", outcome: "ignored" },
        { name: "ocrq-short", outcome: "closed" },
        { name: "sccrq-again", outcome: "not-tried" },
        { name: "ccrq-no-call", outcome: "not-tried" },
      ],
    });
    expect(facts.methods.refused).toEqual(["pap", "chap-md5", "ms-chap-v1", "eap"]);
    // RFC 1661 §4.6: three seconds; src/limits.ts bounds a start to five.
    expect(facts.lcp.restartMs).toBeGreaterThan(2_900);
    expect(facts.silenceClosedMs).toBeGreaterThan(4_900);
    expect(findings.map(({ id }: { id: string }) => id)).toEqual(["ms-chap-v2"]);
    await server.expectHeld(before);
    expect(kernelDifference(ownBefore, await kernelState(place))).toEqual([]);
  });

  it("an address that is neither private nor loopback: refused, and not one packet sent", async () => {
    // Not what the cable has in all: ARP and IPv6 have their own times.
    const chain = "add chain ip seen out { type filter hook output priority 0; };";
    const rule = `add rule ip seen out ip daddr ${STRANGER} counter`;
    cable.b.run("nft", `add table ip seen; ${chain} ${rule}`);
    const { code, stdout, stderr } = await probe(STRANGER);
    expect(code).toBe(4);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/192\.0\.2\.1 is neither private nor loopback: nothing was sent/);
    expect(stderr).toMatch(/^Remedy: .*--i-operate-this-server/m);
    expect(cable.b.run("nft", "list", "table", "ip", "seen")).toContain("counter packets 0 ");
    cable.b.run("nft", "delete table ip seen");
  });

  it("that address with --i-operate-this-server, nobody to log in: said in Japanese, as HTML", async () => {
    const words = [STRANGER, "--i-operate-this-server", "--html", "--lang", "ja"];
    const { code, stdout } = await probe(...words);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^<!doctype html>\n<html lang="ja">/);
    expect(stdout).toContain("ログイン前は確認不可");
  });

  it("a server that never answers: said, with the remedy", async () => {
    const silent = cable.a.inside(() => createServer(() => {}).listen(1_724));
    try {
      const { code, stdout } = await probe(OURS, "--port", "1724");
      expect(code).toBe(0);
      expect(stdout).toContain("nothing speaks PPTP behind it");
      expect(stdout).toMatch(/remedy: See whether the server hangs/);
      expect(stdout).toContain("authentication: not visible: there was no control connection");
    } finally {
      silent.close();
    }
  });

  it("nobody listens: failed, with the remedy", () => {
    const argv = ["netns", "exec", cable.b.name, process.execPath, main, "probe"];
    const { status, stderr } = spawnSync("ip", [...argv, OURS, "--port", "1725"], {
      encoding: "utf8",
    });
    expect(status).toBe(1);
    expect(stderr).toMatch(/connect to 10\.77\.0\.1:1725: ECONNREFUSED/);
    expect(stderr).toMatch(/^Remedy: see that a server runs/m);
  });
});
