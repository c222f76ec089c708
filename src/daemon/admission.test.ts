import { describe, expect, test } from "vitest";
import * as bounds from "../limits.js";
import { admission } from "./admission.js";

function limits(connectionsMax: number, adminConnectionsMax: number = bounds.admin.connectionsMax) {
  return {
    control: { ...bounds.control, connectionsMax },
    admin: { ...bounds.admin, connectionsMax: adminConnectionsMax },
  };
}

describe("connections that the descriptor limit allows", () => {
  test("enough for what is configured: that, without a word", () => {
    const expected = { connectionsMax: 1_024, descriptorsMax: 1_152, warning: undefined };
    expect(admission(limits(1_024), 1_152)).toEqual(expected);
    expect(admission(limits(1_024), Number.POSITIVE_INFINITY).connectionsMax).toBe(1_024);
  });

  test("one too few: one connection less, and which limit would do", () => {
    const { connectionsMax, warning } = admission(limits(1_024), 1_151);
    expect(connectionsMax).toBe(1_023);
    expect(warning).toContain("1151 descriptors allow 1023 connections: raise the limit to 1152");
  });

  test("an admin socket with more connections takes them from the callers", () => {
    expect(admission(limits(1_024, 100), 1_152).connectionsMax).toBe(1_024 - 68);
  });

  test("so do more who are leaving", () => {
    const { control, admin } = limits(1_024);
    const connectionsLeavingMax = control.connectionsLeavingMax + 10;
    const more = { control: { ...control, connectionsLeavingMax }, admin };
    expect(admission(more, 1_152).connectionsMax).toBe(1_024 - 10);
  });

  test("so do further data workers", () => {
    expect(admission(limits(1_024), 1_152, 3).connectionsMax).toBe(1_024 - 16);
  });

  test("the lowest limit a server starts with, and less than is reserved", () => {
    expect(admission(limits(1_024), 160).connectionsMax).toBe(32);
    expect(admission(limits(1_024), 10).connectionsMax).toBe(0);
  });
});
