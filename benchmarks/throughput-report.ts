// The tables and bars of bench:throughput, from its samples.
import { modes } from "./peers.js";
import { figure, median, type Reach, spread, type Table } from "./results.js";
import type { Sample, ThroughputData } from "./throughput.js";
import { type Direction, type Kind, kinds, titleOf, unitOf } from "./traffic.js";

const modeTitle = {
  off: "no MPPE",
  "128": "MPPE-128 stateless",
  "128-stateful": "MPPE-128 stateful",
};
const wayTitle = {
  up: "client to server (the server decrypts)",
  down: "server to client (it encrypts)",
};

function find(data: ThroughputData, wanted: Partial<Sample>): Sample | undefined {
  return data.samples.find((sample) =>
    Object.entries(wanted).every(([name, value]) => sample[name as keyof Sample] === value),
  );
}

function cell(sample: Sample | undefined): string {
  if (sample === undefined) return "";
  return sample.values.length > 0 ? spread(sample.values) : "failed";
}

/** A table a setting and traffic, a row a peer. */
export function tablesOf(data: ThroughputData): Table[] {
  const names = [...new Set(data.samples.map(({ peer }) => peer))];
  const counts = [...new Set(data.samples.map(({ sessions }) => sessions))];
  const settings = modes.flatMap((mode) => counts.map((sessions) => ({ mode, sessions })));
  return settings.flatMap(({ mode, sessions }) =>
    kinds.flatMap((kind): Table[] => {
      const rows = names.flatMap((peer) => {
        const at = (direction: Direction) => find(data, { peer, mode, sessions, kind, direction });
        const [up, down] = [at("up"), at("down")];
        return up === undefined && down === undefined ? [] : [[peer, cell(up), cell(down)]];
      });
      if (rows.length === 0) return [];
      const many = sessions === 1 ? "1 session" : `${sessions} sessions`;
      const title = `${titleOf[kind]}, ${unitOf[kind]}: ${modeTitle[mode]}, ${many}`;
      if (kind !== "rtt") return [{ title, columns: ["", wayTitle.up, wayTitle.down], rows }];
      const short = rows.map(([peer = "", up = ""]) => [peer, up]);
      return [{ title, columns: ["", "µs"], rows: short }];
    }),
  );
}

type Bar = {
  readonly where: string;
  readonly mode: Sample["mode"];
  readonly against: string;
  readonly least: number;
};
const bars: readonly Bar[] = [
  { where: "uml", mode: "128", against: "pptpd", least: 5 },
  { where: "qemu", mode: "128", against: "kserver", least: 1 },
  { where: "qemu", mode: "off", against: "kserver", least: 0.8 },
];

/** Of one setting of ours to a peer's: medians. */
function ratio(data: ThroughputData, mode: Sample["mode"], kind: Kind, way: Direction, to: string) {
  const wanted = { mode, sessions: 1, kind, direction: way };
  const ours = find(data, { ...wanted, peer: "holdfast" });
  const theirs = find(data, { ...wanted, peer: to });
  if (!ours?.values.length || !theirs?.values.length) return undefined;
  return median(ours.values) / median(theirs.values);
}

export function reachOf(data: ThroughputData): Reach[] {
  const reach = bars
    .filter(({ where }) => where === data.where)
    .flatMap(({ mode, against, least }) =>
      (["up", "down"] as const).flatMap((way): Reach[] => {
        const found = ratio(data, mode, "tcp1", way, against);
        if (found === undefined) return [];
        const what = `TCP, one stream, ${modeTitle[mode]}, ${way}: of ${against}'s`;
        return [{ what, bar: `>= ${least}`, found: figure(found), reached: found >= least }];
      }),
    );
  const roundTrip =
    data.where === "host" ? ratio(data, "128", "rtt", "up", "forwarder") : undefined;
  if (roundTrip === undefined) return reach;
  const what = "round trip at idle, MPPE-128 stateless: of two C forwarders'";
  return [...reach, { what, bar: "<= 2", found: figure(roundTrip), reached: roundTrip <= 2 }];
}
