import { expect, test } from "vitest";
import { isIn } from "./versions.js";

test.each([
  ["0.1.0", "vers:npm/>=0.1.0", true],
  ["0.10.0", "vers:npm/>=0.9.0", true],
  ["0.0.9", "vers:npm/>=0.1.0", false],
  ["0.1.0-rc.1", "vers:npm/>=0.1.0", false],
  ["0.1.0", "vers:npm/>=0.1.0|<0.1.2", true],
  ["0.1.2", "vers:npm/>=0.1.0|<0.1.2", false],
  ["0.1.2", "vers:npm/<=0.1.2", true],
  ["0.1.2", "vers:npm/>0.1.2", false],
  ["0.1.2", "vers:npm/=0.1.2", true],
  ["0.1.2", "vers:npm/0.1.2", true],
  ["9.9.9", "vers:npm/*", true],
  ["0.1.0", "0.1.0", true],
  ["0.1.1", "0.1.0", false],
  ["x", "vers:npm/*", undefined],
  ["0.1.0", "vers:deb/>=0.1.0", undefined],
  ["0.1.0", "vers:npm/>=new", undefined],
  ["0.1.0", "new", undefined],
])("%s in %s: %s", (version, range, is) => {
  expect(isIn(version, range)).toBe(is);
});
