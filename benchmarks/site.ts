// Where a benchmark's ends are: a namespace for each server and one for its clients, a cable between the
// two, all in one place (this host or a guest), so that peers stand side by side. Clients of different
// servers do not share one: each raw GRE socket of a namespace gets a copy of every packet.
import { expectOk, InnerNetns, type Place, quote, type Result, run } from "../test/lab/place.js";

/** This host itself. */
export class Host implements Place {
  readonly name = "host";

  exec(command: string, options: { timeoutS?: number } = {}): Promise<Result> {
    return run("bash", ["-c", command], options);
  }
}

/** Which processor each end's processes are held to; anywhere without it. */
export type Pins = { readonly client: number; readonly server: number };

class Namespace extends InnerNetns {
  constructor(
    outer: Place,
    netns: string,
    readonly processor: number | undefined,
  ) {
    super(outer, netns);
  }

  override exec(command: string, options: { timeoutS?: number } = {}): Promise<Result> {
    if (this.processor === undefined) return super.exec(command, options);
    return super.exec(`exec taskset -c ${this.processor} bash -c ${quote(command)}`, options);
  }
}

export type Server = {
  readonly place: Namespace;
  /** Where its clients are. */
  readonly client: Namespace;
  /** Tells this server's addresses from the others': outer 198.18.N, inner 10.N. */
  readonly number: number;
  readonly address: string;
  readonly clientAddress: string;
  /** Name of the cable, at both ends. */
  readonly cable: string;
};

const prefix = `hf-bench-${process.pid}-`;

export class Site implements AsyncDisposable {
  readonly #names: string[] = [];
  #closed: Promise<void> | undefined;

  private constructor(
    readonly place: Place,
    readonly pins: Pins | undefined,
  ) {}

  static async open(place: Place, pins?: Pins): Promise<Site> {
    const site = new Site(place, pins);
    await expectOk(place, sweep, 300);
    return site;
  }

  async #add(netns: string): Promise<void> {
    this.#names.push(netns);
    await expectOk(this.place, `ip netns add ${netns} && ip -n ${netns} link set lo up`);
  }

  /** Its namespace, its clients', and the cable between; `number` from 1 to 90 is its own. */
  async server(name: string, number: number): Promise<Server> {
    const netns = `${prefix}${name}`;
    const clients = `${netns}-clients`;
    await this.#add(netns);
    await this.#add(clients);
    const cable = `v${number}`;
    const [address, clientAddress] = [`198.18.${number}.1`, `198.18.${number}.2`];
    const ends = [
      [netns, address],
      [clients, clientAddress],
    ].map(
      ([at, own]) => `
        ip -n ${at} link set ${cable} addrgenmode none
        ip -n ${at} address add ${own}/24 dev ${cable}
        ip -n ${at} link set ${cable} up`,
    );
    await expectOk(
      this.place,
      `set -e
       ip link add ${cable} netns ${netns} type veth peer name ${cable} netns ${clients}
       ${ends.join("\n")}`,
    );
    const inside = new Namespace(this.place, netns, this.pins?.server);
    const client = new Namespace(this.place, clients, this.pins?.client);
    return { place: inside, client, number, address, clientAddress, cable };
  }

  /** Ends all that runs in its namespaces, and them. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const names = this.#names.splice(0).reverse();
    await this.place.exec(`for netns in ${names.join(" ")}; do ${remove} done`, { timeoutS: 120 });
  }
}

// Asked again until nobody is left: a supervisor starts its children anew.
const remove = `
  for ((n = 0; n < 50; n++)); do
    pids=$(ip netns pids "$netns" 2>/dev/null)
    [ -n "$pids" ] || break
    kill -KILL $pids 2>/dev/null
    sleep 0.1
  done
  ip netns delete "$netns" 2>/dev/null || :
`;

/** Of benchmarks that were killed themselves. */
const sweep = `
  for netns in $(ip netns list | grep -oE '^hf-bench-[0-9]+-[^ ]+'); do
    owner=\${netns#hf-bench-}
    owner=\${owner%%-*}
    [ ! -e "/proc/$owner" ] || continue
    ${remove}
  done`;
