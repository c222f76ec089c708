// The data path with one session of fixed terms and nothing around it: no main process, link, log-in or
// watching over workers. What bench:cpu holds a real session's cost against (`run.mjs bare JSON`). One
// process an end; says `up`, then its counters once a second, a line each, and ends with its killer.
import { execFileSync } from "node:child_process";
import { type Ipv4, parseIpv4 } from "../src/base/ip.js";
import { noGateway } from "../src/client/client-host.js";
import { plane } from "../src/limits.js";
import { monotonicNow } from "../src/os/clock.js";
import { Epoll, READABLE } from "../src/os/epoll.js";
import { openGreSockets } from "../src/os/gre-socket.js";
import { sleep } from "../src/os/libc.js";
import { openTun } from "../src/os/tun.js";
import type { EncryptionTerms, PlaneCommand, PlaneEvent } from "../src/wire/worker-link.js";
import { Naps } from "../src/worker/naps.js";
import { PacketPath } from "../src/worker/packet-path.js";
import { held } from "../test/os/namespace.js";

export type BareWish = {
  readonly end: "gateway" | "host";
  readonly tun: string;
  /** Outer addresses, and inner ones: this end's and the other's. */
  readonly local: string;
  readonly peer: string;
  readonly inner: string;
  readonly otherInner: string;
  readonly mtu: number;
  /** Stateless MPPE-128; otherwise none. */
  readonly encrypted: boolean;
};

const wish = JSON.parse(process.argv[2] ?? "{}") as BareWish;
const gateway = wish.end === "gateway";
const flow = { slot: 0, generation: 1 };
/** Node's own loop gets its turn, as in a data worker. */
const NODE_TURN_EVERY_MS = 250;

function address(text: string): Ipv4 {
  const parsed = parseIpv4(text);
  if (parsed === undefined) throw new Error(`${text}: not an IPv4 address`);
  return parsed;
}

/** Keys that both ends know. */
function encryption(): EncryptionTerms {
  const [down, up] = [new Uint8Array(16).fill(7), new Uint8Array(16).fill(11)];
  const [sendStart, receiveStart] = gateway ? [down, up] : [up, down];
  return { bits: 128, stateful: false, sendStart, receiveStart };
}

function terms(): PlaneCommand[] {
  const [callId, peersCallId] = gateway ? [2, 1] : [1, 2];
  const far = address(gateway ? wish.inner : wish.otherInner);
  const near = address(gateway ? wish.otherInner : wish.inner);
  return [
    {
      kind: "Configure",
      gateway: { ...noGateway, gatewayAddress: gateway ? far : 0, clientToClient: true },
    },
    {
      kind: "Install",
      flow,
      localAddress: address(wish.local),
      peerAddress: address(wish.peer),
      callId,
      peersCallId,
      peersWindow: 64,
      peersProcessingDelay: 0,
      end: wish.end,
      encryptionRequired: wish.encrypted,
    },
    { kind: "Link", flow, peersMru: wish.mtu, mru: wish.mtu, acfc: true, pfc: true },
    ...(wish.encrypted ? [{ kind: "Encrypt", flow, terms: encryption() } as const] : []),
    { kind: "Network4", flow, network: { address: near, routes: [] } },
  ];
}

const gre = held(openGreSockets());
const tun = held(openTun({ name: wish.tun }));
const epoll = held(Epoll.open());
const path = new PacketPath(
  { gre: gre.descriptors, tun: tun.fd, workers: 1 },
  {
    emit(event: PlaneEvent): boolean {
      if (event.kind !== "Counters") return true;
      for (const { counters } of event.flows) process.stdout.write(`${JSON.stringify(counters)}\n`);
      return true;
    },
    trouble: (call, errno) => void process.stderr.write(`${call}: ${errno}\n`),
  },
  plane,
);
const naps = new Naps();
path.offload();
for (const command of terms()) path.handleCommand(command, monotonicNow());
for (const fd of [gre.descriptors.receive, tun.fd]) epoll.add(fd, READABLE);
execFileSync("ip", ["address", "add", wish.inner, "peer", wish.otherInner, "dev", wish.tun]);
execFileSync("ip", ["link", "set", wish.tun, "mtu", String(wish.mtu), "up"]);

/** As much of DataWorker's turn as packets need. */
function turn(): number {
  if (naps.microseconds > 0 && !path.more) sleep(naps.microseconds);
  const ready = epoll.wait(NODE_TURN_EVERY_MS);
  const now = monotonicNow();
  const at = path.pollTimeout();
  if (at !== undefined && at <= now) path.handleTimeout(now);
  path.more = false;
  let packets = 0;
  for (let i = 0; i < ready; i++) {
    packets += epoll.ready(i) === tun.fd ? path.readTun(now) : path.readGre(now);
  }
  naps.woke(packets, now);
  return now;
}

function run(): void {
  const until = monotonicNow() + NODE_TURN_EVERY_MS;
  while (turn() < until);
  setImmediate(run);
}

process.stdout.write("up\n");
run();
