// The storm's door: what the command line asks for, checked, and what comes of it.
import { formatIpv4, type Ipv4 } from "../base/ip.js";
import { storm as bounds } from "../limits/storm.js";
import { localIpv4Addresses } from "../os/local-addresses.js";
import type { Admin } from "./account.js";
import { Bench, BenchFailed } from "./bench.js";
import type { Credentials } from "./honest/ppp-peer.js";
import type { StormReport } from "./report.js";
import type { Scenario } from "./scenario.js";
import { scenarios, scenariosOf } from "./scenarios.js";
import { sharesOf } from "./shares.js";
import { aim, isLoopback } from "./target.js";

export type StormOptions = {
  readonly version: string;
  readonly server: Ipv4;
  readonly port: number;
  readonly operated: boolean;
  /** None: all. */
  readonly scenarios: readonly string[];
  readonly seconds: number;
  readonly perSecond: number;
  readonly seed: number;
  readonly sessions: number;
  /** Of these, how many log in a second at first. */
  readonly ramp: number;
  readonly credentials: Credentials | undefined;
  readonly pid: number | undefined;
  readonly admin: Admin | undefined;
  /** None: chosen. */
  readonly from: readonly Ipv4[];
  /** Of the honest sessions, in turn; none: the one that the system takes. */
  readonly sessionsFrom: readonly Ipv4[];
  readonly say: (line: string) => void;
};

export type StormEnd =
  | { readonly ok: true; readonly report: StormReport }
  | {
      readonly ok: false;
      readonly why: "usage" | "refused" | "failed" | "privileges";
      readonly message: string;
      readonly remedy: string;
    };

/** Sources on loopback, a /24 of their own: all of 127.0.0.0/8 is this host's. */
const LOOPBACK_SOURCES = Array.from({ length: 254 }, (_, at) => 0x7f42_0001 + at);

export async function runStorm(options: StormOptions): Promise<StormEnd> {
  const chosen = chosenOf(options.scenarios);
  if (typeof chosen === "string") {
    const remedy = "holdfast storm --list shows them";
    return {
      ok: false,
      why: "usage",
      message: `there is no scenario ${chosen}, and none for a threat of that name`,
      remedy,
    };
  }
  const { server, port, operated, admin } = options;
  const target = { server, port, operated, adminPid: admin?.pid };
  const aimed = await aim(target);
  if (!aimed.ok) return aimed;
  const { from, sessionsFrom } = options;
  const foreign = foreignOf([...from, ...sessionsFrom]);
  if (foreign !== undefined) return foreign;
  const locals = sessionsFrom.length > 0 ? sessionsFrom.slice(0, bounds.sourcesMax) : [aimed.local];
  const sources = sourcesOf(options, locals);
  const shares = sharesOf(chosen, sources);
  const answers = async () => (await aim({ ...target, operated: true })).ok;
  using bench = new Bench({ ...options, scenarios: chosen, locals, sources, shares, answers });
  const stop = () => bench.stop();
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  try {
    return { ok: true, report: await bench.run() };
  } catch (failure) {
    if (!(failure instanceof BenchFailed)) throw failure;
    return failed(failure.message);
  } finally {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  }
}

/** The first name that there is not, or all that are meant. */
function chosenOf(names: readonly string[]): readonly Scenario[] | string {
  if (names.length === 0) return scenarios.filter(({ byName }) => byName !== true);
  const unknown = names.find((name) => scenariosOf(name).length === 0);
  return unknown ?? [...new Set(names.flatMap(scenariosOf))];
}

const ownAddresses = () => localIpv4Addresses().map(({ address }) => address);

/** Only of this host: what the server answers comes back here. */
function foreignOf(named: readonly Ipv4[]): StormEnd | undefined {
  const own = ownAddresses();
  const foreign = named.find((address) => !isLoopback(address) && !own.includes(address));
  if (foreign === undefined) return undefined;
  const message = `${formatIpv4(foreign)} is no address of this host: its answers would go elsewhere`;
  const remedy = "name addresses of this host with --from and --sessions-from";
  return { ok: false, why: "refused", message, remedy };
}

function sourcesOf({ from, server }: StormOptions, locals: readonly Ipv4[]): readonly Ipv4[] {
  if (from.length > 0) return from.slice(0, bounds.sourcesMax);
  if (isLoopback(server)) return LOOPBACK_SOURCES;
  const others = ownAddresses().filter(
    (address) => !locals.includes(address) && !isLoopback(address),
  );
  return others.length > 0 ? others.slice(0, bounds.sourcesMax) : locals;
}

function failed(message: string): StormEnd {
  if (/EPERM|EACCES/.test(message)) {
    const remedy = "run it as root, or with CAP_NET_RAW: sending and receiving GRE needs it";
    return { ok: false, why: "privileges", message, remedy };
  }
  const remedy =
    "see the server's log; the user needs as many sessions at once as --sessions says, and three more for the " +
    "new log-ins: holdfast user set NAME --sessions N";
  return { ok: false, why: "failed", message, remedy };
}
