// An assembler for the few eBPF instructions that our filters are made of. Registers: 0 what a call gave
// and what the program returns, 1 to 5 lost at each call and packet load, 6 to 9 kept, 10 the stack's top.

/** One instruction, or half of a 64-bit load: as the kernel's struct bpf_insn has it. */
export type EbpfInstruction = {
  readonly code: number;
  readonly to: number;
  readonly from: number;
  readonly offset: number;
  readonly immediate: number;
};

type Line = Partial<EbpfInstruction> & { readonly code: number; readonly target?: string };
type Width = 1 | 2 | 4;
type Register = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;

/** Of a load: size 0 is 32 bits. */
const SIZES = { 1: 0x10, 2: 0x08, 4: 0x00 } as const;
const ARITHMETIC = { add: 0x07, subtract: 0x17, and: 0x57, shift: 0x67, modulo: 0x97 } as const;
const COMPARISONS = { "==": 0x15, ">": 0x25, ">=": 0x35, "&": 0x45, "!=": 0x55 } as const;
/** The operand is a register. */
const REGISTER = 0x08;
const MAP_BY_DESCRIPTOR = 1;

export const MAP_LOOKUP = 1;
/** What a socket filter is given: struct __sk_buff, its first field the packet's length. */
export const CONTEXT_LENGTH = 0;
/** What an XDP program is given: struct xdp_md, which begins with where the frame begins and where it ends. */
export const FRAME_BEGIN = 0;
export const FRAME_END = 4;

export class EbpfAssembler {
  readonly #lines: Line[] = [];
  readonly #labels = new Map<string, number>();

  label(name: string): this {
    this.#labels.set(name, this.#lines.length);
    return this;
  }

  set(to: Register, immediate: number): this {
    return this.#add({ code: 0xb7, to, immediate });
  }

  move(to: Register, from: Register): this {
    return this.#add({ code: 0xbf, to, from });
  }

  compute(to: Register, operation: keyof typeof ARITHMETIC, operand: number): this {
    return this.#add({ code: ARITHMETIC[operation], to, immediate: operand });
  }

  add(to: Register, from: Register): this {
    return this.#add({ code: ARITHMETIC.add | REGISTER, to, from });
  }

  subtract(to: Register, from: Register): this {
    return this.#add({ code: ARITHMETIC.subtract | REGISTER, to, from });
  }

  /** Packet octets at `at`, or at that and what a register holds: to register 0, in host order. */
  packet(width: Width, at: number, beyond?: Register): this {
    if (beyond === undefined) return this.#add({ code: 0x20 | SIZES[width], immediate: at });
    return this.#add({ code: 0x40 | SIZES[width], from: beyond, immediate: at });
  }

  load32(to: Register, from: Register, offset: number): this {
    return this.load(4, to, from, offset);
  }

  /** Without a sign; in the order that this machine's memory has. */
  load(width: Width, to: Register, from: Register, offset: number): this {
    return this.#add({ code: 0x61 | SIZES[width], to, from, offset });
  }

  /** What was loaded from a packet, to host order; the bits above are 0 then. */
  fromNetwork(register: Register, bits: 16 | 32): this {
    return this.#add({ code: 0xdc, to: register, immediate: bits });
  }

  store32(to: Register, offset: number, from: Register): this {
    return this.#add({ code: 0x63, to, offset, from });
  }

  /** At once for all processors: adds to the 64 bits at `to`. */
  addTo64(to: Register, from: Register): this {
    return this.#add({ code: 0xdb, to, from });
  }

  /** 64 bits, by two instructions. */
  map(to: Register, fd: number): this {
    this.#add({ code: 0x18, to, from: MAP_BY_DESCRIPTOR, immediate: fd });
    return this.#add({ code: 0 });
  }

  call(helper: number): this {
    return this.#add({ code: 0x85, immediate: helper });
  }

  /** Without a sign. */
  jumpIf(
    register: Register,
    comparison: keyof typeof COMPARISONS,
    operand: number,
    target: string,
  ): this {
    return this.#add({ code: COMPARISONS[comparison], to: register, immediate: operand, target });
  }

  jumpIfMore(register: Register, than: Register, target: string): this {
    return this.#add({ code: COMPARISONS[">"] | REGISTER, to: register, from: than, target });
  }

  jump(target: string): this {
    return this.#add({ code: 0x05, target });
  }

  exit(): this {
    return this.#add({ code: 0x95 });
  }

  assemble(): EbpfInstruction[] {
    return this.#lines.map(({ target, ...line }, at) => {
      const place = target === undefined ? undefined : this.#labels.get(target);
      if (target !== undefined && place === undefined) throw new Error(`no label ${target}`);
      const offset = place === undefined ? (line.offset ?? 0) : place - at - 1;
      return { to: 0, from: 0, immediate: 0, ...line, offset };
    });
  }

  #add(line: Line): this {
    this.#lines.push(line);
    return this;
  }
}
