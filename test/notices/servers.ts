// A mail server and a web server of the test's own, on loopback: what came to them, octet for octet.
import { once } from "node:events";
import { createServer as createHttpServer, type IncomingHttpHeaders } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";

export type Received = {
  readonly from: string;
  readonly to: readonly string[];
  /** Headers and body as they came, dots unstuffed. */
  readonly data: string;
  readonly auth: string | undefined;
  readonly encrypted: boolean;
};

type Answers = {
  /** To DATA's end; else 250. */
  readonly accept?: string;
  /** To a log-in; `said` is what came for it, as it came. */
  readonly auth?: string | ((said: string) => string);
  /** Else PLAIN. */
  readonly mechanism?: "LOGIN";
  /** It answers EHLO without an end: a line every 20 ms, so that no bound of one step is met. */
  readonly endless?: boolean;
  /** It does not close its side when the client has. */
  readonly holds?: boolean;
};

/** How a server speaks TLS, and what it shows. */
export type Secured = {
  readonly tls: "on" | "starttls";
  readonly key: string;
  readonly cert: string;
};

/** Enough of RFC 5321 and of AUTH PLAIN and LOGIN for one client. */
export class SmtpServer implements AsyncDisposable {
  readonly mails: Received[] = [];
  readonly lines: string[] = [];
  answers: Answers = {};
  readonly #sockets = new Set<Socket>();

  private constructor(
    readonly server: Server,
    readonly secured: Secured | undefined,
  ) {}

  static async started(address = "127.0.0.1", secured?: Secured): Promise<SmtpServer> {
    const made: SmtpServer = new SmtpServer(
      createServer({ allowHalfOpen: secured === undefined }, (socket) => made.#accept(socket)),
      secured,
    );
    made.server.listen(0, address);
    await once(made.server, "listening");
    return made;
  }

  /** Connections that are open. */
  get open(): number {
    return this.#sockets.size;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => {});
    socket.on("end", () => this.answers.holds === true || socket.end());
    if (this.secured?.tls === "on") this.#serve(this.#encrypted(socket), true);
    else this.#serve(socket, true);
  }

  #encrypted(socket: Socket): TLSSocket {
    const { key, cert } = this.secured ?? {};
    const made = new TLSSocket(socket, {
      isServer: true,
      secureContext: createSecureContext({ key, cert }),
    });
    made.on("error", () => socket.destroy());
    // Nobody is left to hear the greeting of one that ended before the handshake had.
    made.on("end", () => made.destroy());
    // Its own octets are all that the one below it hears of its end.
    made.on("close", () => socket.destroy());
    return made;
  }

  #serve(socket: Socket, greets: boolean): void {
    const encrypted = socket instanceof TLSSocket;
    let [from, to, auth, data]: [string, string[], string | undefined, string[] | undefined] = [
      "",
      [],
      undefined,
      undefined,
    ];
    let rest = "";
    let login: string[] | undefined;
    const answer = (said: string) => {
      const { auth: told = "235 known" } = this.answers;
      say(typeof told === "string" ? told : told(said));
    };
    const say = (line: string) => void socket.write(`${line}\r\n`);
    const handle = (line: string) => {
      if (data !== undefined) {
        if (line !== ".") return void data.push(line.replace(/^\./, ""));
        this.mails.push({ from, to, data: data.join("\r\n"), auth, encrypted });
        [to, data] = [[], undefined];
        return say(this.answers.accept ?? "250 taken");
      }
      this.lines.push(line);
      if (this.answers.endless === true) {
        const more = setInterval(() => say("250-more"), 20);
        return void socket.on("close", () => clearInterval(more));
      }
      if (login !== undefined) {
        login.push(line);
        if (login.length === 1) return say("334 UGFzc3dvcmQ6");
        const said = login.join(" ");
        login = undefined;
        return answer(said);
      }
      const word = line.slice(0, 4).toUpperCase();
      if (word === "EHLO") {
        const offered = this.secured !== undefined && !encrypted ? "250-STARTTLS\r\n" : "";
        return say(`250-here\r\n${offered}250 AUTH ${this.answers.mechanism ?? "PLAIN"}`);
      }
      if (line === "AUTH LOGIN") {
        login = [];
        return say("334 VXNlcm5hbWU6");
      }
      if (word === "AUTH") {
        const said = line.split(" ")[2] ?? "";
        auth = Buffer.from(said, "base64").toString();
        return answer(said);
      }
      if (line === "STARTTLS") {
        if (this.secured === undefined || encrypted) return say("502 not here");
        say("220 go on");
        socket.off("data", read);
        return this.#serve(this.#encrypted(socket), false);
      }
      if (word === "MAIL") from = line;
      if (word === "RCPT") to.push(line);
      if (word === "DATA") {
        data = [];
        return say("354 go on");
      }
      say(word === "QUIT" ? "221 bye" : "250 yes");
    };
    const read = (chunk: Buffer) => {
      const lines = (rest + chunk.toString("latin1")).split("\r\n");
      rest = lines.pop() ?? "";
      for (const line of lines) handle(line);
    };
    if (greets) say("220 a test");
    socket.on("data", read);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.server.close();
    await once(this.server, "close");
  }
}

export type Posted = {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
};

export class WebServer implements AsyncDisposable {
  readonly posted: Posted[] = [];
  answer: { status: number; headers?: Record<string, string> } = { status: 204 };
  readonly #server = createHttpServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => {
      body += chunk;
    });
    request.on("end", () => {
      this.posted.push({ path: request.url ?? "", headers: request.headers, body });
      response.writeHead(this.answer.status, this.answer.headers).end("a word of the server");
    });
  });

  static async started(address = "127.0.0.1"): Promise<WebServer> {
    const made = new WebServer();
    made.#server.listen(0, address);
    await once(made.#server, "listening");
    return made;
  }

  get origin(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return `http://${address}:${port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
