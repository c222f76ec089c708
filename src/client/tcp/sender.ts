// RFC 9293 §3.8, RFC 6298 §5, RFC 6675 §5, RFC 6582 §3.2: what is sent when, and what again. Offsets count
// from our SYN, which is 0; a FIN comes after the last octet.
import { after, type Instant } from "../../base/instant.js";
import { stack } from "../../limits.js";
import { Congestion } from "./congestion.js";
import { OctetRing } from "./octet-ring.js";
import { RoundTrip } from "./round-trip.js";
import { DUP_THRESH, Scoreboard } from "./scoreboard.js";

/** Of the connection's own: none, fast recovery (RFC 6675), or after a time-out. */
type Recovery = "none" | "fast" | "time-out";

/** What an acknowledgment says, in offsets. */
export type Acknowledgment = {
  readonly ack: number;
  /** In octets. */
  readonly window: number;
  /** SND.WL1's candidate: the segment's own offset. */
  readonly offset: number;
  /** Of a segment without text or FIN: it may count as a duplicate. */
  readonly empty: boolean;
  /** Round trip by its timestamp echo. */
  readonly roundTripMs: number | undefined;
};

export class Sender {
  /** SND.UNA, SND.NXT and the highest ever sent. */
  una = 0;
  nxt = 0;
  highest = 0;
  /** What `next` chose: `at`, `length`, and whether SYN or FIN. */
  at = 0;
  length = 0;
  syn = false;
  fin = false;
  /** It was sent before. */
  again = false;
  smss = 536;
  window = 0;
  windowMax = 0;
  noDelay = false;
  sackPermitted = false;
  /** Of retransmission or zero-window probe. */
  timeoutAt: Instant | undefined;
  readonly congestion = new Congestion();
  readonly roundTrip = new RoundTrip();
  readonly #ring = new OctetRing(stack.sendOctetsMax);
  readonly #scoreboard = new Scoreboard();
  /** Offset after the last octet written. */
  #end = 1;
  #finWanted = false;
  #wl1 = -1;
  #wl2 = 0;
  #recovery: Recovery = "none";
  #recoverAt = 0;
  #highRxt = 0;
  /** SND.NXT when something was last sent again in this recovery. */
  #againAt = 0;
  #rescued = false;
  #dupAcks = 0;
  /** SACKed octets when last acknowledged: a duplicate that tells no more of them is none. */
  #sackedBefore = 0;
  /** Where the first lost segment of a fast recovery ends. */
  #firstLostEnd = 0;
  /** One segment goes whatever the congestion window says. */
  #forced = false;
  /** One goes whatever the peer's window says. */
  #probe = false;
  #synWasLost = false;
  /** Since when nothing was heard although something is unacknowledged. */
  #silentSince: Instant | undefined;
  #sentAt: Instant | undefined;
  /** The one segment timed without timestamps (RFC 6298 §3). */
  #timed: { readonly end: number; readonly at: Instant } | undefined;

  get finAcknowledged(): boolean {
    return this.#finWanted && this.una > this.#end;
  }

  get finishing(): boolean {
    return this.#finWanted;
  }

  get writable(): number {
    return this.#finWanted ? 0 : stack.sendOctetsMax - (this.#end - Math.max(this.una, 1));
  }

  get memoryOctets(): number {
    return this.#ring.memoryOctets;
  }

  /** What `next` chose ends what was written (RFC 9293 §3.9.1.2): more of a run would be held up by it. */
  get pushes(): boolean {
    return this.length > 0 && this.at + this.length === this.#end;
  }

  write(octets: Uint8Array): number {
    const length = Math.min(octets.length, this.writable);
    if (length > 0) {
      this.#ring.put(this.#end - Math.max(this.una, 1), octets, 0, length);
      this.#end += length;
    }
    return length;
  }

  finish(): void {
    this.#finWanted = true;
  }

  clear(): void {
    this.#ring.clear();
    this.#scoreboard.clear();
    this.timeoutAt = undefined;
  }

  /** Copies the octets of what `next` chose. */
  copy(into: Uint8Array, at: number): void {
    this.#ring.copy(this.at - Math.max(this.una, 1), this.length, into, at);
  }

  /** The SYN is acknowledged: options are agreed on. */
  established(smss: number, now: Instant): void {
    this.smss = smss;
    if (this.#synWasLost) this.roundTrip.distrusted();
    this.congestion.start(smss, this.#synWasLost);
    this.#sentAt = now;
  }

  /** The path takes no larger segments: what is out is lost, and not for congestion (RFC 1191 §6). */
  narrowed(smss: number): void {
    this.smss = smss;
    if (this.una === this.nxt || this.una === 0) return;
    this.#recovery = "time-out";
    this.#recoverAt = this.nxt;
    this.#highRxt = this.una;
  }

  sacked(start: number, end: number): void {
    if (start < end && start >= this.una && end <= this.highest) this.#scoreboard.add(start, end);
  }

  /** `ack` is between SND.UNA and the highest sent; SACK blocks have been told before. */
  acknowledged(said: Acknowledgment, now: Instant): void {
    const flight = this.nxt - this.una;
    const before = this.una;
    const opened = this.#updateWindow(said);
    if (said.ack > before) this.#advance(said, flight, now);
    else if (said.empty && flight > 0 && !opened.changed) this.#countDuplicate();
    this.#sackedBefore = this.#scoreboard.octets;
    if (said.ack > before || this.window === 0) this.#silentSince = undefined;
    if (opened.fromZero && said.ack === before) this.#pullBack();
    const { congestion } = this;
    const total = this.una + this.#scoreboard.octets;
    congestion.delivered(total, this.una, this.nxt, this.smss, this.roundTrip.minimumMs, now);
    this.#settleRecovery(said.ack - before);
    if (said.ack > before || opened.fromZero) {
      this.roundTrip.recovered();
      this.timeoutAt = this.una < this.nxt ? after(now, this.roundTrip.timeoutMs) : undefined;
    }
  }

  /** The timer passed. False when it did so for too long. */
  handleTimeout(now: Instant): boolean {
    const flight = this.nxt - this.una;
    this.#silentSince ??= flight > 0 && this.#sentAt !== undefined ? this.#sentAt : now;
    const most = this.una === 0 ? stack.connectMs : stack.giveUpMs;
    if (now - this.#silentSince >= most) return false;
    const first = this.#recovery !== "time-out";
    if (this.una === 0) {
      this.#synWasLost = true;
      this.nxt = 0;
    } else if (flight === 0 || this.window === 0) {
      this.#pullBack();
      this.#probe = true;
    } else {
      this.congestion.timedOut(flight, this.smss, first);
      this.#recovery = "time-out";
      this.#recoverAt = this.nxt;
      this.#highRxt = this.una;
      this.#forced = true;
      // RFC 2018 §8: what was SACKed may be thrown away; a second time-out is the sign of it.
      if (!first) this.#scoreboard.clear();
    }
    this.#dupAcks = 0;
    this.#timed = undefined;
    this.roundTrip.backOff();
    this.timeoutAt = after(now, this.roundTrip.timeoutMs);
    return true;
  }

  /** Chooses the next segment and counts it as sent; false when there is none now. */
  next(now: Instant): boolean {
    this.syn = false;
    this.fin = false;
    if (this.una === 0) {
      if (this.nxt > 0) return false;
      this.syn = true;
      return this.#send(0, 0, 1, now);
    }
    const pipe = this.#pipe();
    const room = this.congestion.window - pipe;
    if (this.#recovery !== "none" && this.#again(room, this.#lostBelow(), now)) return true;
    if (this.#new(room, pipe, now)) return true;
    return this.#recovery === "fast" && this.sackPermitted && this.#more(room, now);
  }

  /** RFC 6675 §4 NextSeg (1): the lowest that is lost and not yet sent again. */
  #again(room: number, below: number, now: Instant): boolean {
    const from = this.#scoreboard.holeFrom(Math.max(this.#highRxt, this.una));
    if (from >= below || (room < this.smss && !this.#forced)) return false;
    const end = this.#scoreboard.holeEnd(from, Math.min(from + this.smss, below));
    if (this.#recovery === "fast") this.congestion.lost(end - from);
    this.#highRxt = end;
    this.#forced = false;
    return this.#repeat(from, end, now);
  }

  /** NextSeg (3) and (4): a hole not yet lost; once, the last octets in flight. */
  #more(room: number, now: Instant): boolean {
    if (room < this.smss) return false;
    const from = this.#scoreboard.holeFrom(Math.max(this.#highRxt, this.una));
    const highest = this.#scoreboard.highest(this.una);
    if (from < highest) {
      const end = this.#scoreboard.holeEnd(from, Math.min(from + this.smss, highest));
      this.#highRxt = end;
      return this.#repeat(from, end, now);
    }
    if (this.#rescued || this.#recoverAt <= highest) return false;
    this.#rescued = true;
    return this.#repeat(
      Math.max(this.una, highest, this.#recoverAt - this.smss),
      this.#recoverAt,
      now,
    );
  }

  #repeat(from: number, end: number, now: Instant): boolean {
    this.#timed = undefined;
    this.#againAt = this.nxt;
    this.fin = end > this.#end || (end === this.#end && this.nxt > this.#end);
    return this.#send(from, Math.min(end, this.#end) - from, this.fin ? 1 : 0, now);
  }

  /** New octets, as windows, Nagle and the silly window syndrome let (RFC 9293 §3.8.6.2.1). */
  #new(room: number, pipe: number, now: Instant): boolean {
    const waiting = this.#end - this.nxt;
    if (waiting < 0 || (waiting === 0 && !this.#finWanted)) return false;
    const usable = this.#probe
      ? Math.max(1, this.una + this.window - this.nxt)
      : this.una + this.window - this.nxt;
    const length = Math.min(this.smss, waiting, usable);
    const last = length === waiting;
    const fin = this.#finWanted && last;
    if (!fin && !this.#worthSending(length, last)) {
      // Nothing is out that an answer would come to: ask after a while.
      if (this.una === this.nxt) this.timeoutAt ??= after(now, this.roundTrip.timeoutMs);
      return false;
    }
    if (pipe > 0 && room < length) return false;
    const { roundTrip } = this;
    const idle =
      pipe === 0 && this.#sentAt !== undefined && now - this.#sentAt > roundTrip.timeoutMs;
    if (idle && !this.#probe) this.congestion.restart(this.smss);
    this.#probe = false;
    this.fin = fin;
    return this.#send(this.nxt, length, fin ? 1 : 0, now);
  }

  #worthSending(length: number, last: boolean): boolean {
    if (length <= 0) return false;
    if (length === this.smss || this.#probe) return true;
    if (last) return this.noDelay || this.#finWanted || this.una === this.nxt;
    return length >= this.windowMax / 2;
  }

  #send(at: number, length: number, controls: number, now: Instant): boolean {
    this.at = at;
    this.length = length;
    this.again = at < this.highest;
    const end = at + length + controls;
    // What waited for the window had a timer of its own.
    if (this.una === this.nxt) this.timeoutAt = undefined;
    if (end > this.nxt) {
      if (this.#timed === undefined && end > this.highest) this.#timed = { end, at: now };
      this.nxt = end;
      this.highest = Math.max(this.highest, end);
    }
    this.#sentAt = now;
    this.timeoutAt ??= after(now, this.roundTrip.timeoutMs);
    return true;
  }

  /** RFC 5681 §2, RFC 6675 §2. */
  #countDuplicate(): void {
    if (!this.sackPermitted || this.#scoreboard.octets > this.#sackedBefore) this.#dupAcks++;
  }

  #advance(said: Acknowledgment, flight: number, now: Instant): void {
    const { ack } = said;
    const octets = ack - this.una;
    this.#ring.drop(Math.min(ack, this.#end) - Math.max(this.una, 1));
    this.una = ack;
    this.nxt = Math.max(this.nxt, ack);
    this.#scoreboard.advance(ack);
    const timed = this.#timed !== undefined && ack >= this.#timed.end ? this.#timed : undefined;
    if (timed !== undefined) this.#timed = undefined;
    const roundTripMs = said.roundTripMs ?? (timed && now - timed.at);
    if (roundTripMs !== undefined) {
      const samples = said.roundTripMs === undefined ? 1 : Math.ceil(flight / (2 * this.smss));
      this.roundTrip.measured(roundTripMs, samples, now);
      this.congestion.measured(roundTripMs);
    }
    if (this.#recovery === "none") this.#dupAcks = 0;
    if (this.#recovery !== "fast") this.congestion.acknowledged(octets, flight, this.smss);
  }

  /** RFC 9293 §3.10.7.4: by segments that are not older than the last that told it. */
  #updateWindow(said: Acknowledgment): { readonly changed: boolean; readonly fromZero: boolean } {
    const newer = said.offset > this.#wl1 || (said.offset === this.#wl1 && said.ack >= this.#wl2);
    const was = this.window;
    if (newer) {
      this.window = said.window;
      this.windowMax = Math.max(this.windowMax, said.window);
      this.#wl1 = said.offset;
      this.#wl2 = said.ack;
    }
    return { changed: this.window !== was, fromZero: was === 0 && this.window > 0 };
  }

  /** A peer whose window is shut keeps nothing beyond it: what is out goes again once it opens. */
  #pullBack(): void {
    if (this.una === 0) return;
    this.nxt = this.una;
    this.#recovery = "none";
    this.#scoreboard.clear();
  }

  /** RFC 6675 §5: into fast recovery, within it, and out of either. */
  #settleRecovery(octets: number): void {
    if (this.#recovery !== "none") {
      if (this.una >= this.#recoverAt) this.#recovery = "none";
      else if (this.#recovery === "fast" && this.sackPermitted) this.#doubtRepeated();
      else if (octets > 0 && !this.sackPermitted && this.#recovery === "fast") {
        // RFC 6582 §3.2: a partial acknowledgment shows the next hole.
        this.#forced = true;
        this.#dupAcks = Math.max(0, this.#dupAcks - Math.ceil(octets / this.smss) + 1);
      }
      if (this.#recovery === "none") this.#dupAcks = 0;
      return;
    }
    const lost =
      this.#dupAcks >= DUP_THRESH || this.#scoreboard.lostBelow(this.una, this.smss) > this.una;
    if (!lost || this.una === this.nxt || this.una < this.#recoverAt) return;
    this.#recovery = "fast";
    this.#recoverAt = this.nxt;
    this.#highRxt = this.una;
    this.#firstLostEnd = this.#scoreboard.holeEnd(
      this.una,
      Math.min(this.una + this.smss, this.nxt),
    );
    this.#rescued = false;
    this.#forced = true;
    this.congestion.reduce(this.nxt - this.una, this.smss, this.roundTrip.minimumMs);
  }

  /** What was sent after all that was sent again has come: what has not is lost once more. */
  #doubtRepeated(): void {
    const came = this.nxt - this.#againAt - this.#scoreboard.uncovered(this.#againAt, this.nxt);
    if (this.#highRxt <= this.una || came <= (DUP_THRESH - 1) * this.smss) return;
    this.#highRxt = this.una;
    this.#againAt = this.nxt;
    this.congestion.fall(this.nxt - this.una, this.smss, this.roundTrip.minimumMs);
  }

  /** Where what is lost ends. */
  #lostBelow(): number {
    if (this.#recovery === "time-out") return this.#recoverAt;
    const known = this.#scoreboard.lostBelow(this.una, this.smss);
    if (this.#recovery === "none") return known;
    if (this.sackPermitted) return Math.max(known, this.#firstLostEnd);
    return Math.min(this.una + this.smss, this.nxt);
  }

  /** RFC 6675 §4: what is out now, as far as is known. */
  #pipe(): number {
    const flight = this.nxt - this.una;
    const apart = this.sackPermitted ? this.#scoreboard.octets : this.#dupAcks * this.smss;
    if (this.#recovery === "none" && apart === 0) return flight;
    const lost = this.#scoreboard.uncovered(this.una, this.#lostBelow());
    const again = this.#recovery === "none" ? this.una : this.#highRxt;
    return Math.max(0, flight - apart - lost + this.#scoreboard.uncovered(this.una, again));
  }
}
