/** May be kept, but asked for again with its ETag: a new deployment shows at once. */
export const CACHED = { 'cache-control': 'no-cache' } as const;
/** Never kept: answers about somebody's photograph, and everything that changes by the second. */
export const NOT_CACHED = { 'cache-control': 'no-store' } as const;
