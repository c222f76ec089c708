// The notices of a running server: where it is, and what of it can be a trouble.
import { hostname } from "node:os";
import { wallClockMs } from "../../os/clock.js";
import type { RunningServer } from "../running-server.js";
import { Notices } from "./notices.js";

export type { Notices };

export function noticesOf(running: RunningServer): Notices {
  const { terms, pool, outside } = running;
  const { store, log, version, paths } = terms;
  return new Notices({
    ...{ store: store.notices, settings: store.settings, log, wallClockMs },
    config: () => running.config.notices,
    origin: () => ({ instance: running.config.instance, host: hostname(), version }),
    facts: () => ({
      certificateEndsAt: running.console.certificateEndsAt,
      diskFreePercent: outside.diskFreePercent(paths.directory),
      storeInTrouble: store.stats().inTrouble !== undefined,
      poolPercent: pool.size === 0 ? undefined : Math.floor((100 * pool.leased) / pool.size),
    }),
  });
}
