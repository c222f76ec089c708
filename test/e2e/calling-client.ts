// A process of the tests with one TUN that calls, says what happens and ends as it is told: commands
// come in, events go out, a line of JSON each. compile.ts turns it into what Node reads.
import { createInterface } from "node:readline";
import { formatIpv4, formatIpv6, parseIpv4 } from "../../src/base/ip.js";
import { Ledger } from "../../src/base/ledger.js";
import { ClientCall } from "../../src/client/call.js";
import { ClientHost } from "../../src/client/client-host.js";
import { type ClientTerms, clientPolicy } from "../../src/client/policy.js";
import type { StopFrom } from "../../src/core/client.js";
import { linkLocal } from "../../src/core/plane-outputs.js";
import { monotonicNow } from "../../src/os/clock.js";
import { describeOsError } from "../../src/os/errors.js";

export type CallWish = ClientTerms & {
  readonly server: string;
  readonly user: string;
  readonly password: string;
  /** 0: none from our side. */
  readonly echoIntervalMs?: number;
  /** Addresses behind it. */
  readonly behind?: readonly string[];
};

export type Command =
  | { readonly do: "call"; readonly wish: CallWish }
  | { readonly do: "end"; readonly how: StopFrom | "fin" | "rst" };

export type ClientSaid =
  | { readonly event: "ready"; readonly workerPid?: number }
  | { readonly event: "up"; readonly ours: string; readonly peers: string }
  | { readonly event: "ipv6"; readonly ours: string; readonly peers: string }
  | { readonly event: "ended"; readonly cause: string; readonly held: number };

const ledger = new Ledger(monotonicNow);
const host = ClientHost.open(process.argv[2] ?? "hfc0", ledger);
if ("message" in host) throw new Error(host.message);
const idle = ledger.size;
let call: ClientCall | undefined;

function say(said: ClientSaid): void {
  process.stdout.write(`${JSON.stringify(said)}\n`);
}

async function place({ server, user, password, echoIntervalMs, behind = [], ...terms }: CallWish) {
  const policy = clientPolicy(terms);
  const placed = new ClientCall(host as ClientHost, {
    server: parseIpv4(server) ?? 0,
    port: 1723,
    credentials: { name: user, password },
    ppp: { ...policy, echoIntervalMs: echoIntervalMs ?? policy.echoIntervalMs },
    configureTun: true,
    routes: behind.map((address) => ({ address: parseIpv4(address) ?? 0, length: 32 })),
    onFault: (failure) => process.stderr.write(`${describeOsError(failure)}\n`),
    onEvent: (event) => {
      if (event.kind !== "Ipv6Up") return;
      const [ours, peers] = [linkLocal(event.ours), linkLocal(event.peers)];
      say({ event: "ipv6", ours: formatIpv6(ours), peers: formatIpv6(peers) });
    },
  });
  call = placed;
  const up = await placed.up;
  if ("ours" in up) {
    say({ event: "up", ours: formatIpv4(up.ours), peers: formatIpv4(up.peers) });
  }
  const { cause } = await placed.ended;
  say({ event: "ended", cause, held: ledger.size - idle });
}

say({ event: "ready" });
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as Command;
  if (command.do === "call") void place(command.wish);
  else if (command.how === "fin" || command.how === "rst") call?.vanish(command.how);
  else call?.stop(command.how);
}
await host.close();
