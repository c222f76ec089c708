// What is shipped for a system: the unit's own words against what the server needs, and systemd's
// opinion of it where systemd is.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { NEEDED } from "../../src/os/privileges.js";
import { root } from "./tree.js";

const text = (name: string) => readFileSync(join(root, "packaging", name), "utf8");

function settings(file: string): Map<string, string> {
  const lines = file.split("\n").filter((line) => /^[A-Z][A-Za-z]+=/.test(line));
  return new Map(lines.map((line) => [line.split("=")[0] ?? "", line.replace(/^[^=]+=/, "")]));
}

const capabilities = NEEDED.map((name) => `CAP_${name.toUpperCase()}`);

describe("the unit", () => {
  const unit = settings(text("holdfast.service"));

  test("a user of its own with exactly the capabilities the server asks for, and no way to more", () => {
    expect(unit.get("User")).toBe("holdfast");
    expect(unit.get("AmbientCapabilities")?.split(" ").sort()).toEqual([...capabilities].sort());
    expect(unit.get("CapabilityBoundingSet")).toBe(unit.get("AmbientCapabilities"));
    expect(unit.get("NoNewPrivileges")).toBe("yes");
    expect(text("holdfast.sysusers")).toMatch(/^u holdfast - .* \/var\/lib\/holdfast /m);
  });

  test("a state directory nobody else enters, the TUN device, reload and an end in order", () => {
    expect(unit.get("StateDirectory")).toBe("holdfast");
    expect(unit.get("StateDirectoryMode")).toBe("0700");
    expect(unit.get("DeviceAllow")).toBe("/dev/net/tun rw");
    expect(unit.get("ExecReload")).toContain("kill -HUP");
    expect(unit.get("KillMode")).toBe("mixed");
    expect(unit.get("RestartPreventExitStatus")).toBe("5 6");
    expect(text("holdfast.tmpfiles")).toMatch(/^d \/var\/lib\/holdfast 0700 holdfast holdfast/m);
  });

  test("nothing that would take away what the server does: forwarding, its sockets, its programs", () => {
    expect(unit.has("ProtectKernelTunables")).toBe(false);
    expect(unit.has("MemoryDenyWriteExecute")).toBe(false);
    expect(unit.has("PrivateNetwork")).toBe(false);
    const families = unit.get("RestrictAddressFamilies")?.split(" ");
    expect(families).toEqual(["AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK"]);
  });

  test("with hooks: root for as long as it takes to give them a user, within a bounded set", () => {
    const hooks = settings(text("hooks.conf"));
    expect(hooks.get("User")).toBe("");
    expect(hooks.get("AmbientCapabilities")).toBe("");
    const bounding = hooks.get("CapabilityBoundingSet")?.split(" ") ?? [];
    expect(bounding).toEqual(expect.arrayContaining([...capabilities, "CAP_SETUID", "CAP_SETGID"]));
    expect(bounding).not.toContain("CAP_SYS_ADMIN");
  });

  test("with early refusal: root likewise, for what loads the filter, and bpf(2) let", () => {
    const refusal = settings(text("refusal.conf"));
    expect([refusal.get("User"), refusal.get("AmbientCapabilities")]).toEqual(["", ""]);
    const bounding = refusal.get("CapabilityBoundingSet")?.split(" ") ?? [];
    expect(bounding).toEqual(expect.arrayContaining([...capabilities, "CAP_BPF", "CAP_SETUID"]));
    expect(bounding).not.toContain("CAP_SYS_ADMIN");
    expect(refusal.get("SystemCallFilter")).toBe("bpf");
  });

  test.runIf(existsSync("/usr/bin/systemd-analyze"))("systemd finds no fault in it", () => {
    const scratch = mkdtempSync(join(tmpdir(), "holdfast-unit-"));
    try {
      // The program need not be installed here.
      const unitText = text("holdfast.service").replace(/^ExecStart=\S+/m, "ExecStart=/bin/true");
      const path = join(scratch, "holdfast.service");
      writeFileSync(path, unitText);
      const words = ["verify", "--man=no", "--recursive-errors=no", path];
      const { stderr } = spawnSync("systemd-analyze", words, { encoding: "utf8" });
      const ofOurs = stderr.split("\n").filter((line) => line.includes("holdfast.service"));
      expect(ofOurs).toEqual([]);
    } finally {
      rmSync(scratch, { recursive: true });
    }
  });
});
