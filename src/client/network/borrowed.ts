// What a session takes of this host's network beside its interface: routes, the server's own route
// pinned, name servers. Written down before it is taken; given back at its end, or by the next start.
import { formatIpv4, type Ipv4, parseIpv4 } from "../../base/ip.js";
import { isOsError, type OsError } from "../../os/errors.js";
import { type IpChanges, listRoutes, routeTo } from "../../os/ip.js";
import {
  type NameServerWay,
  nameServerWay,
  setNameServers,
  unsetNameServers,
} from "./name-servers.js";
import { needsPin, type Pin, pinChange, type RouteWish, routeChanges } from "./route-plan.js";
import type { Changed } from "./state-file.js";

export type NetworkWish = {
  readonly routes: RouteWish;
  readonly dns: boolean;
};

export type Session = {
  readonly tun: string;
  readonly server: Ipv4;
  readonly nameServers: readonly Ipv4[];
};

export class Borrowed {
  #changed: Changed = {};
  #routed = false;
  #unheard = false;

  /** `record` writes down what is about to be changed; a failure of it leaves things alone. */
  constructor(
    readonly changes: IpChanges,
    readonly wish: NetworkWish,
    readonly session: Session,
    readonly record: (changed: Changed) => OsError | undefined,
  ) {}

  /** How names are asked for now; undefined where nobody could be told, or nothing was to be. */
  get nameServers(): NameServerWay | undefined {
    return this.#changed.nameServers?.way;
  }

  /** There were name servers to be told of, and nobody to tell. */
  get unheard(): boolean {
    return this.#unheard;
  }

  /** All of it, or the first failure: then `giveBack` takes back what was taken. */
  async take(): Promise<OsError | undefined> {
    return (await this.#pin()) ?? (await this.#route()) ?? (await this.#name());
  }

  /** Everything, whatever of it fails; says what did. */
  async giveBack(): Promise<OsError[]> {
    const failures: OsError[] = [];
    if (this.#routed) {
      const { routes } = this.wish;
      for (const change of routeChanges("DeleteRoute", routes, this.session.tun)) {
        // The kernel takes an interface's routes along with its last address.
        note(await this.changes.apply([change]), failures);
      }
      this.#routed = false;
    }
    failures.push(...(await undo(this.changes, this.#changed)));
    if (Object.keys(this.#changed).length === 0) return failures;
    this.#changed = {};
    const failure = this.record({});
    return failure === undefined ? failures : [...failures, failure];
  }

  async #pin(): Promise<OsError | undefined> {
    const { wish, session } = this;
    if (!needsPin(wish.routes, session.server)) return undefined;
    const present = await listRoutes(4);
    if (isOsError(present)) return present;
    const server = formatIpv4(session.server);
    // Somebody's own route to the server serves as well, and is not ours to take back.
    if (present.some(({ to }) => to === server)) return undefined;
    const route = await routeTo(session.server);
    if (isOsError(route)) return route;
    if (route.device === undefined) return undefined;
    const via = route.gateway === undefined ? undefined : parseIpv4(route.gateway);
    const pin: Pin = { device: route.device, to: session.server, via };
    const failure = this.#record({ ...this.#changed, pin });
    return failure ?? this.changes.apply([pinChange("AddRoute", pin)]);
  }

  async #route(): Promise<OsError | undefined> {
    this.#routed = true;
    const changes = routeChanges("AddRoute", this.wish.routes, this.session.tun);
    return changes.length === 0 ? undefined : this.changes.apply(changes);
  }

  async #name(): Promise<OsError | undefined> {
    const { wish, session } = this;
    if (!wish.dns || wish.routes === "none" || session.nameServers.length === 0) return undefined;
    const way = nameServerWay();
    this.#unheard = way === undefined;
    if (way === undefined) return undefined;
    const device = session.tun;
    const failure = this.#record({ ...this.#changed, nameServers: { way, device } });
    if (failure !== undefined) return failure;
    return setNameServers(way, device, session.nameServers, wish.routes === "default");
  }

  #record(changed: Changed): OsError | undefined {
    const failure = this.record(changed);
    if (failure === undefined) this.#changed = changed;
    return failure;
  }
}

/** What a session changed beyond its interface; gone already is as good as undone. */
export async function undo(changes: IpChanges, changed: Changed): Promise<OsError[]> {
  const failures: OsError[] = [];
  const { pin, nameServers } = changed;
  if (nameServers !== undefined) {
    note(await unsetNameServers(nameServers.way, nameServers.device), failures);
  }
  if (pin !== undefined) note(await changes.apply([pinChange("DeleteRoute", pin)]), failures);
  return failures;
}

function note(failure: OsError | undefined, failures: OsError[]): void {
  if (failure !== undefined && failure.errno !== "ESRCH" && failure.errno !== "ENODEV") {
    failures.push(failure);
  }
}
