// The one deadline of a pure machine, kept in the schedule: to be armed after whatever may move it.
import type { Instant } from "../../src/base/instant.js";
import type { Schedule } from "./schedule.js";

export type Timed = { pollTimeout(): Instant | undefined; handleTimeout(now: Instant): void };

export class Alarm {
  #armedFor: number | undefined;

  constructor(
    readonly schedule: Schedule,
    readonly machine: Timed,
  ) {}

  /** An entry that comes too early looks again when it is due. */
  arm(): void {
    const at = this.machine.pollTimeout();
    if (at === undefined) return;
    if (this.#armedFor !== undefined && this.#armedFor <= at) return;
    this.#armedFor = at;
    this.schedule.at(at, () => {
      if (this.#armedFor === at) this.#ring();
    });
  }

  #ring(): void {
    this.#armedFor = undefined;
    const { machine, schedule } = this;
    const due = machine.pollTimeout();
    if (due !== undefined && due <= schedule.now) machine.handleTimeout(schedule.now);
    this.arm();
  }
}
