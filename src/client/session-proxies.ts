// Proxies of a program's session (docs/LIBRARY.md): they listen until they or the session end.
import { formatIpv4, parseIpv4 } from "../base/ip.js";
import type { Listen, Proxies, ProxyWish } from "./proxy/proxies.js";

export type ProxyPlace = {
  /** IPv4; 127.0.0.1 unless it is given. Whoever reaches another one uses the session. */
  readonly address?: string;
  /** One that is free unless it is given. */
  readonly port?: number;
};
export type ProxyPlaces = { readonly socks?: ProxyPlace; readonly http?: ProxyPlace };
export type ProxyListens = { readonly address: string; readonly port: number };

export class SessionProxies implements AsyncDisposable {
  readonly socks: ProxyListens | undefined;
  readonly http: ProxyListens | undefined;
  readonly #proxies: Proxies;

  /** Made by `session.proxies`. */
  constructor(proxies: Proxies) {
    const { socks, http } = proxies.listening;
    this.#proxies = proxies;
    this.socks = socks && shown(socks);
    this.http = http && shown(http);
  }

  /** No longer listens; its connections are reset. */
  close(): Promise<void> {
    return this.#proxies.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

export function wished({ socks, http }: ProxyPlaces): ProxyWish {
  if (socks === undefined && http === undefined)
    throw new TypeError("proxies: neither socks nor http is asked for: give one, as { socks: {} }");
  return {
    ...(socks && { socks: place("socks", socks) }),
    ...(http && { http: place("http", http) }),
  };
}

function place(kind: string, { address = "127.0.0.1", port = 0 }: ProxyPlace): Listen {
  const parsed = parseIpv4(address);
  if (parsed === undefined)
    throw new TypeError(`proxies: ${kind}.address: ${address} is not IPv4: give one, as 127.0.0.1`);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new TypeError(`proxies: ${kind}.port: ${port} is not from 0 (any that is free) to 65535`);
  return { address: parsed, port };
}

function shown({ address, port }: Listen): ProxyListens {
  return { address: formatIpv4(address), port };
}
