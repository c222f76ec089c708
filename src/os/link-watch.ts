// rtnetlink(7), listened to only: says that an interface or its IPv4 addresses were changed by somebody.
import { Descriptor } from "./descriptor.js";
import { EAGAIN, ENOBUFS, isOsError, type OsError, osError } from "./errors.js";
import { bindSocket, Memory, read, SOCK_CLOEXEC, SOCK_NONBLOCK, socket } from "./libc.js";

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const NETLINK_ROUTE = 0;
const SOCKADDR_OCTETS = 12;
const RTMGRP_LINK = 1;
const RTMGRP_IPV4_IFADDR = 0x10;

const HEADER_OCTETS = 16;
const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const IFINFOMSG_OCTETS = 16;
const IFADDRMSG_OCTETS = 8;
/** IFLA_IFNAME and IFA_LABEL: the interface's name, with its NUL. */
const NAME = 3;

const BUFFER_OCTETS = 32_768;
/** Batches in one go; what is left makes the descriptor readable again. */
const READS_MAX = 16;

/** Names of the interfaces that one read of netlink messages speaks of; what is cut short ends it. */
export function namedInterfaces(octets: Uint8Array): string[] {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  const names: string[] = [];
  for (let at = 0; at + HEADER_OCTETS <= octets.byteLength; ) {
    const length = view.getUint32(at, true);
    if (length < HEADER_OCTETS || at + length > octets.byteLength) break;
    const fixed = fixedOctets(view.getUint16(at + 4, true));
    const name = fixed && nameAttribute(view, at + HEADER_OCTETS + fixed, at + length);
    if (name) names.push(name);
    at += aligned(length);
  }
  return names;
}

function fixedOctets(type: number): number | undefined {
  if (type === RTM_NEWLINK || type === RTM_DELLINK) return IFINFOMSG_OCTETS;
  return type === RTM_NEWADDR || type === RTM_DELADDR ? IFADDRMSG_OCTETS : undefined;
}

function nameAttribute(view: DataView, from: number, end: number): string | undefined {
  for (let at = from; at + 4 <= end; ) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > end) return undefined;
    if (view.getUint16(at + 2, true) === NAME) {
      const text = new Uint8Array(view.buffer, view.byteOffset + at + 4, length - 4);
      return Buffer.from(text).toString("latin1").replace(/\0.*$/s, "");
    }
    at += aligned(length);
  }
  return undefined;
}

function aligned(length: number): number {
  return (length + 3) & ~3;
}

/**
 * Calls `changed` after each change of interface `name` (undefined: of any), and whenever a message
 * may have been lost.
 */
export function watchLink(name: string | undefined, changed: () => void): Disposable | OsError {
  const fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  if (fd < 0) return osError("socket AF_NETLINK", fd);
  const descriptor = new Descriptor(fd);
  const address = new Memory(SOCKADDR_OCTETS);
  address.view.setUint16(0, AF_NETLINK, true);
  address.view.setUint32(8, RTMGRP_LINK | RTMGRP_IPV4_IFADDR, true);
  const bound = bindSocket(fd, address);
  if (bound < 0) {
    descriptor[Symbol.dispose]();
    return osError("bind AF_NETLINK", bound);
  }
  const buffer = new Memory(BUFFER_OCTETS);
  const watch = descriptor.watch(() => {
    for (let reads = 0; reads < READS_MAX; reads++) {
      const length = read(descriptor.fd, buffer.address, BUFFER_OCTETS);
      if (length === 0 || length === -EAGAIN) return;
      // ENOBUFS: some were lost, and nobody knows of which interface.
      const names = namedInterfaces(buffer.octets.subarray(0, Math.max(0, length)));
      if (length < 0 || name === undefined || names.includes(name)) changed();
      if (length < 0 && length !== -ENOBUFS) return;
    }
  });
  if (isOsError(watch)) {
    descriptor[Symbol.dispose]();
    return watch;
  }
  return descriptor;
}
