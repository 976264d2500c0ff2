/**
 * What anybody may get before signing in: the page, and the reference that it links to. All three say the same to
 * everybody, read no image and no bucket, and are answered from CloudFront's cache.
 */
export const OPEN_PATHS = ['/', '/docs', '/openapi.json'] as const;
