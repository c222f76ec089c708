// How many control connections the descriptor limit allows: node:net hides EMFILE, so connections are
// bounded below it, and whoever asked for more is told at the start.
import { admin, control } from "../limits.js";
import type { Limits } from "./config/limits.js";

export type Admission = {
  readonly connectionsMax: number;
  readonly descriptorsMax: number;
  /** The configuration asks for more than the descriptors allow. */
  readonly warning: string | undefined;
};

type Configured = Pick<Limits, "control" | "admin">;

/** Descriptors kept for everything else; an admin socket with more connections keeps more. */
function reserved({ admin: { connectionsMax } }: Configured): number {
  return control.descriptorsReserved + Math.max(0, connectionsMax - admin.connectionsMax);
}

export function admission(limits: Configured, descriptorsMax: number): Admission {
  const allowed = Math.max(0, descriptorsMax - reserved(limits));
  const wanted = limits.control.connectionsMax;
  const enough = { connectionsMax: wanted, descriptorsMax, warning: undefined };
  if (allowed >= wanted) return enough;
  const warning =
    `limits.control.connectionsMax is ${wanted}, but ${descriptorsMax} descriptors allow ${allowed} ` +
    `connections: raise the limit to ${wanted + reserved(limits)} (LimitNOFILE in the unit, ulimit -n)`;
  return { connectionsMax: allowed, descriptorsMax, warning };
}
