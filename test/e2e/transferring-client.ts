// A process of the tests: one transfer through a session without a TUN, by our own TCP, with the peer
// that test/lab/guest/transfer.mjs is. compile.ts turns it into what Node reads.
//     transferring-client SERVER USER PASSWORD send|fetch HOST PORT OCTETS [DELAY-MS LOSS]
// DELAY-MS and LOSS are of each way, between the session and our TCP: a kernel may lack netem.
import { createCipheriv, createHash } from "node:crypto";
import { parseIpv4 } from "../../src/base/ip.js";
import { Ledger } from "../../src/base/ledger.js";
import { Scope } from "../../src/base/scope.js";
import { connect, type Session } from "../../src/client/library.js";
import { isRefusal, type TcpConnection } from "../../src/client/tcp/contract.js";
import { Stack } from "../../src/client/tcp/stack.js";
import { monotonicNow } from "../../src/os/clock.js";
import { systemRng } from "../../src/os/entropy.js";

/** What it prints, a line of JSON. */
export type Transferred = {
  /** SHA-256 of what went or came. */
  readonly digest: string;
  readonly octets: number;
  /** From our SYN to the last octet acknowledged, or read. */
  readonly seconds: number;
  /** Of this process, user and system. */
  readonly cpuSeconds: number;
  readonly closed: string;
  readonly counters: Record<string, number>;
  /** Leases of the stack that were not given back. */
  readonly held: number;
};

const [
  server = "",
  user = "",
  password = "",
  verb,
  host = "",
  port,
  size,
  delay = "0",
  loss = "0",
] = process.argv.slice(2);

/** A way of the path: each packet arrives after the delay, or not at all. */
class Way {
  readonly #onWay: { readonly at: number; readonly packet: Uint8Array }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #state = 20_261_129;
  lost = 0;

  constructor(readonly arrive: (packet: Uint8Array) => void) {}

  carry(packet: Uint8Array): void {
    if (this.#unit() < Number(loss)) {
      this.lost++;
      return;
    }
    if (delay === "0") return this.arrive(packet);
    this.#onWay.push({ at: performance.now() + Number(delay), packet });
    this.#timer ??= setTimeout(() => this.#due(), Number(delay));
  }

  #due(): void {
    const now = performance.now();
    const due = this.#onWay.findIndex(({ at }) => at > now);
    const all = this.#onWay.splice(0, due < 0 ? this.#onWay.length : due);
    for (const { packet } of all) this.arrive(packet);
    const [next] = this.#onWay;
    this.#timer = next && setTimeout(() => this.#due(), next.at - now);
  }

  /** Uniform in [0, 1), the same in every run: Lehmer's. */
  #unit(): number {
    this.#state = (this.#state * 48_271) % 2_147_483_647;
    return this.#state / 2_147_483_647;
  }
}

/** Packets from and to the session, and the stack's one timer. */
class Driver {
  readonly stack: Stack;
  readonly ledger = new Ledger(monotonicNow);
  #timer: NodeJS.Timeout | undefined;
  #full = false;
  #woken = false;
  readonly #up = new Way((packet) => {
    this.#full = !this.session.packets.write(packet);
  });

  constructor(readonly session: Session) {
    this.stack = new Stack({
      address: parseIpv4(session.address) ?? 0,
      mtu: session.mtu,
      rng: systemRng(),
      scope: new Scope("transfer", this.ledger),
      wake: () => this.#wake(),
    });
    const down = new Way((packet) => {
      this.stack.handlePacket(packet, monotonicNow());
      this.#wake();
    });
    session.packets.on("data", (packet: Uint8Array) => down.carry(packet));
    session.packets.on("drain", () => {
      this.#full = false;
      this.#transmit();
    });
  }

  #wake(): void {
    if (this.#woken) return;
    this.#woken = true;
    setImmediate(() => {
      this.#woken = false;
      this.#transmit();
    });
  }

  #transmit(): void {
    while (!this.#full) {
      const packet = this.stack.pollTransmit(monotonicNow());
      if (packet === undefined) break;
      this.#up.carry(packet.slice());
    }
    clearTimeout(this.#timer);
    const next = this.stack.pollTimeout();
    if (next === undefined) return;
    this.#timer = setTimeout(
      () => {
        this.stack.handleTimeout(monotonicNow());
        this.#transmit();
      },
      Math.max(0, next.at - monotonicNow()),
    );
  }
}

/** Writes the octets that transfer.mjs would, as room comes. */
function sending(connection: TcpConnection, octets: number, hash: ReturnType<typeof createHash>) {
  const cipher = createCipheriv("aes-128-ctr", Buffer.alloc(16, 7), Buffer.alloc(16, 9));
  let left = octets;
  let piece = new Uint8Array(0);
  return () => {
    for (;;) {
      if (piece.length === 0) {
        if (left === 0) return connection.end();
        piece = cipher.update(new Uint8Array(Math.min(left, 65_536)));
        left -= piece.length;
        hash.update(piece);
      }
      const taken = connection.write(piece);
      piece = piece.subarray(taken);
      if (piece.length > 0) return;
    }
  };
}

async function transfer(driver: Driver): Promise<Transferred> {
  const octets = Number(size);
  const begun = monotonicNow();
  const connection = driver.stack.connect(parseIpv4(host) ?? 0, Number(port), begun);
  if (isRefusal(connection)) throw new Error(connection.limit);
  const hash = createHash("sha256");
  const more = verb === "send" ? sending(connection, octets, hash) : () => {};
  connection.write(Buffer.from(verb === "send" ? "send\n" : `fetch ${octets}\n`));
  let moved = verb === "send" ? octets : 0;
  let seconds = 0;
  const closed = await new Promise<string>((resolve, reject) => {
    driver.session.on("ended", ({ cause }) => reject(new Error(`the session ended: ${cause}`)));
    connection.onEvent = (event) => {
      if (event.kind === "connected" || event.kind === "writable") more();
      if (event.kind === "readable") {
        for (let part = connection.read(65_536); part !== undefined; ) {
          hash.update(part);
          moved += part.length;
          part = connection.read(65_536);
        }
      }
      if (event.kind === "ended") {
        seconds = (monotonicNow() - begun) / 1000;
        connection.end();
      }
      if (event.kind === "closed") resolve(event.why);
    };
  });
  const { user: userTime, system } = process.cpuUsage();
  driver.stack.close();
  return {
    digest: hash.digest("hex"),
    octets: moved,
    seconds,
    cpuSeconds: (userTime + system) / 1_000_000,
    closed,
    counters: driver.stack.counters(),
    held: driver.ledger.size,
  };
}

await using session = await connect({ server, user, password });
console.log(JSON.stringify(await transfer(new Driver(session))));
