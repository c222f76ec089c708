// Whether two engines that were given the same have done the same.
import { expect } from "vitest";
import { DROP_REASONS } from "../../src/plane/drop-reason.js";
import { finishChecksum, sum16, write16 } from "../../src/wire/ip-octets.js";
import { TCP } from "../../src/wire/ipv4.js";
import type { Bench } from "./pair.js";

/**
 * A joined run's Identification is counted on from its first one's: nobody's, with Don't Fragment set
 * (RFC 6864 §4). Left out here, and with it the header's checksum, once that was found right.
 */
export function withoutIdentification(packet: Uint8Array): Uint8Array {
  if (packet[0] !== 0x45 || packet[9] !== TCP || packet[6] !== 0x40) return packet;
  expect(finishChecksum(sum16(packet, 0, 20))).toBe(0);
  const copy = packet.slice();
  write16(copy, 4, 0);
  write16(copy, 10, 0);
  return copy;
}

/** Inner packets by stream: the lane may let one stream's run pass another stream's packet. */
function byStream(packets: readonly Uint8Array[]): Map<string, string[]> {
  const streams = new Map<string, string[]>();
  for (const packet of packets) {
    const key = Buffer.from(packet.subarray(12, packet[9] === TCP ? 24 : 20)).toString("hex");
    const stream = streams.get(key) ?? [];
    stream.push(Buffer.from(withoutIdentification(packet)).toString("hex"));
    streams.set(key, stream);
  }
  return streams;
}

export function sameOf({ alone, lane }: { alone: Bench; lane: Bench }): void {
  const hex = (all: Uint8Array[]) => all.map((one) => Buffer.from(one).toString("hex"));
  expect(hex(lane.gre.splice(0))).toEqual(hex(alone.gre.splice(0)));
  expect(byStream(lane.tun.splice(0))).toEqual(byStream(alone.tun.splice(0)));
  expect(lane.events.splice(0)).toEqual(alone.events.splice(0));
  for (const reason of DROP_REASONS) {
    expect([reason, lane.engine.dropped(reason)]).toEqual([reason, alone.engine.dropped(reason)]);
  }
  expect(lane.engine.pollTimeout()).toBe(alone.engine.pollTimeout());
}
