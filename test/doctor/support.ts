// A host on which everything is well, to be given one fault at a time.
import { loadConfig } from "../../src/daemon/config/load.js";
import type { DoctorFacts } from "../../src/daemon/doctor/facts.js";
import { readRuleset } from "../../src/daemon/doctor/ruleset.js";

export function facts(config = "", more: Partial<DoctorFacts> = {}): DoctorFacts {
  const loaded = loadConfig(config, "holdfast.yaml");
  return {
    config: loaded.ok ? loaded.config : undefined,
    configProblems: loaded.ok ? [] : loaded.problems,
    configWarnings: loaded.ok ? loaded.warnings : [],
    serverRuns: false,
    nodeVersion: "v24.21.0",
    today: new Date("2026-11-22T12:00:00Z"),
    uid: 0,
    capabilities: ["net_admin", "net_raw"],
    tunDevice: "usable",
    tunExists: false,
    programs: { ip: "/sbin/ip", nft: "/usr/sbin/nft", setpriv: "/usr/bin/setpriv" },
    ruleset: readRuleset([]),
    kernelRefusals: { filter: undefined, state: undefined, nat: undefined },
    legacyTables: [],
    legacyChains: [],
    portHolders: [],
    rivals: [],
    translatesPptp: false,
    xdpMissing: [],
    descriptors: { soft: 20_000, hard: 20_000 },
    stateFaults: [],
    forwarding: { ipv4: "0", ipv6: "0" },
    localPrefixes: [],
    localAddresses: [],
    defaultRoute: "eth0",
    freeOctets: 1e9,
    hookFaults: [],
    ...more,
  };
}
