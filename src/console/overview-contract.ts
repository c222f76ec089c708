// What the console's first page shows, once a second: the newest moment, and how the server is.
import * as z from "zod";
import { statusSchema } from "./contract.js";

const count = z.number().int().nonnegative();

/** Totals count from the server's start. */
export const momentSchema = z.object({
  at: z.number().int(),
  sessions: count,
  connections: count,
  logIns: count,
  refusals: count,
  /** Inner octets and packets, from clients and towards them. */
  receivedOctets: count,
  sentOctets: count,
  receivedPackets: count,
  sentPackets: count,
  /** What nobody asked for and was refused, before and in the data path and by the control plane. */
  refused: count,
  blocks: count,
  /** Held in the ledger. */
  held: count,
  /** Of one processor: the main process, and the data workers together. */
  processorPercent: z.number().nonnegative(),
  workersPercent: z.number().nonnegative(),
  /** Resident, likewise. */
  residentOctets: count,
  workersOctets: count,
  /** How late the main thread's timer was. */
  lateMs: count,
});

export const overviewSchema = statusSchema
  .pick({
    version: true,
    instance: true,
    startedAt: true,
    addresses: true,
    ledger: true,
    incident: true,
    limits: true,
    store: true,
    workers: true,
    logLevel: true,
    warnings: true,
  })
  .extend({
    moment: momentSchema,
    /** Its warnings in Japanese, in the same order. */
    warningsJapanese: z.array(z.string()),
    /** Whether sessions can be had: data workers run, the TUN is up, accounts can be looked up. */
    ready: z.boolean(),
  });

export const historySchema = z.object({
  everyMs: count,
  /** Oldest first. */
  moments: z.array(momentSchema),
});

export type Moment = z.output<typeof momentSchema>;
export type Overview = z.output<typeof overviewSchema>;
export type History = z.output<typeof historySchema>;
