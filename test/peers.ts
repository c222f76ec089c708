// Foreign programs that tests need: in CI a missing one is an error, elsewhere the tests that need
// it are left out with a line that says what to install.
import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";

const told = new Set<string>();

function leftOut(what: string): false {
  if (process.env.CI === "true") throw new Error(what);
  if (!told.has(what)) process.stderr.write(`left out: ${what}\n`);
  told.add(what);
  return false;
}

/** Where `command` is on PATH or in an sbin directory; a path is a file that must be there. */
export function findCommand(command: string): string | undefined {
  if (command.startsWith("/")) return existsSync(command) ? command : undefined;
  const directories = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return directories
    .map((directory) => join(directory, command))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** For `describe.runIf(…)`: whether all of `commands` are there. Throws when CI=true and not. */
export function needPeer(commands: readonly string[], aptPackages: readonly string[]): boolean {
  const missing = commands.filter((command) => findCommand(command) === undefined);
  if (missing.length === 0) return true;
  return leftOut(
    `tests that need ${missing.join(", ")} (apt-get install ${aptPackages.join(" ")})`,
  );
}

/** For `describe.runIf(…)`: root with /dev/net/tun, for namespaces and devices of our own. */
export function needRoot(): boolean {
  if (process.getuid?.() !== 0) return leftOut("tests that make network namespaces (run as root)");
  try {
    accessSync("/dev/net/tun", constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return leftOut("tests that make tunnel devices (modprobe tun: no /dev/net/tun here)");
  }
}

const labCommands =
  "linux.uml pppd pptp pptpd ip ss tc ping nft iptables-legacy modprobe gcc nmap python3 " +
  "/usr/include/pppd/pppd.h /usr/lib/python3/dist-packages/scapy";
const labPackages =
  "user-mode-linux ppp ppp-dev pptp-linux pptpd iproute2 iputils-ping nftables iptables kmod procps gcc " +
  "libc6-dev nmap python3 python3-scapy";

/** Everything test/lab needs. */
export function needLab(): boolean {
  return needRoot() && needPeer(labCommands.split(" "), labPackages.split(" "));
}
