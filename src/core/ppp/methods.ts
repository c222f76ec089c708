// Which machine does which authentication method, in which role.
import type { AuthenticationMethod } from "../access/ports.js";
import type { Authentication, AuthenticationUser } from "./authentication.js";
import { ChapAuthenticator } from "./chap-authenticator.js";
import { ChapPeer } from "./chap-peer.js";
import type { PppContext } from "./context.js";
import { PapAuthenticator } from "./pap-authenticator.js";
import { PapPeer } from "./pap-peer.js";
import type { PppCredentials } from "./ports.js";

/** Undefined: a peer without credentials has nothing to answer with. */
export function authenticationOf(
  method: AuthenticationMethod,
  context: PppContext,
  user: AuthenticationUser,
  credentials: PppCredentials | undefined,
): Authentication | undefined {
  if (context.role === "authenticator") {
    if (method === "pap") return new PapAuthenticator(context, user);
    return new ChapAuthenticator(method, context, user);
  }
  if (credentials === undefined) return undefined;
  if (method === "pap") return new PapPeer(context, user, credentials);
  return new ChapPeer(method, context, user, credentials);
}
