/** 2: accounting. A session's account may be removed before its record is. */
export const sessions = `
CREATE TABLE sessions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  session_id TEXT NOT NULL UNIQUE,
  run INTEGER NOT NULL,
  account_id INTEGER,
  name TEXT NOT NULL,
  peer_address TEXT NOT NULL,
  local_address TEXT NOT NULL,
  framed_address TEXT,
  framed_prefix TEXT,
  method TEXT NOT NULL,
  encryption TEXT NOT NULL,
  profile TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  octets_in INTEGER NOT NULL DEFAULT 0,
  octets_out INTEGER NOT NULL DEFAULT 0,
  packets_in INTEGER NOT NULL DEFAULT 0,
  packets_out INTEGER NOT NULL DEFAULT 0,
  counted_at INTEGER NOT NULL,
  ended_at INTEGER,
  cause TEXT
) STRICT;
CREATE INDEX sessions_by_name ON sessions (name, id);
CREATE INDEX sessions_by_end ON sessions (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX sessions_open ON sessions (run) WHERE ended_at IS NULL;
`;
