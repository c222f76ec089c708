import { describe, expect, test } from "vitest";
import { loadConfig } from "./load.js";

function of(section: string) {
  return loadConfig(`console: {${section}}`, "holdfast.yaml");
}

describe("the console's section", () => {
  test("by default: this host alone, and nobody without a token", () => {
    const loaded = loadConfig("", "holdfast.yaml");
    expect(loaded.ok && loaded.config.console).toMatchObject({
      ...{ enabled: true, address: "127.0.0.1", port: 8723, tls: "auto" },
      ...{ names: [], metricsFrom: [] },
    });
  });

  test.each([
    ["a certificate without its key", "certificate: /etc/x.crt", "console.key", "name the key too"],
    ["a key alone", "key: /etc/x.key", "console.certificate", "name the certificate too"],
    [
      "a certificate for nothing",
      'tls: "off", certificate: /etc/x.crt, key: /etc/x.key',
      "console.tls",
      "write auto, or leave certificate out",
    ],
    ["no address", "address: vpn", "console.address", ""],
    ["a name with a port", "names: ['vpn.example.org:8723']", "console.names[0]", ""],
    ["a name that is an origin", "names: ['http://x']", "console.names[0]", ""],
    ["no prefix", "metricsFrom: [10.0.0.5/24]", "console.metricsFrom[0]", ""],
  ])("%s: refused at its key", (_what, section, key, remedy) => {
    const loaded = of(section);
    if (loaded.ok) throw new Error("taken");
    expect(loaded.problems).toHaveLength(1);
    expect(loaded.problems[0]?.key).toBe(key);
    expect(loaded.problems[0]?.remedy).toContain(remedy);
  });

  test("in the clear on another address than loopback: a warning; on loopback none", () => {
    const warnings = (section: string) => {
      const loaded = of(section);
      return loaded.ok ? loaded.warnings.map(({ key }) => key) : undefined;
    };
    expect(warnings('tls: "off", address: 0.0.0.0')).toEqual(["console.tls"]);
    expect(warnings('tls: "off"')).toEqual([]);
    expect(warnings('tls: "off", address: "::1"')).toEqual([]);
    expect(warnings("address: 0.0.0.0")).toEqual([]);
  });
});
