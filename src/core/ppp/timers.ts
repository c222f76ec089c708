// The named timers of one PPP session: a fixed table, so that nothing can be left running unseen.
import type { Timers } from "../timers.js";

export type TimerName =
  | "lcp-restart"
  | "ccp-restart"
  | "ipcp-restart"
  | "ipv6cp-restart"
  /** A Challenge, Response or PAP request is sent again. */
  | "authentication-restart"
  /** The backend's answer. */
  | "verdict"
  /** The phase must be finished. */
  | "phase"
  | "echo"
  | "probe"
  /** What may be forged waits. */
  | "doubt"
  /** CCP Reset-Request is sent again. */
  | "reset";

export type PppTimers = Timers<TimerName>;
