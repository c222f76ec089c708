import { describe, expect, test } from "vitest";
import { answered, type DnsRecord, encodedName } from "../../../test/dns.js";
import { decodeAnswer, encodeQuestion } from "./dns-message.js";

const ID = 0x4711;
const NAME = "web.inside.test";
const A = (address: number[], owner = NAME): DnsRecord => ({ owner, type: 1, data: address });
const CNAME = (owner: string, to: string): DnsRecord => ({
  owner,
  type: 5,
  data: [...encodedName(to)],
});
const addressesOf = (...records: DnsRecord[]) => {
  const answer = decodeAnswer(answered(ID, NAME, records), ID, NAME);
  return answer.ok ? answer.value.addresses : answer;
};

describe("question (RFC 1035 §4.1)", () => {
  test("recursion desired, one name, type A, class IN", () => {
    const expected = [0x47, 0x11, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...encodedName(NAME), 0, 1, 0, 1];
    expect([...(encodeQuestion(ID, NAME) ?? [])]).toEqual(expected);
  });

  test.each([
    ["no name", ""],
    ["an empty label", "a..b"],
    ["a label of 64 octets", `${"a".repeat(64)}.test`],
    ["256 octets", `${"abcdefg.".repeat(31)}abcdef`],
    ["a space", "a b"],
    ["other letters", "bücher.test"],
  ])("none for %s", (_what, name) => expect(encodeQuestion(1, name)).toBeUndefined());

  test("a name of 255 octets goes", () => {
    expect(encodeQuestion(1, `${"abcdefg.".repeat(31)}abcde`)).toHaveLength(12 + 255 + 4);
  });
});

describe("answer", () => {
  test("its addresses, through a chain of aliases; others' records are passed over", () => {
    expect(addressesOf(A([10, 0, 0, 1]), A([10, 0, 0, 2]))).toEqual([0x0a000001, 0x0a000002]);
    const chain = [CNAME(NAME, "b.test"), CNAME("b.test", "c.test"), A([10, 0, 0, 3], "c.test")];
    expect(addressesOf(...chain)).toEqual([0x0a000003]);
    expect(addressesOf(A([10, 0, 0, 9], "evil.test"))).toEqual([]);
    expect(addressesOf({ owner: NAME, type: 28, data: [...new Uint8Array(16)] })).toEqual([]);
  });

  test("holds for the least time of the records on the way to its addresses", () => {
    const ttlOf = (...ttls: number[]) => {
      const records = [
        CNAME(NAME, "b.test"),
        A([10, 0, 0, 3], "b.test"),
        A([10, 0, 0, 4], "b.test"),
      ];
      const timed = records.map((record, at) => ({ ...record, ttl: ttls[at] }));
      const other = { ...A([10, 0, 0, 9], "evil.test"), ttl: 1 };
      const answer = decodeAnswer(answered(ID, NAME, [...timed, other]), ID, NAME);
      return answer.ok && answer.value.ttlS;
    };
    expect([ttlOf(60, 30, 40), ttlOf(5, 30, 40), ttlOf(60, 40, 0)]).toEqual([30, 5, 0]);
    expect(ttlOf(60, 30, 0xffff_ffff)).toBe(0);
  });

  test("aliases in a ring end", () => {
    expect(addressesOf(CNAME(NAME, "b.test"), CNAME("b.test", NAME))).toEqual([]);
  });

  test("capitals in it are the same name", () => {
    const octets = answered(ID, NAME.toUpperCase(), [A([10, 0, 0, 1], "WEB.inside.TEST")]);
    expect(decodeAnswer(octets, ID, NAME)).toMatchObject({ value: { addresses: [0x0a000001] } });
  });

  test("no such name, and one that is cut short", () => {
    expect(decodeAnswer(answered(ID, NAME, [], 0x8183), ID, NAME)).toMatchObject({
      value: { code: 3, truncated: false },
    });
    expect(decodeAnswer(answered(ID, NAME, [], 0x8380), ID, NAME)).toMatchObject({
      value: { truncated: true },
    });
  });

  test.each([
    ["ID", answered(ID + 1, NAME, [])],
    ["QR and OPCODE", answered(ID, NAME, [], 0x0100)],
    ["QNAME", answered(ID, "other.test", [])],
    ["RDLENGTH", answered(ID, NAME, [A([10, 0, 0])])],
    ["message", Uint8Array.of(0x47)],
  ])("malformed: %s", (field, octets) => {
    expect(decodeAnswer(octets, ID, NAME)).toMatchObject({ ok: false, field });
  });

  test("every truncation is malformed", () => {
    const whole = answered(ID, NAME, [CNAME(NAME, "b.test"), A([10, 0, 0, 3], "b.test")]);
    expect(decodeAnswer(whole, ID, NAME).ok).toBe(true);
    for (let at = 0; at < whole.length; at++)
      expect(decodeAnswer(whole.subarray(0, at), ID, NAME).ok, `${at}`).toBe(false);
  });

  test("a pointer forwards, or to itself: malformed", () => {
    const good = answered(ID, NAME, [A([10, 0, 0, 1])]);
    const at = 12 + encodedName(NAME).length + 4;
    for (const to of [at, at + 2, 0x3fff]) {
      const pointer = [0xc0 | (to >> 8), to & 255];
      const bad = Uint8Array.of(...good.subarray(0, at), ...pointer, ...good.subarray(at));
      expect(decodeAnswer(bad, ID, NAME)).toMatchObject({ ok: false, field: "NAME" });
    }
  });
});
