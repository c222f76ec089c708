// Blocked sources over a restart.
import { expect, test } from "vitest";
import { hostPrefix } from "../../src/base/range4.js";
import { opened, place, value } from "./stores.js";

test("blocks are there again after a restart; the newer of one source counts, ended ones go", async () => {
  const where = place();
  const first = await opened(where);
  const source = hostPrefix(0xcb007107);
  const block = { source, reason: "failed log-ins", since: 1, until: 10.5, times: 1 };
  await value(first.blocks.put(block));
  await value(first.blocks.put({ ...block, since: 20, until: 40, times: 2 }));
  await value(first.blocks.put({ ...block, source: hostPrefix(1), until: 15 }));
  await value(first.blocks.put({ ...block, source: hostPrefix(2), until: 99, since: 30 }));
  const network = { address: 0xcb007100, length: 24 };
  await value(first.blocks.put({ ...block, source: network, until: 98, since: 31 }));
  await first.close();
  const second = await opened(where);
  await value(second.blocks.prune(16, 10));
  const kept = await value(second.blocks.list(10));
  expect(kept.map(({ source, until, times }) => [source, until, times])).toEqual([
    [source, 40, 2],
    [hostPrefix(2), 99, 1],
    [network, 98, 1],
  ]);
  await value(second.blocks.remove(hostPrefix(2)));
  await value(second.blocks.remove(hostPrefix(network.address)));
  expect(await value(second.blocks.list(10))).toHaveLength(2);
  expect(await value(second.blocks.list(1))).toMatchObject([{ source: network }]);
  await value(second.blocks.prune(16, 1));
  expect(await value(second.blocks.list(10))).toMatchObject([{ source: network }]);
  await second.close();
});
