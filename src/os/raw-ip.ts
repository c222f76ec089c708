// RFC 791 from the header on: raw sockets for datagrams that are written whole (fragments; segments that no TCP of this
// host sends), and for a look at the TCP that one host sends to this one. The bench's, never the server's.
import type { Ipv4 } from "../base/ip.js";
import { Descriptor } from "./descriptor.js";
import { type OsError, osError } from "./errors.js";
import { SOCK_CLOEXEC, SOCK_NONBLOCK, setSocketNumber, socket } from "./libc.js";
import { ACCEPT, attachFilter, type BpfInstruction, DROP } from "./socket-filter.js";

const AF_INET = 2;
const SOCK_RAW = 3;
const IPPROTO_IP = 0;
const IPPROTO_TCP = 6;
/** Every datagram comes with its header (IP_HDRINCL). */
const IPPROTO_RAW = 255;
const IP_NODEFRAG = 22;
const SOL_SOCKET = 1;
const SO_SNDBUFFORCE = 32;
const SEND_BUFFER_OCTETS = 8 * 1024 * 1024;

type Step = readonly [call: string, result: (fd: number) => number];

/**
 * Sends IPv4 datagrams as they are given, header and all; the kernel writes Total Length and checksum. It reads
 * nothing. Needs CAP_NET_RAW (EPERM otherwise), and CAP_NET_ADMIN for its buffer.
 */
export function openIpSender(): Descriptor | OsError {
  return opened(IPPROTO_RAW, [
    ["SO_ATTACH_FILTER", (fd) => attachFilter(fd, [DROP])],
    // Else a kernel that tracks connections puts fragments together before they leave.
    ["IP_NODEFRAG", (fd) => setSocketNumber(fd, IPPROTO_IP, IP_NODEFRAG, 1)],
    ["SO_SNDBUF", (fd) => setSocketNumber(fd, SOL_SOCKET, SO_SNDBUFFORCE, SEND_BUFFER_OCTETS)],
  ]);
}

/** Gets a copy of each TCP segment from that address and port to this host. Needs CAP_NET_RAW (EPERM otherwise). */
export function openTcpEar(from: Ipv4, port: number): Descriptor | OsError {
  const fromThere: readonly BpfInstruction[] = [
    [0x20, 0, 0, 12], // a = source address
    [0x15, 0, 4, from],
    [0xb1, 0, 0, 0], // x = octets of the IPv4 header
    [0x48, 0, 0, 0], // a = source port
    [0x15, 0, 1, port],
    ACCEPT,
    DROP,
  ];
  return opened(IPPROTO_TCP, [["SO_ATTACH_FILTER", (fd) => attachFilter(fd, fromThere)]]);
}

function opened(protocol: number, steps: readonly Step[]): Descriptor | OsError {
  const fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
  if (fd < 0) return osError("socket AF_INET SOCK_RAW", fd);
  for (const [call, step] of steps) {
    const result = step(fd);
    if (result >= 0) continue;
    new Descriptor(fd)[Symbol.dispose]();
    return osError(`setsockopt ${call}`, result);
  }
  return new Descriptor(fd);
}
