import { defineConfig } from "vitest/config";

// The console's page in a browser: `npm run test:page`, with Debian's chromium installed. It is not
// among the tests of `npm test`: the browser alone would take a tenth of their time to install.
export default defineConfig({
  test: {
    include: ["test/page/**/*.browser.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
