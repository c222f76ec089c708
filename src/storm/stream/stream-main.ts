// The process of the hostile: one scenario after the other, as the bench tells it.
import { Chance } from "../../base/chance.js";
import { storm as bounds } from "../../limits/storm.js";
import { describeOsError, isOsError, type OsError } from "../../os/errors.js";
import type { FromStream, LiveCall, ToStream } from "../messages.js";
import { scenarioOf } from "../scenarios.js";
import { CutStream } from "./cut-stream.js";
import { type HeadedTerms, HeadedWay } from "./headed-way.js";
import { openGreWay, PacketStream, type PacketStreamTerms } from "./packet-stream.js";
import { TalkStream } from "./talk-stream.js";

type Begin = Extract<ToStream, { kind: "begin" }>;

const tell = (told: FromStream) => void process.send?.(told);
let running: PacketStream | TalkStream | CutStream | undefined;
let live: readonly LiveCall[] = [];

async function play(begin: Begin): Promise<void> {
  const stream = open(begin);
  if (isOsError(stream)) return fail(stream);
  running = stream;
  if (stream instanceof PacketStream) stream.live = live;
  const telling = setInterval(() => tell({ kind: "sent", sent: stream.sent }), bounds.sampleMs);
  const over = setTimeout(() => stream[Symbol.dispose](), begin.seconds * 1_000);
  const failure = await stream.run();
  clearInterval(telling);
  clearTimeout(over);
  stream[Symbol.dispose]();
  running = undefined;
  if (failure !== undefined) return fail(failure);
  tell({ kind: "done", sent: stream.sent });
}

function open(begin: Begin): PacketStream | TalkStream | CutStream | OsError {
  const scenario = scenarioOf(begin.scenario);
  const chance = new Chance(begin.seed);
  if (scenario?.kind === "packets") return openPackets({ ...begin, scenario, chance });
  if (scenario?.kind === "cuts" && begin.credentials !== undefined) {
    return CutStream.open({ ...begin, scenario, chance, credentials: begin.credentials });
  }
  if (scenario?.kind === "talks") return new TalkStream({ ...begin, scenario, chance });
  return { kind: "OsError", call: begin.scenario, errno: "ENOENT", detail: "no such scenario" };
}

/** Packets of GRE by the kernel's own header, what is headed by one of ours. */
function openPackets(terms: PacketStreamTerms & HeadedTerms): PacketStream | OsError {
  if (terms.scenario.headed !== true) return PacketStream.open(terms, openGreWay());
  return PacketStream.open(terms, HeadedWay.open(terms));
}

function fail(failure: OsError): void {
  tell({ kind: "failed", why: describeOsError(failure) });
}

// Ctrl-C reaches the whole group: the bench ends us, in order.
process.on("SIGINT", () => {});
process.on("disconnect", () => process.exit(0));
process.on("message", (message) => {
  const told = message as ToStream;
  if (told.kind === "begin") void play(told);
  else if (told.kind === "stop") running?.[Symbol.dispose]();
  else {
    live = told.calls;
    if (running instanceof PacketStream) running.live = live;
  }
});
