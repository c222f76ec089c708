/** 6: who may use the console, and tokens of machines. Times are Unix ms. */
export const consoleAccess = `
CREATE TABLE console_users (
  name TEXT PRIMARY KEY NOT NULL,
  role TEXT NOT NULL,
  verifier TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE console_tokens (
  name TEXT PRIMARY KEY NOT NULL,
  role TEXT NOT NULL,
  digest TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`;
