// The configuration as fields that the console may change, and what a change of it came to.
import * as z from "zod";
import { languages } from "../base/severity.js";

const key = z.string().max(128);

/** The language of descriptions, problems and reasons in the answer. */
export const languageQuerySchema = z.object({ lang: z.enum(languages).default("en") });

export const configFieldSchema = z.object({
  /** `limits.ppp.echoIntervalMs`. */
  key,
  kind: z.enum(["yes-no", "choice", "number", "text"]),
  description: z.string(),
  /** Completes "expected …". */
  expected: z.string(),
  example: z.string(),
  /** Of a choice; empty otherwise. */
  choices: z.array(z.string()),
  /** Of a number; null otherwise. */
  min: z.number().nullable(),
  max: z.number().nullable(),
  /** As YAML on one line; empty where nothing is set. */
  text: z.string(),
  /** Whether the file leaves it out. */
  byDefault: z.boolean(),
  change: z.enum(["applied", "needs restart"]),
  /** From when on it counts, or why it needs a restart. */
  why: z.string(),
});

export const configFieldsSchema = z.object({
  /** Null: the server runs without one, and nothing can be changed. */
  file: z.string().nullable(),
  /** Whether the server may write its file; where not, changes can be checked only. */
  writable: z.boolean(),
  /** Of the file as it is: sent back with a change, which is refused if the file is another by then. */
  digest: z.string(),
  fields: z.array(configFieldSchema),
});

export const configChangeSchema = z.strictObject({
  digest: z.string().max(64),
  /** False: is only tried. */
  apply: z.boolean(),
  changes: z
    .array(
      z.strictObject({
        key,
        /** As YAML on one line; empty: the default again. */
        text: z.string().max(4_096),
      }),
    )
    .min(1)
    .max(64),
});

const keyed = z.array(z.object({ key: z.string(), why: z.string() }));

export const configChangedSchema = z.object({
  /** Whether the file is another now. */
  written: z.boolean(),
  /** While there is one, nothing is written. */
  problems: z.array(
    z.object({
      /** Of the field, or `addresses.pool[1]`; empty: of the file as a whole. */
      key: z.string(),
      found: z.string(),
      message: z.string(),
      remedy: z.string(),
    }),
  ),
  applied: keyed,
  needsRestart: keyed,
  warnings: z.array(z.string()),
});

export type ConfigField = z.output<typeof configFieldSchema>;
export type ConfigFields = z.output<typeof configFieldsSchema>;
export type ConfigChange = z.output<typeof configChangeSchema>;
export type ConfigChanged = z.output<typeof configChangedSchema>;
