// SOCKS 4 and 4A (the protocols' own notes; there is no RFC), a server's side: request and reply.
import { type Decoded, decoded, malformed } from "../../base/decoded.js";
import { type Reply, type Request, replies } from "./socks-message.js";

export const VERSION_4 = 4;
const FIXED_OCTETS = 8;
const GRANTED = 90;
const REJECTED = 91;

/** Undefined: there is more to come. The user's name is passed over: the proxy is its host's own. */
export function decodeRequest4(octets: Uint8Array): Decoded<Request> | undefined {
  const [version, command] = octets;
  if (version === undefined || command === undefined) return undefined;
  if (version !== VERSION_4) return malformed("VN", version);
  const userEnd = octets.indexOf(0, FIXED_OCTETS);
  if (userEnd < 0) return undefined;
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
  const port = view.getUint16(2);
  const address = view.getUint32(4);
  // 4A: 0.0.0.x, and the name comes last.
  if (address === 0 || address > 0xff) {
    const destination = { kind: "ipv4", address } as const;
    return decoded({ command, destination, port, octets: userEnd + 1 });
  }
  const nameEnd = octets.indexOf(0, userEnd + 1);
  if (nameEnd < 0) return undefined;
  if (nameEnd === userEnd + 1) return malformed("name", "empty");
  const name = Buffer.from(octets.subarray(userEnd + 1, nameEnd)).toString("utf8");
  const destination = { kind: "name", name } as const;
  return decoded({ command, destination, port, octets: nameEnd + 1 });
}

/** Of why it is refused, version 4 knows one word. */
export function encodeReply4(reply: Reply): Uint8Array {
  return Uint8Array.of(0, reply === replies.succeeded ? GRANTED : REJECTED, 0, 0, 0, 0, 0, 0);
}
