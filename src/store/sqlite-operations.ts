// Every request of the store by name, and how it is run: `reads` at once, `writes` together in one
// transaction, `alone` outside of it. The main thread knows this table as a type only.
import {
  accountSecrets,
  addAccount,
  countAccounts,
  findAccount,
  importAccounts,
  listAccounts,
  removeAccount,
  setEnabled,
  setPassword,
  staticAddresses,
  updateAccount,
} from "./sqlite-accounts.js";
import { listBlocks, pruneBlocks, putBlock, removeBlock } from "./sqlite-blocks.js";
import { findBulletin, listBulletins, putBulletin } from "./sqlite-bulletins.js";
import {
  listConsoleUsers,
  listTokens,
  putConsoleUser,
  putToken,
  removeConsoleUser,
  removeToken,
} from "./sqlite-console.js";
import {
  endOrphanIncidents,
  findIncident,
  listIncidents,
  listUsualRates,
  putIncident,
  putUsualRate,
} from "./sqlite-incidents.js";
import { backup, configure, getSetting, rotateKey, setSetting } from "./sqlite-maintenance.js";
import { listNotices, putNotice, removeNotice } from "./sqlite-notices.js";
import {
  endOrphans,
  pruneSessions,
  recentSessions,
  sessionInterim,
  sessionStart,
  sessionStop,
} from "./sqlite-sessions.js";
import { listTrends, putTrends } from "./sqlite-trends.js";

export const reads = {
  "account-find": findAccount,
  "account-secrets": accountSecrets,
  "account-count": countAccounts,
  "account-list": listAccounts,
  "static-addresses": staticAddresses,
  "sessions-recent": recentSessions,
  "setting-get": getSetting,
  "blocks-list": listBlocks,
  "incidents-list": listIncidents,
  "incident-find": findIncident,
  "usual-rates": listUsualRates,
  "bulletins-list": listBulletins,
  "bulletin-find": findBulletin,
  "notices-list": listNotices,
  "console-users": listConsoleUsers,
  "console-tokens": listTokens,
  "trends-list": listTrends,
} as const;

export const writes = {
  "account-add": addAccount,
  "account-password": setPassword,
  "account-enabled": setEnabled,
  "account-remove": removeAccount,
  "account-update": updateAccount,
  "account-import": importAccounts,
  "setting-set": setSetting,
  "block-put": putBlock,
  "block-remove": removeBlock,
  "blocks-prune": pruneBlocks,
  "incident-put": putIncident,
  "incidents-end-orphans": endOrphanIncidents,
  "usual-rate-put": putUsualRate,
  "bulletin-put": putBulletin,
  "notice-put": putNotice,
  "notice-remove": removeNotice,
  "console-user-put": putConsoleUser,
  "console-user-remove": removeConsoleUser,
  "console-token-put": putToken,
  "console-token-remove": removeToken,
  "trends-put": putTrends,
  configure,
  "session-start": sessionStart,
  "session-interim": sessionInterim,
  "session-stop": sessionStop,
  "sessions-end-orphans": endOrphans,
  "sessions-prune": pruneSessions,
} as const;

export const alone = { backup, "key-rotate": rotateKey } as const;

export type Reads = typeof reads;
export type Writes = typeof writes;
export type Alone = typeof alone;
