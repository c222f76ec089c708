// Console users and tokens over a restart.
import { expect, test } from "vitest";
import { opened, place, value } from "./stores.js";

test("users and tokens are there again after a restart; the newer of one name counts", async () => {
  const where = place();
  const first = await opened(where);
  const user = {
    name: "ann",
    role: "viewer",
    verifier: "scrypt$…",
    enabled: true,
    createdAt: 1,
    changedAt: 1,
  };
  const token = { name: "prometheus", role: "metrics", digest: "abc", createdAt: 1, expiresAt: 9 };
  await value(first.console.putUser(user));
  await value(first.console.putUser({ ...user, verifier: "scrypt$other", changedAt: 2 }));
  await value(first.console.putUser({ ...user, name: "bob", enabled: false }));
  await value(first.console.putToken(token));
  await first.close();
  const second = await opened(where);
  const kept = { ...user, verifier: "scrypt$other", changedAt: 2 };
  expect(await value(second.console.users())).toEqual([
    kept,
    { ...user, name: "bob", enabled: false },
  ]);
  expect(await value(second.console.tokens())).toEqual([token]);
  await value(second.console.removeUser("bob"));
  await value(second.console.removeToken("prometheus"));
  expect(await value(second.console.users())).toEqual([kept]);
  expect(await value(second.console.tokens())).toEqual([]);
  await second.close();
});
