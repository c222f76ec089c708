// netdevice(7): an interface by its name, in the network namespace of this process.
import { Descriptor } from "./descriptor.js";
import { EINVAL, type OsError, osError } from "./errors.js";
import { ioctl, Memory, SOCK_CLOEXEC, socket } from "./libc.js";
import { INTERFACE_NAME_OCTETS, isInterfaceName } from "./tun.js";

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SIOCGIFHWADDR = 0x8927;
const SIOCGIFINDEX = 0x8933;
const IFREQ_OCTETS = 40;

export type Interface = {
  readonly index: number;
  /** Of linux/if_arp.h: 1 for Ethernet. */
  readonly type: number;
};

/** An error ENODEV: there is none of that name. */
export function findInterface(name: string): Interface | OsError {
  if (!isInterfaceName(name)) return osError("interface name", EINVAL, name);
  const fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return osError("socket AF_INET", fd);
  using asked = new Descriptor(fd);
  const request = new Memory(IFREQ_OCTETS);
  request.octets.set(Buffer.from(name, "latin1"));
  const found = ioctl(asked.fd, SIOCGIFINDEX, request.address);
  if (found < 0) return osError("ioctl SIOCGIFINDEX", found, name);
  const index = request.view.getInt32(INTERFACE_NAME_OCTETS, true);
  const typed = ioctl(asked.fd, SIOCGIFHWADDR, request.address);
  if (typed < 0) return osError("ioctl SIOCGIFHWADDR", typed, name);
  return { index, type: request.view.getUint16(INTERFACE_NAME_OCTETS, true) };
}
