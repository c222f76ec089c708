import type { FlowRef } from "../wire/worker-link.js";
import type { CallSession } from "./call-session.js";
import type { SessionId } from "./server-ports.js";

/** The sessions there are, by their number and by their place in the data path. */
export class SessionTable {
  readonly #byId = new Map<SessionId, CallSession>();
  readonly #bySlot = new Map<number, CallSession>();

  get size(): number {
    return this.#byId.size;
  }

  add(session: CallSession): void {
    this.#byId.set(session.id, session);
    this.#bySlot.set(session.flow.slot, session);
  }

  delete(session: CallSession): void {
    this.#byId.delete(session.id);
    if (this.#bySlot.get(session.flow.slot) === session) this.#bySlot.delete(session.flow.slot);
  }

  get(id: SessionId): CallSession | undefined {
    return this.#byId.get(id);
  }

  /** Undefined for a flow of another generation. */
  byFlow({ slot, generation }: FlowRef): CallSession | undefined {
    const session = this.#bySlot.get(slot);
    return session?.flow.generation === generation ? session : undefined;
  }

  /** As they are now: what is done to one may end it. */
  all(): CallSession[] {
    return [...this.#byId.values()];
  }
}
