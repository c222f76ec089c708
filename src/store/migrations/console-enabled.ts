/** 11: console users that may not log in for now. */
export const consoleEnabled = `
ALTER TABLE console_users ADD COLUMN enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1));
`;
