// `holdfast storm --namespace` with thousands of honest sessions: as many as there may be of one user at one server
// on a machine with two processors, beside packets and hostile connections.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { StormReport } from "../../src/storm/report.js";
import { run } from "../lab/place.js";
import { needRoot } from "../peers.js";
import { cli } from "./scene.js";

const SESSIONS = Number(process.env.HOLDFAST_STORM_SESSIONS ?? 2_000);
const RAMP = 100;

describe.runIf(needRoot())("a storm beside thousands", () => {
  test(`${SESSIONS} sessions carry echoes: none is lost, all verdicts held`, async () => {
    const directory = mkdtempSync(join(tmpdir(), "holdfast-crowd-"));
    try {
      const how = ["--sessions", String(SESSIONS), "--ramp", String(RAMP), "--seconds", "3"];
      const which = ["--scenario", "gre-unknown-call", "half-open", "--report", directory];
      const words = [cli, "storm", "--namespace", "--seed", "7", ...how, ...which];
      const timeoutS = 60 + (3 * SESSIONS) / RAMP;
      const { code, stdout, stderr } = await run(process.execPath, words, { timeoutS });
      expect(code, `${stdout}${stderr}`).toBe(0);
      const report = JSON.parse(readFileSync(join(directory, "storm.json"), "utf8")) as StormReport;
      expect(report.verdicts.map(({ outcome }) => outcome)).toEqual(Array(10).fill("held"));
      for (const { name, measured } of report.scenarios) {
        const { honest, holdings, sent } = measured;
        expect(honest?.sessions, name).toBe(SESSIONS);
        expect(holdings?.before.sessions, name).toBe(SESSIONS);
        // Each asks for one at least every two seconds; three of them, less what is still on its way.
        expect(honest?.during.answered, name).toBeGreaterThan(SESSIONS);
        expect(honest?.logIns.succeeded, name).toBeGreaterThan(2);
        expect(sent.packets + sent.taken, name).toBeGreaterThan(500);
      }
      // From as many addresses as that takes.
      expect(report.locals).toHaveLength(Math.ceil(SESSIONS / 1_000));
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
