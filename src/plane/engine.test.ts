import { describe, expect, test } from "vitest";
import {
  Bench,
  encryptionTerms,
  FLOW,
  installClient,
  installServer,
  LEASED,
  OUTSIDE,
  tagOf,
  udp,
} from "../../test/plane/pair.js";

const LCP_ECHO = Uint8Array.of(0xff, 0x03, 0xc0, 0x21, 9, 2, 0, 8, 1, 2, 3, 4);

function pairOf(encryption?: { bits: 40 | 56 | 128; stateful: boolean }) {
  const server = new Bench();
  const client = new Bench();
  installServer(server, { encryption });
  installClient(client, { encryption });
  return { server, client };
}

function exchange(server: Bench, client: Bench): void {
  while (server.gre.length + client.gre.length > 0) {
    for (const datagram of client.gre.splice(0)) server.datagram(datagram);
    for (const datagram of server.gre.splice(0)) client.datagram(datagram);
  }
}

describe("two engines back to back", () => {
  const modes = [
    undefined,
    { bits: 128, stateful: false },
    { bits: 56, stateful: false },
    { bits: 40, stateful: false },
    { bits: 128, stateful: true },
    { bits: 56, stateful: true },
    { bits: 40, stateful: true },
  ] as const;
  for (const encryption of modes) {
    const name = encryption
      ? `MPPE-${encryption.bits} ${encryption.stateful ? "stateful" : "stateless"}`
      : "plain";
    test(`${name}: 600 packets each way, past a wrap of the flag octet`, () => {
      const { server, client } = pairOf(encryption);
      for (let tag = 0; tag < 600; tag++) {
        client.packet(udp(LEASED, OUTSIDE, tag));
        server.packet(udp(OUTSIDE, LEASED, tag));
        exchange(server, client);
      }
      expect(server.tun.map(tagOf)).toEqual([...Array(600).keys()]);
      expect(client.tun.map(tagOf)).toEqual([...Array(600).keys()]);
    });
  }

  test("a PPP frame goes down as it stands and comes up normalised", () => {
    const { server, client } = pairOf({ bits: 128, stateful: false });
    client.command({ kind: "Send", flow: FLOW, frame: LCP_ECHO });
    exchange(server, client);
    const [frame] = server.of("Frame");
    expect(frame?.protocol).toBe(0xc021);
    expect(frame?.information).toEqual(LCP_ECHO.slice(4));
  });

  test("Encrypt wipes the start keys it was given", () => {
    const { server } = pairOf();
    const terms = encryptionTerms({ bits: 128, stateful: false }, "server");
    server.command({ kind: "Encrypt", flow: FLOW, terms });
    expect([...terms.sendStart, ...terms.receiveStart].every((octet) => octet === 0)).toBe(true);
  });
});
