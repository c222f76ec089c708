// From what is known of a call and why it ended to the one verdict that helps whoever made it.
import type { EndCause } from "../../core/access/ports.js";
import { OutgoingCallResult, StartResult } from "../../wire/pptp/codes.js";
import type { Findings } from "./findings.js";
import type { VerdictName } from "./verdicts.js";

const local: ReadonlySet<EndCause> = new Set(["worker-lost", "internal-error", "shutdown"]);
const lost: ReadonlySet<EndCause> = new Set([
  "echo-timeout",
  "control-timeout",
  "control-closed",
  "control-malformed",
]);
const byServer: ReadonlySet<EndCause> = new Set([
  "peer-terminated",
  "call-cleared",
  "control-stopped",
]);
const unreachable: ReadonlySet<string> = new Set([
  "ENETUNREACH",
  "EHOSTUNREACH",
  "ENETDOWN",
  "EACCES",
  "EPERM",
]);

/** A server whose GRE is blocked waits for ours; one that says no at once is not waiting. */
const atOnceMs = 3_000;

const byFailureCode: Readonly<Record<number, VerdictName>> = {
  646: "log-in-hours",
  647: "account-disabled",
  648: "password-expired",
  649: "no-dial-in",
};

export function judge(found: Findings, cause: EndCause, endedAt: number): VerdictName {
  if (found.address === undefined) return "name-unresolved";
  if (found.errno !== undefined) return dial(found.errno);
  if (local.has(cause)) return "local-trouble";
  if (found.up) return ended(cause);
  return (
    control(found, cause) ??
    gre(found, cause, endedAt) ??
    link(found, cause) ??
    logIn(found, cause) ??
    encryption(found, cause) ??
    "address-refused"
  );
}

function dial(errno: string): VerdictName {
  if (errno === "ECONNREFUSED" || errno === "ECONNRESET") return "tcp-refused";
  return unreachable.has(errno) ? "unreachable" : "tcp-timeout";
}

function ended(cause: EndCause): VerdictName {
  if (byServer.has(cause)) return "ended-by-server";
  if (lost.has(cause)) return "connection-lost";
  return cause === "encryption-refused" ? "encryption-refused" : "local-trouble";
}

function control({ codes, controlled, calledAt }: Findings, cause: EndCause) {
  if (codes?.by === "SCCRP") {
    const taken = codes.resultCode === StartResult.commandChannelExists;
    return taken ? "address-in-use" : "control-refused";
  }
  if (!controlled) return cause === "refused" ? "control-refused" : "not-pptp";
  if (calledAt !== undefined) return undefined;
  return codes?.resultCode === OutgoingCallResult.busy ? "address-in-use" : "call-refused";
}

function gre(found: Findings, cause: EndCause, endedAt: number): VerdictName | undefined {
  const { received, answered, linked, calledAt = endedAt } = found;
  if (linked || answered) return undefined;
  if (!received) {
    const waited = cause === "lcp-timeout" || endedAt - calledAt >= atOnceMs;
    return waited ? "gre-blocked" : "call-refused";
  }
  const timedOut = cause === "lcp-timeout" || cause === "phase-timeout";
  return timedOut || lost.has(cause) || cause === "call-cleared" ? "gre-one-way" : undefined;
}

/** pppd asks for no log-in once its only method was refused: what it asked for first counts. */
function link({ linked, methods, wish }: Findings, cause: EndCause): VerdictName | undefined {
  if (linked) return undefined;
  if (cause === "loopback" || methods.size === 0) return "lcp-failed";
  const asked = [...methods].filter((method) => method !== "none");
  if (asked.length === 0) return "no-log-in";
  const allowed = wish.authentication.some((method) => methods.has(method));
  return allowed ? "lcp-failed" : "method-refused";
}

function logIn({ authenticated, failureCode }: Findings, cause: EndCause): VerdictName | undefined {
  if (cause === "server-not-proven") return "server-not-proven";
  if (failureCode !== undefined) return byFailureCode[failureCode] ?? "wrong-password";
  return authenticated ? undefined : "log-in-unanswered";
}

function encryption(found: Findings, cause: EndCause): VerdictName | undefined {
  const { encrypted, offered, wish } = found;
  if (encrypted) return undefined;
  const { bits } = wish.encryption;
  if (cause === "encryption-refused") return "encryption-refused";
  if (offered === undefined) return undefined;
  if (bits.length === 0) return offered.length > 0 ? "encryption-wanted" : undefined;
  const common = offered.some((strength) => bits.includes(strength));
  return common || !wish.encryption.require ? undefined : "encryption-refused";
}
