/** 7: blocks of networks: the source's length, 32 for one address. */
export const blockNetworks = `
CREATE TABLE blocks_of_networks (
  source INTEGER NOT NULL CHECK (source BETWEEN 0 AND 4294967295),
  length INTEGER NOT NULL CHECK (length BETWEEN 0 AND 32),
  reason TEXT NOT NULL,
  since INTEGER NOT NULL,
  until INTEGER NOT NULL,
  times INTEGER NOT NULL CHECK (times >= 0),
  PRIMARY KEY (source, length)
) STRICT;
INSERT INTO blocks_of_networks SELECT source, 32, reason, since, until, times FROM blocks;
DROP TABLE blocks;
ALTER TABLE blocks_of_networks RENAME TO blocks;
CREATE INDEX blocks_by_until ON blocks (until);
`;
