// The port's methods as requests to the store's thread, by name.
import type { Store, StoreStats } from "./port.js";
import type { Ask } from "./sqlite-store.js";

type Asked = {
  readonly ask: Ask;
  stats(): StoreStats;
  close(): Promise<{ readonly recordsLost: number }>;
};

export function portOver(asked: Asked, instanceId: string): Store {
  const { ask } = asked;
  return {
    instanceId,
    accounts: {
      find: (name) => ask("read", "account-find", { name }),
      secrets: (names) => ask("read", "account-secrets", { names }),
      list: (page) => ask("read", "account-list", page ?? {}),
      count: () => ask("read", "account-count", undefined),
      staticAddresses: () => ask("read", "static-addresses", undefined),
      add: (account) => ask("write", "account-add", account),
      setPassword: (name, password) => ask("write", "account-password", { name, password }),
      disable: (name) => ask("write", "account-enabled", { name, enabled: false }),
      enable: (name) => ask("write", "account-enabled", { name, enabled: true }),
      remove: (name) => ask("write", "account-remove", { name }),
      update: (name, change) => ask("write", "account-update", { name, change }),
      import: (accounts, { replace, apply }) =>
        ask("write", "account-import", { accounts, replace, apply }),
    },
    accounting: {
      start: (session) => ask("accounting", "session-start", { session }),
      interim: (session, counters, at) =>
        ask("accounting", "session-interim", { session, counters, at }),
      stop: (session, counters, at, cause) =>
        ask("accounting", "session-stop", { session, counters, at, cause }),
      recent: (page) => ask("read", "sessions-recent", page ?? {}),
      endOrphans: () => ask("write", "sessions-end-orphans", undefined),
      prune: (before) => ask("write", "sessions-prune", { before }),
    },
    settings: {
      get: (key) => ask("read", "setting-get", { key }),
      set: (key, value) => ask("write", "setting-set", { key, value }),
    },
    blocks: {
      list: (most) => ask("read", "blocks-list", { most }),
      put: (block) => ask("write", "block-put", { block }),
      remove: (source) => ask("write", "block-remove", { source }),
      prune: (before, most) => ask("write", "blocks-prune", { before, most }),
    },
    incidents: {
      list: (page) => ask("read", "incidents-list", page ?? {}),
      find: (number) => ask("read", "incident-find", { number }),
      put: (report) => ask("write", "incident-put", { report }),
      endOrphans: () => ask("write", "incidents-end-orphans", undefined),
      usualRates: (time) => ask("read", "usual-rates", time),
      putUsualRate: (rate) => ask("write", "usual-rate-put", { rate }),
    },
    bulletins: {
      list: (page) => ask("read", "bulletins-list", page ?? {}),
      find: (number) => ask("read", "bulletin-find", { number }),
      put: (bulletin) => ask("write", "bulletin-put", { bulletin }),
    },
    notices: {
      list: () => ask("read", "notices-list", undefined),
      put: (notice) => ask("write", "notice-put", { notice }),
      remove: (id) => ask("write", "notice-remove", { id }),
    },
    console: {
      users: () => ask("read", "console-users", undefined),
      putUser: (user) => ask("write", "console-user-put", { user }),
      removeUser: (name) => ask("write", "console-user-remove", { name }),
      tokens: () => ask("read", "console-tokens", undefined),
      putToken: (token) => ask("write", "console-token-put", { token }),
      removeToken: (name) => ask("write", "console-token-remove", { name }),
    },
    trends: {
      put: (slots) => ask("write", "trends-put", { slots }),
      list: (span) => ask("read", "trends-list", span),
    },
    configure: (terms) => ask("write", "configure", terms),
    backup: (path) => ask("alone", "backup", { path }),
    keyRotate: () => ask("alone", "key-rotate", undefined),
    stats: () => asked.stats(),
    close: () => asked.close(),
  };
}
