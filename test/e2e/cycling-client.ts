// A process that calls, logs in, sends a packet there and back, and ends, again and again; each line of
// its input (`COUNT`) is a batch, answered by one line. compile.ts turns it into what Node reads.
import { createSocket, type Socket } from "node:dgram";
import { request } from "node:http";
import { createInterface } from "node:readline";
import { formatIpv4, parseIpv4 } from "../../src/base/ip.js";
import { Ledger } from "../../src/base/ledger.js";
import { type CallUp, ClientCall } from "../../src/client/call.js";
import { ClientHost } from "../../src/client/client-host.js";
import { clientPolicy } from "../../src/client/policy.js";
import { CallIdPool } from "../../src/core/access/call-id-pool.js";
import { control } from "../../src/limits.js";
import { monotonicNow } from "../../src/os/clock.js";

export type CyclingOptions = {
  readonly server: string;
  readonly user: string;
  readonly password: string;
  readonly tun: string;
  readonly adminSocket: string;
  /** UDP port of the gateway that echoes. */
  readonly echoPort: number;
};

export type BatchReport = {
  readonly cycles: number;
  readonly milliseconds: number;
  /** By ending, then by cause as the client saw it. */
  readonly causes: Readonly<Record<string, number>>;
  /** Held by the client itself between batches. */
  readonly held: number;
};

export const endings = [
  "LCP Terminate",
  "Call-Clear-Request",
  "Stop-Control-Connection-Request",
  "FIN",
  "RST",
  "disconnect",
] as const;
type Ending = (typeof endings)[number];

const options = JSON.parse(process.argv[2] ?? "{}") as CyclingOptions;
const ledger = new Ledger(monotonicNow);
const host = ClientHost.open(options.tun, ledger);
if ("message" in host) throw new Error(host.message);
// As at the server of this test: by default Call IDs rest a minute, and 4,096 calls in one leave none.
const resting = { ...control, callIdQuarantineMs: 1_000 };
Object.assign(host, { callIds: new CallIdPool(resting) });
const idle = ledger.size;
const deadlineMs = 20_000;

async function cycle(ending: Ending): Promise<string> {
  const call = new ClientCall(host as ClientHost, {
    server: parseIpv4(options.server) ?? 0,
    port: 1723,
    credentials: { name: options.user, password: options.password },
    ppp: clientPolicy(),
    configureTun: false,
  });
  const up = await within(`a session (${ending})`, call.up);
  if (!("ours" in up)) throw new Error(`no session: ${up.cause}`);
  await within(`an echo (${ending})`, echo(up));
  await end(call, up, ending);
  const { cause, counters } = await within(`the end (${ending})`, call.ended);
  if (counters !== undefined && counters.receivedPackets < 1) throw new Error("nothing came");
  return `${ending}: ${cause}`;
}

/**
 * A datagram from the address of this session to the gateway and back. Said again until it is
 * answered: the server's data path may hear of the address a moment after us.
 */
async function echo({ ours, peers }: CallUp): Promise<void> {
  const socket: Socket = createSocket("udp4");
  let again: NodeJS.Timeout | undefined;
  await new Promise<void>((resolve, reject) => {
    const say = () => socket.send("there and back", options.echoPort, formatIpv4(peers));
    socket.once("error", reject);
    socket.once("message", () => resolve());
    socket.bind({ address: formatIpv4(ours), port: 0, exclusive: true }, () => {
      say();
      again = setInterval(say, 20);
    });
  });
  clearInterval(again);
  socket.close();
}

async function end(call: ClientCall, { ours }: CallUp, ending: Ending): Promise<void> {
  switch (ending) {
    case "LCP Terminate":
      return call.stop("LCP");
    case "Call-Clear-Request":
      return call.stop("call");
    case "Stop-Control-Connection-Request":
      return call.stop("control connection");
    case "FIN":
      return call.vanish("fin");
    case "RST":
      return call.vanish("rst");
    case "disconnect": {
      const { sessions } = (await ask("GET", `/v1/sessions?address=${formatIpv4(ours)}`)) as {
        sessions: { id: number }[];
      };
      await ask("POST", "/v1/disconnect", { id: sessions[0]?.id });
    }
  }
}

function ask(method: string, path: string, body?: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", host: "holdfast" };
    // A connection kept for the next request would be held by the server between batches.
    const where = { socketPath: options.adminSocket, method, path, headers, agent: false } as const;
    const asked = request(where, (answer) => {
      let text = "";
      answer.on("data", (chunk) => {
        text += chunk;
      });
      answer.on("end", () =>
        answer.statusCode === 200 ? resolve(JSON.parse(text)) : reject(new Error(text)),
      );
    });
    asked.once("error", reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function within<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not in ${deadlineMs} ms`)), deadlineMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

let turn = 0;
async function batch(cycles: number): Promise<BatchReport> {
  const begun = performance.now();
  const causes: Record<string, number> = {};
  for (let n = 0; n < cycles; n++) {
    const cause = await cycle(endings[turn++ % endings.length] as Ending);
    causes[cause] = (causes[cause] ?? 0) + 1;
  }
  return { cycles, milliseconds: performance.now() - begun, causes, held: ledger.size - idle };
}

process.stdout.write("ready\n");
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await batch(Number(line)))}\n`);
}
await host.close();
