import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../base/hex.js";
import {
  decodeAuthenticationProtocol,
  decodeMagicAndData,
  decodeProtocolReject,
  encodeAuthenticationProtocol,
  encodeMagicAndData,
  encodeProtocolReject,
} from "./lcp.js";

describe("Authentication-Protocol", () => {
  const read = (hex: string) => {
    const protocol = decodeAuthenticationProtocol({ type: 3, data: fromHex(hex)! });
    return protocol.ok ? protocol.value : "malformed";
  };

  test.each([
    ["c023", "pap"],
    ["c22305", "chap-md5"],
    ["c22380", "ms-chap-v1"],
    ["c22381", "ms-chap-v2"],
    ["c227", "eap"],
    ["c227ff", "eap"],
    ["c223", "unknown"],
    ["c22382", "unknown"],
    ["c2238100", "unknown"],
    ["c02300", "unknown"],
    ["c025", "unknown"],
    ["c0", "malformed"],
    ["", "malformed"],
  ])("%j is %s", (hex, name) => {
    expect(read(hex)).toBe(name);
  });

  test("what is written is read back", () => {
    for (const method of ["pap", "chap-md5", "ms-chap-v1", "ms-chap-v2"] as const) {
      expect(decodeAuthenticationProtocol(encodeAuthenticationProtocol(method))).toEqual({
        ok: true,
        value: method,
      });
    }
  });
});

describe("Echo and its like", () => {
  test("a Magic-Number, unsigned, and data", () => {
    const body = decodeMagicAndData(fromHex("fffefdfc0102")!);
    expect(body).toEqual({
      ok: true,
      value: { magicNumber: 0xfffefdfc, data: Uint8Array.of(1, 2) },
    });
    expect(toHex(encodeMagicAndData({ magicNumber: 0xfffefdfc, data: Uint8Array.of(1, 2) }))).toBe(
      "fffefdfc0102",
    );
  });

  test("without a whole Magic-Number: malformed", () => {
    for (const hex of ["", "01", "0102", "010203"]) {
      expect(decodeMagicAndData(fromHex(hex)!).ok).toBe(false);
    }
  });
});

describe("Protocol-Reject", () => {
  test("protocol and what was rejected", () => {
    expect(decodeProtocolReject(fromHex("80fd0101")!)).toEqual({
      ok: true,
      value: { rejectedProtocol: 0x80fd, rejectedInformation: Uint8Array.of(1, 1) },
    });
    expect(decodeProtocolReject(fromHex("80")!).ok).toBe(false);
  });

  test("truncated to the room there is, never below the protocol", () => {
    const reject = { rejectedProtocol: 0x80fd, rejectedInformation: new Uint8Array(1_400) };
    expect(encodeProtocolReject(reject, 124).length).toBe(124);
    expect(toHex(encodeProtocolReject(reject, 0))).toBe("80fd");
    expect(encodeProtocolReject(reject, 4_000).length).toBe(1_402);
  });
});
