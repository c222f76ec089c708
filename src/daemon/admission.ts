// How many control connections the descriptor limit allows: node:net hides EMFILE, so connections are
// bounded below it, and whoever asked for more is told at the start.
import { admin, control, worker } from "../limits.js";
import type { Limits } from "./config/limits.js";

export type Admission = {
  readonly connectionsMax: number;
  readonly descriptorsMax: number;
  /** The configuration asks for more than the descriptors allow. */
  readonly warning: string | undefined;
};

type Configured = Pick<Limits, "control" | "admin">;

/**
 * Kept for everything else; an admin socket with more connections, more who are leaving, or more workers
 * keep more.
 */
function reserved(limits: Configured, workers: number): number {
  const forAdmin = Math.max(0, limits.admin.connectionsMax - admin.connectionsMax);
  const { connectionsLeavingMax } = limits.control;
  const forLeaving = Math.max(0, connectionsLeavingMax - control.connectionsLeavingMax);
  const forWorkers = (workers - 1) * worker.descriptorsEach;
  return control.descriptorsReserved + forAdmin + forLeaving + forWorkers;
}

export function admission(limits: Configured, descriptorsMax: number, workers = 1): Admission {
  const kept = reserved(limits, workers);
  const allowed = Math.max(0, descriptorsMax - kept);
  const wanted = limits.control.connectionsMax;
  const enough = { connectionsMax: wanted, descriptorsMax, warning: undefined };
  if (allowed >= wanted) return enough;
  const warning =
    `limits.control.connectionsMax is ${wanted}, but ${descriptorsMax} descriptors allow ${allowed} ` +
    `connections: raise the limit to ${wanted + kept} (LimitNOFILE in the unit, ulimit -n)`;
  return { connectionsMax: allowed, descriptorsMax, warning };
}
