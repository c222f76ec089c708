// What the account store must know of the configuration.
import { formatIpv4 } from "../../base/ip.js";
import type { Reserved, StoreTerms } from "../../store/port.js";
import { readRange4 } from "./addresses.js";
import { needsClearText } from "./checks.js";
import type { Config } from "./resolve.js";

/**
 * Setting of the store under which the server keeps the configuration file it started with: commands
 * that open the store without a server then work by the same one.
 */
export const configFileSetting = "config-file";

export function storeTerms(config: Config): StoreTerms {
  const listening = config.listen.addresses;
  const pool = config.settings.addresses.pool.flatMap((text): Reserved[] => {
    const range = readRange4(text, "leave out");
    return range.ok ? [{ ...range.value, kind: "pool", whose: text }] : [];
  });
  const own = (address: number, what: string): Reserved => ({
    first: address,
    last: address,
    kind: "own",
    whose: `${what} ${formatIpv4(address)}`,
  });
  return {
    keepClearText: [config.defaultProfile, ...config.profiles].some(needsClearText),
    reserved: [
      ...pool,
      own(config.addresses.gateway, "the gateway"),
      ...(listening === "all" ? [] : listening.map((one) => own(one, "the listening address"))),
    ],
  };
}
