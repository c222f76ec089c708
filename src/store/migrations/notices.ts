/** 9: notices that wait to be sent. */
export const notices = `
CREATE TABLE notices (
  id INTEGER PRIMARY KEY CHECK (id > 0),
  notice TEXT NOT NULL CHECK (json_valid(notice))
) STRICT;
`;
