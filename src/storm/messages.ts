// What the bench and its two child processes tell each other: who streams, and who is honest. Apart, so
// that the stream's work is not taken for the server's slowness.
import type { Ipv4 } from "../base/ip.js";
import type { Credentials } from "./honest/ppp-peer.js";

/** A live call that packets may be forged into: from its peer, by the Call ID that the server gave. */
export type LiveCall = {
  readonly local: Ipv4;
  readonly callId: number;
  /** Its control connection's, at its peer. */
  readonly port: number;
};

export type ToStream =
  | {
      readonly kind: "begin";
      readonly scenario: string;
      readonly seed: number;
      readonly server: Ipv4;
      readonly port: number;
      readonly sources: readonly Ipv4[];
      /** GRE packets, or connections where the scenario makes those. */
      readonly perSecond: number;
      readonly seconds: number;
      /** For scenarios that log in. */
      readonly credentials: Credentials | undefined;
    }
  | { readonly kind: "live"; readonly calls: readonly LiveCall[] }
  | { readonly kind: "stop" };

/** So far in this scenario. */
export type Sent = {
  readonly packets: number;
  readonly octets: number;
  readonly connections: number;
  /** Of these, those that the server took. */
  readonly taken: number;
  /** Packets that the kernel had no room for. */
  readonly refused: number;
  /** Connections that the server closed. */
  readonly closed: number;
  /** Of the different ones there are, those that had their turn; left out: they have no end. */
  readonly turns?: { readonly had: number; readonly of: number };
  /** Of TCP segments in others' names: those within the server's window, and what it said to any of them. */
  readonly segments?: { readonly inWindow: number; readonly answered: number };
};

export type FromStream =
  | { readonly kind: "sent"; readonly sent: Sent }
  | { readonly kind: "done"; readonly sent: Sent }
  | { readonly kind: "failed"; readonly why: string };

export type ToCrew =
  | {
      readonly kind: "begin";
      readonly server: Ipv4;
      readonly port: number;
      /** Each session's own address, in turn. */
      readonly locals: readonly Ipv4[];
      readonly credentials: Credentials;
      readonly sessions: number;
      /** Of these, how many log in a second. */
      readonly ramp: number;
    }
  | { readonly kind: "logIns"; readonly on: boolean }
  /** Echoes that each session that stays has on the way, as fast as they come back; 0: one at its pace. */
  | { readonly kind: "load"; readonly outstanding: number }
  | { readonly kind: "end" };

export type FromCrew =
  /** As many as there will be are up. */
  | { readonly kind: "steady"; readonly why: readonly string[] }
  | { readonly kind: "live"; readonly calls: readonly LiveCall[] }
  | { readonly kind: "lost"; readonly why: string }
  | {
      readonly kind: "logIn";
      /** From the first try on; undefined: three tries failed. */
      readonly ms: number | undefined;
      /** Of the try that came up, alone. */
      readonly tryMs: number | undefined;
      /** Since it was begun. */
      readonly agoMs: number;
      readonly tries: number;
      readonly why: string;
    }
  | {
      readonly kind: "echoes";
      readonly answered: number;
      readonly unanswered: number;
      readonly spread: readonly number[];
    }
  /** No log-in is under way, none begins. */
  | { readonly kind: "quiet" }
  | { readonly kind: "ended" }
  | { readonly kind: "failed"; readonly why: string };
