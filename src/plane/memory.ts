// The plane's memory as TypeScript sees it: one buffer, an ordinary one or a WebAssembly.Memory's, whose
// size is settled when the worker starts. layout.ts says what lies where.
import { plane as limits } from "../limits.js";
import {
  ACK_DELAY_MS,
  BOXES,
  BOXES_OCTETS,
  DIRTY_LIST,
  EPOCH,
  FIXED_OCTETS,
  RATE_OCTETS,
  RATES,
  RECORD_OCTETS,
  RECORDS,
} from "./layout.js";

/** Views of one buffer. */
export type Views = {
  readonly octets: Uint8Array;
  readonly int32: Int32Array;
  readonly float64: Float64Array;
};

function viewsOf(buffer: ArrayBuffer): Views {
  return {
    octets: new Uint8Array(buffer),
    int32: new Int32Array(buffer),
    float64: new Float64Array(buffer),
  };
}

const ALIGNMENT = 64;

export class PlaneMemory implements Views {
  readonly octets: Uint8Array;
  readonly int32: Int32Array;
  readonly float64: Float64Array;

  /** Room for `flows` of them. `buffer` is zeroed and has `PlaneMemory.octetsFor(flows)` or more. */
  constructor(
    readonly flows: number,
    readonly buffer: ArrayBuffer = new ArrayBuffer(PlaneMemory.octetsFor(flows)),
  ) {
    const { octets, int32, float64 } = viewsOf(buffer);
    this.octets = octets;
    this.int32 = int32;
    this.float64 = float64;
    this.setCell(DIRTY_LIST, FIXED_OCTETS);
    this.setCell(RECORDS, recordsAt(flows));
    this.setCell(BOXES, boxesAt(flows));
    this.setCell(RATES, ratesAt(flows));
    this.setCell(EPOCH, 1);
    this.setCell(ACK_DELAY_MS, limits.ackDelayMs);
  }

  static octetsFor(flows: number): number {
    return ratesAt(flows) + (flows + 1) * 2 * RATE_OCTETS;
  }

  cell(at: number): number {
    return this.int32[at >> 2]!;
  }

  setCell(at: number, value: number): void {
    this.int32[at >> 2] = value;
  }

  /** The record of the flow in `slot`. */
  record(slot: number): FlowCells {
    const boxes = boxesAt(this.flows) + slot * BOXES_OCTETS;
    return new FlowCells(this, recordsAt(this.flows) + slot * RECORD_OCTETS, boxes);
  }
}

function recordsAt(flows: number): number {
  return Math.ceil((FIXED_OCTETS + 4 * flows) / ALIGNMENT) * ALIGNMENT;
}

function boxesAt(flows: number): number {
  return recordsAt(flows) + flows * RECORD_OCTETS;
}

/** No more users than flows, and bucket 0, which is nobody's. */
function ratesAt(flows: number): number {
  return boxesAt(flows) + flows * BOXES_OCTETS;
}

/** One flow's record: numbers by their offset in it. */
export class FlowCells {
  constructor(
    readonly views: Views,
    readonly at: number,
    /** Where its RC4 tables are. */
    readonly boxes: number,
  ) {}

  /** A record in memory of its own. */
  static alone(): FlowCells {
    const buffer = new ArrayBuffer(RECORD_OCTETS + BOXES_OCTETS);
    return new FlowCells(viewsOf(buffer), 0, RECORD_OCTETS);
  }

  uint32(offset: number): number {
    return this.views.int32[(this.at + offset) >> 2]! >>> 0;
  }

  setUint32(offset: number, value: number): void {
    this.views.int32[(this.at + offset) >> 2] = value;
  }

  float64(offset: number): number {
    return this.views.float64[(this.at + offset) >> 3]!;
  }

  setFloat64(offset: number, value: number): void {
    this.views.float64[(this.at + offset) >> 3] = value;
  }

  /** Zeros the octets [offset, offset + length). */
  wipe(offset: number, length: number): void {
    this.views.octets.fill(0, this.at + offset, this.at + offset + length);
  }

  /** Zeros the RC4 table at `offset` of its two. */
  wipeBox(offset: number): void {
    this.views.octets.fill(0, this.boxes + offset, this.boxes + offset + 256);
  }
}
