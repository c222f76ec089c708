// One end of the demo's transfer, in its own network namespace: `sink ADDRESS PORT` receives and
// answers with the digest, `source ADDRESS PORT OCTETS` sends and compares.
import { createHash } from "node:crypto";
import { connect, createServer } from "node:net";

const chunk = Buffer.alloc(65_536);
for (let i = 0; i < chunk.length; i++) chunk[i] = (i * 31 + (i >> 8)) & 255;

function sink(address: string, port: number): void {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const hash = createHash("sha256");
    socket.on("data", (octets) => hash.update(octets));
    socket.on("end", () => socket.end(hash.digest("hex")));
    socket.on("error", () => {});
  });
  server.listen(port, address, () => process.stdout.write("listening\n"));
  process.on("SIGTERM", () => process.exit(0));
}

function source(address: string, port: number, octets: number): void {
  const hash = createHash("sha256");
  const begun = performance.now();
  let roundTripMs = 0;
  const socket = connect({ host: address, port, allowHalfOpen: true }, () => {
    roundTripMs = performance.now() - begun;
    let left = octets;
    const more = () => {
      while (left > 0) {
        const part = chunk.subarray(0, Math.min(left, chunk.length));
        left -= part.length;
        hash.update(part);
        if (!socket.write(part)) return void socket.once("drain", more);
      }
      socket.end();
    };
    more();
  });
  let answer = "";
  socket.on("data", (text) => {
    answer += text.toString("latin1");
  });
  socket.on("error", (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  });
  socket.on("end", () => {
    const seconds = (performance.now() - begun) / 1_000;
    const same = answer === hash.digest("hex");
    process.stdout.write(`${JSON.stringify({ same, octets, seconds, roundTripMs })}\n`);
    process.exit(same ? 0 : 1);
  });
}

const [role, address = "", port = "0", octets = "0"] = process.argv.slice(2);
if (role === "sink") sink(address, Number(port));
else source(address, Number(port), Number(octets));
