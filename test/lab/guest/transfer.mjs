#!/usr/bin/env node
// transfer listen PORT           takes one connection: whoever connects says what it wants
// transfer send HOST PORT OCTETS sends OCTETS pseudo-random octets, prints their SHA-256 digest
// transfer fetch HOST PORT OCTETS asks for them and prints the digest of what came
// The listener prints the digest of what it sent or got. Octets are AES-128-CTR of a fixed key: no
// compression, cache or stuck buffer can fake them.
import { createCipheriv, createHash } from "node:crypto";
import { connect, createServer } from "node:net";

const [, , role, ...words] = process.argv;

async function send(socket, octets) {
  const cipher = createCipheriv("aes-128-ctr", Buffer.alloc(16, 7), Buffer.alloc(16, 9));
  const hash = createHash("sha256");
  const zeros = Buffer.alloc(65_536);
  for (let left = octets; left > 0; left -= zeros.length) {
    const chunk = cipher.update(zeros.subarray(0, Math.min(left, zeros.length)));
    hash.update(chunk);
    if (!socket.write(chunk)) await new Promise((resolve) => socket.once("drain", resolve));
  }
  socket.end();
  await new Promise((resolve) => socket.once("close", resolve));
  return hash.digest("hex");
}

async function receive(socket, first) {
  const hash = createHash("sha256");
  if (first !== undefined) hash.update(first);
  for await (const chunk of socket) hash.update(chunk);
  return hash.digest("hex");
}

if (role === "listen") {
  const server = createServer((socket) => {
    server.close();
    // A caller whose session ends with its last octet resets: the digests tell whether all came.
    socket.on("error", () => {});
    // The caller's first line: `fetch OCTETS` or `send`.
    socket.once("data", async (data) => {
      const end = data.indexOf("\n");
      const [verb, octets] = data.subarray(0, end).toString().split(" ");
      if (verb === "fetch") {
        socket.resume();
        console.log(await send(socket, Number(octets)));
      } else {
        socket.pause();
        console.log(await receive(socket, data.subarray(end + 1)));
      }
    });
  });
  server.listen(Number(words[0]));
} else if (role === "send" || role === "fetch") {
  const [host, port, octets] = words;
  const socket = connect(Number(port), host, async () => {
    socket.write(role === "fetch" ? `fetch ${octets}\n` : "send\n");
    console.log(await (role === "fetch" ? receive(socket) : send(socket, Number(octets))));
  });
} else {
  process.exitCode = 2;
}
