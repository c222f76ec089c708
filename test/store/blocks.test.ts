// Blocked sources over a restart.
import { expect, test } from "vitest";
import { opened, place, value } from "./stores.js";

test("blocks are there again after a restart; the newer of one source counts, ended ones go", async () => {
  const where = place();
  const first = await opened(where);
  const block = { source: 0xcb007107, reason: "failed log-ins", since: 1, until: 10.5, times: 1 };
  await value(first.blocks.put(block));
  await value(first.blocks.put({ ...block, since: 20, until: 40, times: 2 }));
  await value(first.blocks.put({ ...block, source: 1, until: 15 }));
  await value(first.blocks.put({ ...block, source: 2, until: 99, since: 30 }));
  await first.close();
  const second = await opened(where);
  await value(second.blocks.prune(16));
  const kept = await value(second.blocks.list());
  expect(kept.map(({ source, until, times }) => [source, until, times])).toEqual([
    [0xcb007107, 40, 2],
    [2, 99, 1],
  ]);
  await value(second.blocks.remove(2));
  expect(await value(second.blocks.list())).toHaveLength(1);
  await second.close();
});
