// One control connection of the load (RFC 2637 §3.1) from an address of its own, and its calls one after
// the other; kept up until told to end, and then ended from PPP down.
import { connect, type Socket } from "node:net";
import type { Instant } from "../../src/base/instant.js";
import { formatIpv4, type Ipv4 } from "../../src/base/ip.js";
import type { Ledger } from "../../src/base/ledger.js";
import type { Rng } from "../../src/base/rng.js";
import { Scope } from "../../src/base/scope.js";
import { type Deadline, earliest } from "../../src/core/deadline.js";
import type { PppPolicy } from "../../src/core/ppp/ports.js";
import { ControlConnection } from "../../src/core/pptp/control-connection.js";
import type { ControlEvent } from "../../src/core/pptp/ports.js";
import { control } from "../../src/limits.js";
import { monotonicNow } from "../../src/os/clock.js";
import type { GreSocket } from "../../src/os/gre-socket.js";
import type { GreHeader } from "../../src/wire/gre.js";
import { LoadCall } from "./call.js";

export type LineTerms = {
  readonly from: Ipv4;
  readonly server: Ipv4;
  readonly calls: number;
  readonly gre: GreSocket;
  readonly rng: Rng;
  readonly ledger: Ledger;
  readonly policy: PppPolicy;
  /** Who logs in next on any line. */
  readonly nextCredentials: () => { readonly name: string; readonly password: string };
  /** May the next log-in begin? It is begun by `goOn`. */
  readonly mayBegin: (line: Line) => boolean;
  readonly up: (line: Line, call: LoadCall, ms: number) => void;
  /** All its calls are up, or it ended before that. */
  readonly settled: (line: Line) => void;
  readonly failed: (cause: string) => void;
  readonly over: (line: Line) => void;
  readonly touched: (line: Line) => void;
};

export class Line {
  readonly #terms: LineTerms;
  readonly #socket: Socket;
  readonly #scope: Scope;
  readonly #control: ControlConnection;
  readonly #calls = new Map<number, LoadCall>();
  #asked = 0;
  #dialledAt: Instant;
  #settled = false;
  #ending = false;
  #over = false;

  constructor(terms: LineTerms) {
    const { from, server, calls, ledger } = terms;
    this.#terms = terms;
    this.#dialledAt = monotonicNow();
    this.#scope = new Scope(`line ${formatIpv4(from)}`, ledger);
    this.#control = new ControlConnection({
      policy: {
        side: "opened",
        hostName: "",
        vendorString: "load",
        firmwareRevision: 1,
        callsPerConnectionMax: calls,
        takeIncomingCalls: false,
        takeOutgoingCalls: false,
        packetRecvWindowSize: 64,
        limits: control,
      },
      leaseCallId: () => ({ callId: this.#asked, [Symbol.dispose]: () => {} }),
      localAddress: from,
      peerAddress: server,
      scope: this.#scope,
      now: this.#dialledAt,
    });
    this.#socket = this.#dial();
  }

  get from(): Ipv4 {
    return this.#terms.from;
  }

  get sessions(): number {
    return this.#calls.size;
  }

  handleGre(octets: Uint8Array, header: GreHeader, now: Instant): void {
    this.#calls.get(header.callId)?.handleGre(octets, header, now);
    this.#settle(now);
  }

  handleTimeout(now: Instant): void {
    this.#control.handleTimeout(now);
    for (const call of [...this.#calls.values()]) {
      const due = call.pollTimeout();
      if (due !== undefined && due.at <= now) call.handleTimeout(now);
    }
    this.#settle(now);
  }

  pollTimeout(): Deadline | undefined {
    if (this.#over) return undefined;
    let next = this.#control.pollTimeout();
    for (const call of this.#calls.values()) next = earliest(next, call.pollTimeout());
    return next;
  }

  /** Places the next call. */
  goOn(now: Instant): void {
    const { rng, policy, gre, from, server, nextCredentials } = this.#terms;
    const first = this.#asked++ === 0;
    if (this.#control.placeCall(now) === undefined) return this.#fail("no call");
    const call = new LoadCall({
      callId: this.#asked,
      credentials: nextCredentials(),
      policy,
      rng,
      // The first log-in is everything from the SYN on.
      now: first ? this.#dialledAt : now,
      send: (packet, octets) => void gre.send(packet, 0, octets, from, server, true),
      up: (up, at) => this.#up(up, at),
      ended: (ended, cause, at) => {
        if (!this.#ending) this.#terms.failed(cause);
        this.#control.clearCall(ended.callId, cause, at);
      },
    });
    this.#calls.set(call.callId, call);
    this.#settle(now);
  }

  /** In order: LCP Terminate, Call-Clear-Request, Stop-Control-Connection-Request, FIN. */
  end(now: Instant): void {
    this.#ending = true;
    for (const call of [...this.#calls.values()]) call.terminate(now);
    if (this.#calls.size === 0) this.#control.stop("shutdown", now);
    this.#settle(now);
  }

  #dial(): Socket {
    const { server, from } = this.#terms;
    const host = formatIpv4(server);
    const socket = connect({ host, port: 1723, localAddress: formatIpv4(from), noDelay: true });
    let failure = "closed";
    socket.on("connect", () => {
      const now = monotonicNow();
      this.#control.start(now);
      this.#settle(now);
    });
    socket.on("data", (octets: Uint8Array) => {
      const now = monotonicNow();
      this.#control.handleOctets(octets, now);
      this.#settle(now);
    });
    socket.on("error", ({ message }) => {
      failure = message;
    });
    socket.on("close", () => {
      const now = monotonicNow();
      this.#control.handleClosed(now);
      this.#settle(now);
      if (!this.#ending) this.#fail(`connection: ${failure}`);
      this.#over = true;
      for (const call of this.#calls.values()) call.abort();
      this.#calls.clear();
      this.#scope[Symbol.dispose]();
      this.#terms.over(this);
    });
    return socket;
  }

  #up(call: LoadCall, now: Instant): void {
    this.#terms.up(this, call, now - call.askedAt);
    if (this.#asked >= this.#terms.calls) return this.#settledOnce();
    if (this.#terms.mayBegin(this)) this.goOn(now);
  }

  #settledOnce(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#terms.settled(this);
  }

  #fail(why: string): void {
    this.#terms.failed(why);
    this.#ending = true;
    this.#socket.destroy();
    this.#settledOnce();
  }

  #settle(now: Instant): void {
    for (let event = this.#control.pollEvent(); event !== undefined; ) {
      this.#handle(event, now);
      event = this.#control.pollEvent();
    }
    for (let octets = this.#control.pollTransmit(); octets !== undefined; ) {
      this.#socket.write(octets);
      octets = this.#control.pollTransmit();
    }
    this.#terms.touched(this);
  }

  #handle(event: ControlEvent, now: Instant): void {
    switch (event.kind) {
      case "Established":
        if (this.#terms.mayBegin(this)) this.goOn(now);
        return;
      case "CallUp":
        return this.#calls.get(event.terms.callId)?.start(event.terms.peersCallId, now);
      case "CallEnded":
        this.#calls.get(event.callId)?.abort();
        this.#calls.delete(event.callId);
        if (!this.#ending) return this.#fail(event.cause);
        if (this.#calls.size === 0) this.#control.stop("shutdown", now);
        return;
      case "Close":
        this.#socket.end();
        return;
    }
  }
}
