// Bulletins in the admin API: of each incident what was said of it, in the language asked for. Lines are
// printable text, never markup.
import * as z from "zod";
import { languages, severities } from "../base/severity.js";

const unixMs = z.number().int();
const count = z.number().int().nonnegative();
const language = z.enum(languages);

const headSchema = z.object({
  /** The incident's. */
  number: count,
  language,
  severity: z.enum(severities),
  severityName: z.string(),
  title: z.string(),
  published: unixMs,
  /** When its figures were taken. */
  updated: unixMs,
  goesOn: z.boolean(),
  state: z.string(),
  /** Number of the newest revision. */
  revision: count,
});

export const bulletinSchema = headSchema.extend({
  sections: z.array(
    z.object({
      name: z.enum([
        ...(["summary", "affected", "notAffected", "notKnown", "effect"] as const),
        ...(["mitigating", "done", "toDo"] as const),
      ]),
      heading: z.string(),
      /** A sentence or an item each. */
      lines: z.array(z.string()),
    }),
  ),
  questions: z.object({
    heading: z.string(),
    items: z.array(z.object({ question: z.string(), answer: z.string() })),
  }),
  revisions: z.object({
    heading: z.string(),
    /** Oldest first. */
    items: z.array(z.object({ number: count, at: unixMs, text: z.string() })),
  }),
});

export const bulletinQuerySchema = z.object({ lang: language.default("en") });

export const bulletinsQuerySchema = bulletinQuerySchema.extend({
  before: z.coerce.number().int().positive().optional(),
  most: z.coerce.number().int().min(1).max(1_000).default(200),
});

export const bulletinsSchema = z.object({
  /** Newest first. */
  bulletins: z.array(headSchema),
  /** Give it as `before` to get older ones; null when there are none. */
  next: z.number().int().nullable(),
});

export type BulletinShown = z.output<typeof bulletinSchema>;
export type BulletinHead = z.output<typeof headSchema>;
export type BulletinQuery = z.output<typeof bulletinQuerySchema>;
export type BulletinsQuery = z.output<typeof bulletinsQuerySchema>;
export type BulletinsPage = z.output<typeof bulletinsSchema>;
