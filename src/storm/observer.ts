// The server's process, looked at from outside, in windows.
import { storm as bounds } from "../limits/storm.js";
import { monotonicNow } from "../os/clock.js";
import { fragmentMemory, kernelSlab, treeUsage } from "../os/process-usage.js";
import type { Server } from "./measure.js";

export type Look = Server & { readonly processorPercent: number };

export class Observer {
  #before: { at: number; processorMs: number } | undefined;
  last: Look | undefined;

  constructor(readonly pid: number) {
    this.look();
  }

  /** Now, whatever the window. Undefined: it is gone. */
  get now(): Server | undefined {
    const usage = treeUsage(this.pid);
    if (usage === undefined) return undefined;
    const { residentOctets, descriptors } = usage;
    return { residentOctets, descriptors, ...this.#kernel };
  }

  /** Undefined: it is gone. The processor's share is that since the last look, at a steady pace. */
  look(): Look | undefined {
    const usage = treeUsage(this.pid);
    const at = monotonicNow();
    if (usage === undefined) {
      this.last = undefined;
      return undefined;
    }
    const { residentOctets, descriptors, processorMs } = usage;
    const since = this.#before;
    const lasted = since === undefined ? bounds.sampleMs : at - since.at;
    const spent = since === undefined ? 0 : Math.max(0, processorMs - since.processorMs);
    this.#before = { at, processorMs };
    const processorPercent = lasted === 0 ? 0 : (100 * spent) / lasted;
    this.last = { residentOctets, descriptors, ...this.#kernel, processorPercent };
    return this.last;
  }

  get #kernel() {
    return { slabOctets: kernelSlab(), fragmentOctets: fragmentMemory(this.pid) };
  }
}
