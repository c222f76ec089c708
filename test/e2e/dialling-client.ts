// A process of the tests: one transfer by `session.dial`, as a program of somebody's would have it, with
// the peer that test/lab/guest/transfer.mjs is. compile.ts turns it into what Node reads.
//     dialling-client SERVER USER PASSWORD send|fetch HOST PORT OCTETS
import { createCipheriv, createHash } from "node:crypto";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { connect } from "../../src/client/library.js";
import { monotonicNow } from "../../src/os/clock.js";

/** What it prints, a line of JSON. */
export type Dialled = {
  /** SHA-256 of what went or came. */
  readonly digest: string;
  readonly octets: number;
  /** From our SYN until the peer's end, which follows the last octet. */
  readonly seconds: number;
  /** Of this process, user and system. */
  readonly cpuSeconds: number;
  /** Leases that were not given back. */
  readonly held: number;
};

const [server = "", user = "", password = "", verb, host = "", port, size] = process.argv.slice(2);
const octets = Number(size);
const hash = createHash("sha256");

/** The octets that transfer.mjs would send. */
async function send(connection: Duplex): Promise<number> {
  const cipher = createCipheriv("aes-128-ctr", Buffer.alloc(16, 7), Buffer.alloc(16, 9));
  for (let left = octets; left > 0; left -= 65_536) {
    const piece = cipher.update(new Uint8Array(Math.min(left, 65_536)));
    hash.update(piece);
    if (!connection.write(piece)) await once(connection, "drain");
  }
  connection.end();
  for await (const unexpected of connection) throw new Error(`came: ${unexpected}`);
  return octets;
}

async function receive(connection: Duplex): Promise<number> {
  let came = 0;
  for await (const piece of connection) {
    hash.update(piece);
    came += piece.length;
  }
  connection.end();
  return came;
}

const session = await connect({ server, user, password });
const begun = monotonicNow();
const connection = await session.dial(host, Number(port));
connection.write(verb === "send" ? "send\n" : `fetch ${octets}\n`);
const moved = await (verb === "send" ? send(connection) : receive(connection));
const seconds = (monotonicNow() - begun) / 1000;
const { user: userTime, system } = process.cpuUsage();
const { held } = await session.close();
const cpuSeconds = (userTime + system) / 1_000_000;
const told: Dialled = { digest: hash.digest("hex"), octets: moved, seconds, cpuSeconds, held };
console.log(JSON.stringify(told));
