// The filter of GRE before interfaces, as an option (XDP): at those that the configuration names, or at
// those that have the addresses we listen on. What cannot be attached is a warning, and served by the
// socket filter alone. Whoever comes, goes or changes its addresses later is looked at again.
import type { Ipv4 } from "../base/ip.js";
import { lease } from "../base/lease.js";
import type { Scope } from "../base/scope.js";
import { xdp } from "../limits.js";
import { interfaceOfXdp, type XdpMode } from "../os/bpf.js";
import type { Descriptor } from "../os/descriptor.js";
import { describeOsError, errnoName, isOsError, type OsError } from "../os/errors.js";
import type { CallFilter } from "../os/gre-filter.js";
import type { FrameStart } from "../os/gre-filter-xdp.js";
import { findInterface } from "../os/interface.js";
import type { watchLink } from "../os/link-watch.js";
import type { LocalIpv4 } from "../os/local-addresses.js";

/** `auto`: interfaces with addresses that we listen on. */
export type XdpChoice = "off" | "auto" | readonly string[];

export type XdpKeeperTerms = {
  readonly filter: Pick<CallFilter, "attachXdp" | "addAddress" | "removeAddress">;
  readonly listening: "all" | readonly Ipv4[];
  /** The sessions' own interface: what comes from it is no outer packet. */
  readonly tun: string;
  readonly localAddresses: () => readonly LocalIpv4[];
  readonly watchLink: typeof watchLink;
  readonly scope: Scope;
  readonly log: {
    warn(fields: Record<string, unknown>, line: string): void;
    info(fields: Record<string, unknown>, line: string): void;
  };
};

export type XdpState = {
  readonly interface: string;
  readonly mode: XdpMode | "none";
  /** Why there is none, or no native one; empty otherwise. */
  readonly why: string;
};

type Attached = { readonly index: number; readonly link: Descriptor; readonly state: XdpState };

/** A burst of changes is looked at once. */
const settleMs = 250;
const LOOPBACK = "lo";

/** Of linux/if_arp.h, what a frame begins with. Others' frames this filter cannot read. */
const FRAME_STARTS: Readonly<Record<number, FrameStart>> = {
  1: "ethernet",
  772: "ethernet",
  512: "ip",
  519: "ip",
  65534: "ip",
};

/** All that it holds is its scope's, and ends with that. */
export class XdpKeeper {
  readonly #terms: XdpKeeperTerms;
  #choice: XdpChoice = "off";
  readonly #attached = new Map<string, Attached>();
  readonly #failed = new Map<string, string>();
  readonly #addresses = new Set<Ipv4>();
  #watch: Disposable | undefined;
  #timer: NodeJS.Timeout | undefined;
  #tooMany = false;

  constructor(
    terms: XdpKeeperTerms,
    readonly kernel = { findInterface, interfaceOfXdp },
  ) {
    this.#terms = terms;
  }

  /** By name. */
  get states(): XdpState[] {
    const none = [...this.#failed].map(([name, why]) => ({
      ...{ interface: name, mode: "none" as const, why },
    }));
    const all = [...[...this.#attached.values()].map(({ state }) => state), ...none];
    return all.sort((a, b) => (a.interface < b.interface ? -1 : 1));
  }

  choose(choice: XdpChoice): void {
    this.#choice = choice;
    this.#failed.clear();
    if (choice === "off") this.#endWatch();
    else if (this.#watch === undefined) this.#beginWatch();
    this.check();
  }

  /** Makes interfaces and addresses what they should be now. */
  check(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#choice !== "off") this.#learnAddresses();
    for (const [name, { index, link }] of [...this.#attached]) {
      if (this.#isAt(name, index) && this.kernel.interfaceOfXdp(link) === index) continue;
      this.#detach(name);
      this.#terms.log.info({ interface: name }, "the XDP filter went with its interface");
    }
    const wanted = this.#wanted();
    for (const name of [...this.#attached.keys()]) if (!wanted.includes(name)) this.#detach(name);
    for (const name of [...this.#failed.keys()]) {
      if (!wanted.includes(name)) this.#failed.delete(name);
    }
    for (const name of wanted) if (!this.#attached.has(name)) this.#attach(name);
  }

  /**
   * One that lost its addresses keeps its filter while it exists: a driver that takes its link down to put a
   * program on would otherwise be asked to do so for ever. Nothing is refused there without our addresses.
   */
  #wanted(): string[] {
    if (this.#choice === "off") return [];
    if (this.#choice !== "auto") return [...this.#choice];
    const { listening, tun, localAddresses } = this.#terms;
    const having = localAddresses().flatMap(({ device, address }) => {
      if (device === LOOPBACK || device === tun) return [];
      return listening === "all" || listening.includes(address) ? [device] : [];
    });
    const all = [...new Set([...this.#attached.keys(), ...having])];
    if (all.length > xdp.interfacesMax && !this.#tooMany) {
      this.#tooMany = true;
      const most = xdp.interfacesMax;
      this.#terms.log.warn(
        { interfaces: all.length, most },
        "more interfaces than an XDP filter is put on: name those that matter under xdp:",
      );
    }
    return all.slice(0, xdp.interfacesMax);
  }

  #attach(name: string): void {
    const found = this.kernel.findInterface(name);
    if (isOsError(found)) {
      const gone = found.errno === "ENODEV";
      return this.#fail(name, gone ? "there is no such interface" : describeOsError(found));
    }
    const start = FRAME_STARTS[found.type];
    if (start === undefined) return this.#fail(name, `frames of link type ${found.type}`);
    const { filter, scope, log } = this.#terms;
    let why = "";
    for (const mode of ["native", "generic"] as const) {
      const link = filter.attachXdp(found.index, start, mode);
      if (isOsError(link)) {
        const because = `${mode}: ${reasonOf(link)}`;
        why = why === "" ? because : `${why}; ${because}`;
        continue;
      }
      scope.hold("XDP link", link, name);
      this.#failed.delete(name);
      this.#attached.set(name, { index: found.index, link, state: { interface: name, mode, why } });
      return log.info({ interface: name, mode, why }, "GRE is refused at the interface (XDP)");
    }
    this.#fail(name, why);
  }

  #detach(name: string): void {
    const attached = this.#attached.get(name);
    this.#attached.delete(name);
    if (attached !== undefined) this.#terms.scope.release(attached.link);
  }

  #isAt(name: string, index: number): boolean {
    const found = this.kernel.findInterface(name);
    return !isOsError(found) && found.index === index;
  }

  /** Said once for each reason, not at each look. */
  #fail(name: string, why: string): void {
    if (this.#failed.get(name) === why) return;
    this.#failed.set(name, why);
    this.#terms.log.warn(
      { interface: name, why },
      "no XDP filter at this interface: GRE is refused at the socket, which costs more",
    );
  }

  #learnAddresses(): void {
    const { listening, localAddresses, tun, filter, log } = this.#terms;
    const all =
      listening === "all"
        ? localAddresses().flatMap(({ device, address }) => (device === tun ? [] : [address]))
        : listening;
    const ours = new Set(all.slice(0, xdp.addressesMax));
    for (const address of [...this.#addresses]) {
      if (ours.has(address)) continue;
      this.#addresses.delete(address);
      filter.removeAddress(address);
    }
    for (const address of ours) {
      if (this.#addresses.has(address)) continue;
      const result = filter.addAddress(address);
      // GRE to it goes on to the socket filter.
      if (result >= 0) this.#addresses.add(address);
      else log.warn({ why: errnoName(result) }, "an address is not known to the XDP filter");
    }
  }

  #beginWatch(): void {
    const watch = this.#terms.watchLink(undefined, () => {
      this.#timer ??= setTimeout(() => this.check(), settleMs);
    });
    if (isOsError(watch)) {
      const why = describeOsError(watch);
      this.#terms.log.warn({ why }, "changed interfaces get an XDP filter at the next reload only");
      return;
    }
    const both = lease(() => {
      clearTimeout(this.#timer);
      watch[Symbol.dispose]();
    });
    this.#watch = this.#terms.scope.hold("socket", both, "XDP link watch");
  }

  #endWatch(): void {
    if (this.#watch !== undefined) this.#terms.scope.release(this.#watch);
    this.#watch = undefined;
  }
}

function reasonOf(failure: OsError): string {
  const { errno } = failure;
  if (errno === "ENOTSUP" || errno === "EOPNOTSUPP") return "the driver has none";
  if (errno === "ERANGE") return "the MTU is too large for it";
  if (errno === "EBUSY" || errno === "EEXIST") return "another XDP program is there";
  return describeOsError(failure);
}
