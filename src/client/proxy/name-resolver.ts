// Names asked for inside the session, of the servers it told us: by UDP, by TCP where the answer does
// not fit (RFC 7766), each server in turn. The machine's own resolver never hears of them.
import type { Duplex } from "node:stream";
import { domainToASCII } from "node:url";
import { after, type Instant } from "../../base/instant.js";
import type { Ipv4 } from "../../base/ip.js";
import type { Rng } from "../../base/rng.js";
import { proxy as limits } from "../../limits.js";
import { monotonicNow } from "../../os/clock.js";
import { isRefusal } from "../tcp/contract.js";
import type { Way } from "../tunnel.js";
import { type DnsAnswer, decodeAnswer, encodeQuestion } from "./dns-message.js";

const DNS_PORT = 53;
const NO_SUCH_NAME = 3;
const MESSAGE_OCTETS_MAX = 65_535;

export type LookupFailure = {
  readonly kind: "LookupFailure";
  readonly why:
    | "no-servers"
    | "bad-name"
    | "no-such-name"
    | "no-address"
    | "no-answer"
    | "full"
    | "stopped";
};
/** In the server's order, one at least. */
export type LookupResult = readonly Ipv4[] | LookupFailure;

type Known = { readonly addresses: readonly Ipv4[]; readonly until: Instant };

export class NameResolver implements Disposable {
  readonly #way: Pick<Way, "bindUdp" | "dial">;
  readonly #servers: readonly Ipv4[];
  readonly #rng: Pick<Rng, "challenge">;
  readonly #pending = new Map<string, Promise<LookupResult>>();
  readonly #asking = new Set<() => void>();
  /** Answers that still hold, the oldest first. */
  readonly #known = new Map<string, Known>();
  #ended = false;

  constructor(
    way: Pick<Way, "bindUdp" | "dial">,
    servers: readonly Ipv4[],
    rng: Pick<Rng, "challenge">,
  ) {
    this.#way = way;
    this.#servers = servers;
    this.#rng = rng;
  }

  /** Names that are being asked for. */
  get pending(): number {
    return this.#pending.size;
  }

  lookup(text: string): Promise<LookupResult> {
    const name = domainToASCII(text).toLowerCase().replace(/\.$/, "");
    const known = this.#known.get(name);
    if (known !== undefined && known.until > monotonicNow())
      return Promise.resolve(this.#ended ? failure("stopped") : known.addresses);
    const asked = this.#pending.get(name);
    if (asked !== undefined) return asked;
    const why = this.#refusal(name);
    if (why !== undefined) return Promise.resolve(failure(why));
    const asking = this.#ask(name).finally(() => this.#pending.delete(name));
    this.#pending.set(name, asking);
    return asking;
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    this.#known.clear();
    for (const give of [...this.#asking]) give();
  }

  #refusal(name: string): LookupFailure["why"] | undefined {
    if (this.#ended) return "stopped";
    if (this.#servers.length === 0) return "no-servers";
    if (encodeQuestion(0, name) === undefined) return "bad-name";
    return this.#pending.size >= limits.namesPendingMax ? "full" : undefined;
  }

  async #ask(name: string): Promise<LookupResult> {
    for (let round = 0; round < limits.nameRoundsMax; round++) {
      for (const server of this.#servers) {
        const answer = await this.#askServer(server, name);
        if (this.#ended) return failure("stopped");
        if (answer === undefined) continue;
        const { code, addresses, ttlS } = answer;
        if (code === NO_SUCH_NAME) return failure("no-such-name");
        // Any other code is a server's trouble: another may know.
        if (code !== 0) continue;
        if (addresses.length === 0) return failure("no-address");
        this.#keep(name, addresses, ttlS);
        return addresses;
      }
    }
    return failure("no-answer");
  }

  /** RFC 1035 §7.4: for as long as the answer says, within the bound; one of 0 s is not kept. */
  #keep(name: string, addresses: readonly Ipv4[], ttlS: number): void {
    this.#known.delete(name);
    if (ttlS === 0) return;
    const [oldest] = this.#known.keys();
    if (this.#known.size >= limits.namesKeptMax && oldest !== undefined) this.#known.delete(oldest);
    const keptMs = Math.min(ttlS * 1_000, limits.nameKeptMs);
    this.#known.set(name, { addresses, until: after(monotonicNow(), keptMs) });
  }

  async #askServer(server: Ipv4, name: string): Promise<DnsAnswer | undefined> {
    const [high = 0, low = 0] = this.#rng.challenge(2);
    const id = (high << 8) | low;
    const question = encodeQuestion(id, name)!;
    const answer = await this.#byUdp(server, question, id, name);
    return answer?.truncated ? this.#byTcp(server, question, id, name) : answer;
  }

  #byUdp(server: Ipv4, question: Uint8Array, id: number, name: string) {
    const socket = this.#way.bindUdp();
    if (isRefusal(socket)) return Promise.resolve(undefined);
    return this.#within<DnsAnswer>((give) => {
      socket.onEvent = (event) => {
        if (event.kind === "unreachable") return give(undefined);
        for (let came = socket.receive(); came !== undefined; came = socket.receive()) {
          // A stranger's datagram, or one to an earlier question, changes nothing.
          if (came.remote !== server || came.remotePort !== DNS_PORT) continue;
          const answer = decodeAnswer(came.octets, id, name);
          if (answer.ok) return give(answer.value);
        }
      };
      if (socket.send(server, DNS_PORT, question) !== undefined) give(undefined);
      return () => socket.close();
    });
  }

  #byTcp(server: Ipv4, question: Uint8Array, id: number, name: string) {
    return this.#within<DnsAnswer>((give) => {
      let over = false;
      let stream: Duplex | undefined;
      void this.#way.dial(server, DNS_PORT).then((dialled) => {
        if ("kind" in dialled) return give(undefined);
        if (over) return void dialled.destroy();
        stream = dialled;
        askBy(stream, question, (octets) => {
          const answer = octets && decodeAnswer(octets, id, name);
          give(answer?.ok ? answer.value : undefined);
        });
      });
      return () => {
        over = true;
        stream?.destroy();
      };
    });
  }

  /** What `begin` is given in time, or undefined; what `begin` returned is called at the end. */
  #within<T>(begin: (give: (value: T | undefined) => void) => () => void): Promise<T | undefined> {
    return new Promise((resolve) => {
      let over = false;
      let end: (() => void) | undefined;
      const give = (value: T | undefined) => {
        if (over) return;
        over = true;
        clearTimeout(timer);
        this.#asking.delete(stop);
        end?.();
        resolve(value);
      };
      const stop = () => give(undefined);
      const timer = setTimeout(stop, limits.nameAnswerMs);
      this.#asking.add(stop);
      end = begin(give);
      if (over) end();
    });
  }
}

/** RFC 1035 §4.2.2: each message with its length before it. */
function askBy(stream: Duplex, question: Uint8Array, give: (answer?: Uint8Array) => void): void {
  let came: Buffer = Buffer.alloc(0);
  stream.on("error", () => give());
  stream.on("close", () => give());
  stream.on("data", (octets: Uint8Array) => {
    came = Buffer.concat([came, octets]);
    const length = came.length < 2 ? MESSAGE_OCTETS_MAX : came.readUInt16BE(0);
    if (came.length >= 2 + length) give(came.subarray(2, 2 + length));
  });
  const length = Uint8Array.of(question.length >> 8, question.length & 255);
  stream.write(Buffer.concat([length, question]));
}

function failure(why: LookupFailure["why"]): LookupFailure {
  return { kind: "LookupFailure", why };
}
