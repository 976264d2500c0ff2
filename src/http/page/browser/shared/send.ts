/** How the page asks its server. */

declare global {
  /** Says who asks; there where a deployment has a login (`browser/login`). */
  var sendSigned: ((address: string | URL, init?: RequestInit) => Promise<Response>) | undefined;
}

export function send(address: string | URL, init?: RequestInit): Promise<Response> {
  return (globalThis.sendSigned ?? fetch)(address, init);
}

/** Whether the answer was: not without signing in. */
export function isSignInNeeded({ status }: { status?: number | undefined }): boolean {
  return status === 401 && !!globalThis.sendSigned;
}
