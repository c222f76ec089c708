import { readFileSync, statSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { parseIpv4 } from "../../src/base/ip.js";
import { ntPasswordHash } from "../../src/crypto/ms-chap.js";
import { access } from "../../src/limits.js";
import type { NewAccount } from "../../src/store/port.js";
import { opened, place, value, why } from "./stores.js";

const ip = (text: string) => parseIpv4(text)!;
const prefix = (text: string) => {
  const [address, length] = text.split("/");
  return { address: ip(address!), length: Number(length) };
};
const range = (first: string, last: string) => ({ first: ip(first), last: ip(last) });

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
        routes: [prefix("192.168.7.0/24")],
        sessionsMax: 3,
        atSessionLimit: "end-oldest",
        hours: "mon-fri 08:00-18:00",
        octetsMax: 2 ** 40,
        dialIn: false,
      }),
    );
    expect(changed).toMatchObject({ sessionsMax: 3, octetsMax: 2 ** 40, dialIn: false });
    expect(changed.routes).toEqual([prefix("192.168.7.0/24")]);
    const cleared = await value(
      accounts.update("anna", { staticAddress: undefined, routes: [], hours: undefined }),
    );
    expect(cleared).toMatchObject({ staticAddress: undefined, routes: [], sessionsMax: 3 });
    expect((await value(accounts.disable("anna"))).enabled).toBe(false);
    expect((await value(accounts.enable("anna"))).enabled).toBe(true);
    expect((await value(accounts.list())).map(({ name }) => name)).toEqual(["anna"]);
    expect(await value(accounts.count())).toBe(1);
    expect((await value(accounts.remove("anna"))).name).toBe("anna");
    expect(await value(accounts.find("anna"))).toBeUndefined();
  });

  it("an account made anew never has a removed one's id", async () => {
    const first = await value(accounts.add({ name: "ida", password: "x" }));
    await value(accounts.remove("ida"));
    const second = await value(accounts.add({ name: "ida", password: "x" }));
    expect(second.accountId).toBeGreaterThan(first.accountId);
    await value(accounts.remove("ida"));
  });

  it("listed in pages by name", async () => {
    for (const name of ["c", "a", "b"]) await value(accounts.add({ name, password: "x" }));
    const page = async (after?: string) =>
      (await value(accounts.list({ most: 2, ...(after === undefined ? {} : { after }) }))).map(
        ({ name }) => name,
      );
    expect(await page()).toEqual(["a", "b"]);
    expect(await page("b")).toEqual(["c"]);
    for (const name of ["c", "a", "b"]) await value(accounts.remove(name));
  });

  it("what can't be done is refused by reason, and changes nothing", async () => {
    await value(accounts.add({ name: "bob", password: "pw" }));
    expect(await why(accounts.add({ name: "bob", password: "other" }))).toBe("exists");
    expect(await why(accounts.add({ name: "a\nb", password: "x" }))).toBe("bad-name");
    expect(await why(accounts.add({ name: "x".repeat(257), password: "x" }))).toBe("bad-name");
    expect(await why(accounts.add({ name: "eve", password: "" }))).toBe("bad-password");
    expect(await why(accounts.add({ name: "eve", password: "x", hours: "?" }))).toBe("bad-terms");
    expect(await why(accounts.setPassword("bob", "a\0"))).toBe("bad-password");
    expect(await why(accounts.update("bob", { octetsMax: -1 }))).toBe("bad-terms");
    for (const refused of [
      accounts.setPassword("nobody", "x"),
      accounts.disable("nobody"),
      accounts.enable("nobody"),
      accounts.remove("nobody"),
      accounts.update("nobody", {}),
    ]) {
      expect(await why(refused)).toBe("unknown-account");
    }
    const found = await value(accounts.secrets(["bob", "bob"]));
    expect(found?.ntHash).toEqual(ntPasswordHash("pw"));
    expect(await value(accounts.find("eve"))).toBeUndefined();
    await value(accounts.remove("bob"));
  });

  it("an update that would end before an unchanged begin is refused", async () => {
    await value(accounts.add({ name: "vera", password: "x", validFrom: 1_000 }));
    expect(await why(accounts.update("vera", { validUntil: 999 }))).toBe("bad-terms");
    await value(accounts.remove("vera"));
  });

  it("names are one in any normal form, and case is significant", async () => {
    await value(accounts.add({ name: "Ju\u0308rgen", password: "x" }));
    expect((await value(accounts.find("J\u00fcrgen")))?.name).toBe("J\u00fcrgen");
    expect(await value(accounts.find("j\u00fcrgen"))).toBeUndefined();
    await value(accounts.remove("J\u00fcrgen"));
  });

  it("of DOMAIN\\user and user the log-in gets the closer one", async () => {
    await value(accounts.add({ name: "tom", password: "one" }));
    const ask = async () =>
      (await value(accounts.secrets(["ACME\\tom", "tom"])))?.account.name ?? "none";
    expect(await ask()).toBe("tom");
    await value(accounts.add({ name: "ACME\\tom", password: "two" }));
    expect(await ask()).toBe("ACME\\tom");
    await value(accounts.remove("tom"));
    await value(accounts.remove("ACME\\tom"));
  });
});

describe("addresses of accounts", async () => {
  const store = await opened(place());
  const { accounts } = store;
  afterAll(() => store.close());
  await value(
    store.configure({
      keepClearText: false,
      reserved: [
        { ...range("10.0.0.1", "10.0.0.200"), kind: "pool", whose: "the pool" },
        { ...range("10.0.0.1", "10.0.0.1"), kind: "own", whose: "the gateway" },
      ],
    }),
  );
  const add = (name: string, more: Partial<NewAccount>) =>
    accounts.add({ name, password: "x", ...more });
  await value(add("r", { staticAddress: ip("10.0.0.5"), routes: [prefix("192.168.1.0/24")] }));

  it.each([
    ["another's static address", { staticAddress: ip("10.0.0.5") }, "address-taken"],
    ["the gateway's address", { staticAddress: ip("10.0.0.1") }, "address-taken"],
    ["an address in another's route", { staticAddress: ip("192.168.1.9") }, "address-taken"],
    ["another's route", { routes: [prefix("192.168.1.0/24")] }, "routes-overlap"],
    ["a part of it", { routes: [prefix("192.168.1.128/25")] }, "routes-overlap"],
    ["more than it", { routes: [prefix("192.168.0.0/16")] }, "routes-overlap"],
    ["a route over the pool", { routes: [prefix("10.0.0.128/25")] }, "routes-overlap"],
    ["a route over a static address", { routes: [prefix("10.0.0.4/31")] }, "routes-overlap"],
    ["host bits", { routes: [prefix("172.16.0.1/24")] }, "routes-overlap"],
    ["all the world", { routes: [prefix("0.0.0.0/1")] }, "bad-terms"],
    [
      "two that overlap",
      { routes: [prefix("172.16.0.0/24"), prefix("172.16.0.0/16")] },
      "routes-overlap",
    ],
    [
      "the account's own address",
      { staticAddress: ip("172.16.0.1"), routes: [prefix("172.16.0.0/24")] },
      "routes-overlap",
    ],
  ] as const)("%s: refused, and no account is left", async (_, more, reason) => {
    expect(await why(add("s", more))).toBe(reason);
    expect(await value(accounts.find("s"))).toBeUndefined();
    await value(add("s", {}));
    expect(await why(accounts.update("s", more))).toBe(reason);
    expect(await value(accounts.find("s"))).toMatchObject({ staticAddress: undefined, routes: [] });
    await value(accounts.remove("s"));
  });

  it("a static address in the pool is fine, and listed to be kept out of it", async () => {
    const { accountId } = await value(add("t", { staticAddress: ip("10.0.0.6") }));
    expect(await value(accounts.staticAddresses())).toContainEqual({
      accountId,
      address: ip("10.0.0.6"),
    });
    await value(accounts.remove("t"));
  });

  it("an account keeps its own routes in an update, and gives them free when removed", async () => {
    const mine = [prefix("192.168.1.0/24"), prefix("192.168.2.0/24")];
    expect((await value(accounts.update("r", { routes: mine }))).routes).toEqual(mine);
    await value(accounts.update("r", { routes: [mine[0]!] }));
    await value(add("u", { routes: [mine[1]!] }));
    await value(accounts.remove("u"));
  });

  it("at most routesPerAccountMax routes", async () => {
    const routes = Array.from({ length: access.routesPerAccountMax }, (_, i) => ({
      address: ip("172.20.0.0") + 256 * i,
      length: 24,
    }));
    await value(add("v", { routes }));
    const more = [...routes, prefix("172.30.0.0/24")];
    expect(await why(accounts.update("v", { routes: more }))).toBe("bad-terms");
    await value(accounts.remove("v"));
  });

  it("new terms of the server say which accounts clash with them", async () => {
    const { clashes } = await value(
      store.configure({
        keepClearText: false,
        reserved: [
          { ...range("192.168.1.7", "192.168.1.7"), kind: "own", whose: "the address of eth0" },
          { ...range("10.0.0.5", "10.0.0.5"), kind: "own", whose: "the gateway" },
        ],
      }),
    );
    expect(clashes).toEqual([
      "r: the route 192.168.1.0/24 overlaps the address of eth0",
      "r: the static address 10.0.0.5 lies in the gateway",
    ]);
  });
});

describe("secrets of accounts", () => {
  it("only the NT hash is kept unless clear text is needed, and is erased when no longer", async () => {
    const where = place();
    const store = await opened(where);
    const { accounts } = store;
    await value(store.configure({ keepClearText: false, reserved: [] }));
    await value(accounts.add({ name: "anna", password: "Zwölf-Boxkämpfer" }));
    expect((await value(accounts.find("anna")))?.hasClearText).toBe(false);
    await value(store.configure({ keepClearText: true, reserved: [] }));
    expect((await value(accounts.secrets(["anna", "anna"])))?.clearText).toBeUndefined();
    await value(accounts.setPassword("anna", "Zwölf-Boxkämpfer"));
    expect((await value(accounts.secrets(["anna", "anna"])))?.clearText).toBe("Zwölf-Boxkämpfer");
    const terms = await value(store.configure({ keepClearText: false, reserved: [] }));
    expect(terms.clearTextsErased).toBe(1);
    const kept = await value(accounts.secrets(["anna", "anna"]));
    expect(kept?.clearText).toBeUndefined();
    expect(kept?.ntHash).toEqual(ntPasswordHash("Zwölf-Boxkämpfer"));
    await store.close();
    const file = readFileSync(where.databasePath);
    expect(file.includes("Zwölf-Boxkämpfer")).toBe(false);
    expect(file.includes(Buffer.from(ntPasswordHash("Zwölf-Boxkämpfer")))).toBe(false);
    expect(file.includes(readFileSync(where.keyPath, "latin1").slice(15, 79))).toBe(false);
  });

  it("database and key are 0600, in directories of their own", async () => {
    const where = place();
    const before = process.umask(0);
    try {
      const store = await opened(where);
      await value(store.accounts.add({ name: "a", password: "b" }));
      const modes = [where.databasePath, `${where.databasePath}-wal`, where.keyPath].map(
        (path) => statSync(path).mode & 0o777,
      );
      expect(modes).toEqual([0o600, 0o600, 0o600]);
      await store.close();
    } finally {
      process.umask(before);
    }
  });
});
