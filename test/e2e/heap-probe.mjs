// Preloaded into a server or client under test (NODE_OPTIONS=--import): on SIGUSR2 it collects garbage and writes
// what is left to HEAP_PROBE, one line each time. The product knows nothing of it.
import { appendFileSync } from "node:fs";
import { queryObjects } from "node:v8";

class None {}

const { HEAP_PROBE } = process.env;
const [, , command] = process.argv;
if (HEAP_PROBE !== undefined && (command === "serve" || command === "connect")) {
  // Collects all there is to collect, as before a heap snapshot: `gc()` keeps compiled code, which
  // comes to its size only after many thousand cycles.
  const collect = () => queryObjects(None, { format: "count" });
  process.on("SIGUSR2", async () => {
    // Finalizers and what they release need turns of the loop between two collections.
    collect();
    await new Promise((resolve) => setTimeout(resolve, 50));
    collect();
    // Now: what a turn of the loop leaves is garbage of that turn, and no measure of what is kept.
    const { heapUsed, external, rss } = process.memoryUsage();
    // The server saw itself stalled: until it has been in time again, strangers are turned away.
    await new Promise((resolve) => setTimeout(resolve, 300));
    appendFileSync(HEAP_PROBE, `${JSON.stringify({ heapUsed, external, rss })}\n`);
  });
}
