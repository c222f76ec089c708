// bpf(2): maps, and filters made of our own instructions. CAP_BPF makes them (CAP_NET_ADMIN too those of
// an interface); whoever has the descriptor uses them, from Linux 5.19 on without a capability.
import { Descriptor } from "./descriptor.js";
import type { EbpfInstruction } from "./ebpf.js";
import { EBADF, type OsError, osError } from "./errors.js";
import { bpf, Memory, setSocketNumber } from "./libc.js";

const MAP_CREATE = 0;
const MAP_LOOKUP_ELEMENT = 1;
const MAP_UPDATE_ELEMENT = 2;
const MAP_DELETE_ELEMENT = 3;
const PROGRAM_LOAD = 5;
const OBJECT_INFO = 15;
const MAP_LOOKUP_BATCH = 24;
const LINK_CREATE = 28;

const NO_PREALLOCATION = 1;
const PROGRAM_TYPES = { "socket filter": 1, XDP: 6 } as const;
/** Shown by `ip link` and bpftool. */
const PROGRAM_NAME = [...Buffer.from("holdfast_gre")];
/** What the kernel says of a program that it refuses: its last octets tell why. */
const LOG_OCTETS = 65_536;

const LICENSE = [...Buffer.from("MIT\0")];

const SOL_SOCKET = 1;
const SO_ATTACH_BPF = 50;

const ATTACH_XDP = 37;
/** By the driver, before the kernel has anything of a frame; or by the kernel, of any driver, a little later. */
const XDP_FLAGS = { native: 4, generic: 2 } as const;
export type XdpMode = keyof typeof XDP_FLAGS;

export const HASH_MAP = 1;
export const ARRAY_MAP = 2;

export class BpfMap implements Disposable {
  readonly #descriptor: Descriptor;
  /** union bpf_attr of an operation on one element: map, key, and the value where there is one. */
  readonly #attributes = new Memory(32);
  readonly #ofDeletion = new Memory(32);
  readonly key: Memory;
  readonly value: Memory;

  /** Takes the descriptor over. */
  constructor(descriptor: Descriptor, keyOctets: number, valueOctets: number) {
    this.#descriptor = descriptor;
    this.key = new Memory(keyOctets);
    this.value = new Memory(valueOctets);
    for (const attributes of [this.#attributes, this.#ofDeletion]) {
      attributes.view.setUint32(0, descriptor.fd, true);
      attributes.setAddress(8, this.key.address);
    }
    this.#attributes.setAddress(16, this.value.address);
  }

  /** Each with `key`, into or out of `value`: 0 or -errno. */
  lookUp(): number {
    return this.#do(MAP_LOOKUP_ELEMENT, this.#attributes);
  }

  update(): number {
    return this.#do(MAP_UPDATE_ELEMENT, this.#attributes);
  }

  delete(): number {
    return this.#do(MAP_DELETE_ELEMENT, this.#ofDeletion);
  }

  #do(command: number, attributes: Memory): number {
    return this.#descriptor.open ? bpf(command, attributes) : -EBADF;
  }

  [Symbol.dispose](): void {
    this.#descriptor[Symbol.dispose]();
  }
}

/** All values of an array map by one call, from Linux 5.6 on. */
export class BpfArray {
  readonly #descriptor: Descriptor;
  /** union bpf_attr of a batch: where it begins and ended, keys, values, their count, the map. */
  readonly #attributes = new Memory(56);
  readonly #end = new Memory(4);
  readonly #keys: Memory;
  readonly values: Memory;

  constructor(
    descriptor: Descriptor,
    valueOctets: number,
    readonly entries: number,
  ) {
    this.#descriptor = descriptor;
    this.#keys = new Memory(4 * entries);
    this.values = new Memory(valueOctets * entries);
    this.#attributes.setAddress(8, this.#end.address);
    this.#attributes.setAddress(16, this.#keys.address);
    this.#attributes.setAddress(24, this.values.address);
    this.#attributes.view.setUint32(36, descriptor.fd, true);
  }

  /** Into `values`: 0 or -errno. */
  read(): number {
    // The kernel writes there how many it gave.
    this.#attributes.view.setUint32(32, this.entries, true);
    return this.#descriptor.open ? bpf(MAP_LOOKUP_BATCH, this.#attributes) : -EBADF;
  }
}

/** A hash map takes its memory entry by entry. */
export function createMap(
  type: typeof HASH_MAP | typeof ARRAY_MAP,
  keyOctets: number,
  valueOctets: number,
  entriesMax: number,
): Descriptor | OsError {
  const attributes = new Memory(48);
  const flags = type === HASH_MAP ? NO_PREALLOCATION : 0;
  for (const [at, value] of [type, keyOctets, valueOctets, entriesMax, flags].entries()) {
    attributes.view.setUint32(4 * at, value, true);
  }
  const fd = bpf(MAP_CREATE, attributes);
  return fd < 0 ? osError("bpf BPF_MAP_CREATE", fd) : new Descriptor(fd);
}

export function loadProgram(
  type: keyof typeof PROGRAM_TYPES,
  program: readonly EbpfInstruction[],
): Descriptor | OsError {
  // All that the attributes point at in one piece, which the last line keeps referenced.
  const instructions = encodeEbpf(program);
  const text = new Memory(LICENSE.length + LOG_OCTETS);
  text.octets.set(LICENSE);
  const attributes = new Memory(72);
  const { view } = attributes;
  view.setUint32(0, PROGRAM_TYPES[type], true);
  view.setUint32(4, program.length, true);
  attributes.setAddress(8, instructions.address);
  attributes.setAddress(16, text.address);
  attributes.octets.set(PROGRAM_NAME, 48);
  const fd = bpf(PROGRAM_LOAD, attributes);
  if (fd >= 0 && instructions.octets.length > 0) return new Descriptor(fd);
  // Once more, asked why: a log that is too small would be a failure of its own.
  view.setUint32(24, 1, true);
  view.setUint32(28, LOG_OCTETS, true);
  attributes.setAddress(32, text.at(LICENSE.length));
  const again = bpf(PROGRAM_LOAD, attributes);
  if (again >= 0) return new Descriptor(again);
  const [said = ""] = Buffer.from(text.octets.subarray(LICENSE.length))
    .toString("latin1")
    .split("\0");
  const why = said.trim().split("\n").slice(-2).join("; ");
  return osError("bpf BPF_PROG_LOAD", fd, why === "" ? undefined : why);
}

/** 0 or -errno; takes the place of the filter that was there, of either kind. */
export function attachProgram(fd: number, program: Descriptor): number {
  return setSocketNumber(fd, SOL_SOCKET, SO_ATTACH_BPF, program.fd);
}

/**
 * An XDP program at an interface, for as long as the descriptor is open: it goes with its process, however
 * that ends. Errors: EOPNOTSUPP, the driver has no such mode; EBUSY or EEXIST, another program is there.
 */
export function attachXdp(
  program: Descriptor,
  interfaceIndex: number,
  mode: XdpMode,
): Descriptor | OsError {
  const attributes = new Memory(16);
  for (const [at, value] of [program.fd, interfaceIndex, ATTACH_XDP, XDP_FLAGS[mode]].entries()) {
    attributes.view.setUint32(4 * at, value, true);
  }
  const fd = program.open ? bpf(LINK_CREATE, attributes) : -EBADF;
  return fd < 0 ? osError("bpf BPF_LINK_CREATE", fd) : new Descriptor(fd);
}

/** Where an XDP program is: the interface's number, 0 once that is gone or somebody took it off, or -errno. */
export function interfaceOfXdp(link: Descriptor): number {
  const info = new Memory(256);
  const attributes = new Memory(16);
  attributes.view.setUint32(0, link.fd, true);
  attributes.view.setUint32(4, info.octets.length, true);
  attributes.setAddress(8, info.address);
  const result = link.open ? bpf(OBJECT_INFO, attributes) : -EBADF;
  return result < 0 ? result : info.view.getUint32(16, true);
}

function encodeEbpf(program: readonly EbpfInstruction[]): Memory {
  const memory = new Memory(program.length * 8);
  for (const [index, { code, to, from, offset, immediate }] of program.entries()) {
    const at = 8 * index;
    memory.view.setUint8(at, code);
    memory.view.setUint8(at + 1, to | (from << 4));
    memory.view.setInt16(at + 2, offset, true);
    memory.view.setInt32(at + 4, immediate, true);
  }
  return memory;
}
