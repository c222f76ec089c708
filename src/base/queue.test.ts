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
