/** What API Gateway's JWT authorizer does with a request before the function sees it. */
import { createPublicKey, createVerify, type JsonWebKey } from 'node:crypto';

export interface Authorizer {
  issuer: string;
  audience: readonly string[];
  keys: readonly JsonWebKey[];
  /** Of a route; at least one of them has to be in the token. */
  scopes: readonly string[];
  /** Paths whose routes have no authorizer, for GET and HEAD. */
  open: readonly string[];
}

type Fetch = (request: Request) => Response | Promise<Response>;

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html#http-api-jwt-authorizer.evaluation */
export function behindGateway(authorizer: Authorizer, fetch: Fetch): Fetch {
  return (request) => {
    const isOpen =
      ['GET', 'HEAD'].includes(request.method) && authorizer.open.includes(new URL(request.url).pathname);
    if (isOpen) return fetch(request);
    const status = statusFor(request.headers.get('authorization'), authorizer);
    if (status === 200) return fetch(request);
    const message = status === 401 ? 'Unauthorized' : 'Forbidden';
    return Response.json({ message }, { status, headers: { 'www-authenticate': 'Bearer' } });
  };
}

/** 401 for a token that is none of the issuer's for this audience now, 403 for one without a scope. */
export function statusFor(authorization: string | null, authorizer: Authorizer): 200 | 401 | 403 {
  const [head = '', payload = '', signature = ''] = (authorization ?? '').replace(/^Bearer /i, '').split('.');
  const [{ alg, kid }, claims] = [decoded(head), decoded(payload)];
  const key = authorizer.keys.find((one) => one.kid === kid);
  if (alg !== 'RS256' || key === undefined) return 401;
  const verify = createVerify('RSA-SHA256').update(`${head}.${payload}`);
  if (!verify.verify(createPublicKey({ key, format: 'jwk' }), signature, 'base64url')) return 401;
  const now = Date.now() / 1000;
  const isTimely =
    Number(claims.exp) > now && Number(claims.nbf ?? 0) < now && Number(claims.iat ?? 0) <= now;
  // "client_id" is looked at only where there is no "aud", which access tokens of Cognito have not.
  const audience = [claims.aud ?? claims.client_id].flat();
  const isForUs = audience.some((one) => authorizer.audience.includes(one as string));
  if (claims.iss !== authorizer.issuer || !isForUs || !isTimely) return 401;
  const scopes = String(claims.scope ?? claims.scp ?? '').split(' ');
  const isAllowed = authorizer.scopes.length === 0 || authorizer.scopes.some((one) => scopes.includes(one));
  return isAllowed ? 200 : 403;
}

function decoded(part: string): Record<string, unknown> {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString());
  } catch {
    return {};
  }
}
