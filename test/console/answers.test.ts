// What the API answers over HTTP is what its table says, and so is its OpenAPI description.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openApi } from "../../src/console/openapi.js";
import { type Operation, operations } from "../../src/console/operations.js";
import { Served } from "./support.js";

let served: Served;
beforeEach(async () => {
  served = await Served.started();
});
afterEach(async () => {
  await served[Symbol.asyncDispose]();
});

const plain = Object.entries<Operation>(operations).filter(
  ([name, { method, params }]) => method === "GET" && params === undefined && name !== "accounting",
);
/** What of them must be asked for something. */
const queries: Readonly<Record<string, string>> = { trends: "?from=0&resolution=1d" };

describe("answers", () => {
  test("each that needs nothing is as its schema says", async () => {
    expect(plain.length).toBeGreaterThan(10);
    const token = await served.token("administrator");
    for (const [name, { path, answer }] of plain) {
      const { status, text } = await served.ask("GET", `/v1${path}${queries[name] ?? ""}`, token);
      expect([name, status]).toEqual([name, 200]);
      const read = answer.safeParse(JSON.parse(text));
      expect([name, read.success ? "" : read.error.message]).toEqual([name, ""]);
    }
    expect(served.broken).toEqual([]);
  });

  test("a fault of ours: 500 without a detail, told to the log", async () => {
    served.port.overview = () => {
      throw new Error("inner detail");
    };
    const reply = await served.ask("GET", "/v1/overview", await served.token("viewer"));
    expect(reply.status).toBe(500);
    expect(reply.text).not.toContain("inner detail");
    expect(served.broken).toHaveLength(1);
  });
});

describe("the OpenAPI description", () => {
  const text = JSON.stringify(openApi("1.2.3"));
  const { paths } = openApi("1.2.3") as {
    paths: Record<string, Record<string, { operationId: string; parameters?: { name: string }[] }>>;
  };

  test("has every operation, once, with its parameters, and nothing that leads nowhere", () => {
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, one]) => ({ path, method, ...one })),
    );
    expect(described.map(({ operationId }) => operationId).sort()).toEqual(
      Object.keys(operations).sort(),
    );
    for (const { path, parameters = [] } of described) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const given = parameters.map(({ name }) => name);
      for (const name of named) expect(given, path).toContain(name);
    }
    const references = new Set([...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, to]) => to));
    expect([...references]).toEqual(["#/components/schemas/Fault"]);
  });

  test("says of each who may, and is what the console serves", async () => {
    expect(text.match(/"x-role"/g)).toHaveLength(Object.keys(operations).length - 2);
    expect(text.match(/"x-local":true/g)).toHaveLength(2);
    const reply = await served.ask("GET", "/v1/openapi.json", await served.token("viewer"));
    expect(reply.text).toBe(text);
  });
});
