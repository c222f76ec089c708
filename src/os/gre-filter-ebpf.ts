// RFC 2637 §4.1 as an eBPF socket filter: what is malformed, and what belongs to no live call, is dropped
// and counted before a data worker wakes. It refuses what wire/gre.ts refuses, for the same reasons.
import { incident } from "../limits.js";
import { CONTEXT_LENGTH, EbpfAssembler, type EbpfInstruction, MAP_LOOKUP } from "./ebpf.js";

/** What it counts, each at its place; the first two are other tunnels', whose sources are not noted. */
export const FILTER_REASONS = [
  "gre-version",
  "gre-protocol",
  "gre-truncated",
  "gre-no-key",
  "gre-flags",
  "gre-payload-over",
  "gre-payload-unsequenced",
  "unknown-call",
] as const;
export type FilterReason = (typeof FILTER_REASONS)[number];

/** A key of the map of live calls: our address, the peer's, our Call ID; 32 bits each, host order. */
export const CALL_KEY_OCTETS = 12;

/** Which of several receivers this is: it gets the calls whose Call ID leaves `index` when divided. */
export type Shard = { readonly index: number; readonly of: number };

export type FilterMaps = {
  readonly calls: number;
  readonly refused: number;
  /** By the low bits of a reason's count: where the packet came from. */
  readonly sources: number;
};

const OTHER_TUNNELS = 2;
const SOURCE = 12;
const DESTINATION = 16;
/** From the GRE header's start. */
const FLAGS = 0;
const PROTOCOL = 2;
const PAYLOAD_LENGTH = 4;
const CALL_ID = 6;
const ACCEPTED_OCTETS = -1;

/**
 * 6: the context, which packet loads need there. 7: octets behind what was read. 8: octets of the IPv4
 * header, later a reason's place. 9: flags, later the Call ID, later a place among the sources. What is
 * no call's is for the first receiver to count: every raw socket is given every datagram.
 */
export function greFilter(
  { calls, refused, sources }: FilterMaps,
  shard: Shard,
): EbpfInstruction[] {
  const program = new EbpfAssembler();
  checkForm(program);
  program.label("keyed").packet(2, CALL_ID, 8).move(9, 0);
  if (shard.of > 1) {
    program.compute(0, "modulo", shard.of).jumpIf(0, "!=", shard.index, "drop");
  }
  program
    .packet(4, DESTINATION)
    .store32(10, -16, 0)
    .packet(4, SOURCE)
    .store32(10, -12, 0)
    .store32(10, -8, 9)
    .map(1, calls)
    .move(2, 10)
    .compute(2, "add", -16)
    .call(MAP_LOOKUP)
    .set(8, FILTER_REASONS.indexOf("unknown-call"))
    .jumpIf(0, "==", 0, "count")
    .set(0, ACCEPTED_OCTETS)
    .exit();
  for (const [place, reason] of FILTER_REASONS.entries()) {
    if (reason !== "unknown-call") program.label(reason).set(8, place).jump("malformed");
  }
  program.label("malformed");
  if (shard.index > 0) program.jump("drop");
  program
    .label("count")
    .store32(10, -4, 8)
    .map(1, refused)
    .move(2, 10)
    .compute(2, "add", -4)
    .call(MAP_LOOKUP)
    .jumpIf(0, "==", 0, "drop")
    .set(1, 1)
    .addTo64(0, 1)
    .load32(9, 0, 0);
  noteSource(program, sources);
  program.label("drop").set(0, 0).exit();
  return program.assemble();
}

/** A sample, as large as its map: the newest ones of each reason, over those before. */
function noteSource(program: EbpfAssembler, sources: number): void {
  program
    .jumpIf(8, ">=", OTHER_TUNNELS, "note")
    .jump("drop")
    .label("note")
    .compute(9, "and", incident.samplesMax - 1)
    .packet(4, SOURCE)
    .store32(10, -8, 0)
    .store32(10, -4, 9)
    .map(1, sources)
    .move(2, 10)
    .compute(2, "add", -4)
    .call(MAP_LOOKUP)
    .jumpIf(0, "==", 0, "drop")
    .load32(1, 10, -8)
    .store32(0, 0, 1);
}

/** Goes on at `keyed`, or at the label of a reason; in the order in which wire/gre.ts looks. */
function checkForm(program: EbpfAssembler): void {
  program
    .move(6, 1)
    .load32(7, 6, CONTEXT_LENGTH)
    .packet(1, 0)
    .compute(0, "and", 15)
    .compute(0, "shift", 2)
    .move(8, 0)
    .jumpIfMore(8, 7, "gre-truncated")
    .subtract(7, 8)
    .jumpIf(7, ">=", 4, "begun")
    .jump("gre-truncated")
    .label("begun")
    .packet(2, FLAGS, 8)
    .move(9, 0)
    .compute(0, "and", 7)
    .jumpIf(0, "!=", 1, "gre-version")
    .packet(2, PROTOCOL, 8)
    .jumpIf(0, "!=", 0x880b, "gre-protocol")
    .jumpIf(7, ">=", 8, "whole")
    .jump("gre-truncated")
    .label("whole")
    .jumpIf(9, "&", 0x2000, "key")
    .jump("gre-no-key")
    .label("key")
    .jumpIf(9, "&", 0xcf78, "gre-flags")
    .compute(7, "subtract", 8);
  skipField(program, 0x1000, "sequence");
  skipField(program, 0x0080, "acknowledgment");
  program
    .packet(2, PAYLOAD_LENGTH, 8)
    .jumpIfMore(0, 7, "gre-payload-over")
    .jumpIf(0, "==", 0, "keyed")
    .jumpIf(9, "&", 0x1000, "keyed")
    .jump("gre-payload-unsequenced");
}

/** A field of 4 octets that is there when its flag is set. */
function skipField(program: EbpfAssembler, flag: number, name: string): void {
  program
    .jumpIf(9, "&", flag, `with ${name}`)
    .jump(`after ${name}`)
    .label(`with ${name}`)
    .jumpIf(7, ">=", 4, `${name} is there`)
    .jump("gre-truncated")
    .label(`${name} is there`)
    .compute(7, "subtract", 4)
    .label(`after ${name}`);
}
