// Metrics: who may read them, the text format as promtool checks it, and that the dashboard and the
// alerts that are shipped ask for what there is.
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { parseIpv4 } from "../../src/base/ip.js";
import { exposition } from "../../src/daemon/console/exposition.js";
import { expositionFaults } from "./exposition-faults.js";
import { Served } from "./support.js";

let served: Served;
beforeEach(async () => {
  served = await Served.started();
});
afterEach(async () => {
  await served[Symbol.asyncDispose]();
});

describe("the text", () => {
  test("has no fault, and the names by convention", async () => {
    const reply = await served.ask("GET", "/metrics", await served.token("metrics"));
    expect(reply.status).toBe(200);
    expect(reply.headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(expositionFaults(reply.text)).toEqual([]);
    expect(reply.text).toContain("\nholdfast_sessions 3\n");
    expect(reply.text).toContain('\nholdfast_octets_total{direction="sent"} 2000\n');
    expect(reply.text).toMatch(/\nprocess_cpu_seconds_total [0-9.]+\n/);
  });

  test("has labels of our own words alone: nothing of a user, an address or a peer", async () => {
    const status = await served.port.status();
    served.port.status = () => ({ ...status, counters: { "data gre-flags": 3 } });
    const { text } = await served.ask("GET", "/metrics", await served.token("metrics"));
    const labels = new Set([...text.matchAll(/[{,](\w+)="/g)].map(([, name]) => name));
    expect([...labels].sort()).toEqual(["direction", "kind", "node", "reason", "state", "version"]);
    expect(text).not.toMatch(/"(ann|eve)|192\.0\.2\.|10\.99\./);
  });

  test("escapes what would end a label or a line", () => {
    const samples = [{ labels: { reason: 'a"b\\c\nd' }, value: 1 }];
    const text = exposition([{ name: "holdfast_x", type: "gauge", help: "a\nb\\", samples }]);
    expect(text).toBe(
      '# HELP holdfast_x a\\nb\\\\\n# TYPE holdfast_x gauge\nholdfast_x{reason="a\\"b\\\\c\\nd"} 1\n',
    );
    expect(expositionFaults(text)).toEqual([]);
  });

  test.each([
    ["no help", "# TYPE holdfast_a gauge\nholdfast_a 1\n"],
    ["a counter without _total", "# HELP holdfast_a x\n# TYPE holdfast_a counter\nholdfast_a 1\n"],
    ["an open label", '# HELP holdfast_a x\n# TYPE holdfast_a gauge\nholdfast_a{b="c} 1\n'],
    ["twice", "# HELP holdfast_a x\n# TYPE holdfast_a gauge\nholdfast_a 1\nholdfast_a 2\n"],
    ["no number", "# HELP holdfast_a x\n# TYPE holdfast_a gauge\nholdfast_a undefined\n"],
    ["no end", "# HELP holdfast_a x\n# TYPE holdfast_a gauge\nholdfast_a 1"],
  ])("caught: %s", (_what, text) => expect(expositionFaults(text)).not.toEqual([]));
});

describe("who may", () => {
  test("read them: any token and log-in, and addresses that are listed; others 401", async () => {
    const { reading } = await served.logIn("viewer");
    for (const headers of [await served.token("metrics"), reading]) {
      expect((await served.ask("GET", "/metrics", headers)).status).toBe(200);
      expect((await served.ask("GET", "/readyz", headers)).status).toBe(200);
    }
    expect((await served.ask("GET", "/metrics")).status).toBe(401);
    served.metricsFrom = [{ address: parseIpv4("127.0.0.0")!, length: 8 }];
    expect((await served.ask("GET", "/metrics")).status).toBe(200);
    expect((await served.ask("GET", "/metrics", { host: "evil.example" })).status).toBe(421);
    expect((await served.ask("GET", "/v1/status")).status).toBe(401);
    served.metricsFrom = [{ address: parseIpv4("192.0.2.0")!, length: 24 }];
    expect((await served.ask("GET", "/metrics")).status).toBe(401);
  });

  test("/readyz: 503 while sessions cannot be had", async () => {
    const token = await served.token("metrics");
    const overview = served.port.overview();
    served.port.overview = () => ({ ...overview, ready: false });
    const reply = await served.ask("GET", "/readyz", token);
    expect([reply.status, JSON.parse(reply.text)]).toEqual([503, { ready: false, warnings: 1 }]);
  });
});

describe("what is shipped asks for what there is", () => {
  const read = (name: string) =>
    readFileSync(new URL(`../../packaging/${name}`, import.meta.url), "utf8");
  const names = (text: string) =>
    [...text.matchAll(/\b(?:holdfast|process)_\w+/g)].map(([one]) => one);

  test("the alerts: each with a word on what to do", async () => {
    const { text } = await served.ask("GET", "/metrics", await served.token("metrics"));
    const { groups } = parse(read("alerts.yaml")) as {
      groups: { rules: { alert: string; expr: string; annotations: Record<string, string> }[] }[];
    };
    const rules = groups.flatMap((group) => group.rules);
    expect(rules.length).toBeGreaterThan(8);
    for (const { alert, expr, annotations } of rules) {
      expect(annotations.remedy, alert).toBeTruthy();
      for (const name of names(expr)) expect(text, alert).toContain(`# TYPE ${name} `);
    }
  });

  test("the dashboard", async () => {
    const { text } = await served.ask("GET", "/metrics", await served.token("metrics"));
    const { panels } = JSON.parse(read("grafana.json")) as {
      panels: { id: number; title: string; targets: { expr: string }[] }[];
    };
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { title, targets } of panels) {
      const asked = names(targets.map(({ expr }) => expr).join(" "));
      expect(asked, title).not.toEqual([]);
      for (const name of asked) expect(text, title).toContain(`# TYPE ${name} `);
    }
  });
});
