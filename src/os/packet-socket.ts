// A packet(7) socket, given what a filter lets of one interface or of all, from the IP header on.
import { Descriptor } from "./descriptor.js";
import { type OsError, osError } from "./errors.js";
import {
  bindSocket,
  getSocketOption,
  Memory,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  setSocketNumber,
  socket,
} from "./libc.js";
import { attachFilter, type BpfInstruction } from "./socket-filter.js";

const AF_PACKET = 17;
const SOCK_DGRAM = 2;
const SOL_SOCKET = 1;
const SOL_PACKET = 263;
const PACKET_STATISTICS = 6;
export const SOCKADDR_LL_OCTETS = 20;

export type PacketSocketTerms = {
  readonly filter: readonly BpfInstruction[];
  /** Of linux/if_ether.h. */
  readonly etherType: number;
  /** 0: any. */
  readonly interfaceIndex: number;
  /** Numbers of SOL_SOCKET, set before anything comes. */
  readonly options: readonly {
    readonly name: string;
    readonly option: number;
    readonly value: number;
  }[];
};

/** Needs CAP_NET_RAW, and that AF_PACKET is let. */
export function openPacketSocket(terms: PacketSocketTerms): Descriptor | OsError {
  // Protocol 0: nothing comes before the filter is there.
  const fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return osError("socket AF_PACKET", fd);
  const opened = new Descriptor(fd);
  const address = new Memory(SOCKADDR_LL_OCTETS);
  address.view.setUint16(0, AF_PACKET, true);
  address.view.setUint16(2, terms.etherType, false);
  address.view.setInt32(4, terms.interfaceIndex, true);
  const steps: [string, () => number][] = [
    ["setsockopt SO_ATTACH_FILTER", () => attachFilter(fd, terms.filter)],
    ...terms.options.map(({ name, option, value }): [string, () => number] => [
      `setsockopt ${name}`,
      () => setSocketNumber(fd, SOL_SOCKET, option, value),
    ]),
    ["bind AF_PACKET", () => bindSocket(fd, address)],
  ];
  for (const [call, step] of steps) {
    const result = step();
    if (result >= 0) continue;
    opened[Symbol.dispose]();
    return osError(call, result);
  }
  return opened;
}

/** Since the last time this was asked: what came, and of that what had no room. Undefined: not told. */
export function takePacketStatistics({
  fd,
}: Descriptor): { came: number; lost: number } | undefined {
  const statistics = new Memory(8);
  if (getSocketOption(fd, SOL_PACKET, PACKET_STATISTICS, statistics) < 0) return undefined;
  return { came: statistics.view.getUint32(0, true), lost: statistics.view.getUint32(4, true) };
}
