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

/** Other tunnels': they come first, and are nobody's hostile packets. */
export const OTHER_TUNNELS = 2;
const SOURCE = 12;
const DESTINATION = 16;
/** From the GRE header's start. */
const FLAGS = 0;
const PROTOCOL = 2;
const PAYLOAD_LENGTH = 4;
const CALL_ID = 6;
const ACCEPTED_OCTETS = -1;

/** On the stack: the key of a call, its Call ID's place used for a source afterwards; a number's place. */
export const KEY = { localAddress: -16, peerAddress: -12, callId: -8 } as const;
const NOTED = -8;
const PLACE = -4;

/** How a kind of program reads the packet, whose GRE header begins where register 8 says. */
export type GreReader = {
  /** Where a packet goes on that has not even 4 octets of GRE: what it is cannot be told. */
  readonly unbegun: string;
  /** Makes sure that so many octets of the header are there, where the kernel wants that shown. */
  readonly reach: (octets: number) => void;
  /** 16 bits of the header to register 0, in host order. */
  readonly read16: (at: number) => void;
};

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
  program
    .move(6, 1)
    .load32(7, 6, CONTEXT_LENGTH)
    .packet(1, 0)
    .compute(0, "and", 15)
    .compute(0, "shift", 2)
    .move(8, 0)
    .jumpIfMore(8, 7, "gre-truncated")
    .subtract(7, 8);
  const read16 = (at: number) => void program.packet(2, at, 8);
  const reader = { unbegun: "gre-truncated", reach: () => {}, read16 };
  checkForm(program, reader);
  program.label("keyed");
  readCallId(program, reader);
  if (shard.of > 1) {
    program.compute(0, "modulo", shard.of).jumpIf(0, "!=", shard.index, "drop");
  }
  program
    .packet(4, DESTINATION)
    .store32(10, KEY.localAddress, 0)
    .packet(4, SOURCE)
    .store32(10, KEY.peerAddress, 0);
  lookUpCall(program, calls);
  program.jumpIf(0, "==", 0, "count").set(0, ACCEPTED_OCTETS).exit();
  for (const [place, reason] of FILTER_REASONS.entries()) {
    if (reason !== "unknown-call") program.label(reason).set(8, place).jump("malformed");
  }
  program.label("malformed");
  if (shard.index > 0) program.jump("drop");
  program.label("count");
  countRefused(program, refused);
  program
    .jumpIf(8, ">=", OTHER_TUNNELS, "note")
    .jump("drop")
    .label("note")
    .packet(4, SOURCE)
    .store32(10, NOTED, 0);
  noteSource(program, sources);
  program.label("drop").set(0, 0).exit();
  return program.assemble();
}

/** To register 9 the Call ID. */
export function readCallId(program: EbpfAssembler, { read16 }: GreReader): void {
  read16(CALL_ID);
  program.move(9, 0);
}

/** Addresses are on the stack, the Call ID in register 9. Register 0 is 0 where there is no such call. */
export function lookUpCall(program: EbpfAssembler, calls: number): void {
  program
    .store32(10, KEY.callId, 9)
    .map(1, calls)
    .move(2, 10)
    .compute(2, "add", KEY.localAddress)
    .call(MAP_LOOKUP)
    .set(8, FILTER_REASONS.indexOf("unknown-call"));
}

/** By the reason's place in register 8; to register 9 the low half of its count before. */
export function countRefused(program: EbpfAssembler, refused: number): void {
  program
    .store32(10, PLACE, 8)
    .map(1, refused)
    .move(2, 10)
    .compute(2, "add", PLACE)
    .call(MAP_LOOKUP)
    .jumpIf(0, "==", 0, "drop")
    .set(1, 1)
    .addTo64(0, 1)
    .load32(9, 0, 0);
}

/**
 * A sample, as large as its map: the newest ones of each reason, over those before. The source is on the
 * stack, the count in register 9.
 */
export function noteSource(program: EbpfAssembler, sources: number, at: number = NOTED): void {
  program
    .compute(9, "and", incident.samplesMax - 1)
    .store32(10, PLACE, 9)
    .map(1, sources)
    .move(2, 10)
    .compute(2, "add", PLACE)
    .call(MAP_LOOKUP)
    .jumpIf(0, "==", 0, "drop")
    .load32(1, 10, at)
    .store32(0, 0, 1);
}

/** Goes on at `keyed`, or at the label of a reason; in the order in which wire/gre.ts looks. */
export function checkForm(program: EbpfAssembler, reader: GreReader): void {
  const { unbegun, reach, read16 } = reader;
  program.jumpIf(7, ">=", 4, "begun").jump(unbegun).label("begun");
  reach(4);
  read16(FLAGS);
  program.move(9, 0).compute(0, "and", 7).jumpIf(0, "!=", 1, "gre-version");
  read16(PROTOCOL);
  program
    .jumpIf(0, "!=", 0x880b, "gre-protocol")
    .jumpIf(7, ">=", 8, "whole")
    .jump("gre-truncated")
    .label("whole");
  reach(8);
  program
    .jumpIf(9, "&", 0x2000, "key")
    .jump("gre-no-key")
    .label("key")
    .jumpIf(9, "&", 0xcf78, "gre-flags")
    .compute(7, "subtract", 8);
  skipField(program, 0x1000, "sequence");
  skipField(program, 0x0080, "acknowledgment");
  read16(PAYLOAD_LENGTH);
  program
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
