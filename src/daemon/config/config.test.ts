import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type * as z from "zod";
import { formatIpv4, type Prefix4 } from "../../base/ip.js";
import * as limits from "../../limits.js";
import { readPrefix4, subtractRanges } from "./addresses.js";
import { needsClearText, showPool } from "./checks.js";
import { limitBounds } from "./limits.js";
import { loadConfig } from "./load.js";
import { formatProblem, type Problem } from "./problems.js";
import { readyMade } from "./ready-made.js";
import type { Config } from "./resolve.js";
import { configJsonSchema, configSchema } from "./schema.js";
import { chooseDefaults, selfMadeConfig } from "./self-made.js";
import { showConfig } from "./show.js";
import { storeTerms } from "./store-terms.js";

function good(text: string): { config: Config; warnings: readonly Problem[] } {
  const loaded = loadConfig(text, "holdfast.yaml");
  if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join("\n"));
  return loaded;
}

describe("what is right", () => {
  test.each([
    ["nothing at all", ""],
    ["only comments", "# hello\n"],
    ["empty sections", "listen:\nlog:\n  level:\nprofiles:\n"],
    ["an empty document", "---\n"],
  ])("%s is the default configuration", (_what, text) => {
    const { config, warnings } = good(text);
    expect(warnings).toEqual([]);
    expect(config.settings).toEqual(configSchema.parse({}));
    expect(config.defaultProfile).toMatchObject({
      authentication: ["ms-chap-v2"],
      encryption: { required: true, bits: [128], stateful: false },
    });
    expect(config.profiles).toEqual([]);
    expect(config.network).toMatchObject({
      clientToClient: false,
      reachHost: false,
      mtu: 1400,
      mru: 1400,
      nat: { enabled: false },
    });
    expect(config.gre.sendWindow).toBe("off");
  });

  test("the gateway is the pool's first address and is not given out", () => {
    const { config } = good("addresses: {pool: [10.7.0.0/29], exclude: [10.7.0.3]}");
    expect(formatIpv4(config.addresses.gateway)).toBe("10.7.0.1");
    expect(showPool(config)).toBe("10.7.0.2, 10.7.0.4-10.7.0.6");
  });

  test("a range is used whole, ends and all; so is a /31", () => {
    const text = "addresses: {pool: [10.7.0.0-10.7.0.255, 10.8.0.0/31], gateway: 10.9.0.1}";
    expect(showPool(good(text).config)).toBe("10.7.0.0-10.7.0.255, 10.8.0.0-10.8.0.1");
  });

  test("ready-made profiles are off until they are turned on, and then loud", () => {
    const off = good("profiles: [{name: legacy-9x, from: [10.0.0.0/8]}]");
    expect(off.config.profiles).toEqual([]);
    const on = good("profiles: [{name: legacy-9x, enabled: true, from: [10.0.0.0/8]}]");
    expect(on.config.profiles).toMatchObject([{ ...readyMade["legacy-9x"], legacy: true }]);
    expect(on.warnings.map(({ message }) => message).join()).toContain("nearly no protection");
  });

  test("a ready-made profile can be narrowed, one's own inherits the default", () => {
    const text = `
defaultProfile: {encryption: {stateful: true}}
profiles:
  - {name: legacy-nt4, enabled: true, from: [10.0.0.0/8], encryption: {bits: [128]}}
  - {name: own, from: [172.16.0.0/12], encryption: {required: false}}
  - {name: off, enabled: false, from: [192.168.0.0/16]}`;
    const [nt4, own, ...rest] = good(text).config.profiles;
    expect(nt4).toMatchObject({ encryption: { required: true, bits: [128], stateful: true } });
    expect(own).toMatchObject({
      legacy: false,
      encryption: { required: false, bits: [128], stateful: true },
    });
    expect(rest).toEqual([]);
  });

  test.each([
    ["PAP beside MS-CHAPv2", "defaultProfile: {authentication: [ms-chap-v2, pap]}", "turned away"],
    [
      "MS-CHAPv1 with 40 bits",
      "defaultProfile: {authentication: [ms-chap-v1], encryption: {bits: [40]}}",
      "passwords in clear",
    ],
    ["a large MTU", "network: {mtu: 1500}", "fragmented"],
    ["an uplink without NAT", "network: {nat: {uplink: eth0}}", "no effect"],
    ["three name servers", "client: {dns: [192.0.2.1, 192.0.2.2, 192.0.2.3]}", "IPCP carries two"],
    ["few IPv6 prefixes", "addresses: {ipv6Prefix: '2001:db8::/60'}", "get no IPv6"],
  ])("works and is noted: %s", (_what, text, says) => {
    expect(
      good(text)
        .warnings.map(({ message }) => message)
        .join(),
    ).toContain(says);
  });

  test("whose log-in needs the clear text", () => {
    const terms = (authentication: string, bits: string) =>
      needsClearText(
        good(
          `defaultProfile: {authentication: [${authentication}], encryption: {required: false, bits: [${bits}]}}`,
        ).config.defaultProfile,
      );
    expect(terms("ms-chap-v2", "40, 56, 128")).toBe(false);
    expect(terms("pap", "128")).toBe(false);
    expect(terms("ms-chap-v1", "128")).toBe(false);
    expect(terms("ms-chap-v1", "56, 128")).toBe(true);
    expect(terms("chap-md5", "128")).toBe(true);
  });

  test("the store is told whose addresses are taken", () => {
    const { keepClearText, reserved } = storeTerms(
      good("listen: {addresses: [192.0.2.1]}\naddresses: {pool: [10.7.0.0/24]}").config,
    );
    expect(keepClearText).toBe(false);
    expect(reserved.map(({ kind, whose }) => `${kind} ${whose}`)).toEqual([
      "pool 10.7.0.0/24",
      "own the gateway 10.7.0.1",
      "own the listening address 192.0.2.1",
    ]);
  });

  test("every limit that may be changed exists and its default is within its bounds", () => {
    for (const [section, keys] of Object.entries(limitBounds)) {
      const defaults = { ...limits }[section as keyof typeof limitBounds];
      for (const [key, [min, max]] of Object.entries(keys)) {
        const value = (defaults as Record<string, number>)[key];
        expect(value, `${section}.${key}`).toBeGreaterThanOrEqual(min);
        expect(value, `${section}.${key}`).toBeLessThanOrEqual(max);
      }
    }
    const { config } = good("limits: {control: {connectionsMax: 7}}");
    expect(config.limits.control).toMatchObject({ connectionsMax: 7, startDeadlineMs: 5_000 });
    expect(config.limits.store).toBe(limits.store);
  });

  test("the example that is shipped has no fault, no note, and every section", () => {
    const file = new URL("../../../packaging/config.example.yaml", import.meta.url);
    const loaded = loadConfig(readFileSync(file, "utf8"), "config.example.yaml");
    expect(loaded.ok ? loaded.warnings : loaded.problems).toEqual([]);
    const sections = Object.keys(configSchema.shape).filter(
      (key) => !["state", "user", "workers", "engine", "filter", "xdp"].includes(key),
    );
    if (loaded.ok) for (const key of sections) expect(loaded.source.has([key]), key).toBe(true);
  });
});

describe("show and schema", () => {
  test("what is shown is a configuration that means the same", () => {
    const text = "listen: {port: 1724}\nprofiles: [{name: a, from: [10.0.0.0/8]}]";
    const { config } = good(text);
    const loaded = loadConfig(text, "x");
    const shown = showConfig(config.settings, loaded.ok ? loaded.source : undefined);
    expect(good(shown).config.settings).toEqual(config.settings);
    expect(shown).toMatch(/^ {2}port: 1724$/m);
    expect(shown).toMatch(/^ {2}addresses: all # default$/m);
    expect(shown).toMatch(/^ {2}level: info # default$/m);
  });

  test("every key has a description in the schema", () => {
    const undescribed: string[] = [];
    const walk = (node: z.core.JSONSchema.BaseSchema, path: string) => {
      for (const [key, inner] of Object.entries(node.properties ?? {})) {
        if (typeof inner !== "object") continue;
        const section = inner.properties !== undefined;
        if (!section && !inner.description) undescribed.push(`${path}${key}`);
        walk(inner, `${path}${key}.`);
        if (typeof inner.items === "object") walk(inner.items as typeof inner, `${path}${key}[].`);
      }
    };
    walk(configJsonSchema() as z.core.JSONSchema.BaseSchema, "");
    expect(undescribed).toEqual([]);
  });
});

describe("a first start's own configuration", () => {
  const prefix = (text: string): Prefix4 => {
    const read = readPrefix4(text);
    if (!read.ok) throw new Error(text);
    return read.value;
  };

  test("takes the first private /24 that meets nothing here", () => {
    const pool = (...taken: string[]) =>
      chooseDefaults(taken.map(prefix), false)?.pool.address ?? 0;
    expect(formatIpv4(pool())).toBe("10.99.0.0");
    expect(formatIpv4(pool("10.99.0.128/25", "10.99.1.7/32"))).toBe("10.99.2.0");
    expect(formatIpv4(pool("10.0.0.0/8"))).toBe("172.29.0.0");
    expect(formatIpv4(pool("10.0.0.0/8", "172.16.0.0/12"))).toBe("192.168.0.0");
    expect(formatIpv4(pool("0.0.0.0/0"))).toBe("10.99.0.0");
    expect(
      chooseDefaults(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].map(prefix), false),
    ).toBeUndefined();
  });

  test("is a configuration without a fault or a note", () => {
    const choice = chooseDefaults([prefix("10.99.0.0/24")], true);
    if (choice === undefined) throw new Error("no choice");
    const { config, warnings } = good(selfMadeConfig(choice));
    expect(warnings).toEqual([]);
    expect(formatIpv4(config.addresses.gateway)).toBe("10.99.1.1");
    expect(config.network.nat.enabled).toBe(true);
  });
});

test("ranges less ranges", () => {
  const r = (first: number, last: number) => ({ first, last });
  expect(subtractRanges([r(0, 9)], [])).toEqual([r(0, 9)]);
  expect(subtractRanges([r(0, 9)], [r(0, 0), r(9, 9), r(4, 5)])).toEqual([r(1, 3), r(6, 8)]);
  expect(subtractRanges([r(0, 9), r(20, 29)], [r(5, 24)])).toEqual([r(0, 4), r(25, 29)]);
  expect(subtractRanges([r(3, 3)], [r(0, 9)])).toEqual([]);
});
