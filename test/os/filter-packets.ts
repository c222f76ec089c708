// What the tests of the kernel's filters send: one call that lives, and packets that are of it or not.
import { parseIpv4 } from "../../src/base/ip.js";
import { isOsError } from "../../src/os/errors.js";
import { closeAll, loadGreFilter, loadXdpFilter } from "../../src/os/gre-filter.js";
import { octets, vectors } from "../vectors/vectors.js";

/** The peer, and our own address. */
export const A = parseIpv4("198.51.100.1")!;
export const B = parseIpv4("198.51.100.9")!;
export const LIVE = 0x5678;
export const CALL = { localAddress: B, peerAddress: A, callId: LIVE };

export const vector = (id: string) =>
  octets(vectors.negative.find((one) => one.id === id)!.send[0]);
export const good = octets(vectors.gre_ppp_frames[0]!.gre_hex);

export function ofCall(callId: number): Uint8Array {
  const copy = good.slice();
  new DataView(copy.buffer).setUint16(6, callId);
  return copy;
}

/** Whether this kernel takes both filters. */
export function xdpLoadable(): boolean {
  const loaded = loadGreFilter(1);
  if (isOsError(loaded)) return false;
  const both = loadXdpFilter(loaded);
  closeAll(isOsError(both) ? loaded : both);
  return !isOsError(both);
}
