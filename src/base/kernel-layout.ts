// Linux's structures around packets, 64-bit and little-endian: struct iovec, mmsghdr, sockaddr_in,
// cmsghdr with in_pktinfo, virtio_net_hdr. Octet offsets and sizes only, and nothing is imported, so
// that both engines of the data path read the same numbers. IPv4 addresses lie in network order.

/** One datagram's place; the largest of a call (1532 + 16 of GRE + 60 of IPv4) fits. */
export const SLOT_OCTETS = 2048;

/** struct iovec: iov_base (u64, an address), iov_len (u64). */
export const IOVEC_OCTETS = 16;
export const IOVEC_BASE = 0;
export const IOVEC_LENGTH = 8;

/** struct mmsghdr: a msghdr (msg_name to msg_flags), then msg_len (u32), what came or went. */
export const MMSGHDR_OCTETS = 64;
export const MMSGHDR_NAME = 0;
export const MMSGHDR_NAME_OCTETS = 8;
export const MMSGHDR_VECTORS = 16;
export const MMSGHDR_VECTOR_COUNT = 24;
export const MMSGHDR_CONTROL = 32;
export const MMSGHDR_CONTROL_OCTETS = 40;
export const MMSGHDR_FLAGS = 48;
export const MMSGHDR_LENGTH = 56;

/** In msg_flags (u32) of a datagram that was longer than its slot: drop it. */
export const MSG_TRUNC = 0x20;

/**
 * What a message to send needs beside its mmsghdr, in one record: its iovec, its sockaddr_in, its
 * control message. Write the first two and the addresses; the rest is laid out once.
 */
export const SEND_RECORD_OCTETS = 64;
/** iov_base and iov_len of the octets to send: a GRE header and what follows. */
export const SEND_BASE = 0;
export const SEND_LENGTH = 8;
/** sin_addr: where to. */
export const SEND_NAME = 16;
export const SEND_DESTINATION = 20;
/** ipi_spec_dst: where from. */
export const SEND_CONTROL = 32;
export const SEND_SOURCE = 52;

export const SOCKADDR_IN_OCTETS = 16;
/** cmsghdr (16), in_pktinfo (12), padded. */
export const PKTINFO_CONTROL_OCTETS = 32;

/** struct virtio_net_hdr before each packet of a TUN: u8 flags, u8 gso_type, then four u16. */
export const VNET_OCTETS = 10;
export const VNET_FLAGS = 0;
export const VNET_GSO_TYPE = 1;
export const VNET_HEADER_OCTETS = 2;
export const VNET_GSO_SIZE = 4;
export const VNET_CHECKSUM_START = 6;
export const VNET_CHECKSUM_OFFSET = 8;

/** In `flags`: the checksum from VNET_CHECKSUM_START on has still to be filled in; or was checked. */
export const VNET_NEEDS_CHECKSUM = 1;
export const VNET_DATA_VALID = 2;

/** In `gso_type`. */
export const VNET_GSO_NONE = 0;
export const VNET_GSO_TCPV4 = 1;
export const VNET_GSO_TCPV6 = 4;
export const VNET_GSO_UDP = 5;
export const VNET_GSO_ECN = 0x80;

/** What TUNSETOFFLOAD takes. */
export const TUN_CHECKSUM = 0x01;
export const TUN_TSO4 = 0x02;
export const TUN_TSO6 = 0x04;
export const TUN_TSO_ECN = 0x08;
export const TUN_USO4 = 0x20;
export const TUN_USO6 = 0x40;
