/** 1: accounts with their secrets and routes; settings. */
export const accountsAndSettings = `
CREATE TABLE settings (
  key TEXT PRIMARY KEY NOT NULL,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  dial_in INTEGER NOT NULL CHECK (dial_in IN (0, 1)),
  static_address INTEGER UNIQUE CHECK (static_address BETWEEN 1 AND 4294967295),
  sessions_max INTEGER CHECK (sessions_max > 0),
  at_session_limit TEXT CHECK (at_session_limit IN ('refuse-new', 'end-oldest')),
  session_seconds_max INTEGER CHECK (session_seconds_max > 0),
  idle_seconds_max INTEGER CHECK (idle_seconds_max > 0),
  octets_max INTEGER CHECK (octets_max > 0),
  valid_from INTEGER,
  valid_until INTEGER,
  hours TEXT,
  created_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT;

CREATE TABLE account_secrets (
  account_id INTEGER PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
  key_id INTEGER NOT NULL,
  nt_hash BLOB NOT NULL,
  clear_text BLOB
) STRICT;

CREATE TABLE account_routes (
  account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL CHECK (last >= first),
  length INTEGER NOT NULL CHECK (length BETWEEN 1 AND 32),
  PRIMARY KEY (first, length)
) STRICT, WITHOUT ROWID;
CREATE INDEX account_routes_by_account ON account_routes (account_id);
`;
