// Finding a packet's flow: among one and among ten thousand.
import { instant } from "../src/base/instant.js";
import { Flow } from "../src/plane/flow.js";
import { FlowTable } from "../src/plane/flow-table.js";
import { PlaneMemory } from "../src/plane/memory.js";
import { ReorderBudget } from "../src/plane/reorder-buffer.js";
import type { Case } from "./micro.js";

const LOCAL = 0xc6120101;
const PEERS = 0xc6120200;
const FRAMED = 0x0a630002;
const AT_ONCE = 1_000;

function tableOf(count: number): FlowTable {
  const memory = new PlaneMemory(count);
  const table = new FlowTable(memory);
  const budget = new ReorderBudget();
  for (let slot = 0; slot < count; slot++) {
    const flow = new Flow(
      {
        kind: "Install",
        flow: { slot, generation: 1 },
        localAddress: LOCAL,
        peerAddress: PEERS + (slot >> 3),
        callId: slot + 1,
        peersCallId: 1,
        peersWindow: 64,
        peersProcessingDelay: 0,
        end: "gateway",
        encryptionRequired: false,
      },
      "off",
      budget,
      memory.record(slot),
      instant(0),
    );
    table.add(flow);
    table.openNetwork4(flow, FRAMED + slot, []);
  }
  return table;
}

export function lookUps(): Case[] {
  return [1, 10_000].flatMap((count): Case[] => {
    const table = tableOf(count);
    // A stride that meets every flow, in no order that a cache would like.
    const each = (look: (slot: number) => unknown) => () => {
      let found = 0;
      for (let i = 0, slot = 0; i < AT_ONCE; i++) {
        if (look(slot) !== undefined) found++;
        slot = (slot + 7_919) % count;
      }
      if (found !== AT_ONCE) throw new Error("a flow was not found");
    };
    const byCall = each((slot) => table.byCall(LOCAL, PEERS + (slot >> 3), slot + 1));
    const toward = each((slot) => table.toward4(FRAMED + slot));
    const many = `${count} flow${count === 1 ? "" : "s"}`;
    const group = "flow look-up";
    return [
      { group, name: `by addresses and Call ID, ${many}`, atOnce: AT_ONCE, prepare: () => byCall },
      { group, name: `by inner destination, ${many}`, atOnce: AT_ONCE, prepare: () => toward },
    ];
  });
}
