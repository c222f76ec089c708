/** 3: an account's own rates. NULL: the server's default; 0: no limit. */
export const rates = `
ALTER TABLE accounts ADD COLUMN up_bits_per_second INTEGER CHECK (up_bits_per_second >= 0);
ALTER TABLE accounts ADD COLUMN down_bits_per_second INTEGER CHECK (down_bits_per_second >= 0);
`;
