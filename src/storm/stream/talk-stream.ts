// Plays a scenario's hostile peers: each on a connection of its own, so many in a second, so many at once.
import { connect, type Socket } from "node:net";
import type { Chance } from "../../base/chance.js";
import { formatIpv4, type Ipv4 } from "../../base/ip.js";
import { storm as bounds } from "../../limits/storm.js";
import { monotonicNow } from "../../os/clock.js";
import { isOsError } from "../../os/errors.js";
import { type GreSocket, openGreSockets } from "../../os/gre-socket.js";
import { attachFilter, DROP } from "../../os/socket-filter.js";
import { write16 } from "../../wire/ip-octets.js";
import { decodeControlMessage } from "../../wire/pptp/index.js";
import type { Sent } from "../messages.js";
import { grePacket } from "../packet-scenarios.js";
import type { Step, Talk, TalkScenario } from "../scenario.js";

const SCCRP_OCTETS = 156;
const OCRP_OCTETS = 32;
const ICRP_OCTETS = 24;
const TURN_MS = 5;

export type TalkStreamTerms = {
  readonly scenario: TalkScenario;
  readonly chance: Chance;
  readonly server: Ipv4;
  readonly port: number;
  readonly sources: readonly Ipv4[];
  readonly perSecond: number;
};

export class TalkStream implements Disposable {
  readonly #terms: TalkStreamTerms;
  readonly #open = new Set<HostilePeer>();
  readonly #begun = monotonicNow();
  readonly #gre: GreSocket | undefined;
  /** Talks that nobody heard: their connection was not taken. */
  readonly #again: number[] = [];
  /** Those that were heard, where they have an end. */
  readonly #heard = new Set<number>();
  #number = 0;
  #connected = 0;
  #octets = 0;
  #packets = 0;
  #taken = 0;
  #closed = 0;
  #over = false;

  constructor(terms: TalkStreamTerms) {
    this.#terms = terms;
    const gre = openGreSockets();
    if (isOsError(gre)) return;
    this.#gre = gre;
    attachFilter(gre.descriptors.receive, [DROP]);
  }

  get sent(): Sent {
    const { whole } = this.#terms.scenario;
    return {
      packets: this.#packets,
      octets: this.#octets,
      connections: this.#connected,
      taken: this.#taken,
      refused: 0,
      closed: this.#closed,
      ...(whole !== undefined && { turns: { had: this.#heard.size, of: whole } }),
    };
  }

  /** Until it is disposed of. */
  async run(): Promise<undefined> {
    const { perSecond } = this.#terms;
    while (!this.#over) {
      const due = ((monotonicNow() - this.#begun) / 1_000) * perSecond - this.#connected;
      const room = bounds.connectionsMax - this.#open.size;
      for (let i = 0; i < Math.min(due, room); i++) this.#connect();
      await pause(TURN_MS);
    }
    return undefined;
  }

  [Symbol.dispose](): void {
    if (this.#over) return;
    this.#over = true;
    for (const peer of this.#open) peer[Symbol.dispose]();
    this.#gre?.[Symbol.dispose]();
  }

  #connect(): void {
    const { scenario, chance, server, port, sources } = this.#terms;
    const number = this.#again.shift() ?? this.#number++;
    const talk = scenario.talk(chance, number);
    const source = sources[this.#connected++ % sources.length]!;
    const peer = new HostilePeer({ server, port, source, talk }, this.#frames(source), (closed) => {
      this.#open.delete(peer);
      this.#octets += peer.octets;
      if (!peer.connected) {
        this.#again.push(number);
        return;
      }
      this.#taken++;
      if (scenario.whole !== undefined) this.#heard.add(number % scenario.whole);
      if (closed) this.#closed++;
    });
    this.#open.add(peer);
  }

  #frames(source: Ipv4) {
    return (callId: number, frames: readonly Uint8Array[]) => {
      for (const [sequence, frame] of frames.entries()) {
        const packet = grePacket(frame, callId, sequence);
        const { server } = this.#terms;
        const went = this.#gre?.send(packet, 0, packet.length, source, server, false) ?? -1;
        if (went > 0) this.#packets++;
      }
    };
  }
}

type PeerTerms = {
  readonly server: Ipv4;
  readonly port: number;
  readonly source: Ipv4;
  readonly talk: Talk;
};

class HostilePeer implements Disposable {
  readonly #socket: Socket;
  readonly #life: NodeJS.Timeout;
  #received = Buffer.alloc(0);
  #over = false;
  #wake: (() => void) | undefined;
  connected = false;
  octets = 0;

  constructor(
    { server, port, source, talk }: PeerTerms,
    readonly frames: (callId: number, frames: readonly Uint8Array[]) => void,
    /** Once, at its end. */
    readonly told: (closedByServer: boolean) => void,
  ) {
    const [host, localAddress] = [formatIpv4(server), formatIpv4(source)];
    this.#socket = connect({ host, port, localAddress, noDelay: true });
    this.#life = setTimeout(() => this.#end(false), bounds.talkMs);
    this.#socket.once("connect", () => {
      this.connected = true;
      void this.#play(talk);
    });
    this.#socket.on("data", (octets: Buffer) => {
      // What a server says beyond that nobody of these reads on.
      if (this.#received.length < bounds.talkOctetsMax) {
        this.#received = Buffer.concat([this.#received, octets]);
      }
      this.#wake?.();
    });
    this.#socket.on("error", () => {});
    this.#socket.once("close", () => this.#end(true));
  }

  [Symbol.dispose](): void {
    this.#end(false);
  }

  async #play(talk: Talk): Promise<void> {
    for (const step of talk) {
      if (this.#over) return;
      await this.#step(step);
    }
    this.#end(false);
  }

  async #step(step: Step): Promise<void> {
    switch (step.do) {
      case "say":
        return this.#say(this.#addressed(step.octets, step.callIdAt));
      case "dribble":
        for (let at = 0; at < step.octets.length && !this.#over; at++) {
          this.#say(step.octets.subarray(at, at + 1));
          await pause(step.everyMs);
        }
        return;
      case "hear":
        return this.#hear(step.octets);
      case "deaf":
        this.#socket.pause();
        return;
      case "stay":
        return this.#until(step.ms, () => this.#over);
      case "frames":
        return this.#callId === undefined ? undefined : this.frames(this.#callId, step.frames);
      case "end":
        if (step.how === "rst") this.#socket.resetAndDestroy();
        else this.#socket.end();
        return this.#end(false);
    }
  }

  /** That the server gave, as the first reply to a call told. */
  get #callId(): number | undefined {
    for (const octets of [OCRP_OCTETS, ICRP_OCTETS]) {
      const reply = this.#received.subarray(SCCRP_OCTETS, SCCRP_OCTETS + octets);
      const read = decodeControlMessage(reply);
      if (!read.ok) continue;
      const { value } = read;
      if (value.kind !== "OutgoingCallReply" && value.kind !== "IncomingCallReply") continue;
      return value.resultCode === 1 ? value.callId : undefined;
    }
    return undefined;
  }

  #addressed(octets: Uint8Array, at: number | undefined): Uint8Array {
    const callId = this.#callId;
    if (at === undefined || callId === undefined) return octets;
    const whole = octets.slice();
    write16(whole, at, callId);
    return whole;
  }

  #say(octets: Uint8Array): void {
    this.octets += octets.length;
    this.#socket.write(octets);
  }

  #hear(octets: number): Promise<void> {
    return this.#until(bounds.hearMs, () => this.#over || this.#received.length >= octets);
  }

  #until(ms: number, holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#wake = () => {
        if (holds()) done();
      };
    });
  }

  /** By RST: what it said would else be sent again by the kernel when the stream is over, ever more seldom. */
  #goAway(): void {
    if (this.#socket.connecting) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }

  #end(closedByServer: boolean): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#life);
    this.#wake?.();
    // Whoever says good-bye by FIN is gone once its octets are.
    if (!this.#socket.writableEnded) this.#goAway();
    else setTimeout(() => this.#goAway(), bounds.hearMs).unref();
    this.told(closedByServer);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
