// `holdfast storm` as a black box against pptpd and pppd in a kernel of their own: what can be seen there is measured, what
// cannot is said, and where pptpd answers nobody, as a plain connection finds too, the figures say so.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StormReport } from "../../src/storm/report.js";
import { Guest, Lab } from "../lab/guest.js";
import { expectOk, InnerNetns, quote } from "../lab/place.js";
import { needLab } from "../peers.js";

const SERVER = "198.18.1.1";
const HOSTILE = "198.18.1.66";
const password = "secret-Pw1";
const holdfast = `${quote(process.execPath)} ${quote(join(import.meta.dirname, "../../dist/cli/main.js"))}`;
const LONG_MS = 240_000;

/** Start-Control-Connection-Request (RFC 2637 §2.1), and how many seconds its answer took. */
const asked = `
  exec 3<>/dev/tcp/${SERVER}/1723
  begun=$(date +%s%N)
  printf '\\0\\x9c\\0\\1\\x1a\\x2b\\x3c\\x4d\\0\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\3\\0\\0\\0\\3\\0\\0\\0\\0' >&3
  head -c 128 /dev/zero >&3
  [ $(timeout 30 head -c 156 <&3 | wc -c) = 156 ] && echo $((($(date +%s%N) - begun) / 1000000000))
  exec 3>&-`;

describe.runIf(needLab())("a storm against pptpd", () => {
  let lab: Lab;
  let guest: Guest;
  let client: InnerNetns;
  let pid = "";

  beforeAll(async () => {
    lab = await Lab.open();
    guest = await Guest.up({ name: "stormed", index: 1 });
    await expectOk(guest, `topology && ip -n client address add ${HOSTILE}/24 dev eth1`);
    const server = new InnerNetns(guest, "server");
    await expectOk(server, `server-pptpd mschap-v2 128 ann ${password}`);
    pid = (await expectOk(server, "cat /run/pptpd.pid")).trim();
    client = new InnerNetns(guest, "client");
    await expectOk(client, `echo ${password} >/run/secret`);
  });
  afterAll(async () => {
    await guest?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
  });

  async function storm(...words: string[]) {
    const as = `-u ann --password-file /run/secret --i-operate-this-server --pid ${pid} --from ${HOSTILE}`;
    const all = `${holdfast} storm ${SERVER} ${as} --seed 7 --report /run ${words.join(" ")}`;
    const { code, stdout, stderr } = await client.exec(all, { timeoutS: 200 });
    const report = JSON.parse(
      await expectOk(guest, "cat /run/storm.json && head -c 15 /run/storm.html >&2").catch(
        (failure) => {
          throw new Error(`${failure}\n${code}\n${stdout}\n${stderr}`);
        },
      ),
    ) as StormReport;
    const outcomes = Object.fromEntries(
      report.verdicts.map(({ invariant, outcome }) => [invariant, outcome]),
    );
    const { measured, verdicts } = report.scenarios[0]!;
    return { code, stdout, outcomes, measured, said: JSON.stringify(verdicts) };
  }

  test(
    "packets from strangers: sessions, traffic, memory and descriptors as before; no ledger there is seen",
    async () => {
      const how = ["--scenario", "gre-unknown-call", "--seconds", "5", "--rate", "500"];
      const { code, stdout, outcomes, measured, said } = await storm(...how);
      const seen = [
        "sessions-kept",
        "traffic-kept",
        "server-answers",
        "memory-flat",
        "descriptors",
      ];
      for (const invariant of seen)
        expect([invariant, outcomes[invariant]], said).toEqual([invariant, "held"]);
      expect(outcomes.holdings).toBe("not-measured");
      expect(said).toContain("it has no admin socket of ours");
      expect(measured.sent.packets).toBeGreaterThan(1_000);
      expect(measured.honest?.logIns.asked).toBeGreaterThan(2);
      expect(measured.honest?.during.answered).toBeGreaterThan(10);
      expect(measured.process?.before.residentOctets).toBeGreaterThan(1_000_000);
      const broken = Object.values(outcomes).includes("broken");
      expect(code, said).toBe(broken ? 1 : 0);
      expect(stdout).toMatch(/^sessions-kept +held/m);
    },
    LONG_MS,
  );

  test(
    "a silent connection keeps everybody waiting: found by a plain connection, and told of log-ins",
    async () => {
      expect(Number(await expectOk(client, asked))).toBeLessThan(5);
      const silent = `exec 4<>/dev/tcp/${SERVER}/1723; sleep 0.5;${asked}`;
      expect(Number(await expectOk(client, silent))).toBeGreaterThanOrEqual(7);
      const how = ["--scenario", "half-open", "--seconds", "20", "--rate", "20"];
      const { outcomes, measured, said } = await storm(...how);
      // Under a flood a log-in may need three tries, each within 5 s: what takes longer is no log-in.
      const { asked: begun, succeeded, atOnce, failures } = measured.honest!.logIns;
      expect(atOnce, said).toBeLessThan(begun);
      expect(succeeded, said).toBeLessThan(begun);
      expect(Object.keys(failures).join(), said).toMatch(/no log-in within 5 s|closed/);
      expect(outcomes["log-ins"], said).toBe("broken");
      expect(outcomes["sessions-kept"], said).toBe("held");
      expect(measured.sent.taken).toBeGreaterThan(0);
    },
    LONG_MS,
  );
});
