// What helps when mail cannot be sent: by what Node, OpenSSL and the mail server say of it, the key of the
// configuration to look at.
import type { Config } from "../config/resolve.js";

type Mail = Config["notices"]["mail"];

const untrusted = /self[- ]signed certificate|unable to (verify the first|get (local )?issuer)/i;

/** `message` is what went wrong; undefined: it says enough by itself. */
export function mailRemedy(message: string, { ca, tls }: Mail): string | undefined {
  if (untrusted.test(message)) {
    return ca === undefined
      ? "its certificate is of nobody this system trusts: name who signed it in notices.mail.ca"
      : "its certificate is not signed by who is in notices.mail.ca: put the right one there";
  }
  if (/certificate has expired/i.test(message)) {
    return "its certificate has ended: it needs a new one, or this host's clock is wrong";
  }
  if (/certificate is not yet valid/i.test(message)) {
    return "its certificate is of a later time: set this host's clock";
  }
  if (/does not match certificate's altnames/i.test(message)) {
    return "its certificate is for another name: write that one in notices.mail.server";
  }
  if (/wrong version number|packet length too long/i.test(message)) {
    return "it does not begin with TLS: write notices.mail.tls: starttls";
  }
  if (tls === "starttls" && /STARTTLS/.test(message)) {
    return "it offers no STARTTLS: write notices.mail.tls: on, with its port for that (often 465)";
  }
  if (/ECONNREFUSED|ENOTFOUND|EHOSTUNREACH|ENETUNREACH/.test(message)) {
    return "look at notices.mail.server and notices.mail.port";
  }
  if (/Invalid login/i.test(message)) {
    return "look at notices.mail.user and the password in notices.mail.passwordFile";
  }
  return undefined;
}

/** A port of TLS waits for the client's first octets, as the client of STARTTLS for the server's. */
export function tooSlow(tls: Mail["tls"]): string {
  const said = "the mail server was too slow";
  if (tls !== "starttls") return said;
  return `${said}; where its port begins with TLS (often 465), write notices.mail.tls: on`;
}
