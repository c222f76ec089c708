// `node --experimental-websocket inspect.mjs SECONDS` : V8's CPU profile of the Node process that
// listens for an inspector on 127.0.0.1:9229, as JSON to standard output.
const seconds = Number(process.argv[2] ?? 5);
const [{ webSocketDebuggerUrl }] = await (await fetch("http://127.0.0.1:9229/json")).json();
const socket = new WebSocket(webSocketDebuggerUrl);
await new Promise((resolve, reject) => {
  socket.onopen = resolve;
  socket.onerror = () => reject(new Error("no inspector"));
});
let last = 0;
const waiting = new Map();
socket.onmessage = ({ data }) => {
  const { id, result } = JSON.parse(data);
  waiting.get(id)?.(result);
};
function ask(method, params = {}) {
  const id = ++last;
  socket.send(JSON.stringify({ id, method, params }));
  return new Promise((resolve) => waiting.set(id, resolve));
}
await ask("Profiler.enable");
await ask("Profiler.setSamplingInterval", { interval: 500 });
await ask("Profiler.start");
await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
const { profile } = await ask("Profiler.stop");
process.stdout.write(JSON.stringify({ nodes: profile.nodes, samples: profile.samples }), () => process.exit(0));
