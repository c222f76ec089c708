import { expect, test } from "vitest";
import { errnoOfText, findProgram, runProgram } from "../../src/os/programs.js";

const SH = "/bin/sh";

test("a program's end is a result, whatever its code; its environment is not ours", async () => {
  process.env.HF_SECRET = "x";
  const result = await runProgram([SH, "-c", "cat; echo err >&2; env; exit 3"], { input: "in\n" });
  delete process.env.HF_SECRET;
  expect(result).toMatchObject({ code: 3, stderr: "err\n" });
  expect("stdout" in result ? result.stdout : "").toMatch(/^in\n/);
  expect("stdout" in result ? result.stdout : "HF_SECRET").not.toContain("HF_SECRET");
});

test("too long, too much, not there, killed: errors by name", async () => {
  expect(await runProgram([SH, "-c", "exec sleep 600"], { deadlineMs: 50 })).toMatchObject({
    kind: "OsError",
    errno: "ETIMEDOUT",
  });
  const loud = [SH, "-c", "exec cat /dev/zero"];
  expect(await runProgram(loud, { outputOctetsMax: 1000 })).toMatchObject({ errno: "EFBIG" });
  expect(await runProgram(["/nonexistent"])).toMatchObject({ errno: "ENOENT" });
  expect(await runProgram([SH, "-c", "kill -9 $$"])).toMatchObject({ errno: "EINTR" });
});

test("programs are found in the system's directories, not in PATH", () => {
  expect(findProgram("sh")).toMatch(/^\/(usr\/)?s?bin\/sh$/);
  expect(findProgram("no-such-program-here")).toBeUndefined();
});

test("errno out of words", () => {
  expect(errnoOfText("RTNETLINK answers: File exists")).toBe("EEXIST");
  expect(errnoOfText('Cannot find device "x"')).toBe("ENODEV");
  expect(errnoOfText("something else")).toBe("EINVAL");
});
