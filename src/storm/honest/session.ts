// One honest session: dials, logs in, asks for an echo at its pace, says when it is lost.
import type { Ipv4 } from "../../base/ip.js";
import type { Rng } from "../../base/rng.js";
import { storm as bounds } from "../../limits/storm.js";
import { monotonicNow } from "../../os/clock.js";
import { finishChecksum, read16, sum16, write16 } from "../../wire/ip-octets.js";
import { ICMP, IPV4_HEADER_OCTETS, Ipv4Header, readIpv4, writeIpv4 } from "../../wire/ipv4.js";
import { decodeFrame, encodeFrame } from "../../wire/ppp/frame.js";
import { Protocol } from "../../wire/ppp/protocols.js";
import type { PacCallId, PnsCallId } from "../../wire/pptp/call-id.js";
import { callRequest, startRequest } from "../../wire/pptp/client-requests.js";
import { type ControlMessage, encodeControlMessage } from "../../wire/pptp/index.js";
import { ControlLine } from "../control-line.js";
import type { Cut, Ends, Uttered } from "../scenario.js";
import type { GreEnd } from "./gre-end.js";
import { MppeEnds } from "./mppe.js";
import { type Credentials, PppPeer } from "./ppp-peer.js";

export type Dial = {
  readonly server: Ipv4;
  readonly port: number;
  readonly local: Ipv4;
  readonly credentials: Credentials;
  /** Ours; no other session of this process has it. */
  readonly callId: number;
  readonly echoEveryMs: number;
  /** Without a session by then it is given up. */
  readonly withinMs: number;
  /** Undefined: it goes on to the end. */
  readonly cut?: Cut;
};

export type Told = {
  up(session: HonestSession, ms: number): void;
  /** Before `up`: the log-in failed; after it: the session is lost. Once. */
  over(session: HonestSession, why: string): void;
  /** Undefined: no answer in time. */
  echo(roundTripMs: number | undefined): void;
};

const WINDOW = 64;
const ECHO_REQUEST = 8;
const ECHO_REPLY = 0;
const ECHO_OCTETS = 64;

export class HonestSession {
  readonly #dial: Dial;
  readonly #told: Told;
  readonly #gre: GreEnd;
  readonly #line: ControlLine;
  readonly #ppp: PppPeer;
  readonly #begun = monotonicNow();
  readonly #ip = new Ipv4Header();
  readonly #timers: NodeJS.Timeout[] = [];
  /** When each Echo-Request was sent, by its number. */
  readonly #asked = new Map<number, number>();
  #mppe: MppeEnds | undefined;
  #peersCallId: number | undefined;
  #sequence = 0;
  #received: number | undefined;
  #owed = false;
  #echoes = 0;
  #outstanding = 0;
  #heardAt = 0;
  /** Octets said so far, messages and frames. */
  said = 0;
  #over = false;

  constructor(dial: Dial, gre: GreEnd, rng: Rng, told: Told) {
    this.#dial = dial;
    this.#gre = gre;
    this.#told = told;
    this.#ppp = new PppPeer(dial.credentials, rng);
    gre.listen(this);
    this.#line = new ControlLine(
      dial.server,
      dial.port,
      dial.local,
      (message) => this.#onControl(message),
      (why) => this.#end(why),
      () => this.#say(startRequest("holdfast storm")),
    );
    this.#after(dial.withinMs, () => {
      if (!this.up) this.#end(`no log-in within ${dial.withinMs / 1_000} s (${this.#ppp.stage})`);
    });
  }

  /** So many echoes on the way from now on; 0: one at its pace. */
  load(outstanding: number): void {
    this.#outstanding = outstanding;
    this.#fill();
  }

  get callId(): number {
    return this.#dial.callId;
  }

  get local(): Ipv4 {
    return this.#dial.local;
  }

  /** Of its control connection, at this end. */
  get port(): number {
    return this.#line.port;
  }

  /** The server's, once the call is there. */
  get peersCallId(): number | undefined {
    return this.#peersCallId;
  }

  get up(): boolean {
    return this.#mppe !== undefined && !this.#over;
  }

  /** In order: the server gives back what the session had. */
  hangUp(): void {
    if (this.#over) return;
    this.#ppp.terminate();
    this.#flush();
    const callId = this.#dial.callId as PnsCallId;
    this.#line.send({ kind: "CallClearRequest", callId });
    this.#line.send({ kind: "StopControlConnectionRequest", reason: 1 });
    this.#over = true;
    this.#quiet();
    // The server closes once it has answered; a moment later so do we.
    setTimeout(() => this.#release(), bounds.resendMs).unref();
  }

  get ends(): Ends {
    const { address: inner, peersAddress: peersInner } = this.#ppp;
    return { inner, peersInner, server: this.#dial.server };
  }

  /** At its place of the sequence, whatever it is; nothing once it is over. */
  utter({ octets, sealed, spoil, skips = 0 }: Uttered): void {
    this.#sequence = (this.#sequence + skips) >>> 0;
    const mppe = this.#mppe;
    if (!sealed || mppe === undefined) return this.#sendFrame(octets);
    const packet = mppe.encrypt(octets);
    this.#sendFrame(encodeFrame(Protocol.compressed, spoil?.(packet) ?? packet));
  }

  /** Without a word more. */
  cut(how: Cut["how"]): void {
    if (this.#over) return;
    this.#line.cut(how);
    this.#end("cut");
  }

  take(sequence: number, octets: Uint8Array): void {
    if (this.#over) return;
    this.#received = sequence;
    this.#owed = true;
    const frame = decodeFrame(octets);
    if (!frame.ok) return;
    const { protocol, information } = frame.value;
    if (protocol === Protocol.compressed) return this.#onData(information);
    this.#ppp.handle(protocol, information);
    this.#flush();
    if (this.#ppp.failure !== undefined) return this.#end(this.#ppp.failure);
    if (this.#ppp.up && this.#mppe === undefined) this.#begin();
  }

  #onControl(message: ControlMessage): void {
    switch (message.kind) {
      case "StartControlConnectionReply":
        if (message.resultCode !== 1) return this.#end(`SCCRP ${message.resultCode}`);
        return this.#say(callRequest(this.#dial.callId, WINDOW));
      case "OutgoingCallReply":
        if (message.resultCode !== 1) return this.#end(`OCRP ${message.resultCode}`);
        this.#peersCallId = message.callId;
        this.#say(linkInfo(message.callId));
        return this.#negotiate();
      case "EchoRequest": {
        const { identifier } = message;
        return this.#say({ kind: "EchoReply", identifier, resultCode: 1, errorCode: 0 });
      }
      case "CallDisconnectNotify":
        return this.#end(`CDN ${message.resultCode}`);
      case "StopControlConnectionRequest":
        return this.#end(`StopCCRQ ${message.reason}`);
      default:
    }
  }

  #negotiate(): void {
    const again = () => {
      this.#ppp.resend();
      this.#flush();
    };
    again();
    this.#every(bounds.restartMs, () => {
      if (this.#mppe === undefined) again();
    });
  }

  #begin(): void {
    const { keys } = this.#ppp;
    if (keys === undefined) return;
    this.#mppe = new MppeEnds(keys);
    this.#heardAt = monotonicNow();
    this.#told.up(this, this.#heardAt - this.#begun);
    this.#every(this.#dial.echoEveryMs, () => this.#ask());
    this.#every(bounds.ackMs, () => this.#acknowledge());
  }

  #ask(): void {
    const now = monotonicNow();
    for (const [number, at] of this.#asked) {
      if (now - at < bounds.echoLostMs) break;
      this.#asked.delete(number);
      this.#told.echo(undefined);
    }
    if (now - this.#heardAt > bounds.sessionLostMs) return this.#end("no answer to any echo");
    if (this.#outstanding === 0) this.#echo();
    else this.#fill();
  }

  #fill(): void {
    while (this.up && this.#asked.size < this.#outstanding) this.#echo();
  }

  #echo(): void {
    const number = this.#echoes++ & 0xffff;
    this.#asked.set(number, monotonicNow());
    this.#sendData(echoRequest(this.#ppp.address, this.#ppp.peersAddress, this.callId, number));
  }

  #sendData(packet: Uint8Array): void {
    const plain = new Uint8Array(2 + packet.length);
    write16(plain, 0, Protocol.ipv4);
    plain.set(packet, 2);
    if (this.#mppe === undefined) return;
    this.#sendFrame(encodeFrame(Protocol.compressed, this.#mppe.encrypt(plain)));
  }

  #onData(information: Uint8Array): void {
    const plain = this.#mppe?.decrypt(information);
    if (plain === undefined) return;
    const frame = decodeFrame(plain);
    if (!frame.ok || frame.value.protocol !== Protocol.ipv4) return;
    const octets = frame.value.information;
    if (readIpv4(octets, 0, octets.length, this.#ip) !== undefined) return;
    const { protocol, payloadStart: at, end } = this.#ip;
    if (protocol !== ICMP || end - at < 8 || octets[at] !== ECHO_REPLY) return;
    if (read16(octets, at + 4) !== this.callId) return;
    const number = read16(octets, at + 6);
    const asked = this.#asked.get(number);
    if (asked === undefined) return;
    this.#asked.delete(number);
    this.#heardAt = monotonicNow();
    this.#told.echo(this.#heardAt - asked);
    this.#fill();
  }

  #flush(): void {
    for (let frame = this.#ppp.pollSend(); frame !== undefined; frame = this.#ppp.pollSend()) {
      this.#sendFrame(encodeFrame(frame.protocol, frame.information));
    }
  }

  #say(message: ControlMessage): void {
    this.#upToTheCut(encodeControlMessage(message), (octets) => this.#line.write(octets));
  }

  #sendFrame(whole: Uint8Array): void {
    const peersCallId = this.#peersCallId;
    if (peersCallId === undefined || this.#over) return;
    this.#upToTheCut(whole, (frame) => {
      this.#owed = false;
      this.#gre.send(this.local, peersCallId, frame, this.#sequence, this.#received);
      this.#sequence = (this.#sequence + 1) >>> 0;
    });
  }

  #upToTheCut(whole: Uint8Array, send: (octets: Uint8Array) => void): void {
    const { cut } = this.#dial;
    const room = cut === undefined ? whole.length : cut.octets - this.said;
    const octets = whole.subarray(0, Math.max(0, room));
    if (octets.length > 0) send(octets);
    this.said += octets.length;
    if (cut !== undefined && octets.length < whole.length) this.cut(cut.how);
  }

  #acknowledge(): void {
    if (!this.#owed || this.#peersCallId === undefined) return;
    this.#owed = false;
    this.#gre.send(this.local, this.#peersCallId, undefined, 0, this.#received);
  }

  #after(ms: number, act: () => void): void {
    this.#timers.push(setTimeout(act, ms));
  }

  #every(ms: number, act: () => void): void {
    this.#timers.push(setInterval(act, ms));
  }

  #end(why: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#release();
    this.#told.over(this, why);
  }

  #release(): void {
    this.#gre.forget(this);
    this.#line[Symbol.dispose]();
    this.#quiet();
    this.#mppe?.wipe();
  }

  #quiet(): void {
    for (const timer of this.#timers.splice(0)) clearTimeout(timer);
  }
}

function linkInfo(peersCallId: PacCallId): ControlMessage {
  const accm = 0xffff_ffff;
  return { kind: "SetLinkInfo", peersCallId, sendAccm: accm, receiveAccm: accm };
}

/** RFC 792: ICMP Echo. */
function echoRequest(from: Ipv4, to: Ipv4, identifier: number, number: number): Uint8Array {
  const total = IPV4_HEADER_OCTETS + 8 + ECHO_OCTETS;
  const packet = new Uint8Array(total);
  writeIpv4(packet, 0, total, ICMP, from, to);
  const at = IPV4_HEADER_OCTETS;
  packet[at] = ECHO_REQUEST;
  write16(packet, at + 4, identifier);
  write16(packet, at + 6, number);
  write16(packet, at + 2, finishChecksum(sum16(packet, at, total)));
  return packet;
}
