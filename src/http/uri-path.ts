/** What no path of a URI holds as it is (RFC 3986 section 3.3), a `%` included that escapes nothing. */
const NO_PATH_CHARACTER = /%(?![0-9a-f]{2})|[^-a-z0-9._~!$&'()*+,;=:@/%]/giu;

/**
 * A path as a URI writes it: clients send `|` or `ü` as well, and the URLs that programs parse keep some of that.
 * @param path well-formed text, escaped or not
 */
export function uriPath(path: string): string {
  return path.replace(NO_PATH_CHARACTER, encodeURIComponent);
}
