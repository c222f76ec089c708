// What a running server touches of its machine beside its store: all of it in one place, so that a
// simulation (test/sim) can put another in its stead. Clocks and timers are Node's own.
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import type { Ipv4 } from "../base/ip.js";
import type { Rng } from "../base/rng.js";
import { diskFreePercent } from "../os/disk-space.js";
import { systemRng } from "../os/entropy.js";
import type { OsError } from "../os/errors.js";
import { watchLink } from "../os/link-watch.js";
import { type LocalIpv4, localIpv4Addresses } from "../os/local-addresses.js";
import type { NftTableOptions } from "../os/nft.js";
import { type BlockTableBounds, NftBlocks } from "../os/nft-blocks.js";
import { NftRefused } from "../os/nft-refused.js";
import { withoutCapabilitiesBound } from "../os/privileges.js";
import type { Spawn } from "../worker/host.js";
import { type AdminOpening, type AdminSocket, openAdminSocket } from "./admin/socket.js";
import type { BlockTable } from "./blocking.js";
import { processorMs } from "./busy.js";
import type { CreateServer } from "./control-listener.js";
import type { RefusedTable } from "./early-refusal.js";
import { hostAddresses } from "./host-addresses.js";
import { hostNameServers } from "./host-dns.js";
import { type HostNetwork, Network, type NetworkTerms } from "./network.js";
import type { HostAddresses } from "./policy.js";
import { openPlaces } from "./worker-places.js";

export type Outside = {
  readonly rng: () => Rng;
  readonly addresses: () => HostAddresses;
  readonly localAddresses: () => readonly LocalIpv4[];
  readonly nameServers: () => readonly Ipv4[];
  readonly processorMs: () => number;
  readonly diskFreePercent: (path: string) => number | undefined;
  readonly network: (terms: NetworkTerms) => HostNetwork;
  readonly watchLink: typeof watchLink;
  readonly blockTable: (
    owner: NftTableOptions,
    port: number,
    limits: BlockTableBounds,
  ) => BlockTable;
  readonly refusedTable: (owner: NftTableOptions) => RefusedTable | undefined;
  readonly createServer: CreateServer;
  readonly openPlaces: typeof openPlaces;
  /** Put before a data worker's command. */
  readonly workerPrefix: () => readonly string[] | OsError;
  readonly spawn: Spawn;
  readonly openAdminSocket: (
    ...terms: Parameters<typeof openAdminSocket>
  ) => Promise<
    | { readonly ok: true; readonly admin: Pick<AdminSocket, "close"> }
    | Extract<AdminOpening, { ok: false }>
  >;
};

export const thisMachine: Outside = {
  rng: systemRng,
  addresses: hostAddresses,
  localAddresses: localIpv4Addresses,
  nameServers: hostNameServers,
  processorMs,
  diskFreePercent,
  network: (terms) => new Network(terms),
  watchLink,
  blockTable: (owner, port, limits) => new NftBlocks(owner, port, limits),
  refusedTable: (owner) => new NftRefused(owner),
  createServer,
  openPlaces,
  workerPrefix: () => withoutCapabilitiesBound([]),
  spawn,
  openAdminSocket,
};
