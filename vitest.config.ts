import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

// What needs namespaces, devices or a guest runs after everything else, two files at once: each makes
// namespaces, a lab and a server of its own, and is idle for most of its time. The longest go first,
// so that the others run beside them.
const system = [
  ...["os", "interop", "e2e", "trouble"].map((name) => `test/${name}/**/*.test.ts`),
  // The console's page in Debian's chromium.
  "test/page/*.browser.ts",
];
const longest = [
  "test/interop/transfer.test.ts",
  "test/interop/pptp-linux.test.ts",
  "test/interop/harness.test.ts",
  "test/interop/endings.test.ts",
  // Busy by itself: not beside a guest's transfer.
  "test/e2e/cycles.test.ts",
];

// What is waited for comes or does not: how fast is no test's business, and a second, Vitest's own bound,
// is not for a browser beside a guest.
const waiting = { expect: { poll: { timeout: 20_000 } } };

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const first = longest.flatMap((name) => sorted.filter((file) => file.moduleId.endsWith(name)));
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
          ...waiting,
          include: ["src/**/*.test.ts", "test/**/*.test.ts"],
          exclude: system,
          testTimeout: 30_000,
          hookTimeout: 60_000,
          // Vitest leaves one processor to itself unless told otherwise: half of two.
          maxWorkers: "100%",
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          // The data path's own tests once more, with the compiled lane before the engine.
          name: "lane",
          ...waiting,
          include: ["src/plane/*.test.ts", "test/vectors/negative.test.ts"],
          env: { HOLDFAST_TEST_ENGINE: "wasm" },
          testTimeout: 30_000,
          hookTimeout: 60_000,
          maxWorkers: "100%",
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "system",
          ...waiting,
          include: system,
          maxWorkers: 2,
          testTimeout: 120_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
