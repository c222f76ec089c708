// RFC 9293 §3.10.7 SEGMENT ARRIVES, RFC 7323 §5 (PAWS), RFC 5961 (blind attacks): what a segment does to the
// connection it is for. Offsets count from each end's SYN.
import { after, type Instant } from "../../base/instant.js";
import { stack } from "../../limits.js";
import { ACK, FIN, RST, SYN, type TcpSegment } from "../../wire/tcp.js";
import type { Connection } from "./connection.js";

/** RFC 7323 §5.5: TS.Recent means nothing after so long. */
const RECENT_MS = 24 * 24 * 3_600_000;

/** What is to be done beyond the connection: nothing, or RST in answer to the segment. */
export type Outcome = "done" | "reset";

export function segmentArrives(
  connection: Connection,
  octets: Uint8Array,
  segment: TcpSegment,
  now: Instant,
): Outcome {
  if (connection.state === "SYN-SENT") return answersSyn(connection, octets, segment, now);
  return arrives(connection, octets, segment, now);
}

/** §3.10.7.3. */
function answersSyn(
  connection: Connection,
  octets: Uint8Array,
  segment: TcpSegment,
  now: Instant,
): Outcome {
  const { sender, receiver } = connection;
  const { flags } = segment;
  const acknowledges = (flags & ACK) !== 0;
  const ours = acknowledgmentOffset(connection, segment) === 1 && sender.highest === 1;
  if (acknowledges && !ours) return (flags & RST) === 0 ? "reset" : "done";
  if ((flags & RST) !== 0) {
    if (acknowledges) connection.close("refused");
    return "done";
  }
  if ((flags & SYN) === 0) return "done";
  receiver.initial = segment.sequence;
  connection.agree(segment);
  if (connection.timestamps) takeTimestamp(connection, segment, now);
  if (!acknowledges) {
    // Both opened at once: our SYN goes again, with their SYN acknowledged.
    connection.state = "SYN-RECEIVED";
    sender.nxt = 0;
    return "done";
  }
  receiver.ackNow = true;
  // Not scaled in a SYN; a FIN that came with it is sent again.
  acknowledge(connection, segment, 0, 1, segment.window, now);
  connection.established(now);
  text(connection, octets, segment, 1, false, now);
  return "done";
}

/** §3.10.7.4, in its order. */
function arrives(
  connection: Connection,
  octets: Uint8Array,
  segment: TcpSegment,
  now: Instant,
): Outcome {
  const { receiver, sender, host } = connection;
  let { flags } = segment;
  let offset = sequenceOffset(connection, segment);
  let length = segment.length;
  const opens = (flags & (SYN | ACK)) === (SYN | ACK) && offset === 0;
  if (connection.state === "SYN-RECEIVED" && opens) {
    // The other half of a simultaneous open: its SYN is known, its ACK is new.
    flags &= ~SYN;
    offset = 1;
    length--;
  }
  if (!timely(connection, segment, flags, now)) return "done";
  if (!receiver.accepts(offset, length)) return outside(connection, flags, length, now);
  if ((flags & RST) !== 0) {
    // RFC 5961 §3.2: only the very next number resets.
    if (offset !== receiver.nxt) connection.challenge(now);
    else connection.close(connection.state === "SYN-RECEIVED" ? "refused" : "reset");
    return "done";
  }
  if ((flags & SYN) !== 0) {
    // RFC 5961 §4.2.
    connection.challenge(now);
    return "done";
  }
  if ((flags & ACK) === 0) {
    host.count("tcp-no-ack");
    return "done";
  }
  const ack = acknowledgmentOffset(connection, segment);
  if (connection.state === "SYN-RECEIVED") {
    if (ack < 1 || ack > sender.highest) return "reset";
    acknowledge(connection, segment, offset, ack, segment.window * 2 ** connection.sendShift, now);
    connection.established(now);
  } else {
    // RFC 5961 §5.2.
    if (ack > sender.highest || ack < sender.una - sender.windowMax) {
      connection.challenge(now);
      return "done";
    }
    const window = segment.window * 2 ** connection.sendShift;
    acknowledge(connection, segment, offset, ack, window, now);
  }
  if (connection.timestamps && offset <= receiver.acknowledged) {
    takeTimestamp(connection, segment, now);
  }
  finAcknowledged(connection, now);
  text(connection, octets, segment, offset, (flags & FIN) !== 0, now);
  return "done";
}

function sequenceOffset({ receiver }: Connection, segment: TcpSegment): number {
  return receiver.nxt + ((segment.sequence - (receiver.initial + receiver.nxt)) | 0);
}

function acknowledgmentOffset({ sender, initial }: Connection, segment: TcpSegment): number {
  return sender.una + ((segment.acknowledgment - (initial + sender.una)) | 0);
}

/** RFC 7323 §5.3 R1 to R3. */
function timely(connection: Connection, segment: TcpSegment, flags: number, now: Instant): boolean {
  if (!connection.timestamps || (flags & RST) !== 0) return true;
  if (!segment.hasTimestamps) {
    // §3.2: every segment of such a connection has them.
    connection.host.count("tcp-no-timestamps");
    return false;
  }
  const { recentAt } = connection;
  if (recentAt === undefined || now - recentAt > RECENT_MS) return true;
  if (((segment.timestamp - connection.recent) | 0) >= 0) return true;
  connection.host.count("tcp-paws");
  connection.challenge(now);
  return false;
}

function takeTimestamp(connection: Connection, segment: TcpSegment, now: Instant): void {
  const { recentAt } = connection;
  const newer = ((segment.timestamp - connection.recent) | 0) >= 0;
  if (recentAt !== undefined && !newer && now - recentAt <= RECENT_MS) return;
  connection.recent = segment.timestamp;
  connection.recentAt = now;
}

/** Old, or beyond the window: the peer learns where we are. Two ends that differ must not talk of it forever. */
function outside(connection: Connection, flags: number, length: number, now: Instant): Outcome {
  connection.host.count("tcp-out-of-window");
  if ((flags & RST) !== 0) return "done";
  if (length === 0) connection.challenge(now);
  else connection.receiver.ackNow = true;
  // A FIN that is repeated: our acknowledgment of it got lost.
  if (connection.state === "TIME-WAIT" && (flags & FIN) !== 0) connection.enterTimeWait(now);
  return "done";
}

function acknowledge(
  connection: Connection,
  segment: TcpSegment,
  offset: number,
  ack: number,
  window: number,
  now: Instant,
): void {
  const { sender, initial } = connection;
  if (sender.sackPermitted) {
    for (let block = 0; block < segment.sackBlocks; block++) {
      const start = sender.una + ((segment.sack[2 * block]! - (initial + sender.una)) | 0);
      const end = sender.una + ((segment.sack[2 * block + 1]! - (initial + sender.una)) | 0);
      sender.sacked(Math.max(start, ack), end);
    }
  }
  const roundTripMs =
    connection.timestamps && segment.hasTimestamps
      ? (connection.timestamp(now) - segment.timestampEcho) | 0
      : undefined;
  // An echo of what we never sent measures nothing.
  const believable = roundTripMs !== undefined && roundTripMs >= 0 && roundTripMs < stack.giveUpMs;
  // An older acknowledgment that was overtaken is no duplicate.
  const empty = segment.length === 0 && ack >= sender.una;
  const measured = believable ? roundTripMs : undefined;
  const una = Math.max(ack, sender.una);
  sender.acknowledged({ ack: una, window, offset, empty, roundTripMs: measured }, now);
  connection.acknowledged();
}

/** Our FIN's acknowledgment moves the states on. */
function finAcknowledged(connection: Connection, now: Instant): void {
  if (connection.state === "FIN-WAIT-2") {
    connection.restsUntil = after(now, stack.finWait2Ms);
    return;
  }
  if (!connection.sender.finAcknowledged) return;
  if (connection.state === "FIN-WAIT-1") {
    connection.state = "FIN-WAIT-2";
    connection.restsUntil = after(now, stack.finWait2Ms);
  } else if (connection.state === "CLOSING") connection.enterTimeWait(now);
  else if (connection.state === "LAST-ACK") connection.close("finished");
}

function text(
  connection: Connection,
  octets: Uint8Array,
  segment: TcpSegment,
  offset: number,
  fin: boolean,
  now: Instant,
): void {
  const { receiver, state } = connection;
  if (state !== "ESTABLISHED" && state !== "FIN-WAIT-1" && state !== "FIN-WAIT-2") return;
  const came = receiver.take(octets, segment, offset, fin, now);
  if (!came) return;
  connection.tell("readable");
  if (!receiver.ended) return;
  connection.tell("ended");
  if (state === "ESTABLISHED") connection.state = "CLOSE-WAIT";
  else if (state === "FIN-WAIT-2") connection.enterTimeWait(now);
  else if (connection.sender.finAcknowledged) connection.enterTimeWait(now);
  else connection.state = "CLOSING";
}
