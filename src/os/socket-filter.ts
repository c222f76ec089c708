// Classic BPF: what a socket is given, decided in the kernel before anything of it is queued.
import { EINVAL } from "./errors.js";
import { Memory, setSocketOption } from "./libc.js";

const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;

/** struct sock_filter: code, jump if true, jump if false, operand. */
export type BpfInstruction = readonly [code: number, jt: number, jf: number, k: number];

export const ACCEPT: BpfInstruction = [0x06, 0, 0, 0xffffffff];
export const DROP: BpfInstruction = [0x06, 0, 0, 0];

/** 0 or -errno; takes the place of the filter that was there. */
export function attachFilter(fd: number, program: readonly BpfInstruction[]): number {
  const instructions = new Memory(program.length * 8);
  for (const [index, [code, jt, jf, k]] of program.entries()) {
    instructions.view.setUint16(index * 8, code, true);
    instructions.view.setUint8(index * 8 + 2, jt);
    instructions.view.setUint8(index * 8 + 3, jf);
    instructions.view.setUint32(index * 8 + 4, k, true);
  }
  const header = new Memory(16);
  header.view.setUint16(0, program.length, true);
  header.setAddress(8, instructions.address);
  const result = setSocketOption(fd, SOL_SOCKET, SO_ATTACH_FILTER, header);
  // The instructions are read during the call: this keeps them referenced until after it.
  return instructions.octets.byteLength > 0 ? result : -EINVAL;
}
