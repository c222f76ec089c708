// bench:micro : the parts of the data path alone, nanoseconds an operation, without any system call.
import { MppeKey } from "../src/crypto/mppe-keys.js";
import { Rc4 } from "../src/crypto/rc4.js";
import { sha1 } from "../src/crypto/sha1.js";
import { GreHeader, readGre, writeGre } from "../src/wire/gre.js";
import { Ipv4Header, readIpv4 } from "../src/wire/ipv4.js";
import { engineCases } from "./micro-engine.js";
import { hostileCases, hostileReach } from "./micro-hostile.js";
import { lookUps } from "./micro-look-up.js";
import { options } from "./options.js";
import { figure, made, median, report, say, type Table } from "./results.js";

/** Something that can be done `count` times; what it needs is made before, outside of the time. */
export type Case = {
  readonly group: string;
  readonly name: string;
  /** Done at once: a batch of the engine, or a thousand of what costs nothing. */
  readonly atOnce: number;
  /** The body may say itself how long it took, in milliseconds: what lies between is left out. */
  prepare(): () => unknown;
};
export type Measured = {
  readonly group: string;
  readonly name: string;
  readonly nanoseconds: number[];
};

const plan = options({
  batches: { kind: "number", least: 3, most: 101, byDefault: 5, help: "the median of so many" },
  milliseconds: { kind: "number", least: 5, most: 2_000, byDefault: 40, help: "of each batch" },
  quick: { kind: "flag", help: "three short batches: does it work at all" },
});
const batches = plan.quick ? 3 : plan.batches;
const milliseconds = plan.quick ? 5 : plan.milliseconds;

const OCTETS = 1_400;
const payload = new Uint8Array(2_048).fill(0x5a);

function repeated(group: string, name: string, body: () => void, atOnce = 100): Case {
  const prepare = () => () => {
    for (let i = 0; i < atOnce; i++) body();
  };
  return { group, name, atOnce, prepare };
}

function codec(): Case[] {
  const gre = new Uint8Array(16 + OCTETS);
  const header = new GreHeader();
  const ipv4 = new Uint8Array(OCTETS);
  ipv4.set([
    0x45,
    0,
    OCTETS >> 8,
    OCTETS & 255,
    0,
    0,
    0x40,
    0,
    64,
    6,
    0,
    0,
    10,
    0,
    0,
    1,
    10,
    0,
    0,
    2,
  ]);
  const inner = new Ipv4Header();
  writeGre(gre, 0, 7, OCTETS, 1, 1);
  return [
    repeated("codec", "GRE header, read", () => void readGre(gre, 0, gre.length, header), 1_000),
    repeated("codec", "GRE header, write", () => writeGre(gre, 0, 7, OCTETS, 1, 1), 1_000),
    repeated("codec", "IPv4 header, read", () => void readIpv4(ipv4, 0, OCTETS, inner), 1_000),
  ];
}

function crypto(): Case[] {
  const cipher = new Rc4();
  const key = new Uint8Array(16).fill(7);
  const message = new Uint8Array(112).fill(3);
  const digest = new Uint8Array(20);
  const session = new MppeKey(key, 128);
  cipher.schedule(key, 16);
  return [
    repeated("crypto", "RC4, key schedule of 16 octets", () => cipher.schedule(key, 16)),
    repeated("crypto", `RC4, ${OCTETS} octets`, () => cipher.apply(payload, 0, OCTETS)),
    repeated("crypto", "SHA-1, 112 octets", () => sha1(message, 112, digest)),
    repeated("crypto", "MPPE-128, key step", () => session.step()),
  ];
}

/** What costs next to nothing, but much to prepare, is done less often. */
const PREPARED_MS = 400;

function once({ prepare, atOnce }: Case): number {
  let done = 0;
  let spent = 0;
  const last = performance.now() + milliseconds + PREPARED_MS;
  while (done === 0 || (spent < milliseconds && performance.now() < last)) {
    const body = prepare();
    const begun = performance.now();
    const own = body();
    spent += typeof own === "number" ? own : performance.now() - begun;
    done += atOnce;
  }
  return (spent * 1e6) / done;
}

/** Cases take turns within every round, so that what else the machine does falls on all alike. */
function measureAll(cases: readonly Case[]): Measured[] {
  for (const one of cases) once(one);
  const measured = cases.map(({ group, name }): Measured => ({ group, name, nanoseconds: [] }));
  for (let round = 1; round <= batches; round++) {
    say(`round ${round} of ${batches}`);
    for (const [at, one] of cases.entries()) measured[at]?.nanoseconds.push(once(one));
  }
  return measured;
}

const from = made("micro");
const data = measureAll([
  ...codec(),
  ...crypto(),
  ...lookUps(),
  ...engineCases(),
  ...hostileCases(),
]);
const tables = [...new Set(data.map(({ group }) => group))].map(
  (group): Table => ({
    title: group,
    columns: ["", "ns, median", "least", "most"],
    rows: data
      .filter((one) => one.group === group)
      .map(({ name, nanoseconds }) => [
        name,
        figure(median(nanoseconds)),
        figure(Math.min(...nanoseconds)),
        figure(Math.max(...nanoseconds)),
      ]),
  }),
);
report("micro", { made: from, reach: hostileReach(data), tables, data }, !plan.quick);
