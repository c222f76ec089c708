import { fc, test as property } from "@fast-check/vitest";
import { expect, test } from "vitest";
import { FlowSlots } from "./flow-slots.js";

test("all slots out: undefined, until one comes back", () => {
  const slots = new FlowSlots(2);
  const first = slots.lease()!;
  slots.lease();
  expect(slots.lease()).toBeUndefined();
  first.lease[Symbol.dispose]();
  expect(slots.lease()?.flow.slot).toBe(first.flow.slot);
});

test("a slot given again has another generation", () => {
  const slots = new FlowSlots(1);
  const { flow, lease } = slots.lease()!;
  lease[Symbol.dispose]();
  expect(slots.lease()?.flow).toEqual({ slot: flow.slot, generation: flow.generation + 1 });
});

test("given back twice: once", () => {
  const slots = new FlowSlots(2);
  const { lease } = slots.lease()!;
  lease[Symbol.dispose]();
  lease[Symbol.dispose]();
  expect(slots.lease()).toBeDefined();
  expect(slots.lease()).toBeDefined();
  expect(slots.lease()).toBeUndefined();
});

property.prop([fc.array(fc.nat(9), { maxLength: 200 })])(
  "whatever the order, no slot and no (slot, generation) is out twice",
  (choices) => {
    const slots = new FlowSlots(4);
    const out: NonNullable<ReturnType<FlowSlots["lease"]>>[] = [];
    const seen = new Set<string>();
    for (const choice of choices) {
      const taken = choice < 5 ? slots.lease() : undefined;
      if (taken !== undefined) {
        const { slot, generation } = taken.flow;
        expect(out.some(({ flow }) => flow.slot === slot)).toBe(false);
        expect(seen.has(`${slot} ${generation}`)).toBe(false);
        seen.add(`${slot} ${generation}`);
        out.push(taken);
      } else if (out.length > 0) {
        out.splice(choice % out.length, 1)[0]!.lease[Symbol.dispose]();
      }
      expect(out.length).toBeLessThanOrEqual(4);
    }
  },
);
