// Accounting in SQL. Every record carries the whole session, and the newest wins whatever the order:
// a record that is written twice, late or without its start does no harm.
import type { AuthenticationMethod, EndCause } from "../core/access/ports.js";
import { store as limits } from "../limits.js";
import {
  type Answer,
  answer,
  type SessionCounters,
  type SessionLine,
  type SessionRecord,
  type UnixMs,
} from "./port.js";
import { integer, optional, type Row, text } from "./sqlite-connection.js";
import type { Opened } from "./sqlite-open.js";

export type StartAsk = { readonly session: SessionRecord };
export type InterimAsk = StartAsk & { readonly counters: SessionCounters; readonly at: UnixMs };
export type StopAsk = InterimAsk & { readonly cause: EndCause };

const INSERT = `INSERT INTO sessions (session_id, run, account_id, name, peer_address, local_address,
  framed_address, framed_prefix, method, encryption, profile, started_at, counted_at, octets_in,
  octets_out, packets_in, packets_out, ended_at, cause)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (session_id) DO `;
const COUNTED = `UPDATE SET counted_at = excluded.counted_at, octets_in = excluded.octets_in,
  octets_out = excluded.octets_out, packets_in = excluded.packets_in,
  packets_out = excluded.packets_out, framed_address = excluded.framed_address,
  framed_prefix = excluded.framed_prefix, encryption = excluded.encryption`;
const START = `${INSERT} NOTHING`;
const INTERIM = `${INSERT} ${COUNTED} WHERE ended_at IS NULL AND counted_at <= excluded.counted_at`;
const STOP = `${INSERT} ${COUNTED}, ended_at = excluded.ended_at, cause = excluded.cause
  WHERE ended_at IS NULL`;

const NOTHING: SessionCounters = { octetsIn: 0, octetsOut: 0, packetsIn: 0, packetsOut: 0 };

/** A counter is written as far as a number is exact, not refused. */
function count(value: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, Math.trunc(value) || 0));
}

type Written = { counters: SessionCounters; at: UnixMs; endedAt?: UnixMs; cause?: string };

function write(db: Opened, sql: string, session: SessionRecord, of: Written): Answer<void> {
  db.connection.run(
    sql,
    session.sessionId,
    db.run,
    session.accountId,
    session.name,
    session.peerAddress,
    session.localAddress,
    session.framedAddress,
    session.framedPrefix,
    session.method,
    session.encryption,
    session.profile,
    count(session.startedAt),
    count(of.at),
    count(of.counters.octetsIn),
    count(of.counters.octetsOut),
    count(of.counters.packetsIn),
    count(of.counters.packetsOut),
    of.endedAt === undefined ? null : count(of.endedAt),
    of.cause,
  );
  return answer(undefined);
}

export function sessionStart(db: Opened, { session }: StartAsk): Answer<void> {
  return write(db, START, session, { counters: NOTHING, at: session.startedAt });
}

export function sessionInterim(db: Opened, { session, counters, at }: InterimAsk): Answer<void> {
  return write(db, INTERIM, session, { counters, at });
}

export function sessionStop(db: Opened, { session, counters, at, cause }: StopAsk): Answer<void> {
  return write(db, STOP, session, { counters, at, endedAt: at, cause });
}

function lineOf(row: Row): SessionLine {
  return {
    number: integer(row.id),
    sessionId: text(row.session_id),
    accountId: optional(integer, row.account_id),
    name: text(row.name),
    peerAddress: text(row.peer_address),
    localAddress: text(row.local_address),
    framedAddress: optional(text, row.framed_address),
    framedPrefix: optional(text, row.framed_prefix),
    method: text(row.method) as AuthenticationMethod,
    encryption: text(row.encryption),
    profile: text(row.profile),
    startedAt: integer(row.started_at),
    octetsIn: integer(row.octets_in),
    octetsOut: integer(row.octets_out),
    packetsIn: integer(row.packets_in),
    packetsOut: integer(row.packets_out),
    countedAt: integer(row.counted_at),
    endedAt: optional(integer, row.ended_at),
    cause: optional(text, row.cause) as SessionLine["cause"],
  };
}

export type RecentAsk = {
  readonly name?: string | undefined;
  readonly before?: number | undefined;
  readonly most?: number | undefined;
};

export function recentSessions(
  db: Opened,
  { name, before, most }: RecentAsk,
): Answer<readonly SessionLine[]> {
  const below = before ?? Number.MAX_SAFE_INTEGER;
  const limit = Math.min(most ?? limits.pageMax, limits.pageMax);
  const rows =
    name === undefined
      ? db.connection.rows(
          "SELECT * FROM sessions WHERE id < ? ORDER BY id DESC LIMIT ?",
          below,
          limit,
        )
      : db.connection.rows(
          "SELECT * FROM sessions WHERE name = ? AND id < ? ORDER BY id DESC LIMIT ?",
          name,
          below,
          limit,
        );
  return answer(rows.map(lineOf));
}

/** A server that died wrote no stops: its sessions ended when they were last counted, as far as known. */
export function endOrphans(db: Opened, _ask: undefined): Answer<number> {
  const { changes } = db.connection.run(
    `UPDATE sessions SET ended_at = counted_at, cause = 'server-lost'
     WHERE ended_at IS NULL AND run < ?`,
    db.run,
  );
  return answer(changes);
}

export function pruneSessions(db: Opened, { before }: { before: UnixMs }): Answer<number> {
  const { changes } = db.connection.run(
    `DELETE FROM sessions WHERE id IN (
       SELECT id FROM sessions WHERE ended_at < ? ORDER BY ended_at LIMIT ?)`,
    count(before),
    limits.pruneMax,
  );
  return answer(changes);
}
