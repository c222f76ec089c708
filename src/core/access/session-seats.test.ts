import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Claim, SessionSeats } from "./session-seats.js";

const BOB = 7;

function granted(answer: { kind: string; seat?: Disposable }): Disposable {
  expect(answer.kind).toBe("granted");
  return answer.seat!;
}

function asked(answer: { kind: string; claim?: Claim<string> }): Claim<string> {
  expect(answer.kind).toBe("ask-oldest");
  return answer.claim!;
}

describe("session seats", () => {
  it("below the limit: granted, and given back once", () => {
    const seats = new SessionSeats<string>();
    const seat = granted(seats.request(BOB, "a", 2));
    granted(seats.request(BOB, "b", 2));
    seat[Symbol.dispose]();
    seat[Symbol.dispose]();
    expect(seats.taken(BOB)).toBe(1);
    expect(seats.taken(8)).toBe(0);
  });
  it("at the limit the oldest is asked; silent: its seat goes to the new one", () => {
    const seats = new SessionSeats<string>();
    const a = granted(seats.request(BOB, "a", 2));
    granted(seats.request(BOB, "b", 2));
    const claim = asked(seats.request(BOB, "c", 2));
    expect(claim.oldest).toBe("a");
    granted(claim.decide(false, "refuse-new"));
    expect(seats.taken(BOB)).toBe(2);
    a[Symbol.dispose]();
    expect(seats.taken(BOB)).toBe(2);
    expect(asked(seats.request(BOB, "d", 2)).oldest).toBe("b");
  });
  it("alive: the policy decides", () => {
    const seats = new SessionSeats<string>();
    granted(seats.request(BOB, "a", 1));
    expect(asked(seats.request(BOB, "b", 1)).decide(true, "refuse-new").kind).toBe("refused");
    granted(asked(seats.request(BOB, "b", 1)).decide(true, "end-oldest"));
    expect(asked(seats.request(BOB, "c", 1)).oldest).toBe("b");
  });
  it("two claimants ask two sessions, a third of two is refused", () => {
    const seats = new SessionSeats<string>();
    granted(seats.request(BOB, "a", 2));
    granted(seats.request(BOB, "b", 2));
    expect(asked(seats.request(BOB, "c", 2)).oldest).toBe("a");
    expect(asked(seats.request(BOB, "d", 2)).oldest).toBe("b");
    expect(seats.request(BOB, "e", 2).kind).toBe("refused");
  });
  it("the claimant goes before the answer: the oldest can be asked again", () => {
    const seats = new SessionSeats<string>();
    granted(seats.request(BOB, "a", 1));
    const claim = asked(seats.request(BOB, "b", 1));
    claim[Symbol.dispose]();
    expect(claim.decide(false, "end-oldest").kind).toBe("refused");
    expect(asked(seats.request(BOB, "c", 1)).oldest).toBe("a");
  });
  it("the oldest ends by itself while asked: granted, unless another was quicker", () => {
    const seats = new SessionSeats<string>();
    const a = granted(seats.request(BOB, "a", 1));
    const claim = asked(seats.request(BOB, "b", 1));
    a[Symbol.dispose]();
    granted(claim.decide(false, "refuse-new"));

    const other = asked(seats.request(BOB, "c", 1));
    seats.request(BOB, "x", 5);
    expect(other.decide(true, "refuse-new").kind).toBe("refused");
  });
  it("the oldest ended and its seat was taken meanwhile: refused", () => {
    const seats = new SessionSeats<string>();
    const a = granted(seats.request(BOB, "a", 1));
    const claim = asked(seats.request(BOB, "b", 1));
    a[Symbol.dispose]();
    granted(seats.request(BOB, "c", 1));
    expect(claim.decide(false, "end-oldest").kind).toBe("refused");
    expect(seats.taken(BOB)).toBe(1);
  });
  it("property: never more seats than the limit, and none left after all ended", () => {
    const step = fc.record({
      what: fc.constantFrom("request", "decide", "drop", "end"),
      at: fc.nat(20),
      alive: fc.boolean(),
      policy: fc.constantFrom("refuse-new" as const, "end-oldest" as const),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step), (max, steps) => {
        const seats = new SessionSeats<number>();
        const held: Disposable[] = [];
        const claims: Claim<number>[] = [];
        for (const [number, { what, at, alive, policy }] of steps.entries()) {
          if (what === "request") {
            const answer = seats.request(BOB, number, max);
            if (answer.kind === "granted") held.push(answer.seat);
            if (answer.kind === "ask-oldest") claims.push(answer.claim);
          } else if (what === "end") {
            held.splice(at % Math.max(1, held.length), 1)[0]?.[Symbol.dispose]();
          } else {
            const [claim] = claims.splice(at % Math.max(1, claims.length), 1);
            if (what === "drop") claim?.[Symbol.dispose]();
            const answer = what === "decide" ? claim?.decide(alive, policy) : undefined;
            if (answer?.kind === "granted") held.push(answer.seat);
          }
          expect(seats.taken(BOB)).toBeLessThanOrEqual(max);
        }
        for (const seat of held) seat[Symbol.dispose]();
        expect(seats.taken(BOB)).toBe(0);
      }),
    );
  });
});
