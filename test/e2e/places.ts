// A server's surroundings in namespaces: clients' networks, an outside, a LAN, each on a cable.
import { Namespace } from "../os/namespace.js";
import { settled } from "./settled.js";

export type Cable = {
  readonly name: string;
  /** At the server's end and at the other, with prefix length. */
  readonly server: readonly string[];
  readonly other: readonly string[];
};

export class Places implements Disposable {
  readonly server = new Namespace();
  readonly #others = new Map<string, Namespace>();

  /** Each cable's two ends are interfaces of its name. */
  static async laid(...cables: Cable[]): Promise<Places> {
    const places = new Places();
    try {
      for (const cable of cables) places.#lay(cable);
      await settled(places.server, ...places.#others.values());
      return places;
    } catch (failure) {
      places[Symbol.dispose]();
      throw failure;
    }
  }

  #lay({ name, server, other }: Cable): void {
    const far = new Namespace();
    this.#others.set(name, far);
    const near = this.server;
    near.ip("link", "add", name, "type", "veth", "peer", "name", name, "netns", far.name);
    for (const [side, addresses] of [
      [near, server],
      [far, other],
    ] as const) {
      side.ip("link", "set", name, "up");
      for (const address of addresses)
        side.ip("address", "add", address, "dev", name, ...nodad(address));
    }
  }

  at(name: string): Namespace {
    const namespace = this.#others.get(name);
    if (namespace === undefined) throw new Error(`no cable ${name}`);
    return namespace;
  }

  [Symbol.dispose](): void {
    for (const namespace of [this.server, ...this.#others.values()]) namespace[Symbol.dispose]();
  }
}

function nodad(address: string): string[] {
  return address.includes(":") ? ["nodad"] : [];
}
