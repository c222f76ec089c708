// What the data workers work on, opened once by the main process, which keeps it: a worker that is
// started anew needs no privilege.
import type { Scope } from "../base/scope.js";
import { describeOsError, isOsError } from "../os/errors.js";
import { openGreSockets } from "../os/gre-socket.js";
import { openRing } from "../os/hand-over.js";
import type { StartFault } from "./running-server.js";
import type { WorkerPlace } from "./worker-keeper.js";

/** One place for each queue of the TUN. */
export function openPlaces(
  tunFds: readonly number[],
  scope: Scope,
): readonly WorkerPlace[] | StartFault {
  const of = tunFds.length;
  const ring = openRing(of, scope);
  if (isOsError(ring)) {
    const message = `no sockets between the data workers: ${describeOsError(ring)}`;
    return { message, remedy: "raise the limit of open files (LimitNOFILE in the unit)" };
  }
  const places: WorkerPlace[] = [];
  for (const [index, tun] of tunFds.entries()) {
    const gre = openGreSockets({ index, of });
    if (isOsError(gre)) {
      const message = `no raw GRE socket: ${describeOsError(gre)}`;
      return { message, remedy: "it needs CAP_NET_RAW: start as root or by the unit" };
    }
    scope.hold("socket", gre, "GRE");
    places.push({ gre: gre.descriptors, tun, ring: ring[index] });
  }
  return places;
}
