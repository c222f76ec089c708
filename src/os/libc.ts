// The C library through koffi, behind checks. koffi turns NaN into 0 (`close(NaN)` closes standard
// input), so every descriptor passes `usableFd` first; nothing outside this room sees koffi.
import koffi from "koffi";
import { EBADF, ENOSYS, type OsError, osError } from "./errors.js";

/** An address in this process: below 2^47, so a Number holds it. Keep what it points at referenced. */
export type Address = number & { readonly unit: "address" };

const library = koffi.load(null);

type Native = (...values: (number | string)[]) => number;
function bind(name: string, result: string, parameters: string[]): Native {
  return library.func(name, result, parameters) as unknown as Native;
}

const native = {
  socket: bind("socket", "int", ["int", "int", "int"]),
  bind: bind("bind", "int", ["int", "int64_t", "uint32_t"]),
  setsockopt: bind("setsockopt", "int", ["int", "int", "int", "int64_t", "uint32_t"]),
  getsockopt: bind("getsockopt", "int", ["int", "int", "int", "int64_t", "int64_t"]),
  recvmmsg: bind("recvmmsg", "int", ["int", "int64_t", "uint32_t", "int", "int64_t"]),
  sendmmsg: bind("sendmmsg", "int", ["int", "int64_t", "uint32_t", "int"]),
  sendmsg: bind("sendmsg", "int64_t", ["int", "int64_t", "int"]),
  read: bind("read", "int64_t", ["int", "int64_t", "uint64_t"]),
  write: bind("write", "int64_t", ["int", "int64_t", "uint64_t"]),
  readv: bind("readv", "int64_t", ["int", "int64_t", "int"]),
  writev: bind("writev", "int64_t", ["int", "int64_t", "int"]),
  close: bind("close", "int", ["int"]),
  ioctl: bind("ioctl", "int", ["int", "uint64_t", "int64_t"]),
  fcntl: bind("fcntl", "int", ["int", "int", "int64_t"]),
  flock: bind("flock", "int", ["int", "int"]),
  socketpair: bind("socketpair", "int", ["int", "int", "int", "int64_t"]),
  epollCreate1: bind("epoll_create1", "int", ["int"]),
  epollCtl: bind("epoll_ctl", "int", ["int", "int", "int", "int64_t"]),
  epollWait: bind("epoll_wait", "int", ["int", "int64_t", "int", "int"]),
  usleep: bind("usleep", "int", ["uint32_t"]),
  signal: bind("signal", "int64_t", ["int", "int64_t"]),
  exit: bind("_exit", "int", ["int"]),
  syscall: bind("syscall", "int64_t", ["int64_t", "int64_t", "int64_t", "int64_t"]),
  execve: bind("execve", "int", ["str", "int64_t", "int64_t"]),
};

function checked(result: number): number {
  return result < 0 ? -koffi.errno() : result;
}

/** True of a number that can be a descriptor; NaN, fractions and negatives cannot. */
export function usableFd(fd: number): boolean {
  return Number.isInteger(fd) && fd >= 0 && fd <= 0x7fffffff;
}

/** Where `memory` lies. Valid while `memory` is referenced and its buffer is not transferred. */
export function addressOf(memory: Uint8Array): Address {
  return Number(koffi.address(memory)) as Address;
}

/** Memory the kernel reads and writes; the view keeps it alive, so keep the view. */
export class Memory {
  readonly octets: Uint8Array;
  readonly view: DataView;
  readonly address: Address;

  constructor(octets: number) {
    this.octets = new Uint8Array(new ArrayBuffer(octets));
    this.view = new DataView(this.octets.buffer);
    this.address = addressOf(this.octets);
  }

  at(offset: number): Address {
    return (this.address + offset) as Address;
  }

  setAddress(offset: number, address: number): void {
    this.view.setBigUint64(offset, BigInt(address), true);
  }
}

/** All of these return a number of the call's meaning, or -errno. */
export function socket(domain: number, type: number, protocol: number): number {
  return checked(native.socket(domain, type, protocol));
}

export function bindSocket(fd: number, address: Memory): number {
  if (!usableFd(fd)) return -EBADF;
  return checked(native.bind(fd, address.address, address.octets.byteLength));
}

export function setSocketOption(fd: number, level: number, name: number, value: Memory): number {
  if (!usableFd(fd)) return -EBADF;
  return checked(native.setsockopt(fd, level, name, value.address, value.octets.byteLength));
}

export function setSocketNumber(fd: number, level: number, name: number, value: number): number {
  const memory = new Memory(4);
  memory.view.setInt32(0, value, true);
  return setSocketOption(fd, level, name, memory);
}

export function getSocketNumber(fd: number, level: number, name: number): number {
  if (!usableFd(fd)) return -EBADF;
  const memory = new Memory(8);
  memory.view.setUint32(4, 4, true);
  const result = checked(native.getsockopt(fd, level, name, memory.address, memory.at(4)));
  return result < 0 ? result : memory.view.getInt32(0, true);
}

/** The kernel writes into `value`: 0 or -errno. */
export function getSocketOption(fd: number, level: number, name: number, value: Memory): number {
  if (!usableFd(fd)) return -EBADF;
  const length = new Memory(4);
  length.view.setUint32(0, value.octets.byteLength, true);
  return checked(native.getsockopt(fd, level, name, value.address, length.address));
}

export function recvmmsg(fd: number, headers: Address, count: number, flags: number): number {
  if (!usableFd(fd)) return -EBADF;
  const result = native.recvmmsg(fd, headers, count, flags, 0);
  return result < 0 ? -koffi.errno() : result;
}

export function sendmmsg(fd: number, headers: Address, count: number, flags: number): number {
  if (!usableFd(fd)) return -EBADF;
  const result = native.sendmmsg(fd, headers, count, flags);
  return result < 0 ? -koffi.errno() : result;
}

export function sendmsg(fd: number, header: Address, flags: number): number {
  if (!usableFd(fd)) return -EBADF;
  const result = native.sendmsg(fd, header, flags);
  return result < 0 ? -koffi.errno() : result;
}

export function read(fd: number, address: Address, octets: number): number {
  if (!usableFd(fd)) return -EBADF;
  const result = native.read(fd, address, octets);
  return result < 0 ? -koffi.errno() : result;
}

export function write(fd: number, address: Address, octets: number): number {
  if (!usableFd(fd)) return -EBADF;
  const result = native.write(fd, address, octets);
  return result < 0 ? -koffi.errno() : result;
}

export function readv(fd: number, vectors: Address, count: number): number {
  if (!usableFd(fd)) return -EBADF;
  const result = native.readv(fd, vectors, count);
  return result < 0 ? -koffi.errno() : result;
}

export function writev(fd: number, vectors: Address, count: number): number {
  if (!usableFd(fd)) return -EBADF;
  const result = native.writev(fd, vectors, count);
  return result < 0 ? -koffi.errno() : result;
}

export function close(fd: number): number {
  return usableFd(fd) ? checked(native.close(fd)) : -EBADF;
}

export function ioctl(fd: number, request: number, argument: Address): number {
  return usableFd(fd) ? checked(native.ioctl(fd, request, argument)) : -EBADF;
}

const F_GETFD = 1;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const F_DUPFD_CLOEXEC = 1030;
const FD_CLOEXEC = 1;
export const O_NONBLOCK = 0o4000;

/** False when `fd` is closed in this process (or never was a descriptor). */
export function isOpen(fd: number): boolean {
  return usableFd(fd) && checked(native.fcntl(fd, F_GETFD, 0)) >= 0;
}

export function setCloseOnExec(fd: number, on: boolean): number {
  return usableFd(fd) ? checked(native.fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0)) : -EBADF;
}

export function setNonBlocking(fd: number): number {
  if (!usableFd(fd)) return -EBADF;
  const flags = checked(native.fcntl(fd, F_GETFL, 0));
  return flags < 0 ? flags : checked(native.fcntl(fd, F_SETFL, flags | O_NONBLOCK));
}

/** A second descriptor of the same open file, close-on-exec. */
export function duplicate(fd: number): number {
  return usableFd(fd) ? checked(native.fcntl(fd, F_DUPFD_CLOEXEC, 3)) : -EBADF;
}

export function flock(fd: number, operation: number): number {
  return usableFd(fd) ? checked(native.flock(fd, operation)) : -EBADF;
}

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
export const SOCK_CLOEXEC = 0o2000000;
export const SOCK_NONBLOCK = O_NONBLOCK;

/** Two connected sockets, both close-on-exec. */
export function socketPair(
  kind: "stream" | "datagram" = "stream",
): readonly [number, number] | OsError {
  const memory = new Memory(8);
  const type = (kind === "stream" ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC;
  const result = checked(native.socketpair(AF_UNIX, type, 0, memory.address));
  if (result < 0) return osError("socketpair", result);
  return [memory.view.getInt32(0, true), memory.view.getInt32(4, true)];
}

/**
 * Zero when an event loop can wait on `fd`. koffi aborts the process on one it cannot wait on, so
 * the same question is put to the kernel first.
 */
export function probePollable(fd: number): number {
  if (!isOpen(fd)) return -EBADF;
  const epoll = epollCreate();
  if (epoll < 0) return epoll;
  const event = new Memory(16);
  const result = epollControl(epoll, 1, fd, event.address);
  native.close(epoll);
  return result;
}

export function epollCreate(): number {
  return checked(native.epollCreate1(SOCK_CLOEXEC));
}

export function epollControl(epoll: number, operation: number, fd: number, event: Address): number {
  if (!usableFd(epoll) || !usableFd(fd)) return -EBADF;
  return checked(native.epollCtl(epoll, operation, fd, event));
}

export function epollWait(epoll: number, events: Address, count: number, ms: number): number {
  if (!usableFd(epoll)) return -EBADF;
  const result = native.epollWait(epoll, events, count, ms);
  return result < 0 ? -koffi.errno() : result;
}

/** This thread sleeps, for a whole number of microseconds below a second. */
export function sleep(microseconds: number): void {
  native.usleep(microseconds);
}

/** Ends the process here and now: Node's own way takes its heap down first, 10 ms and more. */
export function exitAtOnce(code: number): void {
  native.exit(code);
}

const SYS_BPF: Readonly<Record<string, number>> = { x64: 321, arm64: 280 };

/** bpf(2), which the C library has no name for. `attributes` is a union bpf_attr. */
export function bpf(command: number, attributes: Memory): number {
  const number = SYS_BPF[process.arch];
  if (number === undefined) return -ENOSYS;
  const { address, octets } = attributes;
  return checked(native.syscall(number, command, address, octets.byteLength));
}

const SIG_IGN = 1;

/** From here on the signal does nothing to this process, not even interrupt a call. */
export function ignoreSignal(signal: number): void {
  native.signal(signal, SIG_IGN);
}

/** Kept referenced until the kernel has copied it. */
let executing: unknown;

/** Replaces this process, keeping its pid; returns only -errno. `path` is absolute. */
export function execve(path: string, argv: readonly string[], env: readonly string[]): number {
  const lists = [stringList(argv), stringList(env)] as const;
  executing = lists;
  const [{ pointers: argvPointers }, { pointers: envPointers }] = lists;
  const result = checked(native.execve(path, argvPointers.address, envPointers.address));
  if (executing === lists) executing = undefined;
  return result;
}

/** A NULL-terminated array of pointers to NUL-terminated strings, as execve wants it. */
function stringList(strings: readonly string[]): { pointers: Memory; text: Memory } {
  const encoded = strings.map((string) => Buffer.from(`${string.replaceAll("\0", "")}\0`, "utf8"));
  const text = new Memory(encoded.reduce((sum, { byteLength }) => sum + byteLength, 1));
  const pointers = new Memory((encoded.length + 1) * 8);
  let offset = 0;
  for (const [index, octets] of encoded.entries()) {
    text.octets.set(octets, offset);
    pointers.setAddress(index * 8, text.at(offset));
    offset += octets.byteLength;
  }
  return { pointers, text };
}

/** The address of a caller's buffer, asked once as long as the same one comes again. */
export class BufferAddress {
  #buffer: Uint8Array = new Uint8Array(0);
  #address = 0;

  /** Where `buffer[offset]` lies, or -1 when offset..end is not inside it. */
  of(buffer: Uint8Array, offset: number, end: number): Address | -1 {
    if (!(offset >= 0 && offset <= end && end <= buffer.byteLength)) return -1;
    if (buffer !== this.#buffer) {
      this.#buffer = buffer;
      this.#address = addressOf(buffer);
    }
    return (this.#address + offset) as Address;
  }
}
