// Whom a storm may be aimed at: loopback; a server of this machine whose admin socket the caller can
// open, proven by a connection that ends in that very process; anybody else only by the caller's word.
import { connect } from "node:net";
import { formatIpv4, type Ipv4, inPrefix4, parseIpv4 } from "../base/ip.js";
import { storm as bounds } from "../limits/storm.js";
import { holdsConnection } from "../os/process-usage.js";

export type Target = {
  readonly server: Ipv4;
  readonly port: number;
  /** The caller answers for that address. */
  readonly operated: boolean;
  /** The process whose admin socket the caller can open. */
  readonly adminPid: number | undefined;
};

export type Aimed =
  | { readonly ok: true; readonly local: Ipv4 }
  | {
      readonly ok: false;
      readonly why: "refused" | "failed";
      readonly message: string;
      readonly remedy: string;
    };

const LOOPBACK = { address: 0x7f00_0000, length: 8 };
/** The server's accept may come a little after the connection is there. */
const LOOKS = 20;
const LOOK_MS = 50;

export function isLoopback(address: Ipv4): boolean {
  return inPrefix4(address, LOOPBACK);
}

/** One plain connection, which says where from, and where it ends. */
export async function aim(target: Target): Promise<Aimed> {
  const { server, port, operated, adminPid } = target;
  const where = `${formatIpv4(server)}:${port}`;
  const may = isLoopback(server) || operated;
  if (!may && adminPid === undefined) return refused(where, "no admin socket of its was opened");
  const socket = connect({ host: formatIpv4(server), port });
  try {
    const failure = await connected(socket);
    if (failure !== undefined) {
      const remedy = "see that the server runs there and listens";
      return { ok: false, why: "failed", message: `no connection to ${where}: ${failure}`, remedy };
    }
    const local = parseIpv4(socket.localAddress ?? "") ?? 0;
    if (may) return { ok: true, local };
    const ends = {
      address: formatIpv4(server),
      port,
      peersAddress: socket.localAddress ?? "",
      peersPort: socket.localPort ?? 0,
    };
    for (let look = 0; look < LOOKS; look++) {
      if (holdsConnection(adminPid ?? 0, ends)) return { ok: true, local };
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    return refused(where, `a connection there does not end in process ${adminPid}`);
  } finally {
    socket.destroy();
  }
}

function refused(where: string, why: string): Aimed {
  return {
    ok: false,
    why: "refused",
    message: `${where} is not known to be a server of yours (${why}): nothing was sent`,
    remedy:
      "storm loopback, or a server of this machine by --state, as its user or root; for another server that is yours: --i-operate-this-server",
  };
}

function connected(socket: ReturnType<typeof connect>): Promise<string | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve("no answer"), bounds.logInWithinMs);
    const settle = (failure: string | undefined) => {
      clearTimeout(timer);
      resolve(failure);
    };
    socket.once("connect", () => settle(undefined));
    socket.on("error", ({ message }) => settle(message));
  });
}
