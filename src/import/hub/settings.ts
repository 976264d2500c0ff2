/** Where the hub is and who asks, from the environment that its own tools read. */
import { InvalidRequest } from '../../errors.ts';
import { parseAddress } from '../source/http-range.ts';

export interface HubSettings {
  /** Origin and path, without a slash at the end. */
  endpoint: string;
  /** A secret. */
  token: string | undefined;
}

const HUB = 'https://huggingface.co';
/** Those of users and of applications; what else stands there would go to the hub as a header. */
const TOKEN = /^hf_[\x21-\x7e]+$/;

/**
 * HF_ENDPOINT and HF_TOKEN.
 * @throws InvalidRequest, which never quotes the token
 */
export function hubSettings(env: Record<string, string | undefined> = process.env): HubSettings {
  const token = env.HF_TOKEN?.trim() || undefined;
  if (token !== undefined && !TOKEN.test(token)) {
    throw new InvalidRequest('HF_TOKEN: expected a token of Hugging Face, which starts with hf_');
  }
  return { endpoint: endpointOf(env.HF_ENDPOINT?.trim() || HUB), token };
}

function endpointOf(address: string): string {
  try {
    const { href, search, hash } = parseAddress(address);
    if (search === '' && hash === '') return href.replace(/\/$/, '');
  } catch {
    // Its message has the address in it, and with that perhaps a password.
  }
  throw new InvalidRequest(
    'HF_ENDPOINT: expected an https address (http for this machine itself) without a user, a password or a query',
  );
}
