// Descriptors handed through an exec, by name: HOLDFAST_FDS=tun=19,hooks=21.
import { Descriptor } from "./descriptor.js";
import { isOpen, setCloseOnExec } from "./libc.js";

export const PASSED_DESCRIPTORS = "HOLDFAST_FDS";

const NAME = /^[a-z][a-z0-9-]{0,31}$/;

/** Lets each survive the next exec; the value for the environment. A closed one is left out. */
export function passDescriptors(descriptors: Readonly<Record<string, Descriptor>>): string {
  return Object.entries(descriptors)
    .filter(([name, { fd }]) => NAME.test(name) && setCloseOnExec(fd, false) >= 0)
    .map(([name, { fd }]) => `${name}=${fd}`)
    .join(",");
}

/** The way back, when the exec failed. */
export function keepDescriptors(descriptors: Readonly<Record<string, Descriptor>>): void {
  for (const { fd } of Object.values(descriptors)) setCloseOnExec(fd, true);
}

/**
 * What was handed to this process; close-on-exec again, and the variable is removed, so that no child
 * takes a stranger's number for one of these. A number that is not open, or is a standard stream, is none.
 */
export function takePassedDescriptors(env: NodeJS.ProcessEnv = process.env) {
  const taken = new Map<string, Descriptor>();
  const numbers = new Set<number>();
  for (const part of (env[PASSED_DESCRIPTORS] ?? "").split(",")) {
    const [, name, digits] = /^([^=]*)=([0-9]{1,9})$/.exec(part) ?? [];
    const fd = Number(digits);
    if (name === undefined || !NAME.test(name) || taken.has(name)) continue;
    if (fd <= 2 || numbers.has(fd) || !isOpen(fd)) continue;
    numbers.add(fd);
    setCloseOnExec(fd, true);
    taken.set(name, new Descriptor(fd));
  }
  delete env[PASSED_DESCRIPTORS];
  return taken;
}
