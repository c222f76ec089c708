// Inner octets and packets of all sessions together, since the start: sums of what data workers report
// of each flow, also after the flow is gone.
import { plane } from "../limits.js";
import type { FlowCounters, FlowRef, PlaneEvent } from "../wire/worker-link.js";

type Sums = Pick<FlowCounters, "receivedOctets" | "sentOctets" | "receivedPackets" | "sentPackets">;
type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

const names = ["receivedOctets", "sentOctets", "receivedPackets", "sentPackets"] as const;

export class Traffic {
  readonly sums: Mutable<Sums> = {
    receivedOctets: 0,
    sentOctets: 0,
    receivedPackets: 0,
    sentPackets: 0,
  };
  /** By slot, of which there are plane.flowsMax: what was last reported. */
  readonly #last = new Map<number, { generation: number; counters: Sums }>();

  handle(event: PlaneEvent): void {
    if (event.kind === "Counters") {
      for (const { flow, counters } of event.flows) this.#count(flow, counters);
    } else if (event.kind === "Removed") {
      this.#count(event.flow, event.counters);
      this.#last.delete(event.flow.slot);
    }
  }

  #count({ slot, generation }: FlowRef, counters: FlowCounters): void {
    const last = this.#last.get(slot);
    const before = last?.generation === generation ? last.counters : undefined;
    for (const name of names) {
      this.sums[name] += Math.max(0, counters[name] - (before?.[name] ?? 0));
    }
    if (last === undefined && this.#last.size >= plane.flowsMax) return;
    this.#last.set(slot, { generation, counters });
  }
}
