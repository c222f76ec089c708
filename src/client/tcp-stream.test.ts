import { PassThrough, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { expect, test } from "vitest";
import { proxy as limits } from "../limits.js";
import type { TcpConnection, TcpEvent } from "./tcp/contract.js";
import { TcpStream } from "./tcp-stream.js";

/** What the stack's connection does towards its user; the peer is the test. */
class Fake implements TcpConnection {
  readonly remote = 1;
  readonly remotePort = 2;
  readonly localPort = 3;
  readonly state = "ESTABLISHED";
  noDelay = false;
  onEvent: ((event: TcpEvent) => void) | undefined;
  readonly written: Uint8Array[] = [];
  readonly calls: string[] = [];
  room = 0;
  came: Uint8Array = new Uint8Array(0);

  get readable(): number {
    return this.came.length;
  }
  get writable(): number {
    return this.room;
  }
  write(octets: Uint8Array): number {
    const taken = Math.min(this.room, octets.length);
    this.room -= taken;
    if (taken > 0) this.written.push(octets.slice(0, taken));
    return taken;
  }
  read(max: number): Uint8Array | undefined {
    if (this.came.length === 0) return undefined;
    const octets = this.came.subarray(0, max);
    this.came = this.came.subarray(octets.length);
    return octets;
  }
  end(): void {
    this.calls.push("end");
  }
  abort(): void {
    this.calls.push("abort");
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test("a reader that stops: what it has not taken stays with the stack, and all comes once it goes on", async () => {
  const connection = new Fake();
  const stream = new TcpStream(connection);
  const octets = Uint8Array.from({ length: 500_000 }, (_, i) => i % 251);
  connection.came = octets;
  let go: (() => void) | undefined;
  const got: Uint8Array[] = [];
  const slow = new Writable({
    highWaterMark: 1,
    write(chunk: Uint8Array, _encoding, done) {
      got.push(chunk);
      if (got.length === 1) go = done;
      else done();
    },
  });
  stream.pipe(slow);
  connection.onEvent?.({ kind: "readable" });
  for (let i = 0; i < 5; i++) await turn();
  expect(got).toHaveLength(1);
  const held = octets.length - connection.readable;
  expect(held).toBeLessThanOrEqual(limits.waitingOctetsMax + 3 * 16_384);
  // Nothing further comes of the stack: what it has must be asked for.
  go?.();
  for (let i = 0; i < 100 && connection.readable > 0; i++) await turn();
  expect(connection.readable).toBe(0);
  connection.onEvent?.({ kind: "ended" });
  await new Promise((resolve) => slow.once("finish", resolve));
  expect(Buffer.concat(got).equals(octets)).toBe(true);
});

test("a peer that stops: no more is taken than its buffer and ours hold", async () => {
  const connection = new Fake();
  const stream = new TcpStream(connection);
  connection.room = 10;
  const source = new PassThrough();
  const through = pipeline(source, stream);
  let taken = 0;
  while (source.write(new Uint8Array(16_384))) taken += 16_384;
  await turn();
  expect(Buffer.concat(connection.written)).toHaveLength(10);
  expect(taken).toBeLessThan(limits.waitingOctetsMax * 4);
  connection.room = Number.MAX_SAFE_INTEGER;
  connection.onEvent?.({ kind: "writable" });
  source.end();
  for (let i = 0; i < 20 && connection.calls.length === 0; i++) await turn();
  expect(connection.calls).toEqual(["end"]);
  connection.onEvent?.({ kind: "ended" });
  stream.resume();
  await through;
  expect(Buffer.concat(connection.written).length).toBe(taken + 16_384);
});

test("both ended in order: no RST; destroyed before: RST", async () => {
  for (const inOrder of [true, false]) {
    const connection = new Fake();
    connection.room = 100;
    const stream = new TcpStream(connection);
    stream.resume();
    stream.end("all");
    connection.onEvent?.({ kind: "readable" });
    if (inOrder) connection.onEvent?.({ kind: "ended" });
    else stream.destroy();
    for (let i = 0; i < 5; i++) await turn();
    expect(stream.destroyed).toBe(true);
    expect(connection.calls.includes("abort")).toBe(!inOrder);
  }
});

test.each([
  ["reset", "ECONNRESET"],
  ["timed-out", "ETIMEDOUT"],
  ["stopped", "ENETDOWN"],
] as const)("closed, %s: an error of that code", async (why, code) => {
  const connection = new Fake();
  const stream = new TcpStream(connection);
  const failed = new Promise((resolve) => stream.once("error", resolve));
  connection.onEvent?.({ kind: "closed", why });
  expect(await failed).toMatchObject({ code, why });
  expect(connection.calls).toEqual([]);
});
