// One server stormed, where it is: `node benchmarks/run.mjs storm-run JSON`, on this host or in a guest. The last
// line of its output is what was found.
import { say } from "./results.js";
import { Play } from "./storm/play.js";
import { Stage } from "./storm/stage.js";
import type { Found, RunTerms } from "./storm/terms.js";

const terms = JSON.parse(process.argv[2] ?? "") as RunTerms;
await using stage = await Stage.with(terms.peer, terms.filter);
for (const signal of ["SIGINT", "SIGTERM", "disconnect"] as const) {
  process.once(signal, () => stage[Symbol.asyncDispose]().then(() => process.exit(130)));
}
const { peer, rounds, packetScenarios, talkScenarios, insideScenarios, packets, rate } = terms;
using play = await Play.on(stage, terms);
for (const scenario of packetScenarios) await play.packetStream(scenario, rate, 64_000);
const found: Found = { peer, packets: [], talks: [], inside: [], long: [], memory: [] };
for (let round = 0; round < rounds; round++) {
  for (const scenario of packetScenarios) {
    found.packets.push(await play.packetStream(scenario, rate));
  }
}
// By now code is compiled and tables are at their size: none of that is kept for a packet.
const sent = play.packets;
const look = async () =>
  found.memory.push({ ...(await play.memory()), packets: play.packets - sent });
await look();
for (const scenario of packets === 0 ? packetScenarios.slice(-1) : packetScenarios) {
  const count = Math.max(400_000, Math.ceil(packets / packetScenarios.length));
  found.long.push(await play.packetStream(scenario, rate, count));
  await look();
}
for (const { name, ...how } of talkScenarios) found.talks.push(await play.talkStream(name, how));
const control = insideScenarios.length === 0 ? undefined : await play.quietly();
for (const { name, ...how } of insideScenarios) {
  found.inside.push(await play.talkStream(name, how, control));
}
await play.end();
say(`${peer} is done`);
process.stdout.write(`${JSON.stringify(found)}\n`);
process.removeAllListeners("disconnect");
if (process.connected) process.disconnect();
