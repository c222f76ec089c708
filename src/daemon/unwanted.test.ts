import { describe, expect, test } from "vitest";
import { FOREIGN } from "../plane/drop-reason.js";
import { UNWANTED_DROPS, unwanted } from "./unwanted.js";

const counted = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, 1]));

describe("what nobody asked for", () => {
  const yes = [
    "malformed Magic Cookie",
    "malformed SCCRQ Length",
    "shed connection, source half-open",
    "blocked call",
    "held log-in",
    "failed log-in",
    "SCCRP in wait_ctl_reply",
    "CCRQ in pacOutgoing idle",
    "CDN of no call",
    "connections-max",
    "deadline start",
    "malformed-options",
    "stranger waits, source message rate",
    "stranger waits, server message rate",
  ];
  const no = [
    "connection-control-malformed",
    "connection-control-closed",
    "refused OCRQ no-resource",
    "deadline stopReply",
    "accounting-stop-lost",
    "trouble read TUN EIO",
    "worker-lost",
    "identification",
    "verdict-late",
    "stranger waits, server busy",
  ];

  test("of the control plane: what came in or was turned away, each once", () => {
    const control = counted([...yes, ...no]);
    expect(Object.keys(unwanted({ control, data: {}, byForm: 0 }))).toEqual(yes);
  });

  test("of the data path: by name; other tunnels', late packets and rates are not", () => {
    const data = counted(["gre-flags", "unknown-call", ...FOREIGN, "late", "rate-up", "no-flow"]);
    expect(unwanted({ control: {}, data, byForm: 0 })).toEqual({
      "data gre-flags": 1,
      "data unknown-call": 1,
    });
    expect(FOREIGN.filter((reason) => UNWANTED_DROPS.has(reason))).toEqual([]);
  });

  test("of a filter without reasons: one sum", () => {
    const [sum, ...more] = Object.entries(unwanted({ control: {}, data: {}, byForm: 7 }));
    expect(sum).toEqual(["malformed GRE, reason not available", 7]);
    expect(more).toEqual([]);
  });
});
