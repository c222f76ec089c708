/** 12: what was usual: the rates of past buckets, in a thousand seconds; each by when it was over (Unix ms). */
export const usualRates = `
CREATE TABLE usual_rates (
  at INTEGER PRIMARY KEY NOT NULL CHECK (at > 0),
  per_thousand_seconds INTEGER NOT NULL CHECK (per_thousand_seconds >= 0)
) STRICT;
`;
