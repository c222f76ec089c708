// A program's socket: joined with a connection through the session, each side's octets, its end and its
// breaking off becoming the other's; or dismissed.
import type { Duplex } from "node:stream";
import { proxy as limits } from "../../limits.js";

/** Either side's reset is the other's; an end in order is passed on when all before it has been. */
export function join(program: Duplex, through: Duplex): void {
  const breakOff = (side: Duplex) => () => {
    if (side.destroyed || (side.writableEnded && side.readableEnded)) return;
    if ("resetAndDestroy" in side && typeof side.resetAndDestroy === "function")
      side.resetAndDestroy();
    else side.destroy();
  };
  for (const [one, other] of [
    [program, through],
    [through, program],
  ] as const) {
    // Told before `close`, and before pipe() would take it for an end.
    one.on("error", breakOff(other));
    one.on("close", breakOff(other));
    one.pipe(other);
  }
}

/** The last that it is told; it has so long to end its own side. */
export function dismiss(program: Duplex, octets: Uint8Array | string): void {
  const timer = setTimeout(() => program.destroy(), limits.requestMs);
  program.once("close", () => clearTimeout(timer));
  program.end(octets);
  program.resume();
}
