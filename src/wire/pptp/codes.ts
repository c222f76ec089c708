// RFC 2637 §2: the values the RFC lists, by its words. A peer may send others: see field-table.ts.

/** Only 1.0 exists (RFC 2637 §2.1). */
export const PROTOCOL_VERSION = 0x0100;

/** §2.16; the Error Code is `none` unless the Result Code is `generalError`. */
export const GeneralError = {
  none: 0,
  notConnected: 1,
  badFormat: 2,
  badValue: 3,
  noResource: 4,
  badCallId: 5,
  pacError: 6,
} as const;

/** §2.2 */
export const StartResult = {
  successful: 1,
  generalError: 2,
  commandChannelExists: 3,
  notAuthorized: 4,
  versionNotSupported: 5,
} as const;

/** §2.3 */
export const StopReason = { none: 1, stopProtocol: 2, stopLocalShutdown: 3 } as const;

/** §2.4, §2.6 */
export const OkResult = { ok: 1, generalError: 2 } as const;

/** §2.8 */
export const OutgoingCallResult = {
  connected: 1,
  generalError: 2,
  noCarrier: 3,
  busy: 4,
  noDialTone: 5,
  timeOut: 6,
  doNotAccept: 7,
} as const;

/** §2.10 */
export const IncomingCallResult = { connect: 1, generalError: 2, doNotAccept: 3 } as const;

/** §2.13 */
export const DisconnectResult = {
  lostCarrier: 1,
  generalError: 2,
  adminShutdown: 3,
  request: 4,
} as const;

/** §2.7 */
export const BearerType = { analog: 1, digital: 2, any: 3 } as const;
/** §2.9 */
export const CallBearerType = { analog: 1, digital: 2 } as const;
/** §2.7 */
export const FramingType = { asynchronous: 1, synchronous: 2, either: 3 } as const;
/** §2.11 */
export const ConnectedFramingType = { asynchronous: 1, synchronous: 2 } as const;
