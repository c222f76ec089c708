// RFC 9293 §3.5.2, RFC 792, RFC 1122 §3.2.2: what the client's own host answers to packets that are for
// nobody, and to Echo: a few that wait, and so many a second.
import type { Instant } from "../../base/instant.js";
import type { Ipv4 } from "../../base/ip.js";
import { Queue } from "../../base/queue.js";
import { stack } from "../../limits.js";
import { PerSecond } from "../../plane/per-second.js";
import { mayAnswerWithError, writeEchoReply, writePortUnreachable } from "../../wire/ip-icmp.js";
import type { Ipv4Header } from "../../wire/ipv4.js";
import { ACK, RST, type TcpSegment, writeTcp } from "../../wire/tcp.js";

export class Answers {
  readonly #waiting = new Queue<Uint8Array>();
  readonly #budget = new PerSecond(stack.repliesPerSecond);
  readonly #scratch: Uint8Array;

  constructor(
    readonly address: Ipv4,
    mtu: number,
  ) {
    this.#scratch = new Uint8Array(mtu);
  }

  /** RST to a segment of no connection (RFC 9293 §3.10.7.1). False when it was not sent. */
  reset(segment: TcpSegment, remote: Ipv4, out: TcpSegment, now: Instant): boolean {
    if ((segment.flags & RST) !== 0) return true;
    out.clearOptions();
    out.sourcePort = segment.destinationPort;
    out.destinationPort = segment.sourcePort;
    out.window = 0;
    const acknowledges = (segment.flags & ACK) !== 0;
    out.flags = acknowledges ? RST : RST | ACK;
    out.sequence = acknowledges ? segment.acknowledgment : 0;
    out.acknowledgment = acknowledges ? 0 : (segment.sequence + segment.length) >>> 0;
    return this.#put(writeTcp(this.#scratch, out, this.address, remote, 0), now);
  }

  portUnreachable(octets: Uint8Array, header: Ipv4Header, now: Instant): boolean {
    if (!mayAnswerWithError(octets, header)) return true;
    return this.#put(writePortUnreachable(this.#scratch, octets, header, this.address), now);
  }

  echo(octets: Uint8Array, header: Ipv4Header, now: Instant): boolean {
    if (header.end - header.start > this.#scratch.length) return false;
    return this.#put(writeEchoReply(this.#scratch, octets, header), now);
  }

  next(): Uint8Array | undefined {
    return this.#waiting.shift();
  }

  #put(length: number, now: Instant): boolean {
    if (this.#waiting.size >= stack.answersMax || !this.#budget.take(now)) return false;
    this.#waiting.push(this.#scratch.slice(0, length));
    return true;
  }
}
