import { describe, expect, test } from "vitest";
import { parseIpv4 } from "../../src/base/ip.js";
import * as ip from "../../src/os/ip.js";
import { localIpv4Addresses } from "../../src/os/local-addresses.js";
import { held, isRoot, Namespace } from "./namespace.js";

const GATEWAY = parseIpv4("10.99.0.1")!;
const pool = { family: 4, address: parseIpv4("10.99.0.0")!, length: 24 } as const;

/** A cable in a namespace; every `ip` of the test is started in there. */
function site() {
  const namespace = new Namespace();
  namespace.ip("link", "add", "hf0", "type", "veth", "peer", "name", "hf1");
  namespace.ip("link", "set", "hf1", "up");
  return namespace;
}

describe.runIf(isRoot)("ip", () => {
  test("address, link, MTU and route as asked, told as ours, gone after the deletion", async () => {
    using namespace = site();
    const changes = new ip.IpChanges();
    const apply = (list: ip.IpChange[]) => inside(namespace, () => changes.apply(list));
    const address = { family: 4, address: GATEWAY, length: 32 } as const;
    const outside = { family: 4, address: parseIpv4("203.0.113.0")!, length: 24 } as const;
    expect(
      await apply([
        { kind: "AddAddress", device: "hf0", address },
        { kind: "LinkUp", device: "hf0", mtu: 1400 },
        { kind: "AddRoute", device: "hf0", to: pool, source: GATEWAY },
      ]),
    ).toBeUndefined();
    expect(await apply([{ kind: "AddRoute", device: "hf0", to: outside }])).toBeUndefined();
    const links = held(await inside(namespace, ip.listLinks));
    expect(links.find(({ name }) => name === "hf0")).toMatchObject({ mtu: 1400, up: true });
    const addresses = held(await inside(namespace, ip.listAddresses));
    expect(addresses.filter(({ device, family }) => device === "hf0" && family === 4)).toEqual([
      {
        device: "hf0",
        family: 4,
        address: "10.99.0.1",
        length: 32,
        scope: "global",
        peer: undefined,
      },
    ]);
    const routes = () => inside(namespace, () => ip.listRoutes(4, "hf0")).then(held);
    const ours = { family: 4, device: "hf0", gateway: undefined, protocol: ip.ROUTE_PROTOCOL };
    expect(await routes()).toEqual([
      { ...ours, to: "10.99.0.0/24", source: "10.99.0.1" },
      { ...ours, to: "203.0.113.0/24", source: undefined },
    ]);
    expect(await apply([{ kind: "DeleteRoute", device: "hf0", to: pool }])).toBeUndefined();
    expect((await routes()).map(({ to }) => to)).toEqual(["203.0.113.0/24"]);
  });

  test("failures by their name: twice, not there, no such device", async () => {
    using namespace = site();
    const changes = new ip.IpChanges();
    const apply = (list: ip.IpChange[]) => inside(namespace, () => changes.apply(list));
    const add: ip.IpChange = { kind: "AddRoute", device: "hf0", to: pool };
    await apply([{ kind: "LinkUp", device: "hf0", mtu: 1400 }, add]);
    expect(await apply([add])).toMatchObject({ kind: "OsError", errno: "EEXIST" });
    expect(
      await apply([
        { ...add, kind: "DeleteRoute" },
        { ...add, kind: "DeleteRoute" },
      ]),
    ).toMatchObject({
      call: "ip route delete 10.99.0.0/24 dev hf0 protocol 147",
      errno: "ESRCH",
    });
    expect(await apply([{ ...add, device: "none" }])).toMatchObject({ errno: "ENODEV" });
    expect(await apply([{ ...add, device: "hf0 via 1.2.3.4" }])).toMatchObject({ errno: "EINVAL" });
  });

  test("proxy neighbours are ours by their protocol", async () => {
    using namespace = site();
    namespace.ip("neigh", "add", "proxy", "10.99.0.8", "dev", "hf0");
    const changes = new ip.IpChanges();
    const apply = (list: ip.IpChange[]) => inside(namespace, () => changes.apply(list));
    const add = { kind: "AddProxyNeighbour", device: "hf0", address: GATEWAY } as const;
    expect(await apply([add])).toBeUndefined();
    const listed = () => inside(namespace, ip.listProxyNeighbours).then(held);
    const rows = (await listed()).sort((a, b) => (a.address < b.address ? -1 : 1));
    expect(rows).toEqual([
      { address: "10.99.0.1", device: "hf0", protocol: ip.ROUTE_PROTOCOL },
      { address: "10.99.0.8", device: "hf0", protocol: 0 },
    ]);
    expect(await apply([{ ...add, kind: "DeleteProxyNeighbour" }])).toBeUndefined();
    expect(await listed()).toHaveLength(1);
  });

  test("local addresses of interfaces that are up", () => {
    using namespace = site();
    namespace.ip("addr", "add", "192.0.2.5/24", "dev", "hf0");
    namespace.ip("link", "set", "hf0", "up");
    const found = namespace.inside(localIpv4Addresses);
    expect(found).toContainEqual({ device: "hf0", address: parseIpv4("192.0.2.5") });
  });
});

/** Children are started in the call's first turn or a later one: inside for all of it. */
async function inside<T>(namespace: Namespace, body: () => Promise<T>): Promise<T> {
  using _inside = namespace.entered();
  return await body();
}
