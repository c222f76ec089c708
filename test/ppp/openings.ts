// How real peers begin PPP, as packets. All are RECONSTRUCTED from published logs and sources, none
// was captured here: each option says where its value is from.
//  [S]  read in the peer's source or log (CONFORMANCE §6: Windows/RRAS logs, pppd, mpd, accel-ppp)
//  [K]  general knowledge, not looked up
// Whatever is not named there (Magic-Numbers, challenges, identifiers) is arbitrary.

export type Opening = {
  readonly peer: string;
  readonly source: string;
  /** First Identifier the peer uses for LCP. */
  readonly firstIdentifier: number;
  /** Options of its first LCP Configure-Request. */
  readonly lcp: string;
  /** What we reject of them, as the peer then leaves it out. */
  readonly lcpRejected: string;
  /** LCP packets it sends besides, once LCP is Opened: code and data. */
  readonly lcpBesides: readonly { readonly code: number; readonly data: string }[];
  readonly ccp: string;
  readonly ccpRejected: string;
  /** Its CCP options after our Nak or Reject. */
  readonly ccpAgreed: string;
  readonly ipcp: string;
  readonly ipcpRejected: string;
  /** Sends IPCP before CCP is Opened. */
  readonly ipcpFirst: boolean;
};

// MRU 1400, Magic-Number, PFC, ACFC, Callback CBCP, MRRU 1614, Endpoint-Discriminator local with 20
// octets; first Identifier 0; drops CBCP and MRRU after a Reject [S].
const WINDOWS_LCP =
  "01040578" +
  "05063a5b7c01" +
  "0702" +
  "0802" +
  "0d0306" +
  "1104064e" +
  `131701${"a1b2c3d4e5f60718293a4b5c6d7e8f9001020304"}`;
const WINDOWS_LCP_REJECTED = "0d03061104064e";
// "MSRASV5.xx" and "MSRAS-0-NAME" in two Identification packets [K].
const windowsIdentification = (version: string) =>
  [`MSRASV${version}`, "MSRAS-0-DESKTOP"].map((text) => ({
    code: 12,
    data: `3a5b7c01${Buffer.from(text, "latin1").toString("hex")}`,
  }));

const windows = (name: string, version: string): Opening => ({
  peer: name,
  source: "reconstructed: LCP [S] Windows/RRAS logs; Identification, CCP bits [K]",
  firstIdentifier: 0,
  lcp: WINDOWS_LCP,
  lcpRejected: WINDOWS_LCP_REJECTED,
  lcpBesides: windowsIdentification(version),
  // H + S + M + L + C [K]: all strengths, and compression.
  ccp: "1206010000e1",
  ccpRejected: "",
  ccpAgreed: "120601000040",
  // Address, DNS, NBNS, second DNS, second NBNS, all zero [K].
  ipcp: "030600000000810600000000820600000000830600000000840600000000",
  ipcpRejected: "820600000000830600000000840600000000",
  ipcpFirst: false,
});

export const OPENINGS: readonly Opening[] = [
  windows("Windows XP", "5.10"),
  windows("Windows 7", "6.10"),
  windows("Windows 10", "6.40"),
  {
    peer: "FreeBSD mpd 5",
    source: "reconstructed: ACCM 000a0000, MRU 1500 [S]; the rest [K]",
    firstIdentifier: 1,
    lcp: "0206000a0000" + "010405dc" + "0506deadbeef" + "0702" + "0802",
    lcpRejected: "",
    lcpBesides: [],
    // H and all strengths it supports [K].
    ccp: "1206010000e0",
    ccpRejected: "",
    ccpAgreed: "120601000040",
    // VJ compression (16 slots, with slot compression) and an address [K].
    ipcp: "0306000000000206002d0f01",
    ipcpRejected: "0206002d0f01",
    ipcpFirst: false,
  },
  {
    peer: "MikroTik RouterOS",
    source:
      "reconstructed: MRU 1450 [S] vendor document; IPCP before CCP [S] accel-ppp #353; rest [K]",
    firstIdentifier: 1,
    lcp: "010405aa" + "050601020304",
    lcpRejected: "",
    lcpBesides: [],
    ccp: "120601000060",
    ccpRejected: "",
    ccpAgreed: "120601000040",
    ipcp: "030600000000810600000000830600000000",
    ipcpRejected: "830600000000",
    ipcpFirst: true,
  },
  {
    peer: "Android (pppd)",
    source: "reconstructed: asyncmap 0, magic, pcomp, accomp, VJ, DNS, deflate/BSD [S] pppd logs",
    firstIdentifier: 1,
    lcp: "020600000000" + "0506c0ffee01" + "0702" + "0802",
    lcpRejected: "",
    lcpBesides: [],
    ccp: "120601000040" + "1a047800" + "18047800" + "15032f",
    ccpRejected: "1a0478001804780015032f",
    ccpAgreed: "120601000040",
    ipcp: "0306000000000206002d0f01" + "810600000000" + "830600000000",
    ipcpRejected: "0206002d0f01" + "830600000000",
    ipcpFirst: false,
  },
];
