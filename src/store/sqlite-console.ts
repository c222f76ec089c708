// Console users and tokens in the database: verifiers and digests, nothing that opens a door.
import { web as limits } from "../limits/web.js";
import { type Answer, answer, type KeptConsoleUser, type KeptToken } from "./port.js";
import { integer, text } from "./sqlite-connection.js";
import type { Opened } from "./sqlite-open.js";

export function listConsoleUsers({ connection }: Opened): Answer<readonly KeptConsoleUser[]> {
  const rows = connection.rows(
    "SELECT name, role, verifier, enabled, created_at, changed_at FROM console_users ORDER BY name LIMIT ?",
    limits.usersMax,
  );
  const users = rows.map((row) => ({
    name: text(row.name),
    role: text(row.role),
    verifier: text(row.verifier),
    enabled: integer(row.enabled) === 1,
    createdAt: integer(row.created_at),
    changedAt: integer(row.changed_at),
  }));
  return answer(users);
}

export function putConsoleUser(
  { connection }: Opened,
  { user }: { user: KeptConsoleUser },
): Answer<void> {
  connection.run(
    "INSERT OR REPLACE INTO console_users (name, role, verifier, enabled, created_at, changed_at) VALUES (?, ?, ?, ?, ?, ?)",
    user.name,
    user.role,
    user.verifier,
    user.enabled,
    user.createdAt,
    user.changedAt,
  );
  return answer(undefined);
}

export function removeConsoleUser(
  { connection }: Opened,
  { name }: { name: string },
): Answer<void> {
  connection.run("DELETE FROM console_users WHERE name = ?", name);
  return answer(undefined);
}

export function listTokens({ connection }: Opened): Answer<readonly KeptToken[]> {
  const rows = connection.rows(
    "SELECT name, role, digest, created_at, expires_at FROM console_tokens ORDER BY name LIMIT ?",
    limits.tokensMax,
  );
  const tokens = rows.map((row) => ({
    name: text(row.name),
    role: text(row.role),
    digest: text(row.digest),
    createdAt: integer(row.created_at),
    expiresAt: integer(row.expires_at),
  }));
  return answer(tokens);
}

export function putToken({ connection }: Opened, { token }: { token: KeptToken }): Answer<void> {
  connection.run(
    "INSERT OR REPLACE INTO console_tokens (name, role, digest, created_at, expires_at) VALUES (?, ?, ?, ?, ?)",
    token.name,
    token.role,
    token.digest,
    token.createdAt,
    token.expiresAt,
  );
  return answer(undefined);
}

export function removeToken({ connection }: Opened, { name }: { name: string }): Answer<void> {
  connection.run("DELETE FROM console_tokens WHERE name = ?", name);
  return answer(undefined);
}
