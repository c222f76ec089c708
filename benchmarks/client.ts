// bench:client : one connection of our own TCP (src/client/tcp), through a session of ours, with the TCP of
// a guest's kernel behind our server; delay and loss by netem on the cable, each half of it a way.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileProgram } from "../test/e2e/compile.js";
import type { Dialled } from "../test/e2e/dialling-client.js";
import { TestServer } from "../test/e2e/harness.js";
import type { Guest } from "../test/lab/guest.js";
import { expectOk, InnerNetns, type Place, quote } from "../test/lab/place.js";
import { inGuest } from "./guest.js";
import { options } from "./options.js";
import { password, user } from "./peers.js";
import { figure, made, median, type Reach, report, say, spread, type Table } from "./results.js";

/** By who sends: we, or the kernel with one of its congestion controls; Mbit/s, one a round. */
export type ClientData = Readonly<Record<string, number[]>>;

const given = options({
  guest: { kind: "list", of: ["uml", "qemu"], byDefault: ["uml"], help: "the guest's kind" },
  senders: {
    kind: "list",
    of: ["ours", "bbr", "cubic"],
    byDefault: ["ours", "bbr", "cubic"],
    help: "who sends: we, or the kernel with this congestion control",
  },
  rounds: { kind: "number", least: 1, most: 20, byDefault: 3, help: "each in turn, so often" },
  megabytes: { kind: "number", least: 1, most: 500, byDefault: 20, help: "of one transfer" },
  "delay-ms": { kind: "number", least: 0, most: 500, byDefault: 50, help: "there and back" },
  loss: { kind: "number", least: 0, most: 20, byDefault: 0.5, help: "per cent, each way" },
  quick: { kind: "flag", help: "one round of a megabyte: does it work at all" },
});
const plan = given.quick ? { ...given, rounds: 1, megabytes: 1 } : given;
const port = 7777;
const timeoutS = 60 + plan.megabytes * 10;

type Ends = { readonly near: Place; readonly far: Place; readonly program: string };

async function transfer({ near, far, program }: Ends, sender: string): Promise<number> {
  const control = sender === "ours" ? "cubic" : sender;
  await expectOk(far, `sysctl -qw net.ipv4.tcp_congestion_control=${control}`);
  const listening = far.exec(`transfer.mjs listen ${port}`, { timeoutS });
  await expectOk(far, `until ss -Hltn sport = :${port} | grep -q .; do sleep 0.1; done`);
  const octets = plan.megabytes * 1_000_000;
  const verb = sender === "ours" ? "send" : "fetch";
  const words = [program, "198.18.1.1", user, password, verb, "10.99.0.1", port, octets];
  const command = [process.execPath, ...words].map((word) => quote(`${word}`)).join(" ");
  const here = await expectOk(near, command, timeoutS);
  const there = await listening;
  const { digest, held, seconds } = JSON.parse(here) as Dialled;
  if (`${digest}\n` !== there.stdout || held !== 0)
    throw new Error(`${sender}: ${here}${there.stdout}${there.stderr}`);
  return (octets * 8) / seconds / 1_000_000;
}

async function measureAll(guest: Guest, program: string): Promise<ClientData> {
  await expectOk(guest, "topology; modprobe -a sch_netem tcp_bbr");
  say("the guest is up");
  const far = new InnerNetns(guest, "server");
  const near = new InnerNetns(guest, "client");
  await using _server = await TestServer.start({
    place: far,
    config: {
      addresses: { pool: ["10.99.0.0/24"], gateway: "10.99.0.1" },
      network: { reachHost: true, clientToClient: true, forwarding: "off" },
    },
    users: [{ name: user, password }],
    readyS: 180,
  });
  say("the server is up");
  const netem = `netem delay ${plan["delay-ms"] / 2}ms loss ${plan.loss}% limit 10000`;
  for (const place of [near, far]) {
    await expectOk(place, `tc qdisc replace dev eth1 root ${netem}`);
  }
  const data: ClientData = Object.fromEntries(plan.senders.map((sender) => [sender, []]));
  for (let round = 1; round <= plan.rounds; round++) {
    for (const sender of plan.senders) {
      const rate = await transfer({ near, far, program }, sender);
      data[sender]?.push(rate);
      say(`round ${round}: ${sender} sends at ${figure(rate)} Mbit/s`);
    }
  }
  return data;
}

function tableOf(data: ClientData): Table {
  return {
    title: `One connection, ${plan["delay-ms"]} ms there and back, ${plan.loss} % lost each way`,
    columns: ["who sends", "Mbit/s"],
    rows: Object.entries(data).map(([sender, rates]) => [
      sender === "ours" ? "we, to the kernel" : `the kernel (${sender}), to us`,
      spread(rates),
    ]),
    notes: [
      `${plan.megabytes} MB a transfer, MPPE-128; digests compared. What the kernel sends is bounded by ` +
        "its congestion control: by its own formula CUBIC, as RFC 5681's, carries about 4 Mbit/s here.",
    ],
  };
}

function reachOf(data: ClientData): Reach[] {
  return (["ours", "bbr"] as const).flatMap((sender) => {
    const rates = data[sender];
    if (rates === undefined) return [];
    const rate = median(rates);
    const what = `Mbit/s, ${sender === "ours" ? "we send" : "the kernel sends, by BBR"}`;
    return [{ what, bar: ">= 20", found: figure(rate), reached: rate >= 20 }];
  });
}

const from = made("client");
const scratch = mkdtempSync(join(tmpdir(), "hf-bench-client-"));
try {
  // Before the boot: a guest sees no later file of the host's.
  const program = compileProgram("dialling-client", scratch);
  const vehicle = plan.guest[0] === "qemu" ? "qemu" : "uml";
  const data = await inGuest(vehicle, (guest) => measureAll(guest, program));
  const results = { made: from, reach: reachOf(data), tables: [tableOf(data)], data };
  report(`client-${vehicle}`, results, !given.quick);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
process.exit(0);
