// The past in the admin API: figures by slots of time. What each figure is, base/trend-slot says.
import * as z from "zod";
import { type TrendResolution, trendFields, trendLengths } from "../base/trend-slot.js";

const unixMs = z.number().int();
const count = z.number().int().nonnegative();

const resolutions = Object.keys(trendLengths) as [TrendResolution, ...TrendResolution[]];
const figures = Object.fromEntries(trendFields.map((name) => [name, count])) as Record<
  (typeof trendFields)[number],
  typeof count
>;

export const trendsQuerySchema = z.object({
  /** Unix ms: slots that begin from here on, and before there; without `to` until now. */
  from: z.coerce.number().int().nonnegative(),
  to: z.coerce.number().int().nonnegative().optional(),
  resolution: z.enum(resolutions),
});

export const trendsSchema = z.object({
  resolution: z.enum(resolutions),
  /** Of one slot. */
  lengthMs: count,
  /** Oldest first. One in which the server did not run is not there. */
  slots: z.array(z.object({ at: unixMs, ...figures })),
});

export type TrendsQuery = z.output<typeof trendsQuerySchema>;
export type TrendsPage = z.output<typeof trendsSchema>;
