// The admin API as OpenAPI 3.1, from the table of its operations.
import * as z from "zod";
import { apiVersion, faultSchema } from "./contract.js";
import { type Operation, operations } from "./operations.js";

type Json = { readonly [key: string]: unknown };

export function openApi(version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const [name, operation] of Object.entries<Operation>(operations)) {
    const path = `/${apiVersion}${operation.path}`;
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: described(name, operation) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "holdfast admin API",
      version,
      description:
        "Over the admin socket, without a log-in, and over the console's HTTP with a token or a " +
        "log-in. Roles: viewer, operator, administrator; each may what those before it may.",
    },
    security: [{ token: [] }, { session: [] }],
    paths,
    components: {
      securitySchemes: {
        token: { type: "http", scheme: "bearer" },
        session: { type: "apiKey", in: "cookie", name: "holdfast" },
      },
      schemas: { Fault: schemaOf(faultSchema, "output") },
    },
  };
}

function described(name: string, { role, what, params, query, body, answer }: Operation): Json {
  const fault = { $ref: "#/components/schemas/Fault" };
  const parameters = [...parametersOf(params, "path"), ...parametersOf(query, "query")];
  return {
    operationId: name,
    summary: what,
    description: role === "local" ? "Over the admin socket alone." : `Role: ${role}.`,
    ...(role === "local" ? { "x-local": true } : { "x-role": role }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: json(schemaOf(body, "input")) } }),
    responses: {
      "200": { description: "Done", content: json(schemaOf(answer, "output")) },
      default: { description: "Refused, or a trouble", content: json(fault) },
    },
  };
}

function json(schema: Json): Json {
  return { "application/json": { schema } };
}

function parametersOf(schema: z.ZodType | undefined, where: "path" | "query"): Json[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(schema, "input") as {
    properties?: Record<string, Json>;
    required?: readonly string[];
  };
  return Object.entries(properties).map(([name, shape]) => ({
    name,
    in: where,
    required: where === "path" || required.includes(name),
    schema: shape,
  }));
}

function schemaOf(schema: z.ZodType, io: "input" | "output"): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return rest;
}
