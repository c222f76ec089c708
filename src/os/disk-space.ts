// How much room a file system has.
import { statfsSync } from "node:fs";

/** For us, in whole percent; undefined: it does not tell. */
export function diskFreePercent(path: string): number | undefined {
  try {
    const { bavail, blocks } = statfsSync(path);
    return blocks === 0 ? undefined : Math.floor((100 * bavail) / blocks);
  } catch {
    return undefined;
  }
}
