// The plane's memory, octet by octet: what the TypeScript engine and the WebAssembly lane both read and
// write. It imports nothing, since the AssemblyScript compiler reads it too. Offsets are octets;
// numbers are little-endian, IPv4 addresses as they lie in a packet; times are milliseconds of the
// worker's clock, as 64-bit floats.

// A flow's record, from its start.
/** This end's outer address, and the peer's. */
export const LOCAL_ADDRESS = 0;
export const PEER_ADDRESS = 4;
/** In GRE that comes to us; in GRE that we send. */
export const CALL_ID = 8;
export const PEERS_CALL_ID = 12;
/** Slot + 1 of the next flow with the same Call ID, 0 at the end of the chain. */
export const NEXT_FLOW = 16;
export const FLAGS = 20;
/** The sequence number due next, once HAS_EXPECTED is set. */
export const EXPECTED = 24;
/** The number of the next packet sent, and the highest one the peer acknowledged. */
export const NEXT_SEQUENCE = 28;
export const ACKNOWLEDGED = 32;
/** The framed IPv4 address, once NETWORK4 is set. */
export const ADDRESS4 = 36;
/** Largest inner packet the peer takes. */
export const INNER_MTU = 40;
/** Coherency counts of the last packet decrypted and encrypted. */
export const RECEIVE_COUNT = 44;
export const SEND_COUNT = 48;
/** Sequence numbers between the last MPPE packet read and the number due, modulo 2^32. */
export const UNACCOUNTED = 52;
/** The number of its user's rate limits; 0: none. */
export const BUCKET = 56;
/** RC4's i and j of both streams, stateful MPPE only, as octets: receive i, j, send i, j. */
export const STREAM_PLACES = 60;
/** When a lone acknowledgment is due; infinity while none is. */
export const ACK_DUE_AT = 64;
export const LAST_IN_WINDOW = 72;
export const LAST_DATA = 80;
export const ROUND_TRIP = 88;
export const DEVIATION = 96;
export const RECEIVED_PACKETS = 104;
export const RECEIVED_OCTETS = 112;
export const SENT_PACKETS = 120;
export const SENT_OCTETS = 128;
export const DROPPED = 136;
export const LOST = 144;
export const REORDERED = 152;
/** 16 octets each, the first 8 of them for 40 and 56 bits. */
export const RECEIVE_KEY = 160;
export const RECEIVE_START = 176;
export const SEND_KEY = 192;
export const SEND_START = 208;
export const OVER_RATE_UP = 224;
export const OVER_RATE_DOWN = 232;
/** Send times of the last SENT_KEPT packets. */
export const SENT_AT = 256;
export const SENT_KEPT = 64;
export const RECORD_OCTETS = 768;

// A flow's RC4 tables, an octet an entry, from where they begin: apart from its record, so that no page of
// them is touched for flows without stateful MPPE.
export const RECEIVE_BOX = 0;
export const SEND_BOX = 256;
export const BOXES_OCTETS = 512;

// FLAGS.
/** The lane may take data from, and send data to, the peer without asking. */
export const RECEIVE_FAST = 0x0001;
export const SEND_FAST = 0x0002;
/** A client's end: no gateway's checks, and all of the TUN is its. */
export const HOST_END = 0x0004;
export const HAS_EXPECTED = 0x0008;
export const NETWORK4 = 0x0010;
/** Listed for the next Counters. */
export const DIRTY = 0x0020;
export const ROUND_TRIP_SAMPLED = 0x0040;
export const ACFC = 0x0080;
export const PFC = 0x0100;
/** MPPE is on in this direction. */
export const DECRYPTS = 0x0200;
export const ENCRYPTS = 0x0400;
export const STATEFUL = 0x0800;
/** Keys of 8 octets, their first ones fixed: RFC 3079 §3.1, §3.2. */
export const BITS_40 = 0x1000;
export const BITS_56 = 0x2000;

// The regions, from 0. The lane's own scratch first.
/** The RC4 table in use, a 32-bit word an entry; SHA-1's words, its digest. */
export const BOX = 1_024;
export const SHA_WORDS = 2_048;
export const DIGEST = 2_432;
/** The key being tried. */
export const TRIAL_KEY = 2_464;
export const SCRATCH_END = 2_560;

// Single numbers, as int32 unless said otherwise.
/** Slot + 1 of the one flow of a client's TUN. */
export const HOST_FLOW = 4_096;
export const CLIENT_TO_CLIENT = 4_100;
export const ACK_DELAY_MS = 4_104;
/** Entries of the destination cache count while they carry this number. */
export const EPOCH = 4_108;
export const DIRTY_COUNT = 4_112;
export const ARMED_COUNT = 4_116;
/** Packets for the TUN that wait in COALESCED, datagrams that wait in SEND_SLOTS. */
export const COALESCED_COUNT = 4_120;
export const QUEUED_COUNT = 4_124;
/** Where the list of dirty flows and the records begin. */
export const DIRTY_LIST = 4_128;
export const RECORDS = 4_132;
/** Where the RC4 tables begin. */
export const BOXES = 4_168;
/** Where the rate limits begin: of each bucket, up and then down. */
export const RATES = 4_164;
/** Of one direction, 64-bit floats: octets it has, since when, octets a millisecond, octets it holds. */
export const RATE_TOKENS = 0;
export const RATE_REFILLED_AT = 8;
export const RATE_OCTETS_PER_MS = 16;
export const RATE_BURST = 24;
export const RATE_OCTETS = 32;
/** The packet the lane decrypted but leaves to the engine: flow's slot, protocol, first and last. */
export const INNER_FLOW = 4_136;
export const INNER_PROTOCOL = 4_140;
export const INNER_START = 4_144;
export const INNER_END = 4_148;
/** 1 once a drop was counted since the engine last looked. */
export const DROPS_CHANGED = 4_160;
/** Absolute address of this memory, 64 bits, for the pointers of kernel structures. */
export const BASE_ADDRESS = 4_152;

/** Drops by the place of their reason in DROP_REASONS, 64-bit floats. */
export const DROPS = 8_192;
export const DROPS_MAX = 128;
/** Slots whose timer may now be earlier: looked at after each batch. */
export const ARMED_LIST = 9_216;
export const ARMED_MAX = 512;

/** Datagrams taken and sent in one go; base/kernel-layout.ts has the structures and a slot's room. */
export const RECEIVE_SLOTS_MAX = 64;
export const SEND_SLOTS_MAX = 256;
/** mmsghdr and iovec of the receive slots. */
export const RECEIVE_HEADERS = 16_384;
export const RECEIVE_VECTORS = 20_480;
/** mmsghdr and record of the send slots. */
export const SEND_HEADERS = 21_504;
export const SEND_RECORDS = 37_888;
/** Of each send slot: its flow's slot, the octets of the packet inside. */
export const SEND_FLOWS = 54_272;
export const SEND_INNER = 55_296;

/** Packets for the TUN, a run of one TCP stream's segments as one: state, header, vectors of each. */
export const COALESCED_MAX = 64;
export const COALESCED = 57_344;
export const COALESCED_OCTETS = 64;
/** Of one: the first packet's place, headers and payload of the run, and what a next one must be. */
export const COALESCED_PACKET = 0;
export const COALESCED_HEADERS_LENGTH = 4;
export const COALESCED_PAYLOAD = 8;
export const COALESCED_SEGMENT = 12;
export const COALESCED_SEQUENCE = 16;
export const COALESCED_PACKETS = 20;
export const COALESCED_VECTOR_COUNT = 24;
export const COALESCED_FLOW = 28;
export const COALESCED_OPEN = 32;
export const COALESCED_HEADERS = 61_440;
export const COALESCED_HEADER_OCTETS = 16;
export const COALESCED_VECTORS = 62_464;
export const COALESCED_VECTORS_MAX = 66;

export const RECEIVE_SLOTS = 131_072;
export const SEND_SLOTS = 262_144;
/** Room for the longest header before a payload in a send slot. */
export const SEND_PAYLOAD_AT = 16;
/** struct virtio_net_hdr of 10 octets before a packet, which so is aligned. */
export const TUN_HEADER = 786_438;
export const TUN_PACKET = 786_448;
/** Both together: the kernel's largest packet is of 65,535 octets. */
export const TUN_OCTETS_MAX = 65_546;
/** One segment of a super-packet, as the engine takes it. */
export const SEGMENT = 856_064;
/** By Call ID: slot + 1 of the first flow that has it. */
export const CALL_HEADS = 921_600;
export const CALL_IDS = 65_536;
/** Inner IPv4 destinations seen: address, verdict, epoch. */
export const DESTINATIONS = 1_183_744;
export const DESTINATIONS_MAX = 65_536;
export const DESTINATION_OCTETS = 12;
/** A verdict that is no flow's: outside, as far as every flow may send there. */
export const OUTSIDE = -1;
export const FIXED_OCTETS = 1_970_176;

/**
 * So much of a decrypted packet says whether the key was right: its protocol and the longest IP header.
 * The rest is decrypted only then, so that a forged packet costs less than a good one.
 */
export const JUDGED_OCTETS = 64;

// What the lane answers of one packet instead of a DropReason's place.
/** Done. */
export const TAKEN = -1;
/** Untouched: the engine's. */
export const LEFT = -2;
/** Sequenced and decrypted; the packet inside (INNER_*) is the engine's. */
export const LEFT_INNER = -3;
/** Untouched: send what is queued first. */
export const FULL = -4;
