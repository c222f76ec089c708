// The HTTP proxy (RFC 9110 §7.6, §9.3.6; RFC 9112 §3.2.2): CONNECT, and requests in absolute form.
import {
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from "node:http";
import type { Duplex } from "node:stream";
import { parseIpv4 } from "../../base/ip.js";
import { proxy as limits } from "../../limits.js";
import type { Way } from "../tunnel.js";
import { type Failure, reach, told } from "./destination.js";
import { dismiss, join } from "./joined.js";

/** For one hop only (RFC 9110 §7.6.1), and what Node does by itself. */
const HOP_BY_HOP = new Set([
  "connection",
  "proxy-connection",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "proxy-authorization",
  "proxy-authenticate",
  "expect",
]);

const HTTP_PORT = 80;
const VIA = "1.1 holdfast";

export function httpProxy(way: () => Way | undefined): Server {
  const server = createServer({
    headersTimeout: limits.requestMs,
    connectionsCheckingInterval: limits.requestMs / 4,
    // A body may take as long as it does.
    requestTimeout: 0,
  });
  server.on("request", (asked, answer) => void forward(way, asked, answer));
  server.on("connect", (asked: IncomingMessage, socket: Duplex, head: Uint8Array) => {
    void connect(way, asked.url ?? "", socket, head);
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
    const status = error.code === "HPE_HEADER_OVERFLOW" ? 431 : 400;
    if (socket.writable) dismiss(socket, refusal(status, "no HTTP request"));
  });
  return server;
}

async function connect(
  way: () => Way | undefined,
  target: string,
  socket: Duplex,
  head: Uint8Array,
): Promise<void> {
  socket.on("error", () => undefined);
  const place = /^(?<host>[^[\]:/@]+):(?<port>[0-9]{1,5})$/.exec(target)?.groups;
  const port = Number(place?.port ?? 0);
  if (place?.host === undefined || port < 1 || port > 65_535) {
    const ipv6 = target.startsWith("[");
    const text = ipv6 ? told.ipv6.text : "CONNECT takes HOST:PORT";
    return dismiss(socket, refusal(ipv6 ? told.ipv6.status : 400, text));
  }
  const through = await reach(way(), literal(place.host), port);
  if (typeof through === "string") return dismiss(socket, refused(through));
  if (socket.destroyed) return void through.destroy();
  socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
  if (head.length > 0) through.write(head);
  join(socket, through);
}

async function forward(
  way: () => Way | undefined,
  asked: IncomingMessage,
  answer: ServerResponse,
): Promise<void> {
  const url = URL.canParse(asked.url ?? "") ? new URL(asked.url ?? "") : undefined;
  if (url?.protocol !== "http:" || url.hostname === "")
    return answerWith(answer, 400, "a proxy takes http://HOST/… or CONNECT HOST:PORT");
  if (url.hostname.startsWith("[")) return answerWith(answer, told.ipv6.status, told.ipv6.text);
  const port = url.port === "" ? HTTP_PORT : Number(url.port);
  const through = await reach(way(), literal(url.hostname), port);
  if (typeof through === "string")
    return answerWith(answer, told[through].status, told[through].text);
  if (answer.destroyed) return void through.destroy();
  const onward = request({
    createConnection: () => through,
    setHost: false,
    method: asked.method ?? "GET",
    path: `${url.pathname}${url.search}`,
    headers: onwardHeaders(asked, url),
  });
  onward.on("response", (came) => {
    answer.writeHead(came.statusCode ?? 502, came.statusMessage, endToEnd(came));
    came.on("error", () => answer.destroy());
    came.pipe(answer);
  });
  onward.on("error", () => {
    if (answer.headersSent) answer.destroy();
    else answerWith(answer, told.reset.status, told.reset.text);
  });
  answer.on("close", () => through.destroy());
  asked.pipe(onward);
}

/** Names and values in turn, as they came; Node bounds their octets. */
function endToEnd({ rawHeaders, headers }: IncomingMessage): string[] {
  const named = (headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase());
  const kept: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    if (!HOP_BY_HOP.has(name) && !named.includes(name))
      kept.push(rawHeaders[i]!, rawHeaders[i + 1]!);
  }
  return [...kept, "Via", VIA];
}

function onwardHeaders(asked: IncomingMessage, url: URL): string[] {
  const all = endToEnd(asked);
  const kept: string[] = ["Host", url.host, "Connection", "close"];
  for (let i = 0; i < all.length; i += 2) {
    if (all[i]!.toLowerCase() !== "host") kept.push(all[i]!, all[i + 1]!);
  }
  // Its length is not known: Node chunks it anew.
  if (asked.headers["transfer-encoding"] !== undefined) kept.push("Transfer-Encoding", "chunked");
  return kept;
}

function answerWith(answer: ServerResponse, status: number, text: string): void {
  if (answer.destroyed) return;
  answer.writeHead(status, { "Content-Type": "text/plain", Connection: "close" });
  answer.end(`holdfast: ${text}\n`);
}

function refused(why: Failure): string {
  return refusal(told[why].status, told[why].text);
}

function refusal(status: number, text: string): string {
  const body = `holdfast: ${text}\n`;
  const head = `HTTP/1.1 ${status} ${text}\r\nContent-Type: text/plain\r\nConnection: close\r\n`;
  return `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
}

/** Programs write addresses where names may be. */
function literal(host: string): string | number {
  return parseIpv4(host) ?? host;
}
