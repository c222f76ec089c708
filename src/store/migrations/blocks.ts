/** 4: blocked sources, over a restart. Times are Unix ms. */
export const blocks = `
CREATE TABLE blocks (
  source INTEGER PRIMARY KEY CHECK (source BETWEEN 0 AND 4294967295),
  reason TEXT NOT NULL,
  since INTEGER NOT NULL,
  until INTEGER NOT NULL,
  times INTEGER NOT NULL CHECK (times >= 0)
) STRICT;
CREATE INDEX blocks_by_until ON blocks (until);
`;
