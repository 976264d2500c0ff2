/** What API Gateway hands to the HTTP function (payload 2.0). */
export function httpEvent(method: string, path: string, contentType = '', body: Buffer | null = null) {
  return {
    version: '2.0',
    routeKey: `${method} ${path}`,
    rawPath: path,
    rawQueryString: '',
    headers: { 'content-type': contentType, host: 'example.org' },
    requestContext: {
      accountId: '111122223333',
      apiId: 'api',
      domainName: 'example.org',
      http: { method, path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'test' },
      requestId: 'request',
      routeKey: '$default',
      stage: '$default',
      time: '01/Jan/2026:00:00:00 +0000',
      timeEpoch: 0,
    },
    ...(body && { body: body.toString('base64') }),
    isBase64Encoded: body !== null,
  };
}
