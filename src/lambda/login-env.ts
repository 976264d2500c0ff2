/** Environment variables of the page's login, which a deployment has only where it has one. */
import * as z from 'zod';

/** Issuer of the tokens that the gateway takes; without it the page asks nobody to sign in. */
export const LOGIN_ISSUER = 'LOGIN_ISSUER';
/** The page, as the issuer knows it. */
export const LOGIN_CLIENT_ID = 'LOGIN_CLIENT_ID';
/** What the page asks the issuer for, separated by blanks. */
export const LOGIN_SCOPE = 'LOGIN_SCOPE';

const schema = z
  .object({
    [LOGIN_ISSUER]: z.url({ protocol: /^https$/ }),
    [LOGIN_CLIENT_ID]: z.string().min(1),
    [LOGIN_SCOPE]: z.string().min(1),
  })
  .transform((env) => ({
    issuer: env[LOGIN_ISSUER],
    clientId: env[LOGIN_CLIENT_ID],
    scope: env[LOGIN_SCOPE],
  }));

type LoginSettings = z.output<typeof schema>;

/**
 * @returns null where there is no login
 * @throws ZodError naming every variable that is missing or wrong
 */
export function readLogin(env: Record<string, string | undefined>): LoginSettings | null {
  return env[LOGIN_ISSUER] === undefined ? null : schema.parse(env);
}
