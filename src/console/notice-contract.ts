// Notices in the admin API: which ways are on, how they do, and a test of them. No secret and no address
// that carries one is in it.
import * as z from "zod";
import { languages } from "../base/severity.js";

const unixMs = z.number().int();
const count = z.number().int().nonnegative();
const way = z.enum(["mail", "webhook"]);

export const noticesSchema = z.object({
  language: z.enum(languages),
  ways: z.array(
    z.object({
      way,
      on: z.boolean(),
      /** Null: not on. */
      destination: z.string().nullable(),
      waiting: count,
      /** Since the start. */
      sent: count,
      failed: count,
      givenUp: count,
      lastSentAt: unixMs.nullable(),
      lastFailure: z.object({ at: unixMs, message: z.string() }).nullable(),
    }),
  ),
});

export const noticeTestedSchema = z.object({
  /** Empty: none is configured. */
  results: z.array(
    z.object({ way, destination: z.string(), ok: z.boolean(), problem: z.string().nullable() }),
  ),
});

export type NoticesShown = z.output<typeof noticesSchema>;
export type NoticeTested = z.output<typeof noticeTestedSchema>;
