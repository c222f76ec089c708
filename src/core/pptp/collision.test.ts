import { describe, expect, test } from "vitest";
import { Bench } from "../../../test/control-peer.js";
import { control } from "../../limits.js";
import { collision } from "./collision.js";

describe("collision (RFC 2637 §3.1.3)", () => {
  test.each([
    [1, 2, "peers"],
    [2, 1, "ours"],
    [0x7fffffff, 0x80000000, "peers"],
    [0xffffffff, 0x7fffffff, "ours"],
    [5, 5, "none"],
  ] as const)("%d against %d: %s", (ours, peers, winner) => {
    expect(collision(ours, peers)).toBe(winner);
  });

  function collide(localAddress: number, peerAddress: number) {
    const opening = new Bench({ side: "opened" }).forget();
    const bench = new Bench(
      {},
      { localAddress, peerAddress, opening: () => opening.connection },
    ).receive("StartControlConnectionRequest");
    opening.drain();
    return { opening, bench };
  }

  test("lost: ours is closed without another message, the peer's SCCRQ answered", () => {
    const { opening, bench } = collide(1, 2);
    expect(opening.sent).toEqual([]);
    expect(opening.told).toEqual([{ kind: "Close", cause: "control-closed" }]);
    expect(bench.sent).toMatchObject([{ kind: "StartControlConnectionReply", resultCode: 1 }]);
  });

  test("won: nothing on the peer's connection, which it closes, or we at the deadline", () => {
    const { opening, bench } = collide(2, 1);
    expect(opening.told).toEqual([]);
    bench.receive("EchoRequest").receive("StartControlConnectionRequest");
    expect(bench.sent).toEqual([]);
    expect(bench.told).toEqual([]);
    bench.pass(control.startDeadlineMs);
    expect(bench.told).toEqual([{ kind: "Close", cause: "control-timeout" }]);
    expect(bench.sent).toEqual([]);
  });

  test("one address for both ends, or none opening: no collision", () => {
    expect(collide(3, 3).bench.sent).toMatchObject([{ resultCode: 1 }]);
    const other = new Bench({ side: "opened" }).established();
    const options = { localAddress: 2, peerAddress: 1, opening: () => other.connection };
    const bench = new Bench({}, options).receive("StartControlConnectionRequest");
    expect(bench.sent).toMatchObject([{ resultCode: 1 }]);
    expect(other.told).toEqual([]);
  });
});
