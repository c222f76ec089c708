// The log's newest lines and the configuration in effect, as the admin API shows them: what its other
// shapes are is in contract.ts.
import * as z from "zod";

export const logQuerySchema = z.object({
  /** Only lines after this one. */
  after: z.coerce.number().int().nonnegative().default(0),
});

export const logLineSchema = z.object({
  number: z.number().int(),
  at: z.number().int(),
  level: z.enum(["error", "warn", "info", "debug", "trace"]),
  line: z.string(),
  /** As JSON. */
  fields: z.string(),
});

export const logPageSchema = z.object({
  /** Oldest first; of a bounded number that is kept. */
  lines: z.array(logLineSchema),
});

export const configShownSchema = z.object({
  /** Null: the defaults. */
  file: z.string().nullable(),
  /** YAML that could be the file. */
  text: z.string(),
});

export type LogLine = z.output<typeof logLineSchema>;
export type LogPage = z.output<typeof logPageSchema>;
export type LogQuery = z.output<typeof logQuerySchema>;
export type ConfigShown = z.output<typeof configShownSchema>;
