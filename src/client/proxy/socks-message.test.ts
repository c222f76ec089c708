import { describe, expect, test } from "vitest";
import {
  decodeDatagramHeader,
  decodeGreeting,
  decodeRequest,
  encodeDatagram,
  encodeMethod,
  encodeReply,
  replies,
} from "./socks-message.js";
import { decodeRequest4, encodeReply4 } from "./socks4-message.js";

const text = (name: string) => [...Buffer.from(name)];
const CONNECT_IPV4 = Uint8Array.of(5, 1, 0, 1, 192, 168, 50, 2, 0, 80);
const CONNECT_NAME = Uint8Array.of(5, 1, 0, 3, 8, ...text("web.test"), 0x1f, 0x90);
const CONNECT_IPV6 = Uint8Array.of(5, 1, 0, 4, ...new Uint8Array(15), 1, 0, 80);
const DATAGRAM = Uint8Array.of(0, 0, 0, 1, 10, 0, 0, 7, 0, 53, 9, 8, 7);
const CONNECT_4 = Uint8Array.of(4, 1, 0, 80, 192, 168, 50, 2, ...text("ann"), 0);
const CONNECT_4A = Uint8Array.of(4, 1, 0, 80, 0, 0, 0, 1, 0, ...text("web.test"), 0);

describe("SOCKS 5 (RFC 1928)", () => {
  test("greeting: every method that is offered", () => {
    const greeting = { methods: [0, 2], octets: 4 };
    expect(decodeGreeting(Uint8Array.of(5, 2, 0, 2))).toEqual({ ok: true, value: greeting });
    expect(decodeGreeting(Uint8Array.of(5, 0))).toMatchObject({ value: { methods: [] } });
    expect(decodeGreeting(Uint8Array.of(71, 69))).toMatchObject({ field: "VER", found: 71 });
  });

  test.each([
    ["IPv4", CONNECT_IPV4, { kind: "ipv4", address: 0xc0a83202 }, 80],
    ["name", CONNECT_NAME, { kind: "name", name: "web.test" }, 8080],
    ["IPv6", CONNECT_IPV6, { kind: "ipv6" }, 80],
  ])("request for %s, what follows it left alone", (_what, octets, destination, port) => {
    const more = Uint8Array.of(...octets, 1, 2, 3);
    const value = { command: 1, destination, port, octets: octets.length };
    expect(decodeRequest(more)).toEqual({ ok: true, value });
  });

  test.each([
    ["VER", Uint8Array.of(4, 1, 0, 1)],
    ["RSV", Uint8Array.of(5, 1, 7, 1)],
    ["ATYP", Uint8Array.of(5, 1, 0, 2, 0)],
    ["name", Uint8Array.of(5, 1, 0, 3, 0, 0, 80)],
  ])("request malformed: %s", (field, octets) => {
    expect(decodeRequest(octets)).toMatchObject({ ok: false, field });
  });

  test("every truncation of greeting and request: there is more to come", () => {
    for (const whole of [CONNECT_IPV4, CONNECT_NAME, CONNECT_IPV6]) {
      for (let at = 0; at < whole.length; at++)
        expect(decodeRequest(whole.subarray(0, at)), `${at}`).toBeUndefined();
    }
    for (let at = 0; at < 4; at++)
      expect(decodeGreeting(Uint8Array.of(5, 2, 0, 2).subarray(0, at))).toBeUndefined();
  });

  test("datagram header: its data begins behind it; cut off it is malformed", () => {
    const destination = { kind: "ipv4", address: 0x0a000007 };
    const value = { fragment: 0, destination, port: 53, octets: 10 };
    expect(decodeDatagramHeader(DATAGRAM)).toEqual({ ok: true, value });
    for (let at = 0; at < 10; at++)
      expect(decodeDatagramHeader(DATAGRAM.subarray(0, at)), `${at}`).toMatchObject({ ok: false });
    expect(decodeDatagramHeader(Uint8Array.of(0, 1, 0, 1))).toMatchObject({ field: "RSV" });
    expect(encodeDatagram(0x0a000007, 53, Uint8Array.of(9, 8, 7))).toEqual(DATAGRAM);
  });

  test("method and reply", () => {
    expect([...encodeMethod(255)]).toEqual([5, 255]);
    const granted = encodeReply(replies.succeeded, 0x7f000001, 1080);
    expect([...granted]).toEqual([5, 0, 0, 1, 127, 0, 0, 1, 4, 56]);
    expect([...encodeReply(replies.refused)]).toEqual([5, 5, 0, 1, 0, 0, 0, 0, 0, 0]);
  });
});

describe("SOCKS 4 and 4A", () => {
  test("an address, and a name behind 0.0.0.x", () => {
    const ipv4 = { kind: "ipv4", address: 0xc0a83202 };
    expect(decodeRequest4(CONNECT_4)).toMatchObject({
      value: { command: 1, destination: ipv4, port: 80, octets: CONNECT_4.length },
    });
    expect(decodeRequest4(CONNECT_4A)).toMatchObject({
      value: { destination: { kind: "name", name: "web.test" }, octets: CONNECT_4A.length },
    });
    expect(decodeRequest4(Uint8Array.of(4, 1, 0, 80, 0, 0, 0, 9, 0, 0))).toMatchObject({
      field: "name",
    });
    expect(decodeRequest4(Uint8Array.of(5, 1))).toMatchObject({ field: "VN" });
  });

  test("every truncation: there is more to come", () => {
    for (const whole of [CONNECT_4, CONNECT_4A]) {
      for (let at = 0; at < whole.length; at++)
        expect(decodeRequest4(whole.subarray(0, at)), `${at}`).toBeUndefined();
    }
  });

  test("reply: granted, or not", () => {
    expect([...encodeReply4(replies.succeeded)]).toEqual([0, 90, 0, 0, 0, 0, 0, 0]);
    expect(encodeReply4(replies.expired)[1]).toBe(91);
  });
});
