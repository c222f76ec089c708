// holdfast connect --status: the clients of this host, from what they write down of themselves.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { living, type Record } from "../client/network/state-file.js";
import type { Surroundings } from "../daemon/state-directory.js";
import type { CliContext } from "./context.js";
import { type Column, duration, octets, printJson, table } from "./table.js";

/** HOLDFAST_CLIENT_STATE, else what every user's clients of this kind of user share. */
export function clientDirectory({ environment, uid }: Surroundings): string {
  const { HOLDFAST_CLIENT_STATE: chosen, XDG_RUNTIME_DIR: own } = environment;
  if (chosen !== undefined && chosen !== "") return chosen;
  return uid === 0 ? "/run/holdfast-client" : join(own ?? `/run/user/${uid}`, "holdfast-client");
}

type Row = Omit<Record, "version" | "startedAt" | "where" | "changed"> & {
  readonly forMs: number;
  readonly receivedOctets: number | null;
  readonly sentOctets: number | null;
};

const columns: readonly Column<Row>[] = [
  { title: "PID", value: ({ pid }) => String(pid), align: "right" },
  { title: "SERVER", value: ({ server }) => server, least: 8 },
  { title: "USER", value: ({ user }) => user, least: 6 },
  { title: "STATE", value: ({ phase }) => phase },
  { title: "FOR", value: ({ forMs }) => duration(forMs), align: "right" },
  { title: "ADDRESS", value: ({ address }) => address ?? null },
  { title: "INTERFACE", value: ({ tun, proxies }) => tun ?? proxies?.join(", ") ?? null },
  { title: "ENCRYPTION", value: ({ encryption }) => encryption ?? null },
  { title: "IN", value: ({ receivedOctets: got }) => got && octets(got), align: "right" },
  { title: "OUT", value: ({ sentOctets: sent }) => sent && octets(sent), align: "right" },
  { title: "CONNECTIONS", value: ({ traffic }) => connections(traffic) },
  { title: "LOST", value: ({ sessions }) => String(sessions), align: "right" },
  { title: "WHY", value: ({ lastVerdict }) => lastVerdict ?? null },
];

export function showClients({ io, around }: CliContext, asJson: boolean): void {
  const rows = living(clientDirectory(around)).map((record) => row(record, io.now()));
  if (asJson) return printJson(io, { clients: rows });
  if (rows.length === 0) return io.err("No client runs.\n");
  io.out(table(rows, columns, io.columns));
}

function row(record: Record, now: number): Row {
  const { version: _v, startedAt: _s, where: _w, changed: _c, ...shown } = record;
  const { tun, traffic } = record;
  const forMs = Math.max(0, now - record.since);
  const receivedOctets = traffic?.receivedOctets ?? interfaceOctets(tun, "rx");
  const sentOctets = traffic?.sentOctets ?? interfaceOctets(tun, "tx");
  return { ...shown, forMs, receivedOctets, sentOctets };
}

function connections(traffic: Record["traffic"]): string | null {
  return traffic ? `${traffic.connections} of ${traffic.programs} programs` : null;
}

/** Null where the interface is another namespace's, or there is none. */
function interfaceOctets(tun: string | undefined, what: "rx" | "tx"): number | null {
  if (tun === undefined) return null;
  try {
    const text = readFileSync(join("/sys/class/net", tun, `statistics/${what}_bytes`), "utf8");
    return Number(text.trim());
  } catch {
    return null;
  }
}
