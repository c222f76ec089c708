// What a process of ours needs once to place calls: GRE sockets, a TUN (or a socket in its place), a
// data worker. One session at a time uses the TUN; sessions one after the other share everything.
import type { Ledger } from "../base/ledger.js";
import { Scope } from "../base/scope.js";
import { CallIdPool } from "../core/access/call-id-pool.js";
import { FlowSlots } from "../core/access/flow-slots.js";
import { describeOsError, isOsError, type OsError } from "../os/errors.js";
import { openGreSockets } from "../os/gre-socket.js";
import { IpChanges } from "../os/ip.js";
import { openPacketPair, type PacketPort } from "../os/packet-pair.js";
import { withoutCapabilities } from "../os/privileges.js";
import { openTun } from "../os/tun.js";
import type { FlowRef, GatewayTerms, PlaneCommand, PlaneEvent } from "../wire/worker-link.js";
import { WorkerHost } from "../worker/host.js";

export type HostFault = { readonly message: string; readonly remedy: string };

export type FlowListener = {
  readonly event: (event: PlaneEvent) => void;
  readonly lost: (why: string) => void;
};

/** A client's end has no gateway: nothing of this is used for `host` flows. */
export const noGateway: GatewayTerms = {
  gatewayAddress: 0,
  dns: [],
  nbns: [],
  domain: "",
  routes: [],
  clientToClient: false,
  reachHost: true,
  hostAddresses: [],
  hostAddresses6: [],
  dns6: [],
  sendWindow: "off",
  clampMss: true,
};

export class ClientHost {
  readonly callIds = new CallIdPool();
  readonly flowSlots = new FlowSlots(flowsMax);
  readonly changes = new IpChanges();
  readonly #scope: Scope;
  readonly #listeners = new Map<number, FlowListener>();
  readonly #worker: WorkerHost;

  private constructor(
    /** Its packets: an interface's name, or a port of this process. */
    readonly end: { readonly tun: string } | { readonly packets: PacketPort },
    readonly ledger: Ledger,
    scope: Scope,
    terms: { gre: { receive: number; sendNoDf: number }; tun: number; prefix: readonly string[] },
  ) {
    this.#scope = scope;
    this.#worker = new WorkerHost({
      ...terms,
      scope,
      onEvent: (event) => this.#handle(event),
      onLost: (why) => this.#lost(why),
    });
    this.#start();
  }

  /** Needs CAP_NET_RAW and CAP_NET_ADMIN; says which command gives them. */
  static open(tun: string, ledger: Ledger): ClientHost | HostFault {
    using acquiring = new Scope("client host", ledger);
    const device = openTun({ name: tun });
    if (isOsError(device)) return fault("TUN", device);
    acquiring.hold("tun", device, tun);
    return ClientHost.#withWorker(acquiring, { tun }, device.fd);
  }

  /** Packets come to this process, and no interface is made: needs CAP_NET_RAW alone. */
  static openWithoutTun(ledger: Ledger): ClientHost | HostFault {
    using acquiring = new Scope("client host", ledger);
    const pair = openPacketPair(acquiring);
    if (isOsError(pair)) return fault("socket for packets", pair);
    return ClientHost.#withWorker(acquiring, { packets: pair.port }, pair.far);
  }

  static #withWorker(acquiring: Scope, end: ClientHost["end"], tun: number) {
    const gre = openGreSockets();
    if (isOsError(gre)) {
      const needed = "tun" in end ? "CAP_NET_RAW and CAP_NET_ADMIN" : "CAP_NET_RAW";
      return fault("raw GRE socket", gre, needed);
    }
    acquiring.hold("socket", gre, "GRE");
    const prefix = withoutCapabilities([]);
    if (isOsError(prefix)) return fault("setpriv", prefix);
    const terms = { gre: gre.descriptors, tun, prefix };
    const { ledger } = acquiring;
    return new ClientHost(end, ledger, acquiring.move(), terms);
  }

  /** The interface's name, where there is one. */
  get tun(): string | undefined {
    return "tun" in this.end ? this.end.tun : undefined;
  }

  send(command: PlaneCommand): void {
    this.#worker.send(command);
  }

  /** Events of one flow, until the lease is given back. */
  listen({ slot }: FlowRef, listener: FlowListener): Disposable {
    this.#listeners.set(slot, listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(slot) };
  }

  async close(): Promise<void> {
    await this.#worker.stop();
    this.#scope[Symbol.dispose]();
  }

  #start(): void {
    this.#worker.start();
    this.#worker.send({ kind: "Configure", gateway: noGateway });
  }

  #handle(event: PlaneEvent): void {
    if (event.kind === "Ready" && "packets" in this.end)
      this.end.packets.takesRuns = event.engine === "WebAssembly";
    if ("flow" in event) this.#listeners.get(event.flow.slot)?.event(event);
  }

  #lost(why: string): void {
    for (const listener of [...this.#listeners.values()]) listener.lost(why);
    this.#start();
  }
}

const flowsMax = 1_024;

function fault(
  what: string,
  failure: OsError,
  needed = "CAP_NET_RAW and CAP_NET_ADMIN",
): HostFault {
  const remedies: Record<string, string> = {
    EBUSY: "there is an interface of that name: give another one with --tun",
    EINVAL: "give another name with --tun: up to 15 letters, digits, dots and dashes",
    ENOENT: "load the tun module (modprobe tun), or install util-linux for setpriv",
  };
  const remedy = `it needs ${needed}: start it as root (sudo)`;
  const message = `no ${what}: ${describeOsError(failure)}`;
  return { message, remedy: remedies[failure.errno] ?? remedy };
}
