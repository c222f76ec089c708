import { expect, test } from "vitest";
import { loadConfig } from "./load.js";
import { classify, compareConfig, mergeApplicable, reloadTable } from "./reload.js";
import { configSchema, type Settings } from "./schema.js";

function settings(text: string): Settings {
  const loaded = loadConfig(text, "x");
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join());
  return loaded.config.settings;
}

const none = settings("");

function leafKeys(value: unknown, key = ""): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [key];
  return Object.entries(value).flatMap(([name, inner]) =>
    leafKeys(inner, key === "" ? name : `${key}.${name}`),
  );
}

test("every key is classified in the table, and the table names no other", () => {
  const optional = ["state", "addresses.ipv6Prefix", "network.nat.uplink", "network.proxyArp"];
  const keys = [...leafKeys(none), ...optional];
  const unknown = keys.filter((key) => classify(key).why.startsWith("not known"));
  expect(unknown).toEqual([]);
  for (const entry of Object.keys(reloadTable)) {
    expect(
      keys.some((key) => key === entry || key.startsWith(`${entry}.`)),
      entry,
    ).toBe(true);
  }
});

test("nothing changed: nothing is said", () => {
  expect(compareConfig(none, settings("listen: {port: 1723}"))).toEqual({
    applied: [],
    needsRestart: [],
    changes: [],
  });
});

test("what applies and what must wait are told apart, key by key", () => {
  const next = settings(`
listen: {port: 1724}
log: {level: debug}
network: {mtu: 1300, mru: 1300}
profiles: [{name: a, from: [10.0.0.0/8]}]
hooks: {ipUp: /bin/true}`);
  const { applied, needsRestart, changes } = compareConfig(none, next);
  expect(applied).toEqual(["hooks.ipUp", "log.level", "network.mru", "profiles"]);
  expect(needsRestart).toEqual(["listen.port", "network.mtu"]);
  expect(changes.every(({ why }) => why.length > 0)).toBe(true);
});

test("a key that is taken away is a change too", () => {
  const before = settings("hooks: {ipUp: /bin/true}\nnetwork: {proxyArp: eth0}");
  const { applied, needsRestart } = compareConfig(before, none);
  expect(applied).toEqual(["hooks.ipUp"]);
  expect(needsRestart).toEqual(["network.proxyArp"]);
});

test("a list in another order is a change: the first profile that matches counts", () => {
  const [a, b] = ["{name: a, from: [10.0.0.0/8]}", "{name: b, from: [172.16.0.0/12]}"];
  const before = settings(`profiles: [${a}, ${b}]`);
  expect(compareConfig(before, settings(`profiles: [${b}, ${a}]`)).applied).toEqual(["profiles"]);
});

test("what runs after a reload: the new where it applies, the old where it must wait", () => {
  const old = settings("network: {proxyArp: eth0, mtu: 1400}\nlimits: {plane: {reorderMs: 50}}");
  const next = settings(
    "network: {mtu: 1300, mru: 1300}\nlog: {level: warn}\nlisten: {port: 1724}",
  );
  const merged = mergeApplicable(old, next);
  expect(merged.network).toMatchObject({ proxyArp: "eth0", mtu: 1400, mru: 1300 });
  expect(merged.listen.port).toBe(1723);
  expect(merged.log.level).toBe("warn");
  expect(merged.limits.plane.reorderMs).toBe(50);
  expect(compareConfig(old, merged).needsRestart).toEqual([]);
  expect(configSchema.parse(merged)).toEqual(merged);
});

test("merging what takes a waiting key away keeps the old one, and the other way round", () => {
  const withState = settings("state: /srv/one");
  expect(mergeApplicable(withState, none).state).toBe("/srv/one");
  expect(mergeApplicable(none, withState).state).toBeUndefined();
});
