import { describe, expect, test } from "vitest";
import { DROP_REASONS, type DropReason } from "../../src/plane/drop-reason.js";
import { greHeaderOctets, writeGre } from "../../src/wire/gre.js";
import { decodeMsChapV2Response, decodeValueAndName } from "../../src/wire/ppp/chap.js";
import { decodeFrame } from "../../src/wire/ppp/frame.js";
import { decodeAuthenticationProtocol, decodeMagicAndData } from "../../src/wire/ppp/lcp.js";
import { decodeOptions } from "../../src/wire/ppp/options.js";
import { decodePacket } from "../../src/wire/ppp/packet.js";
import { decodeAuthenticateRequest } from "../../src/wire/ppp/pap.js";
import {
  Bench,
  CLIENT,
  datagram,
  installClient,
  installServer,
  SERVER,
  type Setting,
} from "../plane/pair.js";
import { octets, vectors } from "./vectors.js";

const ENCRYPTED = { encryption: { bits: 128, stateful: false } } as const;
const CALL_ID = 0x5678;

function negatives(layer: string) {
  return vectors.negative.filter((vector) => vector.layer === layer);
}

/** A server's data path with one session, and what became of each GRE packet sent to it. */
function outcome(packets: readonly Uint8Array[], setting: Setting) {
  const bench = new Bench();
  installServer(bench, setting);
  bench.events.length = 0;
  for (const packet of packets) bench.datagram(datagram(CLIENT, SERVER, packet));
  const drops = DROP_REASONS.flatMap((reason) => {
    return new Array<DropReason>(bench.engine.dropped(reason)).fill(reason);
  });
  return {
    drops,
    frames: bench.of("Frame").length,
    out: bench.gre.length + bench.tun.length,
    flows: bench.engine.flows,
  };
}

/** The reason each datagram is dropped for; those that are no fault let a frame through. */
const GRE_OUTCOMES: Readonly<Record<string, { drops: readonly DropReason[]; frames: number }>> = {
  "GRE-TRUNC-0": { drops: ["gre-truncated"], frames: 0 },
  "GRE-TRUNC-1": { drops: ["gre-truncated"], frames: 0 },
  "GRE-TRUNC-3": { drops: ["gre-truncated"], frames: 0 },
  "GRE-TRUNC-4": { drops: ["gre-truncated"], frames: 0 },
  "GRE-TRUNC-5": { drops: ["gre-truncated"], frames: 0 },
  "GRE-TRUNC-6": { drops: ["gre-truncated"], frames: 0 },
  "GRE-TRUNC-7": { drops: ["gre-truncated"], frames: 0 },
  "GRE-S-NOSEQ": { drops: ["gre-truncated"], frames: 0 },
  "GRE-SA-SHORT": { drops: ["gre-truncated"], frames: 0 },
  "GRE-PAYLEN-65535": { drops: ["gre-payload-over"], frames: 0 },
  "GRE-PAYLEN-UNDER": { drops: [], frames: 1 },
  "GRE-PAYLEN-0-S": { drops: ["empty-payload"], frames: 0 },
  "GRE-V0": { drops: ["gre-version"], frames: 0 },
  "GRE-R": { drops: ["gre-flags"], frames: 0 },
  "GRE-NOKEY": { drops: ["gre-no-key"], frames: 0 },
  "GRE-SSR": { drops: ["gre-flags"], frames: 0 },
  "GRE-RECUR": { drops: ["gre-flags"], frames: 0 },
  "GRE-PROTO-IP": { drops: ["gre-protocol"], frames: 0 },
  "GRE-UNKNOWN-CALLID": { drops: ["unknown-call"], frames: 0 },
  "GRE-SEQ-REWIND-1": { drops: ["late"], frames: 1 },
};

describe("negative, layer gre: counted for its reason, nothing sent, nothing kept", () => {
  test("every vector has its outcome here", () => {
    expect(negatives("gre").map(({ id }) => id)).toEqual(Object.keys(GRE_OUTCOMES));
  });

  test.each(negatives("gre"))("$id", ({ id, send }) => {
    const { drops, frames } = GRE_OUTCOMES[id]!;
    expect(outcome(send.map(octets), {})).toEqual({ drops, frames, out: 0, flows: 1 });
  });

  test("GRE-PAYLEN-UNDER: PPP sees Payload Length octets and no more", () => {
    const [{ send }] = [vectors.negative.find(({ id }) => id === "GRE-PAYLEN-UNDER")!];
    const bench = new Bench();
    installServer(bench);
    bench.datagram(datagram(CLIENT, SERVER, octets(send[0])));
    expect(bench.of("Frame")[0]?.information).toEqual(octets("09010008a1b2c3d4"));
  });
});

/** Frames that the data path itself stops when encryption is required; all others go up, once. */
const STOPPED: Readonly<Record<string, DropReason>> = {
  "PPP-MPPE-D0": "mppe-not-encrypted",
  "PPP-MPPE-2OCT": "mppe-empty",
  "PPP-PLAIN-IP-WITH-MPPE": "plaintext-refused",
};

/** The field that a codec names in those that are malformed on their own. */
const MALFORMED: Readonly<Record<string, string>> = {
  "LCP-HDR-3": "Header",
  "LCP-LEN-0": "Length",
  "LCP-LEN-3": "Length",
  "LCP-OPT-LEN-0": "Option Length",
  "LCP-AUTH-EMPTY": "Authentication-Protocol",
  "LCP-ECHO-SHORT": "Magic-Number",
  "LCP-100-CONFREQ-OPTS": "Options",
  "PPP-PAP-PWLEN-OVER": "Passwd-Length",
  "PPP-CHAP-VSIZE-48": "Value-Size",
};

/** The first fault that the codecs, each asked as its machine would ask it, find in a frame. */
function faultOf(frame: Uint8Array): string | undefined {
  const read = decodeFrame(frame);
  if (!read.ok) return read.field;
  if (read.value.protocol < 0x8000) return undefined;
  const packet = decodePacket(read.value.information);
  if (!packet.ok) return packet.field;
  const { code, data } = packet.value;
  switch (read.value.protocol) {
    case 0xc021: {
      if (code >= 9 && code <= 11) {
        const body = decodeMagicAndData(data);
        return body.ok ? undefined : body.field;
      }
      if (code !== 1) return undefined;
      const options = decodeOptions(data, 64);
      if (!options.ok) return options.field;
      const authentication = options.value.find(({ type }) => type === 3);
      const asked = authentication && decodeAuthenticationProtocol(authentication);
      return asked === undefined || asked.ok ? undefined : asked.field;
    }
    case 0xc023: {
      const request = decodeAuthenticateRequest(data);
      return request.ok ? undefined : request.field;
    }
    case 0xc223: {
      const response = decodeValueAndName(data);
      if (!response.ok) return response.field;
      const value = decodeMsChapV2Response(response.value.value);
      return value.ok ? undefined : value.field;
    }
    default:
      return undefined;
  }
}

/** The same octets from a server: the Call ID they mean is the one that we assigned. */
function toClient(packet: Uint8Array): Uint8Array {
  const mirrored = packet.slice();
  if (packet[6] === CALL_ID >>> 8 && packet[7] === (CALL_ID & 255)) mirrored.set([0x12, 0x34], 6);
  return mirrored;
}

describe("negative, layer gre, from a server to our client: the same (T-35)", () => {
  test.each(negatives("gre"))("$id", ({ id, send }) => {
    const bench = new Bench();
    installClient(bench);
    bench.events.length = 0;
    for (const packet of send) bench.datagram(datagram(SERVER, CLIENT, toClient(octets(packet))));
    const drops = DROP_REASONS.filter((reason) => bench.engine.dropped(reason) > 0);
    const expected = GRE_OUTCOMES[id]!;
    expect(drops).toEqual(expected.drops);
    expect(bench.of("Frame")).toHaveLength(expected.frames);
    expect(bench.gre.length + bench.tun.length).toBe(0);
    expect(bench.engine.flows).toBe(1);
  });
});

describe("negative, layer ppp: the data path passes it up once or stops it, and says nothing", () => {
  const frames = negatives("ppp");

  test.each(frames)("$id", ({ id, send }) => {
    const frame = octets(send[0]);
    const header = greHeaderOctets(true, false);
    const packet = new Uint8Array(header + frame.length);
    packet.set(frame, header);
    writeGre(packet, 0, CALL_ID, frame.length, 0, undefined);
    const reason = STOPPED[id];
    expect(outcome([packet], ENCRYPTED)).toEqual({
      drops: reason === undefined ? [] : [reason],
      frames: reason === undefined ? 1 : 0,
      out: 0,
      flows: 1,
    });
  });

  test.each(frames.filter(({ id }) => STOPPED[id] === undefined))(
    "$id: a codec names the field at fault, or it is well-formed and the machine's to judge",
    ({ id, send }) => {
      expect(faultOf(octets(send[0]))).toBe(MALFORMED[id]);
    },
  );

  test("every vector named here exists", () => {
    const ids = frames.map(({ id }) => id);
    for (const id of [...Object.keys(STOPPED), ...Object.keys(MALFORMED)]) {
      expect(ids).toContain(id);
    }
  });
});
