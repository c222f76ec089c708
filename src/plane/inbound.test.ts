import { describe, expect, test } from "vitest";
import {
  Bench,
  CLIENT,
  datagram,
  echo,
  encryptionTerms,
  FLOW,
  GATEWAY,
  installClient,
  installServer,
  LEASED,
  OUTSIDE,
  SERVER,
  type Setting,
  tagOf,
  udp,
} from "../../test/plane/pair.js";
import { octets, vectors } from "../../test/vectors/vectors.js";
import { plane as limits } from "../limits.js";
import { writeGre } from "../wire/gre.js";

const MPPE = { bits: 128, stateful: false } as const;

function server(setting: Setting = {}): Bench {
  const bench = new Bench();
  installServer(bench, setting);
  bench.events.length = 0;
  return bench;
}

/** A PPP frame in GRE from the client, as its datagram. */
function framed(
  frame: readonly number[] | Uint8Array,
  sequence: number,
  acknowledgment?: number,
  callId = 0x5678,
): Uint8Array {
  const header = acknowledgment === undefined ? 12 : 16;
  const gre = new Uint8Array(header + frame.length);
  writeGre(gre, 0, callId, frame.length, sequence, acknowledgment);
  gre.set(frame, header);
  return datagram(CLIENT, SERVER, gre);
}

function plainIp(tag: number): number[] {
  return [0x21, ...udp(LEASED, OUTSIDE, tag, 40)];
}

function lone(acknowledgment: number): Uint8Array {
  const gre = new Uint8Array(12);
  writeGre(gre, 0, 0x5678, 0, undefined, acknowledgment);
  return datagram(CLIENT, SERVER, gre);
}

/** A datagram of vectors.json, its Call ID made ours. */
function vector(id: string): Uint8Array[] {
  const found = vectors.negative.find((entry) => entry.id === id)!;
  return found.send.map((hex) => {
    const gre = octets(hex);
    if (id.startsWith("GRE-") && id !== "GRE-UNKNOWN-CALLID" && gre.length >= 8) {
      gre.set([0x56, 0x78], 6);
    }
    return datagram(CLIENT, SERVER, gre);
  });
}

describe("negative vectors of the GRE layer", () => {
  const ids = vectors.negative.filter(({ layer }) => layer === "gre").map(({ id }) => id);
  const taken = { "GRE-PAYLEN-UNDER": 1, "GRE-SEQ-REWIND-1": 1 } as Record<string, number>;
  for (const id of ids) {
    test(`${id}: no reply, nothing kept, counted`, () => {
      const bench = server();
      for (const packet of vector(id)) bench.datagram(packet);
      expect(bench.of("Frame")).toHaveLength(taken[id] ?? 0);
      expect([bench.gre.length, bench.tun.length, bench.engine.reorderOctets]).toEqual([0, 0, 0]);
      bench.pass(1_000);
      const [counters] = bench.of("Counters");
      const drops = Object.values(counters?.drops ?? {}).reduce((sum, count) => sum + count, 0);
      expect(drops).toBe(id === "GRE-PAYLEN-UNDER" ? 0 : 1);
    });
  }

  test("GRE-SEQ-REWIND-1: the receive state is unchanged", () => {
    const bench = server();
    for (const packet of vector("GRE-SEQ-REWIND-1")) bench.datagram(packet);
    bench.datagram(framed([0xc0, 0x21, 9, 1, 0, 4], 0x11));
    expect(bench.of("Frame")).toHaveLength(2);
  });

  test("GRE-PAYLEN-UNDER: PPP sees exactly Payload Length octets", () => {
    const bench = server();
    bench.datagram(vector("GRE-PAYLEN-UNDER")[0]!);
    expect(bench.of("Frame")[0]!.information).toHaveLength(8);
  });
});

describe("negative vectors of the PPP layer that reach the data path", () => {
  const reasons = {
    "PPP-MPPE-D0": "mppe-not-encrypted",
    "PPP-MPPE-2OCT": "mppe-empty",
    "PPP-PLAIN-IP-WITH-MPPE": "plaintext-refused",
  } as const;
  for (const [id, reason] of Object.entries(reasons)) {
    test(`${id}: ${reason}, and the session goes on`, () => {
      const bench = server({ encryption: MPPE });
      const client = new Bench();
      installClient(client, { encryption: MPPE });
      const { send } = vectors.negative.find((entry) => entry.id === id)!;
      client.command({ kind: "Send", flow: FLOW, frame: octets(send[0]) });
      client.packet(udp(LEASED, OUTSIDE, 42));
      for (const packet of client.gre) bench.datagram(packet);
      expect(bench.engine.dropped(reason)).toBe(1);
      expect(bench.tun.map(tagOf)).toEqual([42]);
      expect(bench.of("Frame")).toHaveLength(0);
    });
  }
});

describe("which flow", () => {
  test("our address and the peer's both count, not the Call ID alone", () => {
    const bench = server();
    const packet = framed([0xc0, 0x21, 9, 1, 0, 4], 0);
    for (const [at, value] of [
      [12, 10],
      [16, 10],
    ] as const) {
      const other = packet.slice();
      other[at] = value;
      bench.datagram(other);
    }
    bench.datagram(framed([0xc0, 0x21], 0, undefined, 0x5679));
    expect(bench.engine.dropped("unknown-call")).toBe(3);
    bench.datagram(packet);
    expect(bench.of("Frame")).toHaveLength(1);
  });

  test("what is not a whole IPv4 datagram of protocol 47 is dropped", () => {
    const bench = server();
    const packet = framed([0xc0, 0x21, 9, 1, 0, 4], 0);
    for (let length = 0; length < packet.length; length++) {
      bench.engine.handleDatagram(packet, 0, length, bench.now);
    }
    for (const [at, value] of [
      [0, 0x65],
      [6, 0x20],
      [9, 6],
    ] as const) {
      const other = packet.slice();
      other[at] = value;
      bench.datagram(other);
    }
    expect(bench.engine.dropped("outer-ip")).toBe(packet.length + 3);
    expect(bench.of("Frame")).toHaveLength(0);
  });
});

describe("PPP header forms", () => {
  for (const [name, head] of [
    ["FF 03 and two octets", [0xff, 0x03, 0x00, 0x21]],
    ["two octets", [0x00, 0x21]],
    ["FF 03 and one octet", [0xff, 0x03, 0x21]],
    ["one octet", [0x21]],
  ] as const) {
    test(`${name}: an IPv4 packet`, () => {
      const bench = server();
      bench.datagram(framed([...head, ...udp(LEASED, OUTSIDE, 5)], 0));
      expect(bench.tun.map(tagOf)).toEqual([5]);
    });
  }

  test("cut before the protocol ends: dropped", () => {
    const bench = server();
    for (const [sequence, frame] of [[0xff, 0x03], [0x00], [0xff, 0x03, 0xc0]].entries()) {
      bench.datagram(framed(frame, sequence));
    }
    expect(bench.engine.dropped("ppp-truncated")).toBe(3);
  });
});

describe("sequence", () => {
  test("reordered within the buffer: delivered in order, none twice, none late", () => {
    const bench = server();
    const order = [0, 3, 1, 1, 3, 2, 0, 5, 4, 6];
    for (const sequence of order) bench.datagram(framed(plainIp(sequence), sequence));
    expect(bench.tun.map(tagOf)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(bench.engine.dropped("late")).toBe(2);
    expect(bench.engine.dropped("duplicate")).toBe(1);
    expect(bench.engine.reorderOctets).toBe(0);
  });

  test("a gap is given up after 100 ms; what then comes for it is late", () => {
    const bench = server();
    bench.datagram(framed(plainIp(0), 0));
    bench.datagram(framed(plainIp(2), 2));
    bench.pass(99);
    expect(bench.tun).toHaveLength(1);
    bench.pass(1);
    expect(bench.tun.map(tagOf)).toEqual([0, 2]);
    bench.datagram(framed(plainIp(1), 1));
    expect(bench.engine.dropped("late")).toBe(1);
  });

  test("of a path that loses and does not reorder the next gaps are given up sooner", () => {
    const bench = server();
    bench.datagram(framed(plainIp(0), 0));
    for (const [sequence, waits] of [
      [2, limits.reorderMs],
      [4, limits.reorderMs / 4],
      [6, limits.reorderMs / 16],
      [8, limits.reorderMinMs],
    ] as const) {
      const before = bench.tun.length;
      bench.datagram(framed(plainIp(sequence), sequence));
      bench.pass(Math.ceil(waits) - 1);
      expect(bench.tun).toHaveLength(before);
      bench.pass(1);
      expect(bench.tun).toHaveLength(before + 1);
    }
    bench.datagram(framed(plainIp(7), 7));
    expect(bench.engine.dropped("late")).toBe(1);
    bench.datagram(framed(plainIp(10), 10));
    bench.pass(limits.reorderMs - 1);
    expect(bench.tun.map(tagOf)).toEqual([0, 2, 4, 6, 8]);
    bench.datagram(framed(plainIp(9), 9));
    expect(bench.tun.map(tagOf)).toEqual([0, 2, 4, 6, 8, 9, 10]);
  });

  test("a seventeenth early packet gives the gap up at once", () => {
    const bench = server();
    bench.datagram(framed(plainIp(0), 0));
    for (let sequence = 2; sequence < 18; sequence++) {
      bench.datagram(framed(plainIp(sequence), sequence));
    }
    expect(bench.tun).toHaveLength(1);
    bench.datagram(framed(plainIp(18), 18));
    expect(bench.tun.map(tagOf)).toEqual([0, ...Array.from({ length: 17 }, (_, i) => i + 2)]);
  });

  test("GRE-SEQ-7FFFFFFF: a spoofed number far ahead costs nothing", () => {
    const bench = server();
    bench.datagram(framed(plainIp(0), 0));
    bench.datagram(framed(plainIp(99), 0x7fffffff));
    bench.datagram(framed(plainIp(98), 258));
    bench.datagram(framed(plainIp(1), 1));
    expect(bench.tun.map(tagOf)).toEqual([0, 1]);
    expect(bench.engine.dropped("out-of-window")).toBe(2);
  });

  test("every second packet missing for 60 s: memory flat, everything else delivered", () => {
    const bench = server();
    let most = 0;
    let delivered = 0;
    for (let sequence = 0; sequence < 60_000; sequence += 2) {
      bench.datagram(framed(plainIp(sequence), sequence));
      bench.pass(2);
      most = Math.max(most, bench.engine.reorderOctets);
      delivered += bench.tun.splice(0).length;
      bench.gre.length = 0;
      bench.events.length = 0;
    }
    bench.pass(200);
    expect(delivered + bench.tun.length).toBe(30_000);
    expect(most).toBeLessThanOrEqual(limits.reorderOctetsMax);
    expect(bench.engine.reorderOctets).toBe(0);
  }, 60_000);
});

describe("acknowledgments", () => {
  test("a lone one 50 ms after a packet, with its highest number, and only once", () => {
    const bench = server();
    bench.datagram(framed(plainIp(0), 5));
    bench.datagram(framed(plainIp(1), 6));
    bench.pass(49);
    expect(bench.gre).toHaveLength(0);
    bench.pass(1);
    expect([...bench.gre[0]!.subarray(20)]).toEqual([
      ...[0x20, 0x81, 0x88, 0x0b, 0, 0, 0x12, 0x34],
      ...[0, 0, 0, 6],
    ]);
    bench.pass(10_000);
    expect(bench.gre).toHaveLength(1);
  });

  test("carried by data when there is some", () => {
    const bench = server();
    bench.datagram(framed(plainIp(0), 5));
    bench.packet(udp(OUTSIDE, LEASED));
    bench.pass(1_000);
    expect(bench.gre).toHaveLength(1);
    expect(bench.gre[0]![21]).toBe(0x81);
    expect([...bench.gre[0]!.subarray(32, 36)]).toEqual([0, 0, 0, 5]);
  });

  test("GRE-ACK-FUTURE: of what was never sent: counted, nothing moves", () => {
    const bench = server();
    bench.datagram(lone(0));
    bench.packet(udp(OUTSIDE, LEASED));
    bench.datagram(lone(1));
    bench.datagram(lone(0));
    expect(bench.engine.dropped("ack-out-of-range")).toBe(2);
  });

  test("one lone acknowledgment a 50 ms at most, whatever comes in", () => {
    const bench = server();
    for (let i = 0; i < 1_000; i++) {
      bench.datagram(framed(plainIp(i), i));
      bench.pass(1);
    }
    expect(bench.gre.length).toBeLessThanOrEqual(1_000 / limits.ackDelayMs + 1);
  });
});

describe("before the network phase", () => {
  test("64 packets a second are looked at, and the flow recovers after", () => {
    const bench = server({ network: false });
    for (let sequence = 0; sequence < 200; sequence++) {
      bench.datagram(framed([0xc0, 0x21, 9, 1, 0, 4], sequence));
    }
    expect(bench.of("Frame")).toHaveLength(64);
    expect(bench.engine.dropped("login-rate")).toBe(136);
    bench.pass(1_000);
    bench.datagram(framed([0xc0, 0x21, 9, 1, 0, 4], 200));
    bench.pass(100);
    expect(bench.of("Frame")).toHaveLength(65);
  });

  test("inner packets go nowhere", () => {
    const bench = server({ network: false });
    bench.datagram(framed(plainIp(0), 0));
    expect(bench.engine.dropped("network-closed")).toBe(1);
  });
});

describe("encryption required", () => {
  test("no plaintext data is taken, not even before the keys are there", () => {
    const bench = server({ install: { encryptionRequired: true } });
    bench.datagram(framed(plainIp(0), 0));
    bench.datagram(framed([0x00, 0x57, 0x60], 1));
    bench.datagram(framed([0xfd, 0x90, 0, 1, 2, 3], 2));
    expect(bench.engine.dropped("plaintext-refused")).toBe(2);
    expect(bench.engine.dropped("mppe-not-open")).toBe(1);
    expect(bench.tun).toHaveLength(0);
  });

  test("none is sent either, and the kernel's packet is counted", () => {
    const bench = server({ install: { encryptionRequired: true } });
    bench.packet(udp(OUTSIDE, LEASED));
    expect(bench.engine.dropped("not-encrypted")).toBe(1);
    expect(bench.gre).toHaveLength(0);
    const terms = encryptionTerms(MPPE, "server");
    bench.command({ kind: "Encrypt", flow: FLOW, terms });
    bench.packet(udp(OUTSIDE, LEASED));
    expect(bench.gre).toHaveLength(1);
    bench.command({ kind: "Encrypt", flow: FLOW, terms: undefined });
    bench.packet(udp(OUTSIDE, LEASED));
    expect(bench.gre).toHaveLength(1);
  });

  test("agreed on without being required: plaintext is refused all the same", () => {
    const bench = server();
    bench.command({ kind: "Encrypt", flow: FLOW, terms: encryptionTerms(MPPE, "server") });
    bench.datagram(framed(plainIp(0), 0));
    expect(bench.engine.dropped("plaintext-refused")).toBe(1);
  });
});

describe("events", () => {
  test("a full ring drops the newest frame and counts it", () => {
    const bench = server();
    bench.command({ kind: "Authenticated", flow: FLOW });
    bench.eventRoom = 3;
    for (let i = 0; i < 5; i++) bench.datagram(framed([0xc0, 0x21, 9, i, 0, 4], i));
    expect(bench.of("Frame").map(({ information }) => information[1])).toEqual([0, 1, 2]);
    expect(bench.engine.dropped("frame-ring-full")).toBe(2);
  });

  test("a stranger's frame has less room than a session's, until its user has logged in", () => {
    const bench = server();
    bench.strangersRoom = 1;
    const frame = (at: number) => bench.datagram(framed([0xc0, 0x21, 9, at, 0, 4], at));
    for (const at of [0, 1, 2]) frame(at);
    expect([bench.of("Frame").length, bench.engine.dropped("strangers-ring-full")]).toEqual([1, 2]);
    bench.command({ kind: "Authenticated", flow: FLOW });
    frame(3);
    expect(bench.of("Frame").map(({ information }) => information[1])).toEqual([0, 3]);
    expect(bench.engine.dropped("frame-ring-full")).toBe(0);
  });

  test("a call of our own is no stranger's from the first", () => {
    const bench = new Bench();
    installClient(bench);
    bench.events.length = 0;
    bench.strangersRoom = 0;
    const gre = new Uint8Array(12 + 6);
    writeGre(gre, 0, 0x1234, 6, 0, undefined);
    gre.set([0xc0, 0x21, 9, 1, 0, 4], 12);
    bench.datagram(datagram(SERVER, CLIENT, gre));
    expect(bench.of("Frame")).toHaveLength(1);
  });

  test("an information field above 1500 octets does not go up; a payload above 1532 is not read", () => {
    const bench = server();
    bench.datagram(framed([0xc0, 0x21, ...new Uint8Array(1_501)], 0));
    bench.datagram(framed([0xc0, 0x21, ...new Uint8Array(1_531)], 1));
    expect(bench.engine.dropped("frame-large")).toBe(1);
    expect(bench.engine.dropped("gre-payload-large")).toBe(1);
  });
});

describe("configured bounds", () => {
  test("packets of a log-in, and answers of the gateway, a second", () => {
    const few = { ...limits, loginPacketsPerSecondMax: 10, answersPerSecondMax: 2 };
    const bench = new Bench(undefined, few);
    installServer(bench, { network: false });
    bench.events.length = 0;
    for (let i = 0; i < 30; i++) bench.datagram(framed([0xc0, 0x21, 9, i, 0, 4], i));
    expect([bench.of("Frame").length, bench.engine.dropped("login-rate")]).toEqual([10, 20]);
    const opened = new Bench(undefined, few);
    installServer(opened);
    for (let i = 0; i < 9; i++) opened.datagram(framed([0x21, ...echo(LEASED, GATEWAY)], i));
    expect(opened.engine.dropped("answer-rate")).toBe(7);
  });

  test("no reorder buffer at all: a gap is given up at once, order is kept", () => {
    const bench = new Bench(undefined, { ...limits, reorderPacketsMax: 0 });
    installServer(bench);
    for (const sequence of [0, 2, 1, 3]) bench.datagram(framed(plainIp(sequence), sequence));
    expect(bench.tun.map(tagOf)).toEqual([0, 2, 3]);
    expect(bench.engine.dropped("late")).toBe(1);
  });
});
