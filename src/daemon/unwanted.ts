// Which of what is counted nobody asked for: hostile input, and strangers that were turned away. What a
// network or an honest client brings about in bulk is not (late packets, rates, destinations refused),
// nor are other tunnels' packets.
import type { Totals } from "../core/guard/incidents.js";
import type { Note } from "../core/ppp/context.js";
import type { DropReason } from "../plane/drop-reason.js";

/** Of the data path, and of the kernel's filter before it. */
export const UNWANTED_DROPS: ReadonlySet<string> = new Set<DropReason>([
  "outer-ip",
  "gre-truncated",
  "gre-no-key",
  "gre-flags",
  "gre-payload-over",
  "gre-payload-unsequenced",
  "gre-payload-large",
  "unknown-call",
  "login-rate",
  "ack-out-of-range",
  "duplicate",
  "out-of-window",
  "empty-payload",
  "ppp-truncated",
  "frame-large",
  "plaintext-refused",
  "mppe-not-open",
  "mppe-empty",
  "mppe-not-encrypted",
  "mppe-jump",
  "mppe-key-budget",
  "mppe-implausible",
  "ip-truncated",
  "ip-version",
  "ip-header",
  "ip-length",
  "ip-checksum",
  "answer-rate",
  "strangers-ring-full",
]);

/** Of the control plane, one a message or connection; what follows from it is not counted again. */
const CONTROL: ReadonlySet<string> = new Set([
  "connections-max",
  "sessions-max",
  "stranger gave way",
  "message rate",
  "EchoRQ over the rate",
  "EchoRP unasked",
  "output bound",
  "deadline start",
  "deadline message",
  "deadline call",
  "deadline authenticated",
  "failed log-in",
]);

const NEGOTIATION: ReadonlySet<string> = new Set<Note>([
  "malformed-frame",
  "malformed-packet",
  "malformed-options",
  "authentication-malformed",
  "authentication-name",
  "authentication-unexpected",
  "echo-malformed",
  "oversized-packet",
  "unknown-code",
  "unknown-protocol",
  "packets-per-phase",
  "phase-timeout",
  "reset-suppressed",
]);
/** `stranger waits, source message rate`; that the server is busy is nobody's doing. */
const WAITS = /^stranger waits, \w+ message rate$/;
/** `malformed SCCRQ Length`, `shed call, source rate`, `held log-in`. */
const TURNED_AWAY = /^(malformed|shed|blocked|held) /;
/** `SCCRP in established`, `ICCN in pacOutgoing idle`, `CDN of no call`. */
const OUT_OF_STATE = /^[A-Za-z]+ (in [A-Za-z_]+( [a-z_]+)?|of no call)$/;

/** By the classic form of the filter, which knows no reasons. */
const BY_FORM = "malformed GRE, reason not available";

export type Counted = {
  readonly control: Totals;
  readonly data: Totals;
  /** What a filter without reasons refused. */
  readonly byForm: number;
};

export function unwanted({ control, data, byForm }: Counted): Totals {
  const found: Record<string, number> = {};
  for (const [reason, count] of Object.entries(control)) {
    if (isUnwanted(reason)) found[reason] = count;
  }
  for (const [reason, count] of Object.entries(data)) {
    if (UNWANTED_DROPS.has(reason)) found[`data ${reason}`] = count;
  }
  if (byForm > 0) found[BY_FORM] = byForm;
  return found;
}

function isUnwanted(reason: string): boolean {
  if (CONTROL.has(reason) || NEGOTIATION.has(reason)) return true;
  return TURNED_AWAY.test(reason) || WAITS.test(reason) || OUT_OF_STATE.test(reason);
}
