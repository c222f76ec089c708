import { Scene } from "./scene.js";
const sessions = Number(process.argv[2] ?? 500);
await using scene = await Scene.started({ sessions, callsPerConnection: 1, concurrency: 50 });
const { main, worker } = await scene.inspected();
const measure = async () => { await main.ask("collect"); await worker.ask("collect"); return scene.resident(); };
await scene.raise(50); await new Promise(r=>setTimeout(r,500));
console.log(await measure());
const before = scene.processor();
const r = await scene.raise(sessions);
const after = scene.processor();
console.log({...r, milliseconds: [r.milliseconds.slice(0,5), r.milliseconds.slice(-5)]});
console.log(before, after);
console.log(await measure());
if (process.argv[3]) { await main.ask(`snapshot ${process.argv[3]}`); }
console.log(await scene.end(sessions));
console.log((await scene.server.status()).counters);
await main[Symbol.asyncDispose](); await worker[Symbol.asyncDispose]();
