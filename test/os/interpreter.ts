// The two machines of the kernel that our filters run on, as far as our filters use them: what a
// program gives for a packet, here where no kernel need allow it.
import type { EbpfInstruction } from "../../src/os/ebpf.js";
import type { BpfInstruction } from "../../src/os/socket-filter.js";

/** A map by descriptor: the value's place for a key, or undefined where it has none. */
export type Maps = Readonly<Record<number, (key: DataView) => object | undefined>>;

const STACK = 64;
/** Where a frame begins, as an XDP program sees it: far from any number. */
const FRAME = 2 ** 40;

export type MapActs = {
  /** What it adds to a map's value. */
  readonly added: (value: object) => void;
  /** The low half of a value, which it reads; and 32 bits that it writes over one. */
  readonly low: (value: object) => number;
  readonly written: (value: object, word: number) => void;
};

/** The program's result as 32 bits; `kind`: what it is given, a datagram behind helpers or a frame's memory. */
export function runEbpf(
  program: readonly EbpfInstruction[],
  packet: Uint8Array,
  maps: Maps,
  { added, low, written }: MapActs,
  kind: "socket" | "frame" = "socket",
): number {
  const stack = new DataView(new ArrayBuffer(STACK));
  // Registers hold whole numbers without a sign, or what a look-up gave.
  const registers: (number | object)[] = new Array(11).fill(Number.NaN);
  registers[1] = 0;
  const number = (register: number): number => {
    const value = registers[register];
    if (typeof value !== "number" || Number.isNaN(value)) throw new Error(`r${register} is unset`);
    return value;
  };
  for (let at = 0, steps = 0; ; at++, steps++) {
    const one = program[at];
    if (one === undefined || steps > program.length) throw new Error("it runs out of itself");
    const { code, to, from, offset, immediate } = one;
    const operand = () => ((code & 8) === 0 ? immediate : number(from));
    const unsigned = (value: number) => (value < 0 ? value + 2 ** 64 : value);
    const jump = (taken: boolean) => {
      if (!taken) return;
      if (offset < 0) throw new Error("a jump back");
      at += offset;
    };
    switch (code) {
      case 0xb7:
        registers[to] = immediate;
        break;
      case 0xbf:
        // The stack's end is 0 here, so that places on it are offsets.
        registers[to] = from === 10 ? 0 : (registers[from] ?? Number.NaN);
        break;
      case 0x07:
        registers[to] = number(to) + immediate;
        break;
      case 0x0f:
        registers[to] = number(to) + number(from);
        break;
      case 0xdc: {
        const swapped = new DataView(new ArrayBuffer(4));
        if (immediate === 32) swapped.setUint32(0, number(to), true);
        else swapped.setUint16(2, number(to), true);
        registers[to] = swapped.getUint32(0);
        break;
      }
      case 0x17:
      case 0x1f:
        registers[to] = number(to) - operand();
        break;
      case 0x57:
        registers[to] = (number(to) & immediate) >>> 0;
        break;
      case 0x67:
        registers[to] = number(to) * 2 ** immediate;
        break;
      case 0x97:
        registers[to] = number(to) % immediate;
        break;
      case 0x20:
      case 0x28:
      case 0x30:
      case 0x48: {
        if (number(6) !== 0) throw new Error("r6 is no context");
        const start = immediate + ((code & 0x40) === 0 ? 0 : number(from));
        const octets = { 0: 4, 8: 2, 16: 1 }[code & 0x18] ?? 0;
        // The kernel ends a program that reads past the packet: nothing is accepted.
        if (start < 0 || start + octets > packet.length) return 0;
        registers[0] = packet.subarray(start, start + octets).reduce((sum, o) => sum * 256 + o, 0);
        for (let lost = 1; lost <= 5; lost++) registers[lost] = Number.NaN;
        break;
      }
      case 0x61:
      case 0x69:
      case 0x71: {
        const read = registers[from];
        const octets = { 0: 4, 8: 2, 16: 1 }[code & 0x18] ?? 0;
        if (kind === "frame" && typeof read === "number" && from !== 10) {
          if (read === 0) {
            if (octets !== 4 || (offset !== 0 && offset !== 4)) throw new Error("no such field");
            registers[to] = FRAME + (offset === 0 ? 0 : packet.length);
            break;
          }
          const start = read - FRAME + offset;
          if (start < 0 || start + octets > packet.length) throw new Error("outside of the frame");
          const there = packet.subarray(start, start + octets);
          registers[to] = there.reduceRight((sum, octet) => sum * 256 + octet, 0);
          break;
        }
        if (octets !== 4) throw new Error("only a frame is read so");
        if (from !== 10 && offset !== 0) throw new Error("only the length is there");
        if (from === 10) registers[to] = stack.getUint32(STACK + offset, true);
        else registers[to] = typeof read === "object" ? low(read) : packet.length + number(from);
        break;
      }
      case 0x63: {
        const place = registers[to];
        if (to === 10) stack.setUint32(STACK + offset, number(from), true);
        else if (typeof place === "object" && offset === 0) written(place, number(from));
        else throw new Error("no store outside of the stack and a map's value");
        break;
      }
      case 0xdb: {
        const value = registers[to];
        if (typeof value !== "object" || number(from) !== 1) throw new Error("what is added to?");
        added(value);
        break;
      }
      case 0x18:
        registers[to] = immediate;
        at++;
        break;
      case 0x85: {
        if (immediate !== 1) throw new Error(`helper ${immediate}`);
        const key = new DataView(stack.buffer, STACK + number(2));
        registers[0] = maps[number(1)]?.(key) ?? 0;
        for (let lost = 1; lost <= 5; lost++) registers[lost] = Number.NaN;
        break;
      }
      case 0x15:
        jump(registers[to] === immediate);
        break;
      case 0x55:
        jump(registers[to] !== immediate);
        break;
      case 0x25:
      case 0x2d:
        jump(unsigned(number(to)) > unsigned(operand()));
        break;
      case 0x35:
        jump(unsigned(number(to)) >= unsigned(immediate));
        break;
      case 0x45:
        jump((number(to) & immediate) !== 0);
        break;
      case 0x05:
        jump(true);
        break;
      case 0x95:
        return number(0) >>> 0;
      default:
        throw new Error(`no instruction ${code.toString(16)}`);
    }
  }
}

const PACKET_TYPE = 0xffff_f004;

/** `type`: what the kernel says of the packet beside its octets; 0: for this host. */
export function runClassic(
  program: readonly BpfInstruction[],
  packet: Uint8Array,
  type = 0,
): number {
  const word = { a: 0, x: 0, m: Number.NaN };
  for (let at = 0; ; at++) {
    const [code, yes, no, k] = program[at] ?? [-1, 0, 0, 0];
    const jump = (taken: boolean) => {
      at += taken ? yes : no;
    };
    switch (code) {
      case 0xb1:
        if (k >= packet.length) return 0;
        word.x = 4 * (packet[k]! & 15);
        break;
      case 0x28:
        if (k !== PACKET_TYPE && k + 2 > packet.length) return 0;
        word.a = k === PACKET_TYPE ? type : (packet[k]! << 8) | packet[k + 1]!;
        break;
      case 0x30:
        if (k >= packet.length) return 0;
        word.a = packet[k]!;
        break;
      case 0x1c:
        word.a = (word.a - word.x) >>> 0;
        break;
      case 0x14:
        word.a = (word.a - k) >>> 0;
        break;
      case 0x54:
        word.a = (word.a & k) >>> 0;
        break;
      case 0x94:
        word.a %= k;
        break;
      case 0x02:
        word.m = word.a;
        break;
      case 0x60:
        if (Number.isNaN(word.m)) throw new Error("nothing was kept");
        word.a = word.m;
        break;
      case 0x07:
        word.x = word.a;
        break;
      case 0x48:
        if (word.x + k + 2 > packet.length) return 0;
        word.a = (packet[word.x + k]! << 8) | packet[word.x + k + 1]!;
        break;
      case 0x15:
        jump(word.a === k);
        break;
      case 0x35:
        jump(word.a >= k);
        break;
      case 0x3d:
        jump(word.a >= word.x);
        break;
      case 0x45:
        jump((word.a & k) !== 0);
        break;
      case 0x06:
        return k;
      default:
        throw new Error(`no instruction ${code}`);
    }
  }
}
