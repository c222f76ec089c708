// Preloaded into a server under test (NODE_OPTIONS=--import): on SIGUSR2 it collects garbage and writes
// what is left to HEAP_PROBE, one line each time. The product knows nothing of it.
import { appendFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const { HEAP_PROBE } = process.env;
if (HEAP_PROBE !== undefined && process.argv.includes("serve")) {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc");
  process.on("SIGUSR2", async () => {
    // Finalizers and what they release need turns of the loop between the collections.
    for (let round = 0; round < 4; round++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    collect();
    const { heapUsed, external, rss } = process.memoryUsage();
    appendFileSync(HEAP_PROBE, `${JSON.stringify({ heapUsed, external, rss })}\n`);
  });
}
