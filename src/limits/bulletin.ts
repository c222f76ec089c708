// Bounds of bulletins and notices: their unit and why, as in src/limits.ts.

/** Bulletins of incidents (src/core/bulletin). */
export const bulletin = {
  /** In the store, one an incident. */
  keptMax: 1_000,
  /** Of one bulletin: the first and the newest. */
  revisionsMax: 16,
  /** Reasons and blocked sources that it names; the rest is a number. */
  namedMax: 10,
} as const;

/** Notices by mail and webhook (src/daemon/notices). */
export const notice = {
  /** Waiting, of each way; an update makes room first, then the oldest. */
  queueMax: 64,
  /** Characters of one that are kept and sent. */
  charactersMax: 32_768,
  /** Sent an hour of each way; the rest waits. */
  perHourMax: 30,
  /** Between updates of one incident that goes on. */
  updateMs: 900_000,
  /** One try, from its begin. */
  sendMs: 20_000,
  /** After a failure it is tried again after so long, doubling up to the second. */
  retryMinMs: 30_000,
  retryMaxMs: 3_600_000,
  /** Not sent after so long: given up. */
  keptMs: 259_200_000,
  /** Of an answer or a failure that is looked at or shown. */
  answerOctetsMax: 4_096,
  /** Troubles are looked for so often. */
  checkMs: 60_000,
  /** A certificate that ends within so long, a disk with less free, and a pool leased by more. */
  certificateMs: 1_209_600_000,
  diskFreePercentMin: 5,
  poolPercentMax: 90,
  /** Such a trouble is over once it is better by so much. */
  betterPercent: 5,
} as const;

/** `holdfast verify` (src/daemon/verify). */
export const verification = {
  /** Files that are listed as altered, missing or extra; the rest is a number. */
  faultsShownMax: 100,
} as const;
