// Under which names the console lets itself be asked for. An address of its own is no name that
// somebody else could have lead here; any other name must be configured.
import { isIP } from "node:net";

/** The host of a Host header, without its port and brackets, in lower case; undefined: unreadable. */
export function hostName(header: string): string | undefined {
  const [, bracketed, plain] =
    /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9.-]{1,253}))(?::[0-9]{1,5})?$/.exec(header) ?? [];
  return (bracketed ?? plain)?.toLowerCase().replace(/\.$/, "");
}

export function isOwnHost(header: string, names: readonly string[]): boolean {
  const host = hostName(header);
  if (host === undefined) return false;
  return (
    isIP(host) !== 0 || host === "localhost" || names.some((name) => name.toLowerCase() === host)
  );
}

export function isLoopback(address: string): boolean {
  return address === "::1" || (isIP(address) === 4 && address.startsWith("127."));
}
