import { eventually, type Namespace } from "../os/namespace.js";

/** Resolves once no IPv6 address is tentative: until then the kernel's tables change by themselves. */
export async function settled(...namespaces: Namespace[]): Promise<void> {
  for (const namespace of namespaces) {
    const isSettled = () => namespace.ip("-6", "address", "show", "tentative").trim() === "";
    await eventually(() => (isSettled() ? true : undefined), 10_000);
  }
}
