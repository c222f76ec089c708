// What is behind the server in the proxies' tests: a web server, a name server, and peers that do not
// behave; one process in the namespace of its LAN. Compiled by compile.ts.
import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import { createServer as createHttp } from "node:http";
import { createServer, type Socket } from "node:net";

const address = process.argv[2] ?? "";
const names: Readonly<Record<string, string>> = { "web.inside.test": address };

/** Different for each path, and the same again. */
function content(path: string, octets: number): Buffer {
  const block = createHash("sha512").update(path).digest();
  return Buffer.alloc(octets, block);
}

function web(): void {
  const server = createHttp((request, response) => {
    const octets = Number(/^\/octets\/(\d+)/.exec(request.url ?? "")?.[1] ?? -1);
    if (octets >= 0) return void response.end(content(request.url ?? "", octets));
    const hash = createHash("sha256");
    request.on("data", (chunk: Buffer) => hash.update(chunk));
    request.on("end", () => {
      const { method, url, headers } = request;
      const from = request.socket.remoteAddress;
      response.end(
        `${JSON.stringify({ method, url, headers, from, digest: hash.digest("hex") })}\n`,
      );
    });
  });
  server.listen(80, address);
}

/** RFC 1035: an answer to `question`, or undefined for a name that is met with silence. */
function answer(question: Buffer, byTcp: boolean): Buffer | undefined {
  let end = 12;
  const labels: string[] = [];
  for (let length = question[end] ?? 0; length > 0; length = question[end] ?? 0) {
    labels.push(question.subarray(end + 1, end + 1 + length).toString());
    end += 1 + length;
  }
  const asked = labels.join(".");
  const head = Buffer.from(question.subarray(0, end + 5));
  const flags = (code: number, truncated = false) =>
    head.writeUInt16BE(0x8180 | code | (truncated ? 0x0200 : 0), 2);
  const record = (type: number, data: Buffer) => {
    const fixed = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length]);
    return Buffer.concat([fixed, data]);
  };
  const a = (to: string) => record(1, Buffer.from(to.split(".").map(Number)));
  if (asked === "silent.inside.test") return undefined;
  flags(0);
  if (asked === "large.inside.test" && !byTcp) {
    flags(0, true);
    return head;
  }
  const to = asked === "large.inside.test" ? address : names[asked];
  if (to === undefined) {
    flags(3);
    return head;
  }
  head.writeUInt16BE(1, 6);
  return Buffer.concat([head, a(to)]);
}

function nameServer(): void {
  const udp = createSocket("udp4");
  udp.on("message", (question, { port, address: from }) => {
    const message = answer(question, false);
    if (message !== undefined) udp.send(message, port, from);
  });
  udp.bind(53, address);
  const tcp = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (octets) => {
      const message = answer(octets.subarray(2), true) ?? Buffer.alloc(0);
      socket.end(
        Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message]),
      );
    });
  });
  tcp.listen(53, address);
}

/** 7001 reads only once told to on 7002, and tells the digest at the end; 7003 breaks off; 7 echoes. */
function peers(): void {
  const waiting = new Set<Socket>();
  createServer({ allowHalfOpen: true }, (socket) => {
    waiting.add(socket.pause());
    const hash = createHash("sha256");
    socket.on("data", (octets) => hash.update(octets));
    socket.on("end", () => socket.end(hash.digest("hex")));
    socket.on("error", (error: NodeJS.ErrnoException) => process.stdout.write(`${error.code}\n`));
    socket.on("close", () => waiting.delete(socket));
  }).listen(7001, address);
  createServer((socket) => {
    for (const one of waiting) one.resume();
    socket.end("resumed");
  }).listen(7002, address);
  createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.resetAndDestroy());
  }).listen(7003, address);
  createServer({ allowHalfOpen: true }, (socket) => {
    // Ends only after its user has: the other half stays open until then.
    const came: Buffer[] = [];
    socket.on("data", (octets: Buffer) => came.push(octets));
    socket.on("end", () => socket.end(Buffer.concat(came)));
    socket.on("error", () => undefined);
  }).listen(7, address);
  const echo = createSocket("udp4");
  echo.on("message", (octets, { port, address: from }) => echo.send(octets, port, from));
  echo.bind(7, address);
}

web();
nameServer();
peers();
process.stdout.write("ready\n");
