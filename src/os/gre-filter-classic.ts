// The same check of the form in classic BPF, for kernels that give us no eBPF: it knows no calls and
// counts nothing. A second filter takes what the first one finds malformed, for a socket that counts.
import type { Shard } from "./gre-filter-ebpf.js";
import { ACCEPT, type BpfInstruction, DROP } from "./socket-filter.js";

type Line = {
  readonly code: number;
  readonly k: number;
  readonly yes?: string;
  readonly no?: string;
};

const IP_HEADER_TO_X: Line = { code: 0xb1, k: 0 };
/** SKF_AD_OFF + SKF_AD_PKTTYPE, and its value for what is for this host. */
const PACKET_TYPE = 0xffff_f004;
const PACKET_HOST = 0;
const GRE = 47;
const MORE_FRAGMENTS_OR_OFFSET = 0x3fff;
/** Of the IPv4 header: a link's padding may follow the datagram. */
const TOTAL_LENGTH: Line = { code: 0x28, k: 2 };
const LESS_X: Line = { code: 0x1c, k: 0 };
/** The one word of scratch memory: octets behind what was read. */
const KEEP: Line = { code: 0x02, k: 0 };
const KEPT: Line = { code: 0x60, k: 0 };
/** Sixteen bits of GRE's header. */
const half = (at: number): Line => ({ code: 0x48, k: at });
const less = (k: number): Line => ({ code: 0x14, k });
const and = (k: number): Line => ({ code: 0x54, k });
const modulo = (k: number): Line => ({ code: 0x94, k });
const ifEqual = (k: number, yes: string, no: string): Line => ({ code: 0x15, k, yes, no });
const ifAtLeast = (k: number, yes: string, no: string): Line => ({ code: 0x35, k, yes, no });
const ifAny = (k: number, yes: string, no: string): Line => ({ code: 0x45, k, yes, no });

const NEXT = "next";

/** A field of 4 octets that is there when its flag is set. */
function field(flag: number): Line[] {
  return [half(0), ifAny(flag, NEXT, "+4"), KEPT, ifAtLeast(4, NEXT, "malformed"), less(4), KEEP];
}

/** Well-formed enhanced GRE, for the receiver that its Call ID falls to. */
export function classicGreFilter({ index, of }: Shard = { index: 0, of: 1 }) {
  const shard = [half(6), modulo(of), ifEqual(index, "well-formed", "foreign")];
  const ends = { "well-formed": ACCEPT, malformed: DROP, foreign: DROP };
  return resolve([...FORM, ...(of > 1 ? shard : [])], ends);
}

/** What that refuses of enhanced GRE, for a socket that is given every packet of every interface. */
export function malformedGreFilter() {
  const toUs = [
    ...[{ code: 0x28, k: PACKET_TYPE }, ifEqual(PACKET_HOST, NEXT, "foreign")],
    ...[{ code: 0x30, k: 9 }, ifEqual(GRE, NEXT, "foreign")],
    ...[{ code: 0x28, k: 6 }, ifAny(MORE_FRAGMENTS_OR_OFFSET, "foreign", NEXT)],
  ];
  return resolve([...toUs, ...FORM], { "well-formed": DROP, malformed: ACCEPT, foreign: DROP });
}

/** Goes on behind its end where the packet is well-formed. */
const FORM: readonly Line[] = [
  IP_HEADER_TO_X,
  ...[TOTAL_LENGTH, LESS_X, KEEP],
  ifAtLeast(4, NEXT, "malformed"),
  ...[half(0), and(7), ifEqual(1, NEXT, "foreign")],
  ...[half(2), ifEqual(0x880b, NEXT, "foreign")],
  ...[KEPT, ifAtLeast(8, NEXT, "malformed"), less(8), KEEP],
  // K, and none of C, R, s, Recur and the unassigned flags.
  ...[half(0), and(0xef78), ifEqual(0x2000, NEXT, "malformed")],
  ...field(0x1000),
  ...field(0x0080),
  // Payload Length to X: it is at most what is there, and nothing without a sequence number.
  ...[half(4), { code: 0x07, k: 0 }, KEPT],
  { code: 0x3d, k: 0, yes: NEXT, no: "malformed" },
  ...[IP_HEADER_TO_X, half(4), ifEqual(0, "+2", NEXT)],
  ...[half(0), ifAny(0x1000, NEXT, "malformed")],
];

/** `next` goes on, `+n` leaves n out; anything else is one of the ends, which stand behind. */
function resolve(
  lines: readonly Line[],
  ends: Readonly<Record<string, BpfInstruction>>,
): readonly BpfInstruction[] {
  const names = Object.keys(ends);
  const distance = (at: number, to = NEXT) => {
    if (to === NEXT) return 0;
    if (to.startsWith("+")) return Number(to.slice(1));
    return lines.length + names.indexOf(to) - at - 1;
  };
  return [
    ...lines.map(
      ({ code, k, yes, no }, at): BpfInstruction => [code, distance(at, yes), distance(at, no), k],
    ),
    ...Object.values(ends),
  ];
}
