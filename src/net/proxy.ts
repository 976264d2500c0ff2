/** Which proxy the environment names for an address, read as curl and AWS's command line read it. */
import { BlockList, isIP } from 'node:net';
import { InvalidRequest } from '../errors.ts';

export interface ProxyServer {
  /** `http:` or `https:`; without name and password, so that it can be shown. */
  url: URL;
  /** Value of `proxy-authorization`; a secret. */
  authorization?: string;
}

export interface Proxies {
  /** By protocol of what is asked for. */
  of: Record<string, ProxyServer | null>;
  /** As `NO_PROXY` has them. */
  exceptions: string;
}

type Environment = Record<string, string | undefined>;

const DEFAULT_PORTS: Record<string, string> = { 'https:': '443', 'http:': '80' };

/**
 * HTTPS_PROXY, HTTP_PROXY and NO_PROXY.
 * @returns `null` where no proxy is named
 * @throws InvalidRequest for a variable that names no proxy
 */
export function readProxies(env: Environment = process.env): Proxies | null {
  const of = { 'https:': readProxy('HTTPS_PROXY', env), 'http:': readProxy('HTTP_PROXY', env) };
  if (of['https:'] === null && of['http:'] === null) return null;
  return { of, exceptions: settingOf('NO_PROXY', env) };
}

/** @returns `null` for what is asked directly */
export function proxyFor(url: URL, { of, exceptions }: Proxies): ProxyServer | null {
  return isException(url, exceptions) ? null : (of[url.protocol] ?? null);
}

/** Lower case wins, and an empty one counts as none. */
function settingOf(name: string, env: Environment): string {
  return env[name.toLowerCase()]?.trim() || env[name]?.trim() || '';
}

/** Never quotes the value, which may have a password in it. */
function readProxy(name: string, env: Environment): ProxyServer | null {
  const value = settingOf(name, env);
  if (value === '') return null;
  const written = value.includes('://') ? value : `http://${value}`;
  const url = URL.canParse(written) ? new URL(written) : null;
  if (url === null || !(url.protocol in DEFAULT_PORTS) || url.hostname === '') {
    throw new InvalidRequest(`${name}: expected the address of a proxy, as http://proxy.example.org:3128`);
  }
  const { username, password } = url;
  url.username = '';
  url.password = '';
  if (username === '' && password === '') return { url };
  const pair = `${decoded(username)}:${decoded(password)}`;
  return { url, authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** A percent sign in a password that nobody encoded stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Hosts with their subdomains, with a port or without; IP addresses and ranges of them (CIDR); `*` for all. */
function isException({ hostname, port, protocol }: URL, list: string): boolean {
  const host = bare(hostname);
  return list.split(/[\s,]+/).some((entry) => {
    if (entry === '' || entry === '*') return entry === '*';
    if (entry.includes('/')) return isWithin(host, entry);
    const { name, onlyPort } = splitPort(entry);
    if (onlyPort !== undefined && onlyPort !== (port || DEFAULT_PORTS[protocol])) return false;
    const suffix = bare(name.replace(/^\*?\./, ''));
    return suffix !== '' && (host === suffix || (isIP(host) === 0 && host.endsWith(`.${suffix}`)));
  });
}

/** `host:port`, `[address]:port`; an address of IPv6 without brackets has colons of its own. */
function splitPort(entry: string): { name: string; onlyPort?: string } {
  const [, name, onlyPort] = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(entry) ?? [];
  return name === undefined || onlyPort === undefined ? { name: entry } : { name, onlyPort };
}

/** As names are compared: in lower case, without brackets of IPv6 and the dot of the root. */
function bare(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
}

function isWithin(host: string, range: string): boolean {
  const slash = range.indexOf('/');
  const network = bare(range.slice(0, slash));
  const bits = range.slice(slash + 1);
  const version = isIP(network);
  if (version === 0 || isIP(host) !== version || !/^\d{1,3}$/.test(bits)) return false;
  if (Number(bits) > (version === 4 ? 32 : 128)) return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(network, Number(bits), family);
  return list.check(host, family);
}
