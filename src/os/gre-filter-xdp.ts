// What the socket filter refuses of GRE, refused at the interface, before the kernel has made anything of
// the frame: an XDP program over the same maps. What it lets pass the socket filter looks at as ever, so
// that both together give the verdict that the socket filter gives alone, and count each packet once.
//
// It sees more than the socket does, and judges only what would surely come there: whole, well-formed IPv4
// datagrams of enhanced GRE to an address we listen on. All else passes, other tunnels' GRE untouched.
import { EbpfAssembler, type EbpfInstruction, FRAME_BEGIN, FRAME_END, MAP_LOOKUP } from "./ebpf.js";
import {
  checkForm,
  countRefused,
  FILTER_REASONS,
  type FilterMaps,
  type GreReader,
  KEY,
  lookUpCall,
  noteSource,
  OTHER_TUNNELS,
  readCallId,
} from "./gre-filter-ebpf.js";

/** What a frame of the interface begins with: an Ethernet header, or the IP header itself. */
export type FrameStart = "ethernet" | "ip";

export type XdpMaps = FilterMaps & {
  /** Our addresses, 32 bits each, host order: what goes elsewhere is not ours to refuse. */
  readonly addresses: number;
};

const XDP_DROP = 1;
const XDP_PASS = 2;

const ETHER_TYPE = 12;
const ETHER_TYPE_OCTETS = 2;
const TAG_OCTETS = 4;
const TAGS_MAX = 2;
const ETHER_IPV4 = 0x0800;
/** IEEE 802.1Q and 802.1ad. */
const ETHER_TAGS = [0x8100, 0x88a8];

/** Of the IPv4 header. */
const IP_OCTETS = 20;
const TOTAL_LENGTH = 2;
const FRAGMENT = 6;
const IP_PROTOCOL = 9;
const SOURCE = 12;
const DESTINATION = 16;
const MORE_OR_OFFSET = 0x3fff;
const GRE = 47;

/**
 * 6: the context. 7: octets of the datagram behind what was read. 8: where the IPv4 header begins, then the
 * GRE header, later a reason's place. 9: octets of the IPv4 header, then as in the socket filter.
 */
export function xdpGreFilter(maps: XdpMaps, start: FrameStart): EbpfInstruction[] {
  const program = new EbpfAssembler();
  program.move(6, 1).load32(8, 6, FRAME_BEGIN);
  if (start === "ethernet") skipEthernet(program);
  readIpv4(program);
  const reader: GreReader = {
    unbegun: "pass",
    reach: (octets) => reach(program, octets),
    read16: (at) => void program.load(2, 0, 8, at).fromNetwork(0, 16),
  };
  checkForm(program, reader);
  program.label("keyed");
  readCallId(program, reader);
  lookUpCall(program, maps.calls);
  program.jumpIf(0, "==", 0, "refuse").label("pass").set(0, XDP_PASS).exit();
  for (const [place, reason] of FILTER_REASONS.entries()) {
    if (reason === "unknown-call") continue;
    // Other tunnels' is somebody else's, or the socket filter's to count.
    if (place < OTHER_TUNNELS) program.label(reason).jump("pass again");
    else program.label(reason).set(8, place).jump("refuse");
  }
  program
    .label("refuse")
    .map(1, maps.addresses)
    .move(2, 10)
    .compute(2, "add", KEY.localAddress)
    .call(MAP_LOOKUP)
    .jumpIf(0, "==", 0, "pass again");
  countRefused(program, maps.refused);
  noteSource(program, maps.sources, KEY.peerAddress);
  program.label("drop").set(0, XDP_DROP).exit();
  program.label("pass again").set(0, XDP_PASS).exit();
  return program.assemble();
}

/** On where so many octets from register 8 on are in the frame; the kernel wants it shown before each read. */
function reach(program: EbpfAssembler, octets: number): void {
  program.move(2, 8).compute(2, "add", octets).load32(3, 6, FRAME_END).jumpIfMore(2, 3, "pass");
}

/** To the IP header, past the tags that are there. */
function skipEthernet(program: EbpfAssembler): void {
  program.compute(8, "add", ETHER_TYPE);
  for (let tags = 0; tags <= TAGS_MAX; tags++) {
    reach(program, ETHER_TYPE_OCTETS);
    program.load(2, 0, 8, 0).fromNetwork(0, 16).jumpIf(0, "==", ETHER_IPV4, "IPv4");
    if (tags === TAGS_MAX) break;
    for (const type of ETHER_TAGS) program.jumpIf(0, "==", type, `tag ${tags}`);
    program.jump("pass").label(`tag ${tags}`).compute(8, "add", TAG_OCTETS);
  }
  program.jump("pass").label("IPv4").compute(8, "add", ETHER_TYPE_OCTETS);
}

/** Passes what is not a whole datagram of GRE; the addresses of one to the stack. */
function readIpv4(program: EbpfAssembler): void {
  reach(program, IP_OCTETS);
  program
    .load(1, 0, 8, IP_PROTOCOL)
    .jumpIf(0, "!=", GRE, "pass")
    .load(1, 9, 8, 0)
    .move(0, 9)
    .compute(0, "and", 0xf0)
    .jumpIf(0, "!=", 0x40, "pass")
    .compute(9, "and", 15)
    .compute(9, "shift", 2)
    .jumpIf(9, ">=", IP_OCTETS, "header")
    .jump("pass")
    .label("header")
    // In pieces it has no GRE header to look at, or not the length that its header says.
    .load(2, 0, 8, FRAGMENT)
    .fromNetwork(0, 16)
    .jumpIf(0, "&", MORE_OR_OFFSET, "pass")
    // The datagram's own length: a frame may be padded.
    .load(2, 7, 8, TOTAL_LENGTH)
    .fromNetwork(7, 16)
    // Known already, but older kernels forget with a swap how large a number can be.
    .compute(7, "and", 0xffff)
    .move(2, 8)
    .add(2, 7)
    .load32(3, 6, FRAME_END)
    .jumpIfMore(2, 3, "pass")
    .jumpIfMore(9, 7, "pass")
    .subtract(7, 9)
    .load32(0, 8, SOURCE)
    .fromNetwork(0, 32)
    .store32(10, KEY.peerAddress, 0)
    .load32(0, 8, DESTINATION)
    .fromNetwork(0, 32)
    .store32(10, KEY.localAddress, 0)
    .add(8, 9);
}
