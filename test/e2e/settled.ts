import { eventually, type Namespace } from "../os/namespace.js";

/**
 * Resolves once each cable that is up has its own IPv6 address and none is tentative: until then the kernel's
 * tables change by themselves. With a machine busy enough the address comes only some time after the cable.
 */
export async function settled(...namespaces: Namespace[]): Promise<void> {
  for (const namespace of namespaces) {
    const isSettled = () => {
      const cables = namespace.ip("-o", "link", "show", "type", "veth", "up");
      const names = [...cables.matchAll(/^\d+: ([^@:]+)/gm)].map(([, name]) => name);
      const own = namespace.ip("-6", "-o", "address", "show", "scope", "link", "-tentative");
      const have = new Set([...own.matchAll(/^\d+: (\S+)/gm)].map(([, name]) => name));
      const tentative = namespace.ip("-6", "address", "show", "tentative").trim();
      return tentative === "" && names.every((name) => have.has(name));
    };
    await eventually(() => (isSettled() ? true : undefined));
  }
}
