// The servers side by side, each with its client: started in a namespace of its own, given as paths.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { TestServer } from "../test/e2e/harness.js";
import { expectOk, type Place } from "../test/lab/place.js";
import type { FleetUp, FleetWish } from "./fleet.js";
import type { Server, Site } from "./site.js";
import { labBin, type Path } from "./traffic.js";

export const modes = ["off", "128", "128-stateful"] as const;
export type Mode = (typeof modes)[number];
export const user = "ann";
export const password = "secret-Pw1";

/** Data packets and their octets of IP so far, as the server's end counts them. */
export type Counted = {
  readonly received: number;
  readonly sent: number;
  readonly receivedOctets: number;
  readonly sentOctets: number;
};

/** Data workers of ours at both ends: whose processor time is counted, and for what. */
export type Workers = {
  pids(): Promise<{ readonly server: readonly number[]; readonly client: readonly number[] }>;
  /** Waits until all is told. */
  counted(): Promise<Counted>;
};

export type Running = AsyncDisposable & {
  readonly paths: readonly Path[];
  readonly workers?: Workers;
};

export type Terms = { readonly mode: Mode; readonly sessions: number };

export type Peer = {
  readonly name: string;
  /** Needs a kernel with PPP: only in a guest. */
  readonly guestOnly: boolean;
  /** Carries as many sessions as it is told, encrypted as it is told. */
  readonly tunnels: boolean;
  start(site: Site, server: Server, terms: Terms): Promise<Running>;
};

const nothing = { async [Symbol.asyncDispose]() {} };
const encryptionOf = { off: "none", "128": "128", "128-stateful": "128-stateful" } as const;
const inner = ({ number }: Server) => `10.${number}`;

/** The plain cable. */
const veth: Peer = {
  name: "veth",
  guestOnly: false,
  tunnels: false,
  async start(_, { cable, address, clientAddress }) {
    return { ...nothing, paths: [{ local: clientAddress, device: cable, remote: address }] };
  },
};

/** The least that user space can do: two C programs between TUN and UDP. */
const forwarder: Peer = {
  name: "forwarder",
  guestOnly: false,
  tunnels: false,
  async start(_, server) {
    const tun = `f${server.number}`;
    const [far, near] = [`${inner(server)}.0.1`, `${inner(server)}.0.2`];
    const end = (place: Place, outer: string, peer: string, own: string, other: string) =>
      expectOk(
        place,
        `setsid ${labBin}/forwarder ${tun} ${outer} ${peer} </dev/null >/dev/null 2>&1 &
         for ((n = 0; n < 100; n++)); do ip link show ${tun} >/dev/null 2>&1 && break; sleep 0.05; done
         ip link set ${tun} addrgenmode none
         ip address add ${own} peer ${other} dev ${tun} && ip link set ${tun} mtu 1400 up`,
      );
    await end(server.place, server.address, server.clientAddress, far, near);
    await end(server.client, server.clientAddress, server.address, near, far);
    return { ...nothing, paths: [{ local: near, device: tun, remote: far }] };
  },
};

const pptpd: Peer = {
  name: "pptpd",
  guestOnly: true,
  tunnels: true,
  async start(_, server, terms) {
    const words = ["mschap-v2", encryptionOf[terms.mode], user, password].join(" ");
    await expectOk(server.place, `POOL=${inner(server)}.0 server-pptpd ${words}`);
    return { ...nothing, paths: await kernelClients(server, terms) };
  },
};

/** pppd over the kernel's PPTP channel at the server's end too: no packet comes to user space. */
const kserver: Peer = {
  name: "kserver",
  guestOnly: true,
  tunnels: true,
  async start(_, server, terms) {
    const words = ["mschap-v2", encryptionOf[terms.mode], user, password].join(" ");
    await expectOk(server.place, `server-kernel ${server.address} ${inner(server)}.0 ${words}`);
    return { ...nothing, paths: await kernelClients(server, terms) };
  },
};

export function startOurs(server: Server, { mode }: Terms): Promise<TestServer> {
  return TestServer.start({
    place: server.place,
    config: {
      addresses: { pool: [`${inner(server)}.0.0/22`] },
      defaultProfile: {
        encryption: {
          required: mode !== "off",
          bits: mode === "off" ? [] : [128],
          stateful: mode === "128-stateful",
        },
      },
      // What the generators talk to is on the server's host itself.
      network: { reachHost: true, clientToClient: true, forwarding: "off" },
      users: { sessionsPerUser: 250 },
      // All of them come from one address, faster than the guard lets a stranger log in.
      guard: { allow: ["198.18.0.0/15"] },
    },
    users: [{ name: user, password }],
    readyS: 120,
  });
}

/** With the kernel's client in a guest, with our own on this host. */
const ours: Peer = {
  name: "holdfast",
  guestOnly: false,
  tunnels: true,
  async start(site, server, terms) {
    const started = await startOurs(server, terms);
    try {
      if (site.place.name === "host") return await withFleet(site, server, terms, started);
      const paths = await kernelClients(server, terms);
      return { paths, [Symbol.asyncDispose]: () => started[Symbol.asyncDispose]() };
    } catch (failure) {
      const log = await started.log();
      await started[Symbol.asyncDispose]();
      throw new Error(`${failure}\n${log.slice(-2_000)}`);
    }
  },
};

export const peers: readonly Peer[] = [veth, forwarder, kserver, pptpd, ours];

export function peerNamed(wanted: string): Peer {
  const found = peers.find(({ name }) => name === wanted);
  if (found === undefined) throw new Error(`no peer ${wanted}`);
  return found;
}

/** Sessions of pppd over the kernel's PPTP channel: no system call a packet at the client's end. */
async function kernelClients(server: Server, { mode, sessions }: Terms): Promise<Path[]> {
  const first = server.number * 1_000;
  const dial = `CHANNEL=kernel client ${server.address} mschap-v2 ${encryptionOf[mode]} $unit ${user} ${password}`;
  const log = `/run/bench-client-${server.number}.log`;
  await expectOk(
    server.client,
    `for ((unit = ${first}; unit < ${first + sessions}; unit++)); do
       { ${dial} >/run/bench-client-$unit.log 2>&1 || cp /run/bench-client-$unit.log ${log}; } &
       [ $(((unit + 1) % 8)) != 0 ] || wait
     done
     wait
     [ ! -e ${log} ] || { tail -n 20 ${log}; exit 1; }`,
    60 + sessions * 6,
  );
  const text = await expectOk(server.client, "ip -j -4 address show");
  const paths = (JSON.parse(text) as Interface[])
    .filter(({ ifname }) => /^ppp[0-9]+$/.test(ifname))
    .filter(({ ifname }) => Math.floor(Number(ifname.slice(3)) / 1_000) === server.number)
    .flatMap(({ ifname, addr_info: [info] }) =>
      info?.address === undefined
        ? []
        : [{ local: info.local, device: ifname, remote: info.address }],
    );
  if (paths.length < sessions) throw new Error(`${paths.length} of ${sessions} sessions are up`);
  return paths;
}

type Interface = {
  readonly ifname: string;
  readonly addr_info: readonly { readonly local: string; readonly address?: string }[];
};

/** As `holdfast sessions` counts; workers report once a second. */
function workersOf(server: TestServer, client: readonly number[]): Workers {
  return {
    pids: async () => ({
      server: (await server.status()).workers.map(({ pid }) => pid),
      client,
    }),
    async counted() {
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const sum = { received: 0, sent: 0, receivedOctets: 0, sentOctets: 0 };
      for (const { counters } of (await server.sessions()).sessions) {
        sum.received += counters.receivedPackets;
        sum.sent += counters.sentPackets;
        sum.receivedOctets += counters.receivedOctets;
        sum.sentOctets += counters.sentOctets;
      }
      return sum;
    },
  };
}

async function withFleet(
  site: Site,
  server: Server,
  { mode, sessions }: Terms,
  started: TestServer,
): Promise<Running> {
  const tun = `hf${server.number}`;
  const wish: FleetWish = {
    server: server.address,
    user,
    password,
    tun,
    sessions,
    number: server.number,
    terms: {
      encryption: mode === "off" ? "none" : "required",
      stateful: mode === "128-stateful",
      askStateful: mode === "128-stateful",
    },
  };
  if (sessions > 1) {
    await expectOk(server.place, `ip route add local 10.${server.number + 100}.0.0/16 dev lo`);
  }
  const program = join(import.meta.dirname, "run.mjs");
  const pin = site.pins === undefined ? [] : ["taskset", "-c", `${site.pins.client}`];
  const node = [...pin, process.execPath, program, "fleet", JSON.stringify(wish)];
  const child = spawn("ip", ["netns", "exec", server.client.netns, ...node], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const up = await new Promise<FleetUp>((resolve, reject) => {
    let text = "";
    const patienceS = 60 + 2 * sessions;
    const late = () => reject(new Error(`the client is not up in ${patienceS} s`));
    const timer = setTimeout(late, patienceS * 1_000);
    child.once("close", (code) => reject(new Error(`the client ended: ${code}`)));
    child.stdout.on("data", (part) => {
      text += part;
      if (!text.endsWith("\n")) return;
      clearTimeout(timer);
      resolve(JSON.parse(text) as FleetUp);
    });
  }).catch((failure) => {
    child.kill("SIGKILL");
    throw failure;
  });
  return {
    paths: up.paths.map((path) => ({ ...path, device: tun })),
    workers: workersOf(started, up.workerPids),
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await started[Symbol.asyncDispose]();
    },
  };
}
