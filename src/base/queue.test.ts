import fc from "fast-check";
import { expect, test } from "vitest";
import { Queue } from "./queue.js";

test("any order of push, shift and clear agrees with an array", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("push", "push", "shift", "clear")), (steps) => {
      const queue = new Queue<number>();
      let model: number[] = [];
      steps.forEach((step, at) => {
        if (step === "push") {
          queue.push(at);
          model.push(at);
        } else if (step === "shift") {
          expect(queue.peek()).toBe(model[0]);
          expect(queue.shift()).toBe(model.shift());
        } else {
          queue.clear();
          model = [];
        }
        expect(queue.size).toBe(model.length);
      });
    }),
  );
});

test("a queue that is never empty: the order stays, however many went through", () => {
  const queue = new Queue<number>();
  let pushed = 0;
  let shifted = 0;
  for (; pushed < 3_000; pushed++) queue.push(pushed);
  while (shifted < 20_000) {
    expect(queue.shift()).toBe(shifted++);
    if (shifted % 7 !== 0) queue.push(pushed++);
    if (queue.size < 10) for (let more = 0; more < 50; more++) queue.push(pushed++);
    expect(queue.size).toBe(pushed - shifted);
  }
});
