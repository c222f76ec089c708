import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

// What needs namespaces, devices or a guest runs one file after another, after everything else:
// it shares the machine's kernel, and a busy machine would be taken for a slow server.
const serial = ["test/os/**/*.test.ts", "test/e2e/**/*.test.ts", "test/trouble/**/*.test.ts"];

// Guests: each file has a lab of its own, and a guest keeps one processor busy at most. The longest
// goes first, so that all others run beside it.
const interop = ["test/interop/**/*.test.ts"];
const longest = "test/interop/transfer.test.ts";

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const first = sorted.filter(({ moduleId }) => moduleId.endsWith(longest));
    return [...first, ...sorted.filter((file) => !first.includes(file))];
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: "unit",
          include: ["src/**/*.test.ts", "test/**/*.test.ts"],
          exclude: [...interop, ...serial],
          testTimeout: 30_000,
          // Vitest leaves one processor to itself unless told otherwise: half of two.
          maxWorkers: "100%",
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "interop",
          include: interop,
          maxWorkers: 2,
          testTimeout: 120_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "serial",
          include: serial,
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
