// Log-ins at servers side by side in one guest: our load client calls each in turn, as many at a time as
// told. The client has no data path and no pppd, so that it is little of what is measured.
import { join } from "node:path";
import { expectOk, quote } from "../test/lab/place.js";
import { percentile } from "./figures.js";
import { inGuest } from "./guest.js";
import type { Raised } from "./load/load.js";
import { password, peerNamed, type Running, user } from "./peers.js";
import { median, say, spread, type Table } from "./results.js";
import { type Server, Site } from "./site.js";

const SOURCES = "10.77.0";
const WARM_UP = 5;
const TOGETHER = [1, 8] as const;
const names = ["pptpd", "holdfast"] as const;
const one = { mode: "128", sessions: 1 } as const;

/** Of one server with so many log-ins at a time, one value a round. */
export type BesideSample = {
  readonly peer: string;
  readonly atATime: number;
  readonly perSecond: number[];
  /** SYN to IPCP Opened at the client: median and 99 %. */
  readonly medianMs: number[];
  readonly lateMs: number[];
};

async function raised(server: Server, atATime: number, count: number) {
  const run = quote(join(import.meta.dirname, "run.mjs"));
  const words = [
    ...["--server", server.address, "--from", `${SOURCES}.1`, "--user", user, "--users", "0"],
    ...["--password", password, "--concurrency", String(atATime)],
  ].join(" ");
  const all = WARM_UP + count;
  const commands = `raise ${WARM_UP}\\nraise ${all}\\nend\\n`;
  const text = await expectOk(
    server.client,
    `printf '${commands}' | ${quote(process.execPath)} ${run} load-client ${words}`,
    60 + 2 * all,
  );
  const [, , found] = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Raised);
  const failures = JSON.stringify(found?.failures);
  const encrypted = found?.encryption["MPPE-128 stateless"] ?? 0;
  if (found?.sessions !== all || failures !== "{}" || encrypted !== count) {
    throw new Error(`${server.cable}: not all log-ins: ${text.slice(0, 500)}`);
  }
  return found;
}

async function measured(site: Site, rounds: number, count: number): Promise<BesideSample[]> {
  const up: { readonly name: string; readonly server: Server; readonly running: Running }[] = [];
  const samples = names.flatMap((peer) =>
    TOGETHER.map(
      (atATime): BesideSample => ({ peer, atATime, perSecond: [], medianMs: [], lateMs: [] }),
    ),
  );
  try {
    for (const [index, name] of names.entries()) {
      const server = await site.server(name, index + 1);
      up.push({ name, server, running: await peerNamed(name).start(site, server, one) });
      await expectOk(server.place, `ip route add ${SOURCES}.0/24 via ${server.clientAddress}`);
      await expectOk(server.client, `ip route add local ${SOURCES}.0/24 dev lo`);
      say(`${name} is up`);
    }
    for (let round = 1; round <= rounds; round++) {
      for (const atATime of TOGETHER) {
        for (const { name, server } of up) {
          const found = await raised(server, atATime, count);
          const sample = samples.find((it) => it.peer === name && it.atATime === atATime);
          sample?.perSecond.push(found.logInsPerSecond);
          sample?.medianMs.push(median(found.milliseconds));
          sample?.lateMs.push(percentile(found.milliseconds, 0.99));
          const rate = found.logInsPerSecond.toFixed(1);
          say(`round ${round}: ${name}, ${atATime} at a time: ${rate} log-ins a second`);
        }
      }
    }
  } finally {
    for (const { running } of up) await running[Symbol.asyncDispose]();
  }
  return samples;
}

export async function beside(
  vehicle: "uml" | "qemu",
  rounds: number,
  count: number,
): Promise<BesideSample[]> {
  return inGuest(vehicle, async (guest) => {
    await using site = await Site.open(guest);
    return await measured(site, rounds, count);
  });
}

export function besideTable(samples: readonly BesideSample[], count: number): Table {
  return {
    title: "Set-up beside pptpd, in one guest, by our load client",
    columns: [
      "server",
      "at a time",
      "log-ins a second",
      "SYN to IPCP Opened, median, ms",
      "99 %, ms",
    ],
    rows: samples.map(({ peer, atATime, perSecond, medianMs, lateMs }) => [
      peer,
      String(atATime),
      spread(perSecond),
      spread(medianMs),
      spread(lateMs),
    ]),
    notes: [
      `${count} log-ins a round after ${WARM_UP} to warm up, a control connection each; MS-CHAPv2, ` +
        "MPPE-128 stateless, IPv4. IPCP Opened at the client: the last Configure-Ack came or went. Client " +
        "and servers share the guest's one processor.",
    ],
  };
}
