// What hostile peers say and leave unsaid on control connections, each on one of its own.
import type { Chance } from "../base/chance.js";
import { mutate } from "./mutator.js";
import { negativeVectors } from "./negative-vectors.js";
import { controlMessages, pppFrames, sampleMessage } from "./samples.js";
import type { Step, Talk, TalkScenario } from "./scenario.js";

const SCCRP_OCTETS = 156;
const OCRP_OCTETS = 32;
const ICRP_OCTETS = 24;
/** What a server may want to keep a hostile peer for: beyond it nobody stays. */
const STAY_MS = 6_000;

const say = (octets: Uint8Array): Step => ({ do: "say", octets });
const hear = (octets: number): Step => ({ do: "hear", octets });
const stay = (ms: number): Step => ({ do: "stay", ms });
const end = (how: "fin" | "rst"): Step => ({ do: "end", how });
const either = (chance: Chance): Step => end(chance.happens(0.5) ? "fin" : "rst");

const start = sampleMessage("StartControlConnectionRequest");
const call = sampleMessage("OutgoingCallRequest", { callId: 0x4321, maximumBps: 100_000_000 });
/** RFC 2637 §2.11, §2.15: Peer's Call ID. */
const CALL_ID_AT = 12;
const linkInfo = sampleMessage("SetLinkInfo");
const incoming = sampleMessage("IncomingCallRequest", { callId: 0x4321 });
const connected = sampleMessage("IncomingCallConnected");
const started: readonly Step[] = [say(start), hear(SCCRP_OCTETS)];
const called: readonly Step[] = [...started, say(call), hear(SCCRP_OCTETS + OCRP_OCTETS)];
const answered: readonly Step[] = [...started, say(incoming), hear(SCCRP_OCTETS + ICRP_OCTETS)];

const onControl = negativeVectors.filter(({ layer }) => layer === "control");

/** Where a peer may go away: what it has said by then. */
const stages: readonly (readonly Step[])[] = [
  [],
  [say(start.subarray(0, 12))],
  [say(start)],
  started,
  [...started, say(call.subarray(0, 100))],
  [...started, say(call)],
  called,
  [...called, { do: "frames", frames: pppFrames.slice(15, 17) }],
  [...called, { do: "frames", frames: pppFrames }],
  [...called, say(sampleMessage("CallClearRequest", { callId: 0x4321 }))],
  [...started, say(incoming)],
  answered,
  [...answered, { do: "say", octets: connected, callIdAt: CALL_ID_AT }],
  [...called, { do: "say", octets: linkInfo, callIdAt: CALL_ID_AT }],
  [...called, say(sampleMessage("StopControlConnectionRequest"))],
];

const logIn = new Uint8Array([...start, ...call]);

/** Every octet of the control connection's part of a log-in once, then from the first again. */
function cutAt(number: number): Talk {
  const octets = number % (logIn.length + 1);
  const how = end(Math.floor(number / (logIn.length + 1)) % 2 === 0 ? "rst" : "fin");
  if (octets <= start.length) return [say(logIn.subarray(0, octets)), how];
  return [...started, say(logIn.subarray(start.length, octets)), how];
}

/** 15^4 orders, then from the first again; shorter ones are their beginnings. */
const ORDERS = controlMessages.length ** 4;
/** Prime, so that a short run is spread over them and a long one has each. */
const STRIDE = 7_919;

function orderOf(number: number): readonly Uint8Array[] {
  const order = (number * STRIDE) % ORDERS;
  return [1, 15, 225, 3_375].map((place) => {
    return controlMessages[Math.floor(order / place) % controlMessages.length]!;
  });
}

/** So many frames of a call are looked at before its log-in, in a second. */
const CALL_FRAMES = 24;

export const talkScenarios: readonly TalkScenario[] = [
  {
    kind: "talks",
    floods: false,
    name: "control-vectors",
    threats: ["T-01", "T-02", "T-03", "T-04", "T-09", "T-10", "T-22", "T-26", "T-27", "G-07"],
    about: "every negative vector of the control connection, one connection each",
    whole: onControl.length,
    talk: (chance, number) => {
      const { send } = onControl[number % onControl.length]!;
      return [...send.map(say), hear(1), either(chance)];
    },
  },
  {
    kind: "talks",
    floods: false,
    name: "control-mutated",
    threats: ["T-01", "T-02", "T-03", "T-04", "T-22", "T-26", "T-27"],
    about: "the 15 control messages changed at random, before the start and after it",
    talk: (chance) => {
      const first = chance.happens(0.5) ? started : [];
      const messages = Array.from({ length: chance.int(1, 4) }, () =>
        say(mutate(chance, chance.of(controlMessages), controlMessages)),
      );
      return [...first, ...messages, hear(SCCRP_OCTETS + 1), either(chance)];
    },
  },
  {
    kind: "talks",
    floods: false,
    name: "message-orders",
    threats: ["T-09", "T-10"],
    about: "every order of four control messages, after a start",
    whole: ORDERS,
    talk: (chance, number) => [
      ...started,
      ...orderOf(number).map(say),
      hear(SCCRP_OCTETS + 1),
      either(chance),
    ],
  },
  {
    kind: "talks",
    floods: true,
    name: "half-open",
    threats: ["G-02", "G-06"],
    about: "connections that say nothing, half of a start, or a start and nothing more",
    talk: (chance) => [...chance.of([[], stages[1]!, started]), stay(STAY_MS), end("rst")],
  },
  {
    kind: "talks",
    floods: true,
    name: "dribble",
    threats: ["G-03"],
    about: "a start, or a call after it, that comes octet by octet and never ends",
    talk: (chance) => {
      const [before, whole] = chance.happens(0.5) ? [[], start] : [started, call];
      return [
        ...before,
        { do: "dribble", octets: whole.subarray(0, chance.int(12, 60)), everyMs: 100 },
        stay(STAY_MS),
        end("rst"),
      ];
    },
  },
  {
    kind: "talks",
    floods: true,
    name: "connection-flood",
    threats: ["G-01", "G-25"],
    about: "connections made and cut at once, from many sources",
    sources: "many",
    talk: (chance) => [either(chance)],
  },
  {
    kind: "talks",
    floods: true,
    name: "connections-from-one",
    threats: ["G-01", "G-02", "G-25"],
    about: "connections made and cut at once, or held, from one source",
    sources: "one",
    talk: (chance) => (chance.happens(0.5) ? [either(chance)] : [stay(STAY_MS), either(chance)]),
  },
  {
    kind: "talks",
    floods: true,
    name: "call-mutated",
    threats: ["T-11", "T-12", "T-13", "T-14", "T-15", "T-16", "T-17", "T-18", "T-19", "G-15"],
    about: "frames of every protocol changed at random, into a call of one's own before its log-in",
    talk: (chance) => {
      const frames = Array.from({ length: CALL_FRAMES }, () =>
        mutate(chance, chance.of(pppFrames), pppFrames),
      );
      return [...called, { do: "frames", frames }, stay(chance.int(20, 200)), either(chance)];
    },
  },
  {
    kind: "talks",
    floods: true,
    name: "cut-log-in",
    threats: ["T-24", "T-06"],
    about: "a log-in's control connection cut after every octet, by RST and by FIN",
    whole: 2 * (logIn.length + 1),
    talk: (_chance, number) => cutAt(number),
  },
  {
    kind: "talks",
    floods: true,
    name: "abandoned",
    threats: ["T-06", "T-09", "T-10", "G-06", "G-24"],
    about: "peers that go away in every state of connection and call, some of them late",
    whole: stages.length,
    talk: (chance, number) => [
      ...stages[number % stages.length]!,
      ...(chance.happens(0.2) ? [stay(chance.int(100, 2_000))] : []),
      either(chance),
    ],
  },
  {
    kind: "talks",
    floods: false,
    name: "echo-flood",
    threats: ["G-04", "G-05", "G-07", "T-23"],
    about: "Echo-Requests and unasked Echo-Replies by the hundred, their answers never read",
    talk: (chance) => {
      const echoes = Array.from({ length: 40 }, () =>
        say(
          sampleMessage(chance.of(["EchoRequest", "EchoReply"] as const), {
            identifier: chance.word(),
          }),
        ),
      );
      return [...started, { do: "deaf" }, ...echoes, stay(1_000), either(chance)];
    },
  },
  {
    kind: "talks",
    floods: false,
    name: "call-exhaustion",
    threats: ["G-08", "G-19"],
    about: "more calls on one connection than a server should give, cleared and not cleared",
    talk: (chance) => {
      const calls = Array.from({ length: 16 }, (_, at) =>
        say(sampleMessage("OutgoingCallRequest", { callId: 0x4000 + at })),
      );
      const clears = Array.from({ length: 8 }, (_, at) =>
        say(sampleMessage("CallClearRequest", { callId: 0x4000 + at })),
      );
      const clearing = chance.happens(0.5) ? clears : [];
      return [
        ...started,
        ...calls,
        hear(SCCRP_OCTETS + 16 * OCRP_OCTETS),
        ...clearing,
        either(chance),
      ];
    },
  },
];
