import { defineConfig } from "vitest/config";

// What needs namespaces, devices or a guest runs one file after another, after everything else:
// it shares the machine's kernel, and a busy machine would be taken for a slow server.
const serial = [
  "test/os/**/*.test.ts",
  "test/interop/**/*.test.ts",
  "test/e2e/**/*.test.ts",
  "test/trouble/**/*.test.ts",
];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["src/**/*.test.ts", "test/**/*.test.ts"],
          exclude: serial,
          testTimeout: 30_000,
          // Vitest leaves one processor to itself unless told otherwise: half of two.
          maxWorkers: "100%",
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "serial",
          include: serial,
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
