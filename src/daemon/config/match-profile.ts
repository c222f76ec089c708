// Which profile a caller gets: known from the TCP connection alone, before LCP settles how to log in.
import { type Ipv4, inPrefix4 } from "../../base/ip.js";
import type { Config, Profile } from "./resolve.js";

/** The first profile of the file that matches, else the default. */
export function profileFor(
  config: Pick<Config, "profiles" | "defaultProfile">,
  peerAddress: Ipv4,
  localAddress: Ipv4,
): Profile {
  return (
    config.profiles.find((one) => matches(one, peerAddress, localAddress)) ?? config.defaultProfile
  );
}

function matches(profile: Profile, peerAddress: Ipv4, localAddress: Ipv4): boolean {
  const from =
    profile.from.length === 0 || profile.from.some((prefix) => inPrefix4(peerAddress, prefix));
  return from && (profile.on.length === 0 || profile.on.includes(localAddress));
}
