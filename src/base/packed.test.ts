import { expect, test } from "vitest";
import { pack, unpack } from "./packed.js";

test("packed and unpacked: the same octets, whatever they are and whoever's view they were", () => {
  const all = Uint8Array.from({ length: 256 }, (_, at) => at);
  expect(unpack(pack(all))).toEqual(all);
  expect(unpack(pack(all.subarray(200, 230)))).toEqual(all.slice(200, 230));
  expect(unpack(pack(new Uint8Array()))).toEqual(new Uint8Array());
  expect(unpack(pack(new Uint8Array(1_500).fill(255)))).toEqual(new Uint8Array(1_500).fill(255));
});
