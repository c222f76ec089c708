// The console's own shapes: who may use it, and with which token. What the admin API's other shapes
// are is in contract.ts.
import * as z from "zod";

const unixMs = z.number().int();

/** Each may what those before it may. */
export const roles = ["viewer", "operator", "administrator"] as const;
export type Role = (typeof roles)[number];
const role = z.enum(roles);

/** Of console users and of tokens: nothing that a log, a page or an address would have to escape. */
export const consoleName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,31}$/);

/** In clear on its way here alone; what is kept is made by scrypt. */
const consolePassword = z.string().min(12).max(256);

export const newConsoleUserSchema = z.strictObject({
  name: consoleName,
  role,
  password: consolePassword,
});

export const consoleUserChangeSchema = z.strictObject({
  role: role.optional(),
  enabled: z.boolean().optional(),
});

export const consolePasswordSchema = z.strictObject({ password: consolePassword });

export const consoleUserSchema = z.object({
  name: z.string(),
  role,
  /** False: may not log in. */
  enabled: z.boolean(),
  createdAt: unixMs,
  /** Of the password. */
  changedAt: unixMs,
  /** Log-ins of it that are in force. */
  logIns: z.number().int().nonnegative(),
});

export const consoleUsersSchema = z.object({ users: z.array(consoleUserSchema) });

/** `metrics` opens /metrics and /readyz, and nothing else. */
const tokenRole = z.enum(["metrics", ...roles]);
export type TokenRole = z.output<typeof tokenRole>;

export const newTokenSchema = z.strictObject({
  name: consoleName,
  role: tokenRole,
  days: z.number().int().min(1).max(3_650),
});

export const tokenSchema = z.object({
  name: z.string(),
  role: tokenRole,
  createdAt: unixMs,
  expiresAt: unixMs,
});

/** The one time that a token itself is shown. */
export const tokenMadeSchema = tokenSchema.extend({ token: z.string() });
export const tokensSchema = z.object({ tokens: z.array(tokenSchema) });

export const logInSchema = z.strictObject({
  name: z.string().max(64),
  password: z.string().max(256),
});

/** Who asks, and until when; `csrf` goes into X-Holdfast-CSRF with whatever changes something. */
export const consoleSessionSchema = z.object({
  name: z.string(),
  role,
  expiresAt: unixMs,
  csrf: z.string(),
});

export type NewConsoleUser = z.output<typeof newConsoleUserSchema>;
export type ConsoleUserChange = z.output<typeof consoleUserChangeSchema>;
export type ConsoleUserShown = z.output<typeof consoleUserSchema>;
export type NewToken = z.output<typeof newTokenSchema>;
export type TokenShown = z.output<typeof tokenSchema>;
export type TokenMade = z.output<typeof tokenMadeSchema>;
export type ConsoleSessionShown = z.output<typeof consoleSessionSchema>;
