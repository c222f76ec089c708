/**
 * Put before a command: CAP_NET_RAW and no other capability. Still uid 0, so that it may read this
 * checkout wherever that lies; exec gives it no more than this.
 */
export const ONLY_NET_RAW = [
  "setpriv --no-new-privs --inh-caps=-all,+net_raw --ambient-caps=-all,+net_raw",
  "--bounding-set=-all,+net_raw --",
].join(" ");
