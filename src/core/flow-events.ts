// What the data path tells of one flow, handed to the session it belongs to.
import type { Instant } from "../base/instant.js";
import type { FlowRef, PlaneEvent } from "../wire/worker-link.js";
import type { CallSession } from "./call-session.js";
import type { Connection } from "./connection.js";

export type FlowEvent = Extract<PlaneEvent, { readonly flow: FlowRef }>;

type Frame = Extract<FlowEvent, { readonly kind: "Frame" }>;

/** What the server has to do with it. */
export interface FlowActs {
  noted(reason: string): void;
  /** Moves the connection's outputs on. */
  settle(connection: Connection, now: Instant): void;
  admitsFrame(session: CallSession, frame: Frame, now: Instant): boolean;
}

export function handleFlowEvent(
  session: CallSession,
  connection: Connection | undefined,
  event: FlowEvent,
  now: Instant,
  acts: FlowActs,
): void {
  switch (event.kind) {
    case "Installed":
      if (connection === undefined || session.ending !== undefined) return;
      connection.control.acceptCall(session.terms.callId, now);
      acts.settle(connection, now);
      return session.installed(now);
    case "InstallRefused":
      acts.noted("flow-refused");
      connection?.control.refuseCall(session.terms.callId, "no-resource", now);
      session.end("refused", now, "told");
      session.removed(undefined, now);
      if (connection !== undefined) acts.settle(connection, now);
      return;
    case "Removed":
      return session.removed(event.counters, now);
    case "Frame":
      if (!acts.admitsFrame(session, event, now)) return;
      return session.handleFrame(event.protocol, event.information, now);
    case "ResyncNeeded":
      return session.handleResyncNeeded(now);
    case "DataProven":
      return session.handleDataProven(now);
    case "KeysLost":
      return session.handleKeysLost(now);
    case "ResetNeeded":
      return session.handleResetNeeded(now);
  }
}
