// Hostile packets at the highest rate there is: a scenario's datagrams, made before, and `flood` of the lab, in C,
// that sends them over and over. With another protocol number it is the same work for sender and wire,
// and none for the server: the control run.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Chance } from "../../src/base/chance.js";
import { formatIpv4, type Ipv4 } from "../../src/base/ip.js";
import type { LiveCall } from "../../src/storm/messages.js";
import { scenarioOf } from "../../src/storm/scenarios.js";
import { write16 } from "../../src/wire/ip-octets.js";
import { labBin } from "../traffic.js";

const DATAGRAMS = 16_384;
const CALL_ID = 6;

export const GRE = 47;
/** For experiments (RFC 3692): nobody listens. */
export const NOBODYS = 253;

export type Flooded = {
  readonly packets: number;
  readonly octets: number;
  readonly refused: number;
  readonly seconds: number;
};

export type FloodTerms = {
  readonly protocol: number;
  /** A second; 0: as many as go. */
  readonly rate: number;
  /** 0: no matter how many. */
  readonly packets: number;
  readonly seconds: number;
};

export class Ammunition implements Disposable {
  readonly #directory = mkdtempSync(join(tmpdir(), "holdfast-flood-"));
  readonly #files = new Map<string, string>();

  constructor(
    readonly server: Ipv4,
    readonly sources: readonly Ipv4[],
    readonly live: readonly LiveCall[],
    readonly seed: number,
  ) {}

  /** To its end. In the namespace that this thread is in. */
  async flood(scenario: string, terms: FloodTerms): Promise<Flooded> {
    const { protocol, rate, packets, seconds } = terms;
    const numbers = [protocol, rate, packets, seconds].map(String);
    const words = [formatIpv4(this.server), ...numbers, this.#file(scenario)];
    const child = spawn(join(labBin, "flood"), words, { stdio: ["ignore", "pipe", "pipe"] });
    let [told, complaint] = ["", ""];
    child.stdout.on("data", (text) => {
      told += text;
    });
    child.stderr.on("data", (text) => {
      complaint += text;
    });
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    if (code !== 0) throw new Error(`flood: ${code} ${complaint}`);
    return JSON.parse(told) as Flooded;
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true });
  }

  #file(name: string): string {
    const known = this.#files.get(name);
    if (known !== undefined) return known;
    const file = join(this.#directory, name);
    writeFileSync(file, this.#datagrams(name));
    this.#files.set(name, file);
    return file;
  }

  #datagrams(name: string): Uint8Array {
    const scenario = scenarioOf(name);
    if (scenario?.kind !== "packets" || scenario.headed === true) {
      throw new Error(`${name} is no scenario of packets of GRE`);
    }
    const chance = new Chance(this.seed);
    return Buffer.concat(
      Array.from({ length: DATAGRAMS }, (_, number) => {
        const { octets, live } = scenario.packet(chance, number);
        const call = live ? this.live[number % this.live.length] : undefined;
        const source = call?.local ?? this.sources[number % this.sources.length]!;
        const record = Buffer.alloc(6 + octets.length);
        record.writeUInt32BE(source, 0);
        record.writeUInt16BE(octets.length, 4);
        record.set(octets, 6);
        if (call !== undefined && octets.length > CALL_ID + 1) {
          write16(record, 6 + CALL_ID, call.callId);
        }
        return record;
      }),
    );
  }
}
