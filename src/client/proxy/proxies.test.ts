// The proxies on loopback, with and without a session: what programs are told, what is bounded, and that
// all of it is given back.
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { parseIpv4 } from "../../base/ip.js";
import { Ledger } from "../../base/ledger.js";
import { proxy as limits } from "../../limits.js";
import { monotonicNow } from "../../os/clock.js";
import { describeOsError, isOsError } from "../../os/errors.js";
import type { Way } from "../tunnel.js";
import { Proxies } from "./proxies.js";

const LOOPBACK = parseIpv4("127.0.0.1")!;
const CONNECT = Uint8Array.of(5, 1, 0, 5, 1, 0, 1, 10, 0, 0, 1, 0, 80);
const ASSOCIATE = Uint8Array.of(5, 1, 0, 5, 3, 0, 1, 0, 0, 0, 0, 0, 0);

/** A session in which nobody answers. */
const silent: Way = {
  dial: () => new Promise(() => undefined),
  bindUdp: () => ({ kind: "Refused", limit: "udpSocketsMax" }),
  lookup: () => Promise.resolve({ kind: "LookupFailure", why: "no-such-name" }),
};

describe("proxies", () => {
  let ledger: Ledger;
  let proxies: Proxies;
  let socks: number;
  let http: number;

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    ledger = new Ledger(monotonicNow);
    const wish = { address: LOOPBACK, port: 0 };
    const opened = await Proxies.open({ socks: wish, http: wish }, ledger);
    if (isOsError(opened)) throw new Error(describeOsError(opened));
    proxies = opened;
    socks = opened.listening.socks?.port ?? 0;
    http = opened.listening.http?.port ?? 0;
  });
  afterEach(async () => {
    await proxies.close();
    expect(ledger.size).toBe(0);
    await expect.poll(() => proxies.size).toBe(0);
    vi.useRealTimers();
  });

  async function program(port: number, says?: Uint8Array | string): Promise<Socket> {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.on("error", () => undefined);
    await once(socket, "connect");
    if (says !== undefined) socket.write(says);
    return socket;
  }

  async function heard(socket: Socket): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of socket) parts.push(part as Buffer);
    return Buffer.concat(parts);
  }

  test("no session: SOCKS 5 reply 3, SOCKS 4 rejected, HTTP 503", async () => {
    expect([...(await heard(await program(socks, CONNECT)))].slice(0, 4)).toEqual([5, 0, 5, 3]);
    const request4 = Uint8Array.of(4, 1, 0, 80, 10, 0, 0, 1, 0);
    expect((await heard(await program(socks, request4)))[1]).toBe(91);
    const tunnel = "CONNECT 10.0.0.1:80 HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n";
    expect(`${await heard(await program(http, tunnel))}`).toMatch(/^HTTP\/1\.1 503 there is no/);
    const get = "GET http://10.0.0.1/ HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n";
    expect(`${await heard(await program(http, get))}`).toMatch(/^HTTP\/1\.1 503 /);
  });

  test.each([
    ["no proxy request", 400, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["no HTTP", 400, "\x05\x01\x00\r\n\r\n"],
    ["CONNECT without a port", 400, "CONNECT web.test HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["another scheme", 400, "GET https://web.test/ HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["CONNECT to IPv6", 502, "CONNECT [::1]:80 HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["a head too long", 431, `GET / HTTP/1.1\r\nHost: ${"x".repeat(20_000)}\r\n\r\n`],
    ["a name that is not there", 502, "GET http://web.test/ HTTP/1.1\r\nHost: x\r\n\r\n"],
  ])("HTTP, %s: %s", async (_what, status, says) => {
    proxies.use(silent);
    expect(`${await heard(await program(http, says))}`).toMatch(`HTTP/1.1 ${status} `);
  });

  test.each([
    ["another version", [9, 9, 9, 9], []],
    ["a log-in is all that is offered", [5, 1, 2], [5, 255]],
    ["BIND", [5, 1, 0, 5, 2, 0, 1, 10, 0, 0, 1, 0, 80], [5, 0, 5, 7]],
    ["an address of no kind", [5, 1, 0, 5, 1, 0, 9, 10, 0, 0, 1, 0, 80], [5, 0, 5, 8]],
    ["IPv6", [5, 1, 0, 5, 1, 0, 4, ...new Uint8Array(16), 0, 80], [5, 0, 5, 8]],
    ["a name that is not there", [5, 1, 0, 5, 1, 0, 3, 1, 97, 0, 80], [5, 0, 5, 4]],
  ])("SOCKS, %s", async (_what, says, told) => {
    proxies.use(silent);
    const all = [...(await heard(await program(socks, Uint8Array.from(says))))];
    expect(all.slice(0, 4)).toEqual(told);
  });

  test("octets come one at a time: understood all the same", async () => {
    const socket = await program(socks);
    socket.setNoDelay(true);
    for (const octet of CONNECT) {
      socket.write(Uint8Array.of(octet));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect([...(await heard(socket))].slice(0, 4)).toEqual([5, 0, 5, 3]);
  });

  test("a program that asks for nothing, or was refused and stays, is closed after so long", async () => {
    const idle = await program(socks, Uint8Array.of(5));
    const stays = await program(socks, Uint8Array.of(5, 1, 2));
    await once(stays, "data");
    const closed = [idle, stays].map((socket) => once(socket.resume(), "close"));
    expect(proxies.size).toBe(2);
    for (const socket of [idle, stays]) socket.once("end", () => socket.end());
    await vi.advanceTimersByTimeAsync(limits.requestMs);
    await Promise.all(closed);
  });

  test("one program more than may be: reset, counted, and the others stay", async () => {
    const all = await Promise.all(Array.from({ length: limits.clientsMax }, () => program(socks)));
    await expect.poll(() => proxies.size).toBe(limits.clientsMax);
    const oneMore = connect({ port: http, host: "127.0.0.1" });
    expect((await once(oneMore, "error"))[0]).toMatchObject({ code: "ECONNRESET" });
    expect([proxies.size, proxies.refused]).toEqual([limits.clientsMax, 1]);
    expect(ledger.size).toBe(2 + limits.clientsMax);
    for (const one of all) one.destroy();
    await expect.poll(() => proxies.size).toBe(0);
    expect(ledger.size).toBe(2);
  });

  test("UDP ASSOCIATE: so many, one more is refused; each ends with the program's connection", async () => {
    proxies.use(silent);
    const { associationsMax: length } = limits;
    const all = await Promise.all(Array.from({ length }, () => program(socks, ASSOCIATE)));
    for (const socket of all) socket.resume();
    await expect.poll(() => all.every((socket) => socket.bytesRead === 12)).toBe(true);
    expect(ledger.size).toBe(2 + 2 * limits.associationsMax);
    const oneMore = await program(socks, ASSOCIATE);
    const refused = [...(await heard(oneMore))];
    expect(refused.slice(0, 4)).toEqual([5, 0, 5, 1]);
    // The refused one, too: not every Node ends it with what it had to read.
    for (const one of [...all, oneMore]) one.destroy();
    await expect.poll(() => proxies.size).toBe(0);
    expect(ledger.size).toBe(2);
  });
});
