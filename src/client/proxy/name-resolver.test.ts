import { Duplex } from "node:stream";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { answered } from "../../../test/dns.js";
import { Chance } from "../../base/chance.js";
import type { Ipv4 } from "../../base/ip.js";
import { proxy as limits } from "../../limits.js";
import type { UdpDatagram, UdpEvent, UdpSocket } from "../tcp/contract.js";
import type { Dialled } from "../tunnel.js";
import { NameResolver } from "./name-resolver.js";

const FIRST = 0x0a000035;
const SECOND = 0x0a000036;
const ADDRESS = [192, 168, 50, 2];
const FOUND = 0xc0a83202;

type Question = { readonly to: Ipv4; readonly octets: Uint8Array; readonly answer: Answer };
type Answer = (octets: Uint8Array, from?: Ipv4, port?: number) => void;

const idOf = (octets: Uint8Array) => (octets[0]! << 8) | octets[1]!;

/** The session's inside: what is asked is kept, what is answered is up to the test. */
class Inside {
  readonly asked: Question[] = [];
  open = 0;
  tcp: (() => Dialled) | undefined;

  bindUdp(): UdpSocket {
    this.open++;
    const came: UdpDatagram[] = [];
    const socket: UdpSocket = {
      localPort: 50_000,
      onEvent: undefined,
      send: (to, _port, octets) => {
        const answer: Answer = (answerOctets, from = to, port = 53) => {
          came.push({ remote: from, remotePort: port, octets: answerOctets });
          socket.onEvent?.({ kind: "readable" } satisfies UdpEvent);
        };
        this.asked.push({ to, octets, answer });
        return undefined;
      },
      receive: () => came.shift(),
      close: () => void this.open--,
    };
    return socket;
  }

  dial(): Promise<Dialled> {
    return Promise.resolve(this.tcp?.() ?? { kind: "DialFailure", why: "refused" });
  }
}

describe("names asked for inside the session", () => {
  let inside: Inside;
  let names: NameResolver;

  beforeEach(() => {
    vi.useFakeTimers();
    inside = new Inside();
    names = new NameResolver(inside, [FIRST, SECOND], new Chance(1).rng());
  });
  afterEach(async () => {
    names[Symbol.dispose]();
    await vi.advanceTimersByTimeAsync(0);
    vi.useRealTimers();
    expect(inside.open).toBe(0);
    expect(names.pending).toBe(0);
  });

  const record = (name: string) => ({ owner: name, type: 1, data: ADDRESS });
  const right = ({ octets }: Question, name: string) =>
    answered(idOf(octets), name, [record(name)]);

  test("answered by the first; several that ask for one name ask once", async () => {
    const looked = [names.lookup("Web.Test"), names.lookup("web.test."), names.lookup("web.test")];
    expect(inside.asked.map(({ to }) => to)).toEqual([FIRST]);
    const [question] = inside.asked;
    question!.answer(right(question!, "web.test"));
    expect(await Promise.all(looked)).toEqual([[FOUND], [FOUND], [FOUND]]);
  });

  test("numbers differ from question to question", () => {
    for (let i = 0; i < 20; i++) void names.lookup(`name-${i}.test`);
    expect(new Set(inside.asked.map(({ octets }) => idOf(octets))).size).toBeGreaterThan(15);
  });

  test("a stranger's answer, one with another number, and one for another name are not heard", async () => {
    const looked = names.lookup("web.test");
    const [question] = inside.asked;
    const evil = answered(idOf(question!.octets), "web.test", [
      { ...record("web.test"), data: [6, 6, 6, 6] },
    ]);
    question!.answer(evil, SECOND);
    question!.answer(evil, FIRST, 54);
    question!.answer(Uint8Array.of(evil[0]! ^ 1, ...evil.subarray(1)));
    question!.answer(answered(idOf(question!.octets), "evil.test", [record("evil.test")]));
    question!.answer(new Uint8Array(3));
    question!.answer(right(question!, "web.test"));
    expect(await looked).toEqual([FOUND]);
  });

  test("silence: the next server, so many rounds, then the name has failed", async () => {
    const looked = names.lookup("web.test");
    await vi.advanceTimersByTimeAsync(limits.nameAnswerMs * 2 * limits.nameRoundsMax);
    expect(await looked).toMatchObject({ why: "no-answer" });
    expect(inside.asked.map(({ to }) => to)).toEqual([FIRST, SECOND, FIRST, SECOND]);
  });

  test("a server that refuses (REFUSED): the next one knows", async () => {
    const looked = names.lookup("web.test");
    inside.asked[0]!.answer(answered(idOf(inside.asked[0]!.octets), "web.test", [], 0x8185));
    await vi.advanceTimersByTimeAsync(0);
    inside.asked[1]!.answer(right(inside.asked[1]!, "web.test"));
    expect(await looked).toEqual([FOUND]);
  });

  test("no such name: said by one, not asked of the other", async () => {
    const looked = names.lookup("web.test");
    inside.asked[0]!.answer(answered(idOf(inside.asked[0]!.octets), "web.test", [], 0x8183));
    expect(await looked).toMatchObject({ why: "no-such-name" });
    expect(inside.asked).toHaveLength(1);
  });

  test("cut short: asked again by TCP, its answer in pieces", async () => {
    let asked: Buffer | undefined;
    inside.tcp = () => {
      const stream = new Duplex({
        read() {},
        write: (octets: Buffer, _encoding, done) => {
          asked = octets;
          const answer = answered(octets.readUInt16BE(2), "web.test", [record("web.test")]);
          const whole = Uint8Array.of(answer.length >> 8, answer.length & 255, ...answer);
          stream.push(whole.subarray(0, 1));
          stream.push(whole.subarray(1, 20));
          stream.push(whole.subarray(20));
          done();
        },
      });
      return stream;
    };
    const looked = names.lookup("web.test");
    const [question] = inside.asked;
    question!.answer(answered(idOf(question!.octets), "web.test", [], 0x8380));
    await vi.advanceTimersByTimeAsync(1);
    expect(await looked).toEqual([FOUND]);
    expect(asked?.readUInt16BE(0)).toBe(question!.octets.length);
  });

  test("so many names at once, one more fails; the end answers all of them", async () => {
    const all = Array.from({ length: limits.namesPendingMax }, (_, i) =>
      names.lookup(`n${i}.test`),
    );
    expect(await names.lookup("one-more.test")).toMatchObject({ why: "full" });
    names[Symbol.dispose]();
    for (const one of await Promise.all(all)) expect(one).toMatchObject({ why: "stopped" });
    expect(await names.lookup("late.test")).toMatchObject({ why: "stopped" });
  });

  test("an answer is kept as long as it says, no more than so many, and not after the end", async () => {
    const ask = async (name: string, ttl?: number) => {
      const before = inside.asked.length;
      const looked = names.lookup(name);
      for (const question of inside.asked.slice(before))
        question.answer(answered(idOf(question.octets), name, [{ ...record(name), ttl }]));
      expect(await looked).toEqual([FOUND]);
      return inside.asked.length - before;
    };
    expect([await ask("web.test", 60), await ask("web.test")]).toEqual([1, 0]);
    vi.advanceTimersByTime(60_000);
    expect(await ask("web.test", 1e9)).toBe(1);
    vi.advanceTimersByTime(limits.nameKeptMs);
    expect(await ask("web.test", 0)).toBe(1);
    expect(await ask("web.test", 0x8000_0000)).toBe(1);
    expect(await ask("web.test", 3_600)).toBe(1);
    for (let i = 0; i < limits.namesKeptMax; i++) await ask(`n${i}.test`);
    expect([await ask("n1.test"), await ask("web.test")]).toEqual([0, 1]);
    names[Symbol.dispose]();
    expect(await names.lookup("web.test")).toMatchObject({ why: "stopped" });
  });

  test("no servers, and what is no name", async () => {
    const none = new NameResolver(inside, [], new Chance(1).rng());
    expect(await none.lookup("web.test")).toMatchObject({ why: "no-servers" });
    expect(await names.lookup("a..b")).toMatchObject({ why: "bad-name" });
    expect(await names.lookup("")).toMatchObject({ why: "bad-name" });
  });
});
