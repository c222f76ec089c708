// Which room may import what: docs/ARCHITECTURE.md in the form of a table.

export const PURE_ROOMS: readonly string[] = ["base", "wire", "crypto", "limits", "core", "plane"];

const AROUND_THE_CORE = [...PURE_ROOMS, "os", "store", "worker"];

/** `name:types` allows `import type` alone. `limits` may be read by every room but those of wire. */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  wire: ["base"],
  crypto: ["base"],
  limits: ["base"],
  core: ["base", "wire", "crypto", "limits"],
  plane: ["base", "wire", "crypto", "limits"],
  os: ["base", "limits"],
  store: ["base", "crypto", "limits", "core:types"],
  worker: ["base", "wire", "crypto", "limits", "plane", "os"],
  daemon: [...AROUND_THE_CORE, "console"],
  client: [...PURE_ROOMS, "os", "worker"],
  storm: ["base", "wire", "crypto", "os", "limits"],
  console: ["base", "daemon:types"],
  cli: [...AROUND_THE_CORE, "daemon", "client", "storm", "console"],
};

/** Packages and `node:` modules a pure room may use; every other room may use any. */
export const PURE_MODULES: Readonly<Record<string, readonly string[]>> = {
  crypto: ["node:crypto"],
};
