// This host's network around the sessions: one TUN, its addresses and routes, forwarding, our nft
// table. Everything is a lease; what the kernel held before is put back.

import { formatIpv4, type Ipv4, mask4, type Prefix4, parseIpv4 } from "../base/ip.js";
import type { Held, Ledger } from "../base/ledger.js";
import type { Range4 } from "../base/range4.js";
import type { SessionId } from "../core/server-ports.js";
import type { Descriptor } from "../os/descriptor.js";
import { describeOsError, isOsError, type OsError } from "../os/errors.js";
import {
  changeWords,
  type Destination,
  destinationText,
  type IpChange,
  IpChanges,
  listAddresses,
  listLinks,
  listProxyNeighbours,
  listRoutes,
  ROUTE_PROTOCOL,
} from "../os/ip.js";
import { type LocalIpv4, localIpv4Addresses } from "../os/local-addresses.js";
import { NftTable } from "../os/nft.js";
import { acceptRa, IP_FORWARD, IPV6_FORWARDING, readSysctl, SysctlJournal } from "../os/sysctl.js";
import { openTun, type Tun } from "../os/tun.js";
import type { Config } from "./config/resolve.js";
import { nftRules } from "./nft-rules.js";
import type { SessionRoutes } from "./session-keeper.js";

export type NetworkTerms = {
  readonly config: Config;
  readonly ledger: Ledger;
  readonly instanceId: string;
  readonly runtimeDirectory: string;
  readonly sysctlJournal: string;
  /** /dev/net/tun for each queue, opened while that was still allowed. */
  readonly tunDevices: readonly Descriptor[];
  readonly log: {
    warn(fields: Record<string, unknown>, line: string): void;
    info(fields: Record<string, unknown>, line: string): void;
  };
};

/** What others may ask of it. */
export type HostNetwork = Omit<Network, "terms">;

export type NetworkFault = { readonly message: string; readonly remedy: string };

export class Network implements SessionRoutes {
  readonly #changes = new IpChanges();
  readonly #journal: SysctlJournal;
  readonly #nft: NftTable;
  readonly #held: Held[] = [];
  /** A queue for each data worker. */
  #tuns: readonly Tun[] = [];
  #tunFault: NetworkFault | undefined;
  /** What sessions have put on the TUN: to be put there again when it was deleted. */
  readonly #sessionRoutes = new Set<readonly IpChange[]>();
  #config: Config;
  #nftApplied = false;
  #forwardingIsOurs = false;

  constructor(readonly terms: NetworkTerms) {
    this.#config = terms.config;
    this.#journal = new SysctlJournal(terms.sysctlJournal);
    this.#nft = new NftTable({
      instance: terms.config.instance,
      instanceId: terms.instanceId,
      runtimeDirectory: terms.runtimeDirectory,
    });
  }

  /** Of the TUN's queues; they stay the same for the server's life, even if the interface is deleted. */
  get tunFds(): readonly number[] {
    return this.#tuns.map(({ fd }) => fd);
  }

  get natState(): string {
    if (!this.#config.network.nat.enabled) return "off";
    return this.#nftApplied ? "nftables" : "failed";
  }

  async up(): Promise<NetworkFault | undefined> {
    this.#recoverSysctls();
    const noTun = this.#openTuns();
    if (noTun !== undefined) return noTun;
    this.#hold("tun", this.#config.network.tun);
    const fault = await this.#applyToTun(this.#tunChanges());
    if (fault !== undefined) return fault;
    await this.#sweepNeighbours();
    await this.#noteLeftTable();
    await this.#forwarding();
    return this.applyRules(this.#config);
  }

  #openTuns(): NetworkFault | undefined {
    const { network, workers } = this.#config;
    const opened: Tun[] = [];
    this.#tuns = opened;
    for (let i = 0; i < workers; i++) {
      const fromFd = this.terms.tunDevices[i]?.fd;
      const tun = openTun({ name: network.tun, queue: queueOf(i, workers), fromFd });
      if (isOsError(tun)) return tunFault(tun);
      opened.push(tun);
    }
    return undefined;
  }

  /** Why the TUN is not as it should be, while it is not. */
  get tunFault(): NetworkFault | undefined {
    return this.#tunFault;
  }

  get tunMissing(): boolean {
    return this.#tuns.some(({ attached }) => !attached);
  }

  get tunState(): "up" | "down" | "deleted" {
    if (this.tunMissing) return "deleted";
    const { network, addresses } = this.#config;
    const isOurs = ({ device, address }: LocalIpv4) =>
      device === network.tun && address === addresses.gateway;
    return localIpv4Addresses().some(isOurs) ? "up" : "down";
  }

  /**
   * The interface was deleted under us: made again on the same descriptor, sessions live on. It was set
   * down, or its address or routes taken away: given again, and said in ip's words what it lacked.
   */
  async mendTun(): Promise<{ readonly lacked: readonly string[] } | NetworkFault> {
    if (this.#tuns.length === 0) return { lacked: [] };
    const { tun } = this.#config.network;
    const lacked = this.tunMissing ? await this.#remakeTun() : await this.#mendDisturbed(tun);
    this.#tunFault = "message" in lacked ? lacked : undefined;
    return lacked;
  }

  async #remakeTun(): Promise<{ readonly lacked: readonly string[] } | NetworkFault> {
    let there = this.#tuns.filter(({ attached }) => attached).length;
    for (const { name, fd, attached } of this.#tuns) {
      if (attached) continue;
      const tun = openTun({ name, queue: queueOf(there, this.#tuns.length), fromFd: fd });
      if (isOsError(tun)) return tunFault(tun);
      // A second number for the same open file: ours and the data worker's are attached with it.
      tun[Symbol.dispose]();
      there++;
    }
    const fault = await this.#applyToTun([...this.#tunChanges(), ...this.#sessionChanges()]);
    return fault ?? { lacked: [] };
  }

  async #mendDisturbed(name: string): Promise<{ readonly lacked: string[] } | NetworkFault> {
    const found = await Promise.all([
      listLinks(),
      listAddresses(),
      listRoutes(4, name),
      listRoutes(6, name),
    ]);
    const [links, addresses, ...routes] = found;
    const unknown = found.find(isOsError);
    if (unknown !== undefined) return routeFault(unknown);
    if (isOsError(links) || isOsError(addresses)) return { lacked: [] };
    const up = links.some((link) => link.name === name && link.up);
    const held = new Set(addresses.flatMap((one) => (one.device === name ? [one.address] : [])));
    const routed = new Set(routes.flatMap((of) => (isOsError(of) ? [] : of.map(({ to }) => to))));
    const lacking = [...this.#tunChanges(), ...this.#sessionChanges()].filter((change) => {
      if (change.kind === "LinkUp") return !up;
      if (change.kind === "AddAddress") return !held.has(bare(change.address));
      return change.kind === "AddRoute" && !routed.has(bare(change.to));
    });
    if (lacking.length === 0) return { lacked: [] };
    const fault = await this.#applyToTun(lacking);
    return fault ?? { lacked: lacking.map((change) => changeWords(change).join(" ")) };
  }

  #sessionChanges(): IpChange[] {
    return [...this.#sessionRoutes].flat();
  }

  /** A session may end meanwhile: its route would come after its deletion. */
  async #applyToTun(changes: readonly IpChange[]): Promise<NetworkFault | undefined> {
    const before = new Set(this.#sessionChanges());
    const failure = await this.#changes.apply(changes);
    const still = new Set(this.#sessionChanges());
    for (const change of changes) {
      if (change.kind !== "AddRoute" || !before.has(change) || still.has(change)) continue;
      const { device, to } = change;
      void this.#changes.apply([{ kind: "DeleteRoute", device, to }]);
    }
    return failure === undefined ? undefined : routeFault(failure);
  }

  /** After a reload: our table anew, in one transaction. */
  async applyRules(config: Config): Promise<NetworkFault | undefined> {
    this.#config = config;
    const body = nftRules(config, { forwardingIsOurs: this.#forwardingIsOurs });
    const failure = body === "" ? await this.#nft.delete() : await this.#nft.apply(body);
    if (failure === undefined) {
      if (body !== "" && !this.#nftApplied) this.#hold("nftTable", this.#nft.name);
      this.#nftApplied = body !== "";
      return undefined;
    }
    const message = `nftables: ${describeOsError(failure)}`;
    const remedy =
      failure.errno === "ENOENT"
        ? "install nftables (apt-get install nftables) and load nf_tables; holdfast doctor tells more"
        : "holdfast doctor tells more";
    if (config.network.nat.enabled) return { message: `NAT is on, but ${message}`, remedy };
    // A worker knows its own sessions only: that one must not reach another's is up to this table.
    if (config.workers > 1 && !config.network.clientToClient) {
      return { message: `workers is ${config.workers}, but ${message}`, remedy };
    }
    this.terms.log.warn({ problem: message, remedy }, "no host rules: the data path alone guards");
    return undefined;
  }

  /** Of one session: what the pool's own route does not cover, and ARP on the LAN. */
  async add(prefixes: readonly Prefix4[], session: SessionId): Promise<Disposable | undefined> {
    const { network, addresses } = this.#config;
    const changes: { readonly add: IpChange; readonly remove: IpChange; readonly text: string }[] =
      [];
    for (const prefix of prefixes) {
      const text = `${formatIpv4(prefix.address)}/${prefix.length}`;
      if (!covered(prefix, addresses.pool)) {
        const route = {
          device: network.tun,
          to: { family: 4, ...prefix } as Destination,
          source: addresses.gateway,
        };
        changes.push({
          add: { kind: "AddRoute", ...route },
          remove: { kind: "DeleteRoute", device: route.device, to: route.to },
          text,
        });
      }
      if (network.proxyArp !== undefined && prefix.length === 32) {
        const neighbour = { device: network.proxyArp, address: prefix.address };
        changes.push({
          add: { kind: "AddProxyNeighbour", ...neighbour },
          remove: { kind: "DeleteProxyNeighbour", ...neighbour },
          text: `proxy ARP ${text}`,
        });
      }
    }
    if (changes.length === 0) return undefined;
    const onTun = changes.map(({ add }) => add).filter(({ kind }) => kind === "AddRoute");
    const failure = await this.#changes.apply(changes.map(({ add }) => add));
    if (failure !== undefined) {
      this.terms.log.warn({ session, problem: describeOsError(failure) }, "no route to a session");
      return undefined;
    }
    const detail = changes.map(({ text }) => text).join(" ");
    const held = this.terms.ledger.enter("kernelRoute", `session ${session}`, detail);
    this.#sessionRoutes.add(onTun);
    return {
      [Symbol.dispose]: () => {
        this.#sessionRoutes.delete(onTun);
        this.terms.ledger.returning(held, "ip route delete");
        this.#changes.apply(changes.map(({ remove }) => remove)).then((problem) => {
          const gone =
            problem === undefined || ["ESRCH", "ENODEV", "ENOENT"].includes(problem.errno);
          if (gone) this.terms.ledger.leave(held);
          else
            this.terms.log.warn({ session, problem: describeOsError(problem) }, "a route is stuck");
        });
      },
    };
  }

  /** Everything back, in the opposite order; what fails is logged and does not keep the rest. */
  async down(): Promise<void> {
    if (this.#nftApplied) {
      const failure = await this.#nft.delete();
      if (failure !== undefined) this.#complain(failure, "our nftables table is left");
      this.#nftApplied = false;
    }
    const { left, failed } = this.#journal.restore();
    for (const failure of failed) this.#complain(failure, "a kernel setting is not put back");
    if (left.length > 0) {
      this.terms.log.info({ left }, "kernel settings that someone else changed are left");
    }
    // The interface takes its addresses and routes with it.
    for (const tun of this.#tuns) tun[Symbol.dispose]();
    this.#tuns = [];
    for (const held of this.#held.splice(0)) this.terms.ledger.leave(held);
  }

  #tunChanges(): IpChange[] {
    const { network, addresses } = this.#config;
    const device = network.tun;
    const changes: IpChange[] = [
      {
        kind: "AddAddress",
        device,
        address: { family: 4, address: addresses.gateway, length: 32 },
      },
      { kind: "LinkUp", device, mtu: network.mtu },
      ...addresses.pool.flatMap(prefixesOf).map(
        (prefix): IpChange => ({
          kind: "AddRoute",
          device,
          to: { family: 4, ...prefix },
          source: addresses.gateway,
        }),
      ),
    ];
    if (addresses.ipv6Prefix !== undefined) {
      changes.push({ kind: "AddRoute", device, to: { family: 6, ...addresses.ipv6Prefix } });
    }
    return changes;
  }

  /**
   * Proxy ARP that a killed server of ours left: an interface that goes takes only its own along. At whichever
   * interface: it may have been configured at another one then.
   */
  async #sweepNeighbours(): Promise<void> {
    const neighbours = await listProxyNeighbours();
    if (isOsError(neighbours)) return;
    const left = neighbours.flatMap(({ address, device, protocol }): IpChange[] => {
      const parsed = parseIpv4(address);
      if (protocol !== ROUTE_PROTOCOL || parsed === undefined) return [];
      if (!covered({ address: parsed, length: 32 }, this.#config.addresses.pool)) return [];
      return [{ kind: "DeleteProxyNeighbour", device, address: parsed }];
    });
    for (const change of left) await this.#changes.apply([change]);
    const removed = left.map(changeWords);
    if (removed.length > 0) {
      this.terms.log.info({ removed }, "removed proxy ARP that an earlier run had left");
    }
  }

  /** Said only: `applyRules` puts ours in its place. */
  async #noteLeftTable(): Promise<void> {
    const table = await this.#nft.read();
    if (table === undefined || isOsError(table) || !table.ours) return;
    const { name } = this.#nft;
    this.terms.log.info({ table: name }, "replaces the nft table that an earlier run had left");
  }

  #recoverSysctls(): void {
    const recovered = this.#journal.recover();
    if (isOsError(recovered)) return this.#complain(recovered, "no record of kernel settings");
    if (recovered.restored.length > 0) {
      const { restored } = recovered;
      this.terms.log.info({ restored }, "put back kernel settings that an earlier run had left");
    }
  }

  async #forwarding(): Promise<void> {
    const { network, addresses } = this.#config;
    if (network.forwarding === "off") return;
    this.#forwardingIsOurs = readSysctl(IP_FORWARD) === "0";
    const failure = this.#journal.set(IP_FORWARD, "1");
    if (failure !== undefined) this.#complain(failure, "IPv4 forwarding stays off");
    if (addresses.ipv6Prefix !== undefined) await this.#forwarding6();
  }

  /** Forwarding turns router advertisements off: uplinks that live from them keep them. */
  async #forwarding6(): Promise<void> {
    const routes = await listRoutes(6);
    const uplinks = isOsError(routes)
      ? []
      : routes.filter(({ to, protocol }) => to === "default" && protocol === 9);
    for (const { device } of uplinks) {
      if (device !== undefined) this.#journal.set(acceptRa(device), "2");
    }
    const failure = this.#journal.set(IPV6_FORWARDING, "1");
    if (failure !== undefined) this.#complain(failure, "IPv6 forwarding stays off");
  }

  #hold(what: string, detail: string): void {
    this.#held.push(this.terms.ledger.enter(what, "network", detail));
  }

  #complain(failure: OsError, line: string): void {
    this.terms.log.warn({ problem: describeOsError(failure) }, line);
  }
}

function routeFault(failure: OsError): NetworkFault {
  const remedy =
    failure.errno === "EEXIST"
      ? "another interface has that address or route: choose another addresses.pool"
      : "holdfast doctor tells more";
  return { message: describeOsError(failure), remedy };
}

function queueOf(index: number, of: number): "only" | "first" | "further" {
  if (of === 1) return "only";
  return index === 0 ? "first" : "further";
}

function tunFault(failure: OsError): NetworkFault {
  const remedies: Record<string, string> = {
    ENOENT: "the kernel has no TUN: modprobe tun, or give the container --device /dev/net/tun",
    EACCES: "the server's user may not open /dev/net/tun: start it as root or by its unit",
    EPERM: "making an interface needs CAP_NET_ADMIN: start it as root or by its unit",
    EBUSY: "another process has an interface of that name: change network.tun",
  };
  return {
    message: `no TUN interface: ${describeOsError(failure)}`,
    remedy: remedies[failure.errno] ?? "holdfast doctor tells more",
  };
}

/** As ip lists it: a whole address without its length; addresses are compared without theirs, too. */
function bare(to: Destination): string {
  return destinationText(to).replace(to.family === 4 ? /\/32$/ : /\/128$/, "");
}

function covered({ address, length }: Prefix4, pool: readonly Range4[]): boolean {
  const first = (address & mask4(length)) >>> 0;
  const last = first + 2 ** (32 - length) - 1;
  return pool.some((range) => first >= range.first && last <= range.last);
}

/** The fewest prefixes that are together exactly this range. */
export function prefixesOf({ first, last }: Range4): Prefix4[] {
  const prefixes: Prefix4[] = [];
  for (let at: Ipv4 = first; at <= last; ) {
    let size = at === 0 ? 2 ** 32 : (at & -at) >>> 0;
    while (at + size - 1 > last) size /= 2;
    prefixes.push({ address: at, length: 32 - Math.log2(size) });
    at += size;
  }
  return prefixes;
}
