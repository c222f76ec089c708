// RFC 1332 §3, RFC 1877 §1: IPCP's options.

export const IpcpOption = {
  /** Deprecated (RFC 1332 §3.1). */
  ipAddresses: 1,
  /** Van Jacobson header compression. */
  ipCompressionProtocol: 2,
  ipAddress: 3,
  primaryDns: 129,
  primaryNbns: 130,
  secondaryDns: 131,
  secondaryNbns: 132,
} as const;
