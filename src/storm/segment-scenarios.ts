// RFC 5961: TCP segments of no party to the connection that they name, an honest session's control connection, by one who
// knows both addresses and ports. It guesses at the sequence, or hits the window and not the octet that comes next. The one
// RST that names that octet is left out: it ends any TCP connection, whatever server is at its end.
import type { Chance } from "../base/chance.js";
import { ACK, FIN, PSH, RST, SYN } from "../wire/tcp.js";
import { sampleMessage } from "./samples.js";
import type { HostilePacket, PacketScenario } from "./scenario.js";

/** So far behind the octet that comes next, within any window: an honest peer's own messages do not get there meanwhile. */
const BEYOND_LEAST = 2_048;
const BEYOND_MOST = 16_384;

const stop = sampleMessage("StopControlConnectionRequest");
const clear = sampleMessage("CallClearRequest");
const nothing = new Uint8Array(0);

/** Flags, and what comes with them. */
const kinds: readonly (readonly [flags: number, ...octets: Uint8Array[]])[] = [
  [RST, nothing],
  [RST | ACK, nothing],
  [SYN, nothing],
  [SYN | ACK, nothing],
  [FIN | ACK, nothing],
  [ACK, nothing],
  [PSH | ACK, stop, clear],
  // Without ACK, or with nothing at all: no segment of an established connection.
  [PSH, stop, clear],
  [0, nothing, clear],
];

function segment(chance: Chance): HostilePacket {
  const [flags, ...octets] = chance.of(kinds);
  const beyond = chance.happens(0.5) ? chance.int(BEYOND_LEAST, BEYOND_MOST) : undefined;
  const guess = { flags, sequence: chance.word(), acknowledgment: chance.word(), beyond };
  return { octets: chance.of(octets), live: true, segment: guess };
}

export const segmentScenarios: readonly PacketScenario[] = [
  {
    kind: "packets",
    name: "live-tcp",
    threats: ["G-25"],
    about: "RST, SYN, FIN and data of a third party into a session's control connection",
    headed: true,
    packet: segment,
  },
];
