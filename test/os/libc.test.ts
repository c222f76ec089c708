import { fstatSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Descriptor } from "../../src/os/descriptor.js";
import { descriptorLimit, openDescriptors } from "../../src/os/descriptors.js";
import { EBADF, errnoName, isOsError } from "../../src/os/errors.js";
import * as libc from "../../src/os/libc.js";
import { watchReadable } from "../../src/os/readable.js";
import { eventually, held } from "./namespace.js";

const UNUSABLE = [Number.NaN, -1, 0.5, 2 ** 40, Number.POSITIVE_INFINITY];

describe("descriptors", () => {
  test("what is no descriptor is refused: koffi would take NaN for standard input", () => {
    const memory = new libc.Memory(8);
    for (const fd of UNUSABLE) {
      expect(libc.close(fd)).toBe(-EBADF);
      expect(libc.read(fd, memory.address, 0)).toBe(-EBADF);
      expect(libc.write(fd, memory.address, 0)).toBe(-EBADF);
      expect(libc.recvmmsg(fd, memory.address, 0, 0)).toBe(-EBADF);
      expect(libc.sendmsg(fd, memory.address, 0)).toBe(-EBADF);
      expect(libc.sendmmsg(fd, memory.address, 0, 0)).toBe(-EBADF);
      expect(libc.readv(fd, memory.address, 0)).toBe(-EBADF);
      expect(libc.writev(fd, memory.address, 0)).toBe(-EBADF);
      expect(libc.ioctl(fd, 0, memory.address)).toBe(-EBADF);
      expect(libc.setSocketOption(fd, 1, 8, memory)).toBe(-EBADF);
      expect(libc.getSocketNumber(fd, 1, 8)).toBe(-EBADF);
      expect(libc.setCloseOnExec(fd, true)).toBe(-EBADF);
      expect(libc.setNonBlocking(fd)).toBe(-EBADF);
      expect(libc.duplicate(fd)).toBe(-EBADF);
      expect(libc.flock(fd, 2)).toBe(-EBADF);
      expect(libc.probePollable(fd)).toBe(-EBADF);
      expect(libc.isOpen(fd)).toBe(false);
      expect(new Descriptor(fd).open).toBe(false);
      expect(watchReadable(fd, () => {})).toMatchObject({ kind: "OsError", errno: "EBADF" });
    }
    expect(fstatSync(0)).toBeDefined();
  });

  test("closing twice never closes the stranger that got the number", () => {
    const [first, other] = held(libc.socketPair()).map((fd) => new Descriptor(fd));
    using _other = other!;
    const { fd } = first!;
    first![Symbol.dispose]();
    const [again, third] = held(libc.socketPair()).map((number) => new Descriptor(number));
    using _again = again!;
    using _third = third!;
    expect(again!.fd).toBe(fd);
    first![Symbol.dispose]();
    expect(libc.isOpen(fd)).toBe(true);
  });

  test("their count goes up by what is opened and down by what is closed", () => {
    const before = openDescriptors();
    const [a, b] = held(libc.socketPair());
    expect(openDescriptors()).toBe(Number(before) + 2);
    libc.close(a);
    libc.close(b);
    expect(openDescriptors()).toBe(before);
    const limit = held(descriptorLimit());
    expect(limit.soft).toBeGreaterThan(0);
    expect(limit.hard).toBeGreaterThanOrEqual(limit.soft);
  });
});

describe("waiting for something to read", () => {
  test("calls back again and again until it is read, and not after its end", async () => {
    const pair = held(libc.socketPair()).map((fd) => new Descriptor(fd));
    using reader = pair[0]!;
    using writer = pair[1]!;
    const memory = new libc.Memory(16);
    let calls = 0;
    const watch = held(reader.watch(() => calls++));
    libc.write(writer.fd, memory.address, 1);
    await eventually(() => (calls >= 3 ? calls : undefined));
    watch[Symbol.dispose]();
    watch[Symbol.dispose]();
    const after = calls;
    await new Promise((done) => setTimeout(done, 20));
    expect(calls).toBe(after);
    using again = held(reader.watch(() => libc.read(reader.fd, memory.address, 16)));
    expect(again).toBeDefined();
  });

  test("promises made in the callback are kept in the same turn", async () => {
    const pair = held(libc.socketPair()).map((fd) => new Descriptor(fd));
    using reader = pair[0]!;
    using writer = pair[1]!;
    const memory = new libc.Memory(16);
    const seen = await new Promise<string>((done) => {
      const watch = held(
        reader.watch(() => {
          watch[Symbol.dispose]();
          Promise.resolve("kept").then(done);
        }),
      );
      libc.write(writer.fd, memory.address, 1);
    });
    expect(seen).toBe("kept");
  });

  test("twice on one descriptor, or on what nobody can wait for: an error, not an abort", () => {
    const pair = held(libc.socketPair()).map((fd) => new Descriptor(fd));
    using reader = pair[0]!;
    using _writer = pair[1]!;
    using watch = held(reader.watch(() => {}));
    expect(watch).toBeDefined();
    expect(reader.watch(() => {})).toMatchObject({ errno: "EEXIST" });
    const closed = reader.duplicate();
    if (isOsError(closed)) throw new Error("duplicate");
    const { fd } = closed;
    closed[Symbol.dispose]();
    expect(watchReadable(fd, () => {})).toMatchObject({ errno: "EBADF" });
  });
});

test("errno by name, of either sign", () => {
  expect(errnoName(-11)).toBe("EAGAIN");
  expect(errnoName(1)).toBe("EPERM");
  expect(errnoName(-105)).toBe("ENOBUFS");
  expect(errnoName(-4095)).toBe("errno 4095");
});
