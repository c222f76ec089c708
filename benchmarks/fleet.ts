// Our own client with one session or many, in a process of its own (`run.mjs fleet JSON`): says on a
// line how the sessions are reached, and ends with its input. For measuring servers.
//
// One session is a client's as it is. A client's TUN carries one session only, so for many the client's
// end is given to its data worker as a gateway is: each session is reached by an address of its own
// (10.(N + 100).x.y for the session with 10.N.x.y), which the server's host has on its loopback.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { formatIpv4, type Ipv4, parseIpv4 } from "../src/base/ip.js";
import { Ledger } from "../src/base/ledger.js";
import { ClientCall } from "../src/client/call.js";
import { ClientHost } from "../src/client/client-host.js";
import { type ClientTerms, clientPolicy } from "../src/client/policy.js";
import { monotonicNow } from "../src/os/clock.js";
import type { PlaneCommand } from "../src/wire/worker-link.js";

export type FleetWish = {
  readonly server: string;
  readonly user: string;
  readonly password: string;
  readonly tun: string;
  readonly sessions: number;
  /** N of 10.N: the server's pool. */
  readonly number: number;
  readonly terms: ClientTerms;
};
export type FleetUp = {
  readonly paths: readonly { readonly local: string; readonly remote: string }[];
  readonly workerPids: readonly number[];
};

const AT_ONCE = 8;
const farOf = (near: Ipv4): Ipv4 => (near + (100 << 16)) >>> 0;

function asGateway(command: PlaneCommand): PlaneCommand {
  if (command.kind === "Install") return { ...command, end: "gateway" };
  if (command.kind !== "Network4" || command.network === undefined) return command;
  return { ...command, network: { address: farOf(command.network.address), routes: [] } };
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return text === "" ? [] : text.split(" ").map(Number);
}

const ip = (words: string) => execFileSync("ip", words.split(" "));
const wish = JSON.parse(process.argv[2] ?? "{}") as FleetWish;
const many = wish.sessions > 1;
const opened = ClientHost.open(wish.tun, new Ledger(monotonicNow));
if ("message" in opened) throw new Error(`${opened.message}: ${opened.remedy}`);
const host = opened;

if (many) {
  const send = host.send.bind(host);
  host.send = (command) => send(asGateway(command));
  ip(`link set ${wish.tun} mtu 1400 up`);
  ip(`route add local 10.${wish.number}.0.0/16 dev lo`);
  ip(`route add 10.${wish.number + 100}.0.0/16 dev ${wish.tun}`);
}

async function call(): Promise<FleetUp["paths"][number]> {
  const placed = new ClientCall(host, {
    server: parseIpv4(wish.server) ?? 0,
    port: 1723,
    credentials: { name: wish.user, password: wish.password },
    ppp: clientPolicy(wish.terms),
    configureTun: !many,
  });
  void placed.ended.then(({ cause }) => process.stderr.write(`a session ended: ${cause}\n`));
  const up = await placed.up;
  if (!("ours" in up)) throw new Error(`no session: ${up.cause}`);
  return { local: formatIpv4(up.ours), remote: formatIpv4(many ? farOf(up.ours) : up.peers) };
}

const paths: FleetUp["paths"][number][] = [];
while (paths.length < wish.sessions) {
  const wanted = Math.min(AT_ONCE, wish.sessions - paths.length);
  paths.push(...(await Promise.all(Array.from({ length: wanted }, call))));
}
const up: FleetUp = { paths, workerPids: childrenOf(process.pid) };
process.stdout.write(`${JSON.stringify(up)}\n`);
process.stdin.on("end", () => process.exit(0)).resume();
