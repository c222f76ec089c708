import { expect, test } from "vitest";
import { probeHook } from "../../src/daemon/doctor/probe.js";
import { readRuleset } from "../../src/daemon/doctor/ruleset.js";

test("our own table of blocked sources: what it drops is meant", () => {
  const table = { family: "inet", table: "holdfast-main-blocks" };
  const hook = { name: "input", type: "filter", hook: "input", prio: -150, policy: "accept" };
  const left = { payload: { protocol: "ip", field: "saddr" } };
  const expr = [{ match: { op: "==", left, right: "@blocked" } }, { drop: null }];
  const ruleset = readRuleset([
    { table: { family: "inet", name: table.table, handle: 9 } },
    { chain: { ...table, ...hook, handle: 1 } },
    { rule: { ...table, chain: "input", handle: 2, expr } },
  ]);
  const kinds = ["holdfast-main", "holdfast-other"].map(
    (own) => probeHook(ruleset, "input", { protocol: "gre" }, own).kind,
  );
  expect(kinds).toEqual(["passes", "perhaps stopped"]);
});
