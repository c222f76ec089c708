/** A Call ID by who assigned it (RFC 2637 §2.7 to §2.15), so that a swap does not compile. */
export type PnsCallId = number & { readonly assignedBy: "PNS" };
export type PacCallId = number & { readonly assignedBy: "PAC" };
