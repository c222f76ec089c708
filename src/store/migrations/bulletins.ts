/** 8: bulletins of incidents, each whole with its revisions. */
export const bulletins = `
CREATE TABLE bulletins (
  number INTEGER PRIMARY KEY CHECK (number > 0),
  bulletin TEXT NOT NULL CHECK (json_valid(bulletin))
) STRICT;
`;
