/** 5: incidents. The report is what is shown of one; times in it are Unix ms. */
export const incidents = `
CREATE TABLE incidents (
  number INTEGER PRIMARY KEY CHECK (number > 0),
  open INTEGER NOT NULL CHECK (open IN (0, 1)),
  report TEXT NOT NULL CHECK (json_valid(report))
) STRICT;
`;
