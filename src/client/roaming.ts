// Notices that this host has moved: the address its control connection came from is no longer its own.
// Packets to the server would then leave from another one, which belongs to no call.
import { formatIpv4, type Ipv4 } from "../base/ip.js";
import { isOsError, type OsError } from "../os/errors.js";
import { listAddresses } from "../os/ip.js";
import { watchLink } from "../os/link-watch.js";

/** Calls `moved` once, when `address` is gone from every interface. */
export function watchAddress(address: Ipv4, moved: () => void): Disposable | OsError {
  const text = formatIpv4(address);
  let looking = false;
  let over = false;
  const look = async () => {
    // A change that comes while we look is told again by the next one, or seen by this look.
    if (looking || over) return;
    looking = true;
    const addresses = await listAddresses();
    looking = false;
    if (over || isOsError(addresses)) return;
    if (addresses.some((one) => one.address === text)) return;
    over = true;
    moved();
  };
  const watch = watchLink(undefined, () => void look());
  if (isOsError(watch)) return watch;
  return {
    [Symbol.dispose]() {
      over = true;
      watch[Symbol.dispose]();
    },
  };
}
