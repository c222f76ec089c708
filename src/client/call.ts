// One call of ours, from the TCP connection to the last lease: the pure client core, driven.
import { connect, type Socket } from "node:net";
import { formatIpv4, type Ipv4, type Prefix4, parseIpv4 } from "../base/ip.js";
import { lease } from "../base/lease.js";
import { Scope } from "../base/scope.js";
import type { EndCause } from "../core/access/ports.js";
import {
  Client,
  type ClientEvent,
  type ClientTransmission,
  type StopFrom,
} from "../core/client.js";
import { linkLocal } from "../core/plane-outputs.js";
import type { PppCredentials, PppPolicy } from "../core/ppp/ports.js";
import { control, client as limits } from "../limits.js";
import { monotonicNow } from "../os/clock.js";
import { systemRng } from "../os/entropy.js";
import { fromNodeError, type OsError, osError } from "../os/errors.js";
import type { IpChange } from "../os/ip.js";
import { writeSysctl } from "../os/sysctl.js";
import type { FlowCounters, PlaneCommand, PlaneEvent } from "../wire/worker-link.js";
import { Drive } from "../worker/drive.js";
import type { ClientHost } from "./client-host.js";

export type CallOptions = {
  readonly server: Ipv4;
  readonly port: number;
  readonly credentials: PppCredentials;
  readonly ppp: PppPolicy;
  /** Whether the TUN is given the address we get (and a route to the server's end). */
  readonly configureTun: boolean;
  /** Prefixes behind us, which the server routes into this session. */
  readonly routes?: readonly Prefix4[];
  /** The TCP connection is open. */
  readonly onConnected?: (localAddress: Ipv4) => void;
  readonly onEvent?: (event: ClientEvent) => void;
  /** Sees what core and data path tell each other: the negotiation's frames among it. */
  readonly tap?: CallTap;
  /** The TUN could not be given its address, or the address could not be taken back. */
  readonly onFault?: (failure: OsError) => void;
};

export interface CallTap {
  command(command: PlaneCommand): void;
  event(event: PlaneEvent): void;
}

export type CallEnd = {
  readonly cause: EndCause;
  readonly counters: FlowCounters | undefined;
  /** Why there was no TCP connection in the first place. */
  readonly failure?: OsError;
};
export type CallUp = { readonly ours: Ipv4; readonly peers: Ipv4 };

type Loop = Drive<Client, ClientTransmission, ClientEvent>;

export class ClientCall {
  /** The network phase is open, or why it never will be. */
  readonly up: Promise<CallUp | CallEnd>;
  /** Everything is given back. */
  readonly ended: Promise<CallEnd>;
  readonly #host: ClientHost;
  readonly #options: CallOptions;
  readonly #scope: Scope;
  #resolveUp: (result: CallUp | CallEnd) => void = () => {};
  #resolveEnded: (end: CallEnd) => void = () => {};
  #socket: Socket | undefined;
  #loop: Loop | undefined;
  #ipv6 = false;
  #addressed: { readonly ours: Ipv4; readonly peers: Ipv4 } | undefined;

  constructor(host: ClientHost, options: CallOptions) {
    this.#host = host;
    this.#options = options;
    this.#scope = new Scope(`call to ${formatIpv4(options.server)}`, host.ledger);
    this.up = new Promise((resolve) => {
      this.#resolveUp = resolve;
    });
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.#dial();
  }

  /** Ends in order, from PPP down unless told otherwise; `ended` tells when it is over. */
  stop(from: StopFrom = "LCP"): void {
    if (this.#loop !== undefined) this.#loop.input((client, now) => client.stop(now, from));
    else this.#socket?.destroy();
  }

  /** Cuts the TCP connection without a word, as a peer that vanishes does. */
  vanish(how: "fin" | "rst"): void {
    if (how === "fin") this.#socket?.destroy();
    else this.#socket?.resetAndDestroy();
  }

  /** The interface that is ours to configure. */
  get #tun(): string | undefined {
    return this.#options.configureTun ? this.#host.tun : undefined;
  }

  #dial(): void {
    const { server, port } = this.#options;
    const socket = connect({ host: formatIpv4(server), port, noDelay: true });
    this.#socket = socket;
    this.#scope.hold(
      "socket",
      lease(() => socket.destroy()),
      `${formatIpv4(server)}:${port}`,
    );
    const where = `connect to ${formatIpv4(server)}:${port}`;
    let failure: OsError = osError(where, "ECONNABORTED");
    const timer = setTimeout(() => {
      failure = osError(where, "ETIMEDOUT", `no answer for ${limits.dialMs / 1_000} s`);
      socket.destroy();
    }, limits.dialMs);
    socket.once("connect", () => {
      clearTimeout(timer);
      this.#connected(socket);
    });
    socket.on("error", (error) => {
      failure = fromNodeError(where, error);
    });
    socket.once("close", () => {
      clearTimeout(timer);
      if (this.#loop === undefined)
        this.#finish({ cause: "control-timeout", counters: undefined, failure });
      else this.#loop.input((client, now) => client.handleDisconnected(now));
    });
  }

  #connected(socket: Socket): void {
    const { server, ppp, credentials } = this.#options;
    const host = this.#host;
    const localAddress = parseIpv4(socket.localAddress ?? "") ?? 0;
    this.#options.onConnected?.(localAddress);
    const slot = host.flowSlots.lease();
    if (slot === undefined) return void socket.destroy();
    this.#ipv6Off();
    this.#scope.hold("flowSlot", slot.lease);
    const client = new Client(
      {
        control: {
          hostName: "",
          vendorString: "holdfast",
          firmwareRevision: 1,
          callsPerConnectionMax: 1,
          takeIncomingCalls: false,
          takeOutgoingCalls: false,
          packetRecvWindowSize: 64,
          limits: control,
        },
        ppp,
        credentials,
        rng: systemRng(),
        ledger: host.ledger,
        callIds: host.callIds,
        flow: slot.flow,
        localAddress,
        serverAddress: server,
        routes: this.#options.routes ?? [],
      },
      monotonicNow(),
    );
    const loop: Loop = new Drive(
      client,
      {
        plane: (command) => {
          this.#options.tap?.command(command);
          host.send(command);
        },
        transmit: (transmission) => this.#transmit(socket, transmission),
        event: (event) => this.#handle(event),
      },
      monotonicNow,
    );
    this.#loop = loop;
    this.#scope.hold("timer", loop, "core");
    this.#scope.hold(
      "listener",
      host.listen(slot.flow, {
        event: (event) => {
          this.#options.tap?.event(event);
          loop.input((core, now) => core.handlePlane(event, now));
        },
        lost: () => loop.input((core, now) => core.handleWorkerLost(now)),
      }),
    );
    socket.on("data", (octets: Uint8Array) =>
      loop.input((core, now) => core.handleOctets(octets, now)),
    );
    loop.input((core, now) => core.start(now));
  }

  #transmit(socket: Socket, transmission: ClientTransmission): void {
    if (transmission.kind === "Octets") socket.write(transmission.octets);
    else socket.end();
  }

  #handle(event: ClientEvent): void {
    this.#options.onEvent?.(event);
    if (event.kind === "Ended") return this.#finish(event);
    if (event.kind === "Ipv6Up") return this.#ipv6Up(event.ours);
    if (event.kind !== "Ipv4Up") return;
    const { ours, peers } = event;
    const tun = this.#tun;
    if (tun === undefined) return this.#resolveUp({ ours, peers });
    // A server that names no address, or its outer one: a route to that would swallow our own GRE.
    const odd = peers === 0 || peers === this.#options.server;
    this.#addressed = { ours, peers: odd ? ours : peers };
    this.#host.changes
      .apply(addressChanges(tun, ours, this.#addressed.peers, this.#options.ppp.mtu))
      .then((failure) => {
        if (failure === undefined) return this.#resolveUp({ ours, peers });
        this.#options.onFault?.(failure);
        this.stop();
      });
  }

  /** The negotiated identifier and no other: the server takes nothing from one it does not know. */
  #ipv6Up(identifier: Uint8Array): void {
    const tun = this.#tun;
    if (tun === undefined) return;
    const { changes } = this.#host;
    const setting = (name: string) => `net/ipv6/conf/${tun}/${name}`;
    this.#ipv6 = true;
    const failure =
      writeSysctl(setting("addr_gen_mode"), noAutomaticLinkLocal) ??
      writeSysctl(setting("disable_ipv6"), "0");
    if (failure !== undefined) return this.#options.onFault?.(failure);
    changes
      .apply([
        {
          kind: "AddAddress",
          device: tun,
          address: { family: 6, address: linkLocal(identifier), length: 64 },
        },
        { kind: "LinkUp", device: tun, mtu: this.#options.ppp.mtu },
      ])
      .then((failed) => failed !== undefined && this.#options.onFault?.(failed));
  }

  /**
   * Takes every IPv6 address and route of the interface with it, the advertised ones too. Off before
   * IPV6CP opens as well: a link that comes up gets an address of the kernel's own choice, and its
   * Router Solicitations come from there.
   */
  #ipv6Off(): OsError | undefined {
    const tun = this.#tun;
    return tun === undefined ? undefined : writeSysctl(`net/ipv6/conf/${tun}/disable_ipv6`, "1");
  }

  #finish({ cause, counters, failure: why }: CallEnd): void {
    const end = why === undefined ? { cause, counters } : { cause, counters, failure: why };
    this.#resolveUp(end);
    this.#scope[Symbol.dispose]();
    // A kernel without IPv6 has no such setting.
    const still = this.#ipv6Off();
    if (this.#ipv6 && still !== undefined) this.#options.onFault?.(still);
    const [addressed, tun] = [this.#addressed, this.#tun];
    if (addressed === undefined || tun === undefined) return this.#resolveEnded(end);
    this.#host.changes.apply(addressRemoval(tun, addressed)).then((failure) => {
      if (failure !== undefined) this.#options.onFault?.(failure);
      this.#resolveEnded(end);
    });
  }
}

/** IN6_ADDR_GEN_MODE_NONE of linux/if_link.h. */
const noAutomaticLinkLocal = "1";

function addressChanges(device: string, ours: Ipv4, peers: Ipv4, mtu: number): IpChange[] {
  return [
    { kind: "AddAddress", device, address: { family: 4, address: ours, length: 32 }, peer: peers },
    { kind: "LinkUp", device, mtu },
  ];
}

function addressRemoval(device: string, { ours, peers }: CallUp): IpChange[] {
  const address = { family: 4, address: ours, length: 32 } as const;
  return [{ kind: "DeleteAddress", device, address, peer: peers }];
}
