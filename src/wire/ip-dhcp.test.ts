import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { dhcpInform } from "../../test/plane/dhcp.js";
import { parseIpv4 } from "../base/ip.js";
import { findDhcpInform, writeDhcpAck } from "./ip-dhcp.js";
import { finishChecksum, sum16, write16 } from "./ip-octets.js";
import { Ipv4Header, readIpv4 } from "./ipv4.js";

const CLIENT = parseIpv4("10.99.0.2")!;
const GATEWAY = parseIpv4("10.99.0.1")!;
const header = new Ipv4Header();
const scratch = new Uint8Array(2048);

function find(packet: Uint8Array, end = packet.length) {
  const fault = readIpv4(packet, 0, end, header);
  return fault === undefined ? findDhcpInform(packet, header) : undefined;
}

const ANSWER = {
  server: GATEWAY,
  subnetMask: 0xffffffff,
  dns: [GATEWAY, 0x01010101],
  nbns: [0x0a630005],
  domain: "corp.example",
  routes: [
    { prefix: { address: parseIpv4("192.168.7.0")!, length: 24 }, via: GATEWAY },
    { prefix: { address: 0, length: 0 }, via: GATEWAY },
  ],
};

function acknowledge(answer: Partial<typeof ANSWER> = {}) {
  const inform = dhcpInform(CLIENT);
  const at = find(inform)!;
  const length = writeDhcpAck(scratch, inform, at, CLIENT, { ...ANSWER, ...answer });
  const packet = scratch.slice(0, length);
  const options = new Map<number, number[]>();
  for (let o = 28 + 240; packet[o] !== 255; o += 2 + packet[o + 1]!) {
    options.set(packet[o]!, [...packet.subarray(o + 2, o + 2 + packet[o + 1]!)]);
  }
  return { packet, options };
}

describe("DHCPINFORM, RFC 2131 §3.4", () => {
  test("as Windows sends it: found", () => expect(find(dhcpInform(CLIENT))).toBe(28));

  test("every other message type is not one", () => {
    for (let type = 0; type < 256; type++) {
      if (type !== 8) expect(find(dhcpInform(CLIENT, { type }))).toBeUndefined();
    }
  });

  test("every truncation of the UDP datagram is not one, or has its type already", () => {
    const whole = dhcpInform(CLIENT);
    for (let length = 20; length < whole.length; length++) {
      const packet = whole.slice(0, length);
      write16(packet, 2, length);
      write16(packet, 10, 0);
      write16(packet, 10, finishChecksum(sum16(packet, 0, 20)));
      expect(find(packet), `${length}`).toBeUndefined();
    }
  });

  test("no cookie, a reply, another port, a fragment: not one", () => {
    const broken = (at: number, value: number) => {
      const packet = dhcpInform(CLIENT);
      packet[at] = value;
      write16(packet, 10, 0);
      write16(packet, 10, finishChecksum(sum16(packet, 0, 20)));
      return find(packet);
    };
    expect(broken(28 + 236, 0)).toBeUndefined();
    expect(broken(28, 2)).toBeUndefined();
    expect(broken(23, 68)).toBeUndefined();
    expect(broken(6, 0x20)).toBeUndefined();
  });

  property.prop([fc.uint8Array({ maxLength: 60 })])("any options end", (options) => {
    const found = find(dhcpInform(CLIENT, { options: [...options] }));
    expect(found === undefined || found === 28).toBe(true);
  });
});

describe("its DHCPACK", () => {
  test("carries what Windows asks for, each option with its value", () => {
    const { packet, options } = acknowledge();
    expect(options.get(53)).toEqual([5]);
    expect(options.get(54)).toEqual([10, 99, 0, 1]);
    expect(options.get(1)).toEqual([255, 255, 255, 255]);
    expect(options.get(6)).toEqual([10, 99, 0, 1, 1, 1, 1, 1]);
    expect(String.fromCharCode(...options.get(15)!)).toBe("corp.example");
    expect(options.get(44)).toEqual([10, 99, 0, 5]);
    const routes = [24, 192, 168, 7, 10, 99, 0, 1, 0, 10, 99, 0, 1];
    expect([options.get(121), options.get(249)]).toEqual([routes, routes]);
    expect(readIpv4(packet, 0, packet.length, header)).toBeUndefined();
    expect(header).toMatchObject({ source: GATEWAY, destination: CLIENT, end: packet.length });
    const udp = sum16(packet, 12, 20) + 17 + (packet.length - 20);
    expect(finishChecksum(sum16(packet, 20, packet.length, udp))).toBe(0);
  });

  test("repeats transaction, client address and hardware address; assigns none", () => {
    const { packet } = acknowledge();
    expect([...packet.subarray(32, 36)]).toEqual([0xde, 0xad, 0xbe, 0xef]);
    expect([...packet.subarray(40, 48)]).toEqual([10, 99, 0, 2, 0, 0, 0, 0]);
    expect([...packet.subarray(56, 62)]).toEqual([2, 0, 0, 0, 0, 7]);
  });

  test("what is not configured is not told", () => {
    const { options } = acknowledge({ dns: [], nbns: [], domain: "", routes: [] });
    expect([...options.keys()]).toEqual([53, 54, 1]);
  });

  test("too many routes: as many as fit, and the message stays within 312 octets of options", () => {
    const routes = Array.from({ length: 256 }, (_, i) => ({
      prefix: { address: (0x0a000000 | (i << 8)) >>> 0, length: 24 },
      via: GATEWAY,
    }));
    const { packet, options } = acknowledge({ routes });
    expect(options.get(121)!.length % 8).toBe(0);
    expect(packet.length).toBeLessThanOrEqual(28 + 240 + 312);
  });
});
