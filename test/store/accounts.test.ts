import { afterAll, describe, expect, it } from "vitest";
import { parseIpv4 } from "../../src/base/ip.js";
import { opened, place, value, why } from "./stores.js";

const ip = (text: string) => parseIpv4(text)!;

describe("accounts", async () => {
  const where = place();
  const store = await opened(where);
  const { accounts } = store;
  afterAll(() => store.close());

  it("added, found, listed, changed, removed", async () => {
    const added = await value(accounts.add({ name: "anna", password: "pw-1" }));
    expect(added).toMatchObject({ name: "anna", enabled: true, dialIn: true, routes: [] });
    expect(await value(accounts.find("anna"))).toEqual(added);
    const changed = await value(
      accounts.update("anna", {
        staticAddress: ip("10.9.0.7"),
        routes: [{ address: ip("192.168.7.0"), length: 24 }],
        sessionsMax: 3,
        atSessionLimit: "end-oldest",
        hours: "mon-fri 08:00-18:00",
        octetsMax: 2 ** 40,
        dialIn: false,
      }),
    );
    expect(changed).toMatchObject({ sessionsMax: 3, octetsMax: 2 ** 40, dialIn: false });
    expect(changed.routes).toEqual([{ address: ip("192.168.7.0"), length: 24 }]);
    const cleared = await value(
      accounts.update("anna", { staticAddress: undefined, routes: [], hours: undefined }),
    );
    expect(cleared).toMatchObject({ staticAddress: undefined, routes: [], sessionsMax: 3 });
    expect((await value(accounts.disable("anna"))).enabled).toBe(false);
    expect((await value(accounts.enable("anna"))).enabled).toBe(true);
    expect((await value(accounts.list())).map(({ name }) => name)).toEqual(["anna"]);
    expect((await value(accounts.remove("anna"))).name).toBe("anna");
    expect(await value(accounts.find("anna"))).toBeUndefined();
  });
});
