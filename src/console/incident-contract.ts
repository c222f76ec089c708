// Incidents in the admin API: what the admin API's other shapes are in contract.ts.
import * as z from "zod";

const unixMs = z.number().int();
const count = z.number().int().nonnegative();
const byName = z.record(z.string(), count);

export const incidentSchema = z.object({
  number: count,
  begin: unixMs,
  /** When the last of it came. Null while it lasts. */
  end: unixMs.nullable(),
  /** `quiet`, or why else there is an end: `server-stopped`, `server-lost`. */
  ending: z.enum(["quiet", "server-stopped", "server-lost"]).nullable(),
  /** When these figures were taken. */
  seenAt: unixMs,
  /** It is one because more than so much was refused in a second. */
  overPerSecond: count,
  perSecond: count,
  peakPerSecond: count,
  refused: count,
  reasons: byName,
  sources: z.array(
    z.object({
      address: z.string(),
      /** Of one that a TCP handshake proves: at least so many. Else an estimate from a sample. */
      count,
      mayBeForged: z.boolean(),
    }),
  ),
  /** Whether it is known where refused GRE came from. */
  greSources: z.enum(["sampled", "not-sampled"]),
  sessionsAtBegin: count,
  /** Ended meanwhile, by cause. */
  sessionsEnded: byName,
  logIns: count,
  logInsRefused: count,
  /** Of one processor, by the main process. */
  processorPercent: count,
  blocked: z.array(z.object({ address: z.string(), reason: z.string() })),
  /** Further ones. */
  blockedMore: count,
  /** What the kernel dropped meanwhile of blocked sources. */
  dropped: z.object({ connections: count, gre: count }),
});

export const incidentsQuerySchema = z.object({
  before: z.coerce.number().int().positive().optional(),
  most: z.coerce.number().int().min(1).max(1_000).default(200),
});

export const incidentsSchema = z.object({
  /** Newest first. */
  incidents: z.array(incidentSchema),
  /** Give it as `before` to get older ones; null when there are none. */
  next: z.number().int().nullable(),
});

export type IncidentShown = z.output<typeof incidentSchema>;
export type IncidentsQuery = z.output<typeof incidentsQuerySchema>;
export type IncidentsPage = z.output<typeof incidentsSchema>;
