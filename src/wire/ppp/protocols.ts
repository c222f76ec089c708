// RFC 1661 §2 and the IANA PPP numbers: the protocols this product speaks or has a rule about.

export const Protocol = {
  ipv4: 0x0021,
  multilink: 0x003d,
  ipv6: 0x0057,
  /** MPPE (RFC 3078 §3): "compressed" datagrams of CCP. */
  compressed: 0x00fd,
  ipcp: 0x8021,
  ipv6cp: 0x8057,
  ccp: 0x80fd,
  lcp: 0xc021,
  pap: 0xc023,
  cbcp: 0xc029,
  chap: 0xc223,
  eap: 0xc227,
} as const;

/** Largest information field a PPP link can always be expected to take (RFC 1661 §6.1). */
export const DEFAULT_MRU = 1_500;
