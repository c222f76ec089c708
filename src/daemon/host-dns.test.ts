import { expect, test } from "vitest";
import { parseIpv4 } from "../base/ip.js";
import { nameServers } from "./host-dns.js";

test("loopback stubs, IPv6 and rubbish are left out, two are taken", () => {
  const text = `
# comment
nameserver 127.0.0.53
nameserver ::1
nameserver 192.0.2.53
  nameserver 192.0.2.54 # behind
nameserver 192.0.2.55
nameserver 999.1.1.1
`;
  expect(nameServers(text)).toEqual([parseIpv4("192.0.2.53"), parseIpv4("192.0.2.54")]);
});

test("none: an empty list", () => expect(nameServers("options edns0\n")).toEqual([]));
