// One guest for one benchmark. Not held to one processor, as figures before had it: what a system call costs
// there weighs on every server alike.
import { Guest, Lab } from "../test/lab/guest.js";
import { say } from "./results.js";

/** The lab is closed however `body` ends, and when this process is told to. */
export async function inGuest<T>(
  vehicle: "uml" | "qemu",
  body: (guest: Guest) => Promise<T>,
): Promise<T> {
  const lab = await Lab.open();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => lab[Symbol.asyncDispose]().then(() => process.exit(130)));
  }
  try {
    say(`booting a guest (${vehicle})`);
    return await body(
      await Guest.up({ name: "bench", index: 1, memMb: 2_048, vehicle, held: false }),
    );
  } finally {
    await lab[Symbol.asyncDispose]();
  }
}
