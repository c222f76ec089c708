// PPP sessions in both roles: an input is a list of frames, of answers to what the session itself said
// last, of what its data path tells it, and of time that passes.
import { strict as assert } from "node:assert";
import { type Instant, instant } from "../../../src/base/instant.js";
import type { PppPolicy, PppRole } from "../../../src/core/ppp/ports.js";
import { PppSession } from "../../../src/core/ppp/session.js";
import { joined } from "../../../src/storm/mutator.js";
import { decodeFrame } from "../../../src/wire/ppp/frame.js";
import { Protocol } from "../../../src/wire/ppp/protocols.js";
import { ADDRESSES, CREDENTIALS, Pair, POLICY, seededRng, verdictOf } from "../../ppp/pair.js";
import { pppFrames } from "../corpus.js";
import type { Target } from "./hunt.js";
import { listed, silence, units } from "./units.js";

const SEED = 7;
const OUTPUTS_PER_FRAME = 24;

const policy: PppPolicy = { ...POLICY, ipv6: true, authentication: ["ms-chap-v2", "pap"] };
const papOnly: PppPolicy = { ...policy, authentication: ["pap"] };
const stateful: PppPolicy = {
  ...policy,
  echoIntervalMs: 10_000,
  encryption: { require: true, bits: [128], stateful: true, askStateful: true },
};
/** Whatever there is, and nothing required. */
const anything: PppPolicy = {
  ...policy,
  authentication: ["ms-chap-v2", "ms-chap-v1", "chap-md5", "pap"],
  encryption: { require: false, bits: [128, 56, 40], stateful: true },
};

type Said = readonly { readonly protocol: number; readonly information: Uint8Array }[];

const { lcp: LCP, chap: CHAP, ccp: CCP, ipcp: IPCP, ipv6cp: IPV6CP } = Protocol;
const NETWORK = [CCP, IPCP, IPV6CP];

function framed(protocol: number, information: Uint8Array): Uint8Array {
  return joined(Uint8Array.of(0xff, 3, protocol >>> 8, protocol & 255), information);
}

function framesOf(said: Said): Uint8Array[] {
  return said.map(({ protocol, information }) => framed(protocol, information));
}

/** What the other end says in a log-in; the machine draws the same numbers, so that it fits. */
function saidIn(role: PppRole, own: PppPolicy, peers: PppPolicy, password: string): Uint8Array[] {
  const [server, client] = role === "authenticator" ? [own, peers] : [peers, own];
  const credentials = { ...CREDENTIALS, password };
  const login = new Pair({ server, client, seed: SEED, credentials }).start().run(400);
  return framesOf(role === "authenticator" ? login.client.sent : login.server.sent);
}

/** A unit of one octet: what the session's data path or operator says. */
const WISHES: readonly ((machine: PppSession, now: Instant) => void)[] = [
  (machine, now) => machine.handleResyncNeeded(now),
  (machine, now) => machine.handleKeysLost(now),
  (machine, now) => machine.handleResetNeeded(now),
  (machine, now) => machine.probe(now),
  (machine, now) => machine.terminate("administrator", now),
  (machine) => machine.proven("data"),
];

/** Or, from here on, with which code the last packet of which protocol comes back. */
const ANSWERS_FROM = 16;
const ANSWERED = [LCP, CCP, IPCP, IPV6CP, CHAP];

const answer = (protocol: number, code: number) =>
  Uint8Array.of((ANSWERED.indexOf(protocol as typeof LCP) + 1) * 16 + code);

/** A unit of two octets: a Change-Password of RFC 2759 §7, which is longer than a unit, with this Identifier. */
const CHANGE_PASSWORD_OCTETS = 586;

function changePassword(identifier: number): Uint8Array {
  const octets = new Uint8Array(CHANGE_PASSWORD_OCTETS);
  octets.set([7, identifier, CHANGE_PASSWORD_OCTETS >>> 8, CHANGE_PASSWORD_OCTETS & 255]);
  return framed(CHAP, octets);
}

/** One way after another to go on once the log-in came so far, or is over. */
function seedsOf(role: PppRole, own: PppPolicy): Uint8Array[] {
  const { password } = CREDENTIALS;
  const said = saidIn(role, own, own, password);
  const wrong = saidIn(role, own, own, "wrong");
  const each = own.authentication.flatMap((method) => [
    listed(...saidIn(role, own, { ...own, authentication: [method] }, password)),
    listed(...saidIn(role, own, { ...own, authentication: [method] }, "wrong")),
  ]);
  const rejected = [...NETWORK, CHAP].map((protocol) =>
    framed(LCP, Uint8Array.of(8, 1, 0, 6, protocol >>> 8, protocol & 255)),
  );
  const resets = [14, 15].map((code) => framed(CCP, Uint8Array.of(code, 1, 0, 4)));
  // Once more with another Identifier: a restart. With no option at all: what is missing is named.
  const requests = NETWORK.flatMap((protocol) => {
    const first = said.find(
      (frame) => frame[2] === protocol >>> 8 && frame[3] === (protocol & 255) && frame[4] === 1,
    );
    const again = first?.slice();
    again?.set([first![5]! ^ 0x55], 5);
    const empty = framed(protocol, Uint8Array.of(1, 0x77, 0, 4));
    return again === undefined ? [empty] : [again, empty];
  });
  const ends = [LCP, ...NETWORK].map((protocol) => framed(protocol, Uint8Array.of(5, 9, 0, 4)));
  const answers = NETWORK.flatMap((protocol) => [2, 3, 4].map((code) => answer(protocol, code)));
  const wishes = WISHES.map((_, wish) => Uint8Array.of(wish));
  const firstOfNetwork = said.findIndex((frame) =>
    NETWORK.includes(((frame[2]! << 8) | frame[3]!) as typeof CCP),
  );
  const before = said.slice(0, firstOfNetwork);
  const times = silence(12);
  const echoed = [answer(LCP, 10), answer(CCP, 15)];
  return [
    ...[listed(...said), listed(...said.slice(0, 6)), ...pppFrames.map((one) => listed(one))],
    ...[listed(...wrong), ...each],
    ...[
      listed(...wrong.slice(0, 4), Uint8Array.of(0, 0)),
      listed(...wrong.slice(0, 6), Uint8Array.of(1, 0)),
    ],
    // In the middle of the network phase, with what came of it so far.
    ...[...answers, ...requests, ...ends].map((one) => listed(...before, one, one, ...times)),
    ...[...answers, ...requests, ...ends].map((one) =>
      listed(...said.slice(0, firstOfNetwork + 2), one, ...silence(2), one),
    ),
    // Once all is up.
    ...[...rejected, ...resets, ...requests, ...ends].flatMap((one) => [
      listed(...said, one, ...times),
      ...echoed.map((sign) => listed(...said, one, sign, ...times)),
    ]),
    ...wishes.map((wish) => listed(...said, wish, ...times, ...said.slice(0, 2))),
    ...wishes.map((wish) => listed(...said, wish, ...echoed, ...times)),
    ...[4, 8, 12].map((count) => listed(...said.slice(0, count), ...silence(40))),
  ];
}

function session(role: PppRole, own: PppPolicy, name: string): Target {
  let seeds: readonly Uint8Array[] | undefined;
  return {
    name,
    // A dozen log-ins: made where they are asked for.
    get seeds() {
      seeds ??= seedsOf(role, own);
      return seeds;
    },
    run: (input) => talkPpp(role, own, input),
  };
}

/** What the machine said last, by protocol; with another code, as if the peer had. */
class Echoes {
  readonly #last = new Map<number, Uint8Array>();

  sent(octets: Uint8Array): void {
    const frame = decodeFrame(octets);
    if (frame.ok) this.#last.set(frame.value.protocol, frame.value.information.slice());
  }

  answer(octet: number): { readonly protocol: number; readonly information: Uint8Array } {
    const protocol = ANSWERED[((octet >>> 4) - 1) % ANSWERED.length]!;
    const information = this.#last.get(protocol)?.slice() ?? new Uint8Array();
    if (information.length > 0) information[0] = octet & 15;
    // Of LCP's Echo: nobody's Magic-Number, where ours would be a loop.
    if (protocol === LCP && (octet & 15) >= 9) information.fill(0, 4, 8);
    return { protocol, information };
  }
}

function talkPpp(role: PppRole, own: PppPolicy, input: Uint8Array): void {
  let now: Instant = instant(0);
  let ended = false;
  const rng = seededRng(SEED + (role === "authenticator" ? 1 : 1_000_003));
  const credentials = { ...CREDENTIALS };
  const machine = new PppSession({ role, policy: own, rng, credentials, now });
  const echoes = new Echoes();
  const drain = () => {
    let outputs = 0;
    for (let output = machine.pollOutput(); output; output = machine.pollOutput()) {
      assert.ok(!ended, `${output.kind} after Ended`);
      if (output.kind === "Ended") ended = true;
      if (output.kind === "Send") echoes.sent(output.frame);
      if (output.kind === "AuthenticationAsked") {
        const verdict = verdictOf(output.name, output.proof, CREDENTIALS);
        machine.handleVerdict(output.generation, verdict, now);
      }
      if (output.kind === "AddressesAsked") {
        machine.handleAddresses(output.generation, ADDRESSES, now);
      }
      outputs++;
    }
    return outputs;
  };
  machine.start(now);
  drain();
  for (const unit of units(input)) {
    const [first = 0] = unit;
    if (unit.length === 0) {
      now = instant(Math.max(machine.pollTimeout()?.at ?? now, now));
      machine.handleTimeout(now);
    } else if (unit.length === 1 && first < ANSWERS_FROM) {
      WISHES[first % WISHES.length]!(machine, now);
    } else {
      const said = unit.length === 1 ? echoes.answer(first) : frameOf(unit);
      if (said !== undefined) machine.handleFrame(said.protocol, said.information, now);
    }
    assert.ok(drain() <= OUTPUTS_PER_FRAME, "outputs for one frame");
  }
  machine.abort("control-closed");
  drain();
  assert.ok(ended);
  assert.equal(machine.pollTimeout(), undefined);
}

function frameOf(unit: Uint8Array) {
  const frame = decodeFrame(unit.length === 2 ? changePassword(unit[1]!) : unit);
  return frame.ok ? frame.value : undefined;
}

const sessions: readonly (readonly [string, PppPolicy])[] = [
  ["ppp", policy],
  ["pap", papOnly],
  ["ppp-stateful", stateful],
  ["ppp-anything", anything],
];

export const pppTargets: readonly Target[] = sessions.flatMap(([name, own]) => [
  session("authenticator", own, `${name}-authenticator`),
  session("peer", own, `${name}-peer`),
]);
