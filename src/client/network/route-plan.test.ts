import { describe, expect, test } from "vitest";
import { changeWords } from "../../os/ip.js";
import { needsPin, pinChange, type RouteWish, routeChanges } from "./route-plan.js";

const server = 0xc0000201;
const prefix = (address: number, length: number) => ({ address, length });

describe("the server's own route", () => {
  test.each([
    ["none", false],
    ["default", true],
    [[prefix(0x0a000000, 8)], false],
    [[prefix(0x0a000000, 8), prefix(0xc0000200, 24)], true],
    [[prefix(server, 32)], true],
  ] satisfies [RouteWish, boolean][])("%j: pinned %s", (wish, pinned) => {
    expect(needsPin(wish, server)).toBe(pinned);
  });

  test("by a gateway, or on the link", () => {
    const pin = { device: "eth0", to: server, via: 0xc6336401 };
    const words = (via: number | undefined) =>
      changeWords(pinChange("AddRoute", { ...pin, via })).join(" ");
    expect(words(pin.via)).toBe("route add 192.0.2.1/32 via 198.51.100.1 dev eth0 protocol 147");
    expect(words(undefined)).toBe("route add 192.0.2.1/32 dev eth0 protocol 147");
  });
});

test("everything: two halves, before a default route that stays", () => {
  const lines = routeChanges("AddRoute", "default", "tun0").map((one) =>
    changeWords(one).join(" "),
  );
  expect(lines).toEqual([
    "route add 0.0.0.0/1 dev tun0 protocol 147",
    "route add 128.0.0.0/1 dev tun0 protocol 147",
  ]);
});
